/**
 * Ports for programs that must be told one, for listeners that go away and come back at the same place, and for places where
 * nobody listens. They lie below the range from which the kernel serves port 0 and outgoing connections, so nobody gets one
 * by chance after it was looked at. Test processes beside this one choose from the same thousands, at random.
 */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { randomInt } from 'node:crypto';

const LOWEST = 10_000;
const [KERNEL_LOWEST] = readFileSync('/proc/sys/net/ipv4/ip_local_port_range', 'utf8')
  .split(/\s+/)
  .map(Number);

/** A port of 127.0.0.1 that nobody has, neither for TCP nor for UDP. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(LOWEST, KERNEL_LOWEST ?? 32_768);
    if ((await tcpFree(port)) && (await udpFree(port))) return port;
  }
}

async function tcpFree(port: number): Promise<boolean> {
  const server = createServer().listen(port, '127.0.0.1');
  const free = await listens(once(server, 'listening'));
  if (free) await new Promise(resolve => server.close(resolve));
  return free;
}

async function udpFree(port: number): Promise<boolean> {
  const socket = createSocket('udp4').bind(port, '127.0.0.1');
  const free = await listens(once(socket, 'listening'));
  if (free) await new Promise<void>(resolve => socket.close(resolve));
  return free;
}

/** False when somebody has it; any other error is one of the machine. */
function listens(listening: Promise<unknown>): Promise<boolean> {
  return listening.then(
    () => true,
    (e: NodeJS.ErrnoException) => {
      if (e.code === 'EADDRINUSE') return false;
      throw e;
    },
  );
}
