/**
 * Turns port 0 of a listen address into one free port, once, before anybody serves there: workers that die, even all of
 * them at once, come back where clients know them.
 *
 * It does not hold the port: between its answer and the listening of the first worker somebody else may take it. Who
 * asks must try again then. Holding it is no way in Node: a listener of this process would accept connections itself.
 */
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';

export interface ListenAddress {
  host: string;
  port: number;
}

/** The same addresses in the same order, none with port 0. Rejects with the system's error when a host cannot be listened on. */
export async function fixPorts(listen: readonly ListenAddress[]): Promise<ListenAddress[]> {
  const held = listen.filter(at => at.port === 0).map(({ host }) => createServer().listen({ host, port: 0 }));
  try {
    // All open at the same time, so that no two get the same port.
    await Promise.all(held.map(server => once(server, 'listening')));
    const ports = held.map(server => (server.address() as AddressInfo).port);
    return listen.map(({ host, port }) => ({ host, port: port === 0 ? (ports.shift() ?? 0) : port }));
  } finally {
    await Promise.all(held.map(server => new Promise(closed => server.close(closed))));
  }
}
