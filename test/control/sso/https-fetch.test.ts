import assert from 'node:assert/strict';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { httpsFetch } from '../../../src/control/sso/https-fetch.ts';
import { makeTestCa } from '../../helpers/tls-authority.ts';

test('it trusts what it was told to, sends what it was given, and ends what is too large or too slow', async t => {
  const ca = makeTestCa();
  const { cert, key } = ca.issue({ names: ['127.0.0.1'] });
  const server = createServer({ cert, key }, (req, res) => {
    if (req.url === '/slow') return;
    if (req.url === '/large') {
      res.end(Buffer.alloc(2 * 1024 * 1024));
      return;
    }
    let body = '';
    req.on('data', chunk => (body += chunk));
    req.on('end', () =>
      res.writeHead(302, { location: '/large', 'x-told': `${req.method} ${body}` }).end('{}'),
    );
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  t.after(async () => {
    server.closeAllConnections();
    await new Promise(resolve => server.close(resolve));
    ca.remove();
  });
  const at = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const ask = httpsFetch([ca.caPem]);
  const answer = await ask(`${at}/`, { method: 'POST', body: new URLSearchParams({ a: 'b c' }) });
  assert.deepEqual([answer.status, answer.headers.get('x-told')], [302, 'POST a=b+c'], 'and follows nothing');
  assert.deepEqual(await answer.json(), {});
  await assert.rejects(ask(`${at}/large`), /larger than a megabyte/);
  await assert.rejects(httpsFetch([ca.caPem], 50)(`${at}/slow`), { name: 'AbortError' });
  await assert.rejects(httpsFetch([])(`${at}/`), /unable to|certificate|issuer/);
});
