import assert from 'node:assert/strict';
import { test } from 'node:test';
import { curl } from './curl.ts';
import { freePort } from './free-port.ts';
import { startRawOrigin } from './origin.ts';

test('status, fields, body and metrics of an answer', async t => {
  const origin = await startRawOrigin({ name: 'curl-test' });
  t.after(origin.stop);
  origin.behaviour = () => ({
    bytes: 'HTTP/1.1 404 Gone fishing\r\nX-A: 1\r\nx-a: 2\r\nContent-Length: 4\r\n\r\nbody',
  });
  const answer = await curl(`http://127.0.0.1:${origin.port}/x`);
  assert.deepEqual([answer.code, answer.status, answer.connectStatus], [0, 404, 0]);
  assert.equal(answer.headers['x-a'], '1, 2');
  assert.equal(answer.body.toString(), 'body');
  assert.equal(answer.metrics['size_download'], 4);
  assert.match(origin.visits[0]?.received.toString() ?? '', /^GET \/x HTTP\/1\.1\r\n/);
});

test('a failure is told by its code and curl’s words', async () => {
  const answer = await curl(`http://127.0.0.1:${await freePort()}/`);
  assert.deepEqual([answer.code, answer.status, answer.body.length, answer.headers], [7, 0, 0, {}]);
  assert.match(answer.stderr, /Failed to connect/);
});
