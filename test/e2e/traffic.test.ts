/**
 * The main job on real parts: curl through the product to nginx. What the origin's log counted is what the
 * product recorded, request for request and byte for byte; every connection has its one row; policy changes apply.
 */
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { curl } from '../helpers/curl.ts';
import { startNginx, type NginxOrigin, type OriginRequest } from '../helpers/nginx.ts';
import { startProduct, type Product, type Row } from '../helpers/product.ts';
import { makeTestCa, type TestCa } from '../helpers/tls-authority.ts';
import { countingForwarder } from './counting-forwarder.ts';
import { atOrigin, inRecord } from './same-request.ts';

const NAMES = ['ec.test', 'rsa.test', 'http.test', 'pass.test', 'blocked.test'];
const policy = (more = ''): string => `
version: 1
default: block
rules:
${more}
  - { name: no, when: { host: blocked.test }, action: block, block: page, reason: Not for work }
  - { name: private, when: { host: pass.test }, action: passthrough, reason: Private }
  - { name: audited, when: { host: .test }, action: inspect, capture: bodies, reason: Audited }
`;

describe('traffic', () => {
  /** What was started, last first; ended at the end, whatever became of the tests. */
  const undo: (() => unknown)[] = [];
  const scratch = mkdtempSync(join(tmpdir(), 'sightglass-traffic-'));
  let ca: TestCa;
  let nginx: NginxOrigin;
  let product: Product;
  let via: string[];
  before(async () => {
    ca = makeTestCa();
    undo.unshift(() => ca.remove());
    nginx = await startNginx({ ca, names: NAMES });
    undo.unshift(() => nginx.stop());
    product = await startProduct({
      policy: policy(),
      flags: {
        'origin.trust': 'none',
        'origin.extra-ca': ca.caFile,
        'origin.resolve': NAMES.map(name => `${name}=127.0.0.1`),
      },
    });
    undo.unshift(() => product.cleanUp());
    via = ['--proxy', product.url, '--cacert', product.caFile];
  });
  after(async () => {
    for (const step of undo) await step();
    rmSync(scratch, { recursive: true, force: true });
  });

  const url = {
    ec: (path: string) => `https://ec.test:${nginx.ec}${path}`,
    rsa: (path: string) => `https://rsa.test:${nginx.rsa}${path}`,
    http: (path: string) => `http://http.test:${nginx.http}${path}`,
    pass: (path: string) => `https://pass.test:${nginx.ec}${path}`,
  };
  const digest = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');
  /** Runs `body` and then compares what nginx logged meanwhile with what the product recorded. */
  async function compared(body: () => Promise<void>): Promise<{ rows: Row[]; requests: OriginRequest[] }> {
    const [origins, records] = [nginx.countRequests(), (await product.search()).length];
    await body();
    // nginx logs a request when it is over, which may be a moment after the client had it all.
    const rows = (
      await product.eventually('search', '', all => {
        const seen = nginx
          .requests()
          .slice(origins)
          .filter(r => r.host.split(':')[0] !== 'pass.test');
        return all.length - records >= seen.length && seen.length > 0;
      })
    ).slice(records);
    const requests = nginx.requests().slice(origins);
    const visible = requests.filter(r => r.host.split(':')[0] !== 'pass.test');
    assert.deepEqual(rows.map(inRecord).sort(), visible.map(atOrigin).sort());
    return { rows, requests };
  }

  for (const kind of ['ec', 'rsa'] as const)
    test(`curl, ${kind} origin: every kind of answer, counted and sized as the origin's log has it`, async () => {
      const { rows } = await compared(async () => {
        const get = async (path: string, ...more: string[]) => await curl(...via, ...more, url[kind](path));
        const page = await get('/');
        assert.equal(page.status, 200);
        assert.match(page.body.toString(), /Hello from nginx/);
        assert.equal(page.metrics['ssl_verify_result'], 0);
        assert.equal(digest((await get('/64k')).body), nginx.digest('/64k'));
        assert.equal((await get('/chunked')).body.length, 65_536);
        assert.equal((await get('/64k', '--head')).headers['content-length'], '65536');
        assert.equal((await get('/204')).status, 204);
        assert.equal((await get('/404')).status, 404);
        const etag = (await get('/1k')).headers['etag'] ?? '';
        assert.equal((await get('/1k', '-H', `If-None-Match: ${etag}`)).status, 304);
        const followed = await get('/redirect', '--location');
        assert.equal(followed.status, 200);
        assert.equal(followed.metrics['num_redirects'], 1);
        assert.equal((await get('/64k', '--range', '10-19')).body.length, 10);
        assert.equal((await get('/1k', '--http1.0')).body.length, 1024);
        assert.equal((await get('/cookie', '-H', 'Cookie: id=secret-of-the-client')).status, 200);
      });
      assert.deepEqual(
        rows.filter(r => r['fault'] !== null || r['rule'] !== 'audited'),
        [],
      );
      const stored = JSON.stringify(rows);
      assert.doesNotMatch(stored, /secret/);
    });

  test('uploads of every framing arrive whole and are counted', async () => {
    const file = join(scratch, 'upload');
    const body = randomBytes(3_000_000);
    writeFileSync(file, body);
    const { rows } = await compared(async () => {
      for (const more of [
        ['--data-binary', `@${file}`],
        ['--upload-file', file, '-H', 'Transfer-Encoding: chunked', '-H', 'Expect: 100-continue'],
        ['--data-binary', `@${file}`, '-H', 'Expect:'],
      ]) {
        const answer = await curl(...via, ...more, url.ec('/echo'));
        assert.equal(answer.body.toString(), `received ${body.length}\n`);
      }
      assert.equal((await curl(...via, '--data', '', url.ec('/echo'))).status, 200);
    });
    // Two workers served them: their order in the store is not that of the client.
    assert.deepEqual(
      rows.map(r => Number(r['reqBytes'])).sort((a, b) => b - a),
      [body.length, body.length, body.length, 0],
    );
  });

  test('100 MiB, inspected and passed through, arrive unchanged', async () => {
    const { rows, requests } = await compared(async () => {
      for (const target of [url.rsa('/100m'), url.pass('/100m')]) {
        const trust = target.includes('pass.test') ? ['--cacert', ca.caFile] : [];
        const answer = await curl(...via, ...trust, target);
        assert.equal(answer.code, 0, answer.stderr);
        assert.equal(digest(answer.body), nginx.digest('/100m'));
      }
    });
    assert.equal(rows.length, 1);
    assert.equal(requests.length, 2);
    assert.equal(rows[0]?.['resBytes'], 100 * 2 ** 20);
    const [flow] = await product.eventually('flows', 'host:pass.test', all => all.length >= 1);
    assert.equal(flow?.['verdict'], 'passthrough');
    assert.ok(Number(flow['bytesDown']) > 100 * 2 ** 20);
  });

  test('plain HTTP through the proxy, one connection for many requests', async () => {
    const { rows } = await compared(async () => {
      const answer = await curl(
        ...via,
        ...several(url.http('/'), url.http('/1k'), url.http('/64k'), url.http('/chunked')),
      );
      assert.equal(answer.code, 0, answer.stderr);
    });
    assert.deepEqual(
      rows.map(r => [r['scheme'], r['path']]),
      [
        ['http', '/'],
        ['http', '/1k'],
        ['http', '/64k'],
        ['http', '/chunked'],
      ],
    );
    assert.equal(new Set(rows.map(r => r['flow'])).size, 1);
  });

  test('a blocked name is a page under our root and never reaches the origin', async () => {
    const origins = nginx.countRequests();
    const answer = await curl(...via, `https://blocked.test:${nginx.ec}/x`);
    assert.equal(answer.status, 403);
    assert.match(answer.body.toString(), /Not for work/);
    const [row] = await product.eventually('search', 'host:blocked.test', all => all.length === 1);
    assert.deepEqual([row?.['verdict'], row?.['rule'], row?.['fault']], ['block', 'no', 'blocked-by-policy']);
    assert.equal(nginx.countRequests(), origins);
  });

  test('curl, connection by connection: one row each, with the bytes that were moved', async () => {
    const forwarder = await countingForwarder(product.port);
    undo.unshift(() => forwarder.stop());
    const flows = (await product.flows()).length;
    const through = ['--proxy', `http://127.0.0.1:${forwarder.port}`, '--cacert', product.caFile];
    let visits = 0;
    for (const args of [
      [url.ec('/1k')],
      several(url.ec('/1k'), url.rsa('/1k'), url.ec('/64k')),
      several(url.http('/1k'), url.http('/1k')),
      [url.pass('/1k'), '--cacert', ca.caFile],
      [`https://blocked.test:${nginx.ec}/`],
      several(url.ec('/close'), url.ec('/close')),
    ]) {
      const answer = await curl(...through, ...args);
      assert.equal(answer.code, 0, answer.stderr);
      visits++;
    }
    // A name that does not exist, a tunnel that is left at once and plain nonsense have their rows too.
    assert.equal((await curl(...through, 'https://nowhere.test/')).status, 502);
    for (const bytes of ['CONNECT ec.test:443 HTTP/1.1\r\nHost: ec.test\r\n\r\n', 'nonsense\r\n\r\n', ''])
      await said(forwarder.port, bytes);
    await forwarder.stop();
    assert.ok(forwarder.connections.length > visits);
    const rows = (
      await product.eventually('flows', '', all => all.length >= flows + forwarder.connections.length)
    ).slice(flows);
    assert.equal(rows.length, forwarder.connections.length);
    const pairs = (list: [number, number][]): string[] => list.map(p => p.join('/')).sort();
    assert.deepEqual(
      pairs(rows.map(r => [Number(r['bytesUp']), Number(r['bytesDown'])])),
      pairs(forwarder.connections.map(c => [c.up, c.down])),
    );
  });

  test('a changed policy applies without a restart, a broken one changes nothing', async () => {
    const status = async (): Promise<number> => (await curl(...via, url.ec('/1k'))).status;
    const logged = (event: string): number => product.log().filter(l => l['event'] === event).length;
    assert.equal(await status(), 200);
    writeFileSync(
      product.policyFile,
      policy('  - { name: now-closed, when: { host: ec.test }, action: block, block: page, reason: Closed }'),
    );
    let last = 200;
    for (const deadline = Date.now() + 10_000; last !== 403 && Date.now() < deadline;) last = await status();
    assert.equal(last, 403);
    const rejected = logged('policy.rejected');
    writeFileSync(product.policyFile, 'version: 1\nrules: [{ name: x, acton: inspect }]\n');
    for (
      const deadline = Date.now() + 10_000;
      logged('policy.rejected') === rejected && Date.now() < deadline;
    )
      await new Promise(resolve => setTimeout(resolve, 50));
    assert.equal(logged('policy.rejected'), rejected + 1);
    assert.equal(await status(), 403);
    assert.equal((await curl(...via, url.rsa('/1k'))).status, 200);
    writeFileSync(product.policyFile, policy());
    for (const deadline = Date.now() + 10_000; last !== 200 && Date.now() < deadline;) last = await status();
    assert.equal(last, 200);
  });
});

describe('proxy credentials', () => {
  test('a user of `sightglass user add` gets through, by CONNECT and by plain HTTP; nobody else does', async () => {
    const ca = makeTestCa();
    const nginx = await startNginx({ ca, names: NAMES });
    const product = await startProduct({
      workers: 1,
      policy: policy(),
      flags: {
        'proxy.auth': 'basic',
        'origin.trust': 'none',
        'origin.extra-ca': ca.caFile,
        'origin.resolve': NAMES.map(name => `${name}=127.0.0.1`),
      },
    });
    try {
      const file = join(product.dataDir, 'password');
      writeFileSync(file, 'correct horse battery\n', { mode: 0o600 });
      const added = await product.cli('user', 'add', 'ada', '--group', 'staff', '--password-file', file);
      assert.equal(added.code, 0, added.stderr);
      const via = ['--proxy', product.url, '--cacert', product.caFile];
      const [secure, plain] = [`https://ec.test:${nginx.ec}/1k`, `http://http.test:${nginx.http}/1k`];
      for (const target of [secure, plain]) {
        const good = await curl(
          ...via,
          '--proxy-user',
          'ada:correct horse battery',
          ...several(target, target),
        );
        assert.equal(good.status, 200, good.stderr);
        for (const user of [
          [],
          ['--proxy-user', 'ada:wrong'],
          ['--proxy-user', 'eve:correct horse battery'],
        ]) {
          const bad = await curl(...via, ...user, target);
          assert.equal(target === secure ? bad.connectStatus : bad.status, 407);
        }
      }
      const served = await product.eventually('search', 'status:200', rows => rows.length >= 4);
      assert.deepEqual(
        served.map(r => r['user']),
        ['ada', 'ada', 'ada', 'ada'],
      );
      const sent = await nginx.waitForRequests(4);
      assert.equal(sent.length, 4);
      const flows = await product.eventually('flows', 'fault:auth-required', rows => rows.length >= 1);
      assert.ok(flows.length >= 1);
      assert.equal(await product.stop(), 0);
    } finally {
      await product.cleanUp();
      await nginx.stop();
      ca.remove();
    }
  });
});

/** Connects, says this, leaves; resolves when the other side has closed too. */
function said(port: number, bytes: string): Promise<void> {
  return new Promise(resolve => {
    const socket = connect(port, '127.0.0.1', () => socket.end(bytes));
    socket.on('error', () => undefined);
    socket.once('close', () => {
      resolve();
    });
    socket.resume();
  });
}

/** Several URLs of one curl; what comes after the first is thrown away. */
const several = (...urls: string[]): string[] =>
  urls.flatMap((u, i) => (i === 0 ? [u] : ['--output', '/dev/null', u]));
