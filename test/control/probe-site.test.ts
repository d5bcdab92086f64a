import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer, type AddressInfo } from 'node:net';
import { test } from 'node:test';
import { startProbeSite } from '../../src/control/probe-site.ts';

const LOCAL = { host: '127.0.0.1', port: 0 };

async function site(parts: { obstacles?: string[]; text?: () => Promise<string> } = {}) {
  const running = await startProbeSite({
    listen: [LOCAL],
    metrics: {
      contentType: 'text/plain; version=0.0.4; charset=utf-8',
      text: parts.text ?? (() => Promise.resolve('sightglass_ready 1\n')),
    },
    obstacles: () => parts.obstacles ?? [],
  });
  const { host, port } = running.listeners[0] ?? LOCAL;
  return { running, url: `http://${host}:${port}` };
}

void test('nothing is opened when nothing is named', async () => {
  const running = await startProbeSite({
    listen: [],
    metrics: { contentType: '', text: () => Promise.resolve('') },
    obstacles: () => [],
  });
  assert.deepEqual(running.listeners, []);
  await running.close();
});

void test('metrics, life and readiness', async t => {
  const obstacles: string[] = [];
  const { running, url } = await site({ obstacles });
  t.after(() => running.close());
  const metrics = await fetch(`${url}/metrics`);
  assert.equal(metrics.status, 200);
  assert.match(metrics.headers.get('content-type') ?? '', /version=0\.0\.4/);
  assert.equal(await metrics.text(), 'sightglass_ready 1\n');
  assert.equal((await fetch(`${url}/healthz`)).status, 200);
  assert.equal((await fetch(`${url}/readyz`)).status, 200);
  obstacles.push('the recorder is not running', 'no worker serves yet');
  const unready = await fetch(`${url}/readyz?verbose`);
  assert.equal(unready.status, 503);
  assert.equal(await unready.text(), 'the recorder is not running\nno worker serves yet\n');
  assert.equal((await fetch(`${url}/healthz`)).status, 200, 'unready is not dead');
  assert.equal((await fetch(`${url}/`)).status, 404);
  const posted = await fetch(`${url}/metrics`, { method: 'POST', body: 'x' });
  assert.equal(posted.status, 405);
  assert.equal(posted.headers.get('allow'), 'GET, HEAD');
});

void test('scrapes that come together share one gathering; a failed one is told and the next tries again', async t => {
  let gatherings = 0;
  let release: () => void = () => undefined;
  let begin: () => void = () => undefined;
  const begun = new Promise<void>(resolve => (begin = resolve));
  const { running, url } = await site({
    text: async () => {
      gatherings++;
      begin();
      if (gatherings === 2) throw new Error('no');
      await new Promise<void>(resolve => {
        release = resolve;
      });
      return 'x 1\n';
    },
  });
  t.after(() => running.close());
  // Two requests in one write: both have arrived when the gathering begins.
  const { port } = running.listeners[0] ?? LOCAL;
  const socket = connect({ port, host: '127.0.0.1' });
  const ask = 'GET /metrics HTTP/1.1\r\nHost: localhost\r\n';
  socket.write(`${ask}\r\n${ask}Connection: close\r\n\r\n`);
  let answers = '';
  socket.on('data', data => (answers += data.toString()));
  await begun;
  await new Promise(setImmediate);
  release();
  await once(socket, 'close');
  assert.equal(answers.split('x 1\n').length - 1, 2, answers);
  assert.equal(gatherings, 1);
  assert.equal((await fetch(`${url}/metrics`)).status, 503);
});

void test('an address that is taken is an error and leaves nothing open', async () => {
  const other = createServer().listen(LOCAL);
  await once(other, 'listening');
  const { port } = other.address() as AddressInfo;
  await assert.rejects(
    startProbeSite({
      listen: [LOCAL, { host: '127.0.0.1', port }],
      metrics: { contentType: '', text: () => Promise.resolve('') },
      obstacles: () => [],
    }),
    { code: 'EADDRINUSE' },
  );
  other.close();
});
