/** A TCP forwarder in front of a port: what it counts is what a client opened and moved, whatever the proxy says. */
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

export interface Counted {
  /** From the client to the port, in bytes. */
  up: number;
  down: number;
  closed: boolean;
}

export interface Forwarder {
  port: number;
  connections: Counted[];
  stop: () => Promise<void>;
}

/** Forwards 127.0.0.1:free to 127.0.0.1:`target`, half-closes included. */
export async function countingForwarder(target: number): Promise<Forwarder> {
  const connections: Counted[] = [];
  const sockets = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true }, client => {
    const counted: Counted = { up: 0, down: 0, closed: false };
    connections.push(counted);
    const onward = connect({ port: target, host: '127.0.0.1', allowHalfOpen: true });
    for (const [from, to] of [
      [client, onward],
      [onward, client],
    ] as const) {
      sockets.add(from);
      from.on('data', data => {
        counted[from === client ? 'up' : 'down'] += data.length;
        if (!to.write(data)) from.pause();
      });
      to.on('drain', () => from.resume());
      from.on('end', () => to.end());
      from.on('error', () => to.resetAndDestroy());
      from.on('close', () => {
        sockets.delete(from);
        to.destroySoon();
        counted.closed = true;
      });
    }
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    connections,
    stop: async () => {
      if (!server.listening) return;
      const closed = new Promise(resolve => server.close(resolve));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}
