import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { test } from 'node:test';
import { freePort } from './free-port.ts';

test('a port that the kernel gives to nobody, where nobody answers and where one can listen', async () => {
  const port = await freePort();
  const range = readFileSync('/proc/sys/net/ipv4/ip_local_port_range', 'utf8');
  assert.ok(port >= 10_000 && port < Number(range.split(/\s+/)[0]), `${port} is not below ${range}`);
  await assert.rejects(once(connect(port, '127.0.0.1'), 'connect'), { code: 'ECONNREFUSED' });
  const server = createServer().listen(port, '127.0.0.1');
  await once(server, 'listening');
  server.close();
});
