/** The world outside of a resolver under test: a server that knows every name, and a client that asks the resolver. */
import { createSocket } from 'node:dgram';
import { Resolver } from 'node:dns/promises';
import { once } from 'node:events';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';

/** The address that every name has, unless a list says otherwise. */
export const EVERYWHERE = '192.0.2.1';

export interface World {
  port: number;
  close(): Promise<void>;
}

/** Answers A with EVERYWHERE and everything else with nothing, for any name; UDP and TCP. */
export async function world(): Promise<World> {
  const udp = createSocket('udp4');
  udp.bind(0, '127.0.0.1');
  await once(udp, 'listening');
  const { port } = udp.address();
  udp.on('message', (query, from) => udp.send(answer(query), from.port, from.address));
  const tcp = createServer(socket => {
    socket.on('error', () => socket.destroy());
    socket.on('data', data => {
      const reply = answer(data.subarray(2));
      const length = Buffer.alloc(2);
      length.writeUInt16BE(reply.length);
      socket.end(Buffer.concat([length, reply]));
    });
  });
  tcp.listen(port, '127.0.0.1');
  await once(tcp, 'listening').catch(() => undefined);
  // Whatever goes wrong with the resolver, the world keeps no test process alive.
  udp.unref();
  tcp.unref();
  return {
    port,
    async close() {
      udp.close();
      if ((tcp.address() as AddressInfo | null) !== null) {
        tcp.close();
        await once(tcp, 'close');
      }
    },
  };
}

/** RFC 1035 §4.1: the query's head and question, and one record that points back to the name at offset 12. */
function answer(query: Buffer): Buffer {
  let end = 12;
  while (end < query.length && (query[end] ?? 0) !== 0) end += (query[end] ?? 0) + 1;
  const question = query.subarray(12, end + 5);
  const type = query.readUInt16BE(end + 1);
  const head = Buffer.from(query.subarray(0, 12));
  head.writeUInt16BE(0x8580 | (head.readUInt16BE(2) & 0x0100), 2);
  head.writeUInt16BE(1, 4);
  head.writeUInt16BE(type === 1 ? 1 : 0, 6);
  head.writeUInt32BE(0, 8);
  const record = Buffer.from('c00c0001000100000001000400000000', 'hex');
  for (const [i, octet] of EVERYWHERE.split('.').entries()) record[12 + i] = Number(octet);
  return Buffer.concat(type === 1 ? [head, question, record] : [head, question]);
}

/** Whether the resolver at `port` gives a name's true address; false when it refuses or lies. */
export async function resolvesTruly(port: number, name: string): Promise<boolean> {
  const resolver = new Resolver({ timeout: 3000, tries: 2 });
  resolver.setServers([`127.0.0.1:${port}`]);
  try {
    const addresses = await resolver.resolve4(name);
    return addresses.includes(EVERYWHERE);
  } catch (e) {
    const { code } = e as NodeJS.ErrnoException;
    // A list may refuse in these ways; anything else is a failure of the set-up.
    if (code === 'ENOTFOUND' || code === 'ENODATA' || code === 'EREFUSED') return false;
    throw e;
  } finally {
    resolver.cancel();
  }
}
