import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { curl } from './curl.ts';
import { startNginx } from './nginx.ts';
import { makeTestCa } from './tls-authority.ts';

test('all servers and locations answer as promised, and the log counts them', async t => {
  const ca = makeTestCa();
  t.after(ca.remove);
  const nginx = await startNginx({ ca });
  t.after(nginx.stop);
  const get = (path: string, ...args: string[]) =>
    curl('--cacert', ca.caFile, ...args, `https://localhost:${nginx.ec}${path}`);

  assert.match((await get('/')).body.toString(), /Hello from nginx/);
  for (const [path, size] of [
    ['/1k', 1024],
    ['/64k', 65_536],
    ['/100m', 104_857_600],
  ] as const) {
    const { body, status } = await get(path);
    assert.deepEqual([status, body.length], [200, size]);
    assert.equal(createHash('sha256').update(body).digest('hex'), nginx.digest(path));
  }
  const chunked = await get('/chunked');
  assert.equal(chunked.headers['transfer-encoding'], 'chunked');
  assert.equal(chunked.body.length, 65_536);
  assert.equal(
    (await get('/echo', '--data-binary', 'x'.repeat(100_000))).body.toString(),
    'received 100000\n',
  );
  const upload = await get('/echo', '-H', 'Transfer-Encoding: chunked', '--data-binary', 'x'.repeat(5000));
  assert.equal(upload.body.toString(), 'received 5000\n');
  assert.equal((await get('/redirect')).status, 302);
  assert.equal((await get('/404')).status, 404);
  assert.equal((await get('/204')).status, 204);
  assert.match((await get('/cookie')).headers['set-cookie'] ?? '', /^session=secret-/);
  assert.equal((await get('/close')).headers['connection'], 'close');
  assert.equal((await get('/slow')).body.length, 65_536);

  assert.equal(
    (await curl('--cacert', ca.caFile, '-H', 'x-test: tagged', `https://localhost:${nginx.rsa}/1k`)).status,
    200,
  );
  assert.equal((await curl(`http://127.0.0.1:${nginx.http}/1k`)).status, 200);
  assert.equal((await curl(`https://localhost:${nginx.ec}/`)).code, 60, 'nobody else trusts it');

  const log = await nginx.waitForRequests(15);
  assert.equal(log.length, 15);
  assert.equal(nginx.countRequests(), 15);
  const echoed = log.find(r => r.uri === '/echo');
  assert.equal(echoed?.method, 'POST');
  assert.ok((echoed?.request_length ?? 0) > 100_000);
  const big = log.find(r => r.uri === '/100m');
  assert.equal(big?.body_bytes_sent, 104_857_600);
  const tagged = log.find(r => r.tag === 'tagged');
  assert.deepEqual([tagged?.tls, tagged?.port, tagged?.status], ['TLSv1.3', String(nginx.rsa), 200]);
  assert.equal(log.at(-1)?.tls, '');
  assert.equal((await nginx.stop()).length, 15, 'the log is complete after the end');
  assert.equal((await curl(`http://127.0.0.1:${nginx.http}/`)).code, 7, 'and it is gone');
  // stop is called again by t.after: a second call must not fail.
});
