/**
 * What the product must withstand: its own processes killed under load, a full disk, a thousand idle connections, clients
 * that break off anywhere, the order to stop. Afterwards every request that got its answer has its row, once.
 */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import Database from 'better-sqlite3';
import { makeRng } from '../fuzz/rng.ts';
import { capture } from '../helpers/fixture-hellos.ts';
import { startNginx, type NginxOrigin } from '../helpers/nginx.ts';
import {
  failedStart,
  isWorker,
  signal,
  startProduct,
  type Product,
  type ProductOptions,
  type Row,
} from '../helpers/product.ts';
import { makeTestCa, type TestCa } from '../helpers/tls-authority.ts';
import { ask, startLoad, through, type Load } from './load.ts';

const NAMES = ['www.test', 'cold-0.test', 'cold-1.test', 'pass.test', 'blocked.test'];
const POLICY = `
version: 1
default: block
rules:
  - { name: private, when: { host: pass.test }, action: passthrough, reason: Private }
  - { name: audited, when: { host: [www.test, cold-0.test, cold-1.test] }, action: inspect, capture: headers, reason: Audited }
`;

let ca: TestCa;
let nginx: NginxOrigin;
before(async () => {
  ca = makeTestCa();
  nginx = await startNginx({ ca, names: NAMES });
});
after(async () => {
  await nginx.stop();
  ca.remove();
});

const options = (flags: Record<string, string | string[]> = {}): ProductOptions => ({
  policy: POLICY,
  flags: {
    'origin.trust': 'none',
    'origin.extra-ca': ca.caFile,
    'origin.resolve': NAMES.map(name => `${name}=127.0.0.1`),
    ...flags,
  },
});
const target = (product: Product, host = 'www.test') => ({
  proxyPort: () => product.port,
  ca: product.ca,
  host,
  port: nginx.ec,
});
const pause = (ms: number): Promise<void> => new Promise(resolve => setTimeout(resolve, ms));

async function until<T>(
  what: string,
  condition: () => T | null | undefined | false,
): Promise<NonNullable<T>> {
  for (const deadline = Date.now() + 15_000; Date.now() < deadline; await pause(10)) {
    const found = condition();
    if (found !== null && found !== undefined && found !== false) return found;
  }
  throw new Error(`waited in vain for ${what}`);
}

/** Every answered id has its one row, no row is there twice, and every exchange belongs to a flow of the ledger. */
async function accountedFor(product: Product, load: Load): Promise<{ rows: Row[]; flows: Row[] }> {
  const want = new Set(load.answered);
  const idOf = (row: Row): string => /\?id=([\d-]+)$/.exec(String(row['path']))?.[1] ?? '';
  const complete = (rows: Row[]): boolean => {
    const have = new Set(rows.filter(r => r['status'] === 200).map(idOf));
    return [...want].every(id => have.has(id));
  };
  const rows = await product.eventually('search', '', complete);
  const ids = rows.map(idOf).filter(id => id !== '');
  assert.equal(new Set(ids).size, ids.length, 'an exchange is there twice');
  const named = new Set(rows.map(r => r['flow']));
  const flows = await product.eventually('flows', '', all => {
    const have = new Set(all.map(f => f['flow']));
    return [...named].every(flow => have.has(flow));
  });
  const flowIds = flows.map(f => f['flow']);
  assert.equal(new Set(flowIds).size, flowIds.length, 'a flow is there twice');
  return { rows, flows };
}

/** Asks SQLite itself about every file of a product that has stopped. */
function soundness(product: Product): string[] {
  const audit = join(product.dataDir, 'audit');
  const files = readdirSync(audit)
    .filter(name => name.endsWith('.db'))
    .map(name => join(audit, name));
  assert.ok(files.length > 0);
  return [...files, join(product.dataDir, 'control.db')].map(file => {
    const db = new Database(file, { readonly: true });
    try {
      return String(db.pragma('integrity_check', { simple: true }));
    } finally {
      db.close();
    }
  });
}

describe('killed under load', () => {
  const rng = makeRng(20261120);
  let product: Product;
  before(async () => {
    product = await startProduct(options());
  });
  after(() => product.cleanUp());

  test('kill -9 of a worker, several times: it comes back, nothing answered is lost, nothing is there twice', async () => {
    const load = startLoad({ ...target(product), connections: 12 });
    try {
      for (let round = 0; round < 4; round++) {
        await load.progress(100 + rng.int(150));
        const victim = rng.pick(
          await until('both workers', () => (product.workers().length === 2 ? product.workers() : null)),
        );
        signal(victim, 'SIGKILL');
        await until(
          'a new worker',
          () => product.workers().length === 2 && !product.workers().includes(victim),
        );
      }
      await load.progress(100);
    } finally {
      await load.stop();
    }
    assert.ok(load.answered.length > 500);
    const { flows } = await accountedFor(product, load);
    assert.ok(
      flows.some(f => f['fault'] === 'worker-died'),
      'the flows of a killed worker are accounted for',
    );
    const died = await product.events('event:worker.died');
    assert.equal(died.length, 4);
  });

  test('kill -9 of the control process: workers serve on, the next one takes over without a loss', async () => {
    for (let round = 0; round < 2; round++) {
      let { port } = product;
      const load = startLoad({ ...target(product), proxyPort: () => port, connections: 12 });
      try {
        await load.progress(100 + rng.int(200));
        const orphans = product.workers();
        assert.equal(orphans.length, 2);
        await product.kill();
        // Known names go on under cached leaves and the last policy, on old connections and on new ones.
        await load.progress(200);
        assert.deepEqual(product.workers(), orphans);
        (await through(target(product))).destroy();
        // A name that needs a leaf cannot be served, and is not served wrongly.
        await assert.rejects(through(target(product, `cold-${round}.test`)));
        product = await startProduct({ ...options({ 'proxy.listen': `127.0.0.1:${port}` }), on: product });
        port = product.port;
        await until('the orphans to leave', () => !orphans.some(isWorker));
        await load.progress(100);
        (await through(target(product, `cold-${round}.test`))).destroy();
      } finally {
        await load.stop();
      }
      const { flows } = await accountedFor(product, load);
      assert.ok(flows.some(f => f['fault'] === 'control-gone'));
    }
  });

  test('everything at once: control and workers killed together, then started again', async () => {
    const load = startLoad({ ...target(product), connections: 12 });
    await load.progress(150);
    const workers = product.workers();
    await product.kill();
    for (const pid of workers) signal(pid, 'SIGKILL');
    await load.stop();
    product = await startProduct({ ...options(), on: product });
    await accountedFor(product, load);
    assert.equal(await product.stop(), 0);
    const verdicts = soundness(product);
    assert.deepEqual(
      verdicts,
      verdicts.map(() => 'ok'),
    );
  });
});

describe('full disk under the spool', () => {
  test('inspected requests get 503, passthrough goes on, and all recovers when there is room again', async () => {
    const dataDir = mkdtempSync(join(tmpdir(), 'sightglass-full-'));
    const spool = join(dataDir, 'spool');
    mkdirSync(spool, { mode: 0o700 });
    // Needs root: the tests' set-up names what is missing.
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=2m,mode=700', 'tmpfs', spool]);
    let product: Product | null = null;
    try {
      product = await startProduct({ ...options(), workers: 1, on: { dataDir } as Product });
      const status = async (host: string): Promise<string> => {
        const socket = await through({
          ...target(product as Product, host),
          ca: host === 'pass.test' ? ca.caPem : (product as Product).ca,
        });
        let text = '';
        socket.on('data', (data: Buffer) => (text += data.toString('latin1')));
        socket.write(`GET /1k HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`);
        await new Promise(resolve => socket.once('close', resolve));
        return `${text.slice(9, 12)} ${/^x-sightglass-fault: (.*)$/im.exec(text)?.[1] ?? ''}`.trim();
      };
      assert.equal(await status('www.test'), '200');
      const asked = nginx.requests().filter(r => r.host.startsWith('www.test')).length;
      const { bfree, bsize } = statfsSync(spool);
      const filler = join(spool, 'filler');
      writeFileSync(filler, Buffer.alloc((bfree - 1) * bsize));
      // What is left of the last page takes some records; then writing fails.
      let last = '';
      let served = 0;
      while (last !== '503 audit-unavailable' && served++ < 500) last = await status('www.test');
      assert.equal(last, '503 audit-unavailable');
      assert.equal(await status('www.test'), '503 audit-unavailable');
      assert.equal(await status('pass.test'), '200');
      assert.equal(nginx.requests().filter(r => r.host.startsWith('www.test')).length, asked + served - 1);
      rmSync(filler);
      for (const deadline = Date.now() + 15_000; last !== '200' && Date.now() < deadline; await pause(100))
        last = await status('www.test');
      assert.equal(last, '200');
      // Also what was answered or refused while nothing could be written.
      const rows = await product.eventually(
        'search',
        'host:www.test',
        all => all.filter(r => r['status'] === 200).length === served + 1,
      );
      assert.ok(rows.filter(r => r['fault'] === 'audit-unavailable').length >= 2);
      await product.eventually('flows', 'host:pass.test', all => all.length === 1);
      assert.equal(await product.stop(), 0);
    } finally {
      // A file system that is in use cannot be unmounted: first everything that runs on it.
      await product?.kill();
      for (const pid of product?.workers() ?? []) signal(pid, 'SIGKILL');
      await pause(50);
      execFileSync('umount', [spool]);
      rmSync(dataDir, { recursive: true, force: true });
    }
  });
});

describe('clients of every kind', () => {
  let product: Product;
  before(async () => {
    product = await startProduct(
      options({
        'limits.connections-per-client': '3000',
        'timeout.ingress': '30s',
        'timeout.hello': '1s',
        'timeout.client-tls': '1s',
        'timeout.drain': '10s',
      }),
    );
  });
  after(() => product.cleanUp());

  test('clients that break off, stall or talk nonsense in any phase leave exactly one row each', async () => {
    const hello = capture('curl');
    const head = `CONNECT www.test:${nginx.ec} HTTP/1.1\r\nHost: www.test\r\n\r\n`;
    /** What is said after connecting, and how the client then leaves; `stall` waits to be thrown out. */
    const stories: [string, (string | Buffer)[], 'end' | 'reset' | 'stall'][] = [
      ['nothing at all', [], 'end'],
      ['nothing, reset', [], 'reset'],
      ['noise', [makeRng(7).bytes(500)], 'stall'],
      ['TLS without CONNECT', [hello], 'stall'],
      ['half a head', ['CONNECT www.te'], 'end'],
      ['half a head, reset', ['CONNECT www.te'], 'reset'],
      ['a tunnel and nothing', [head], 'end'],
      ['a tunnel, reset', [head], 'reset'],
      ['a tunnel and silence', [head], 'stall'],
      ['half a hello', [head, hello.subarray(0, 60)], 'end'],
      ['half a hello, reset', [head, hello.subarray(0, 60)], 'reset'],
      ['half a hello and silence', [head, hello.subarray(0, 60)], 'stall'],
      ['noise in the tunnel', [head, makeRng(8).bytes(500)], 'stall'],
      ['SSH in the tunnel', [head, 'SSH-2.0-x\r\n'], 'stall'],
      ['another hello, then gone', [head, hello], 'end'],
      ['another hello, then reset', [head, hello], 'reset'],
      ['another hello, then silence', [head, hello], 'stall'],
      ['a forbidden port', ['CONNECT www.test:0 HTTP/1.1\r\nHost: www.test\r\n\r\n'], 'stall'],
      ['half a plain request', [`GET http://www.test:${nginx.http}/1k HTTP/1.1\r\nHo`], 'end'],
      [
        'a plain request, then reset',
        [`GET http://www.test:${nginx.http}/slow HTTP/1.1\r\nHost: www.test:${nginx.http}\r\n\r\n`],
        'reset',
      ],
      [
        'a smuggled request',
        [
          `POST http://www.test:${nginx.http}/1k HTTP/1.1\r\nHost: www.test:${nginx.http}\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
        ],
        'stall',
      ],
    ];
    const before = (await product.flows()).length;
    await Promise.all(stories.map(([, words, leave]) => play(product.port, words, leave)));
    // Five that complete TLS and break off in a request, each in its own way.
    for (const broken of [
      'GET /1k HT',
      'GET /slow HTTP/1.1\r\nHost: www.test\r\n\r\n',
      'POST /echo HTTP/1.1\r\nHost: www.test\r\nContent-Length: 100\r\n\r\nhalf',
      '\0\0\r\n\r\n',
      '',
    ]) {
      const socket = await through(target(product));
      socket.on('error', () => undefined);
      socket.write(broken);
      await pause(30);
      socket.destroy();
    }
    const want = stories.length + 5;
    await product.eventually('flows', '', all => all.length >= before + want);
    await pause(300);
    const rows = (await product.flows()).slice(before);
    assert.equal(rows.length, want);
    assert.equal(new Set(rows.map(r => r['flow'])).size, want);
    const kinds = new Set(rows.map(r => r['fault']));
    for (const fault of [
      'ingress-closed',
      'ingress-malformed',
      'hello-closed',
      'hello-timeout',
      'target-invalid',
      'request-malformed',
    ])
      assert.ok(kinds.has(fault), `${fault} is not among ${[...kinds].join()}`);
    assert.deepEqual(product.workers().length, 2);
  });

  test('a thousand idle connections, a third of them inspected, are kept and do not stand in the way', async () => {
    const idle: Socket[] = [];
    let finished: Load | null = null;
    try {
      while (idle.length < 650)
        idle.push(...(await Promise.all(Array.from({ length: 50 }, () => opened(product.port)))));
      const inspected = [];
      while (inspected.length < 350)
        inspected.push(...(await Promise.all(Array.from({ length: 25 }, () => through(target(product))))));
      idle.push(...inspected);
      const load = startLoad({ ...target(product), connections: 8 });
      await load.progress(300);
      await load.stop();
      assert.equal(idle.filter(s => s.destroyed || s.readableEnded).length, 0);
      for (const n of [0, 100, 349]) await ask(inspected[n]!, 'www.test', `0-${n}`);
      finished = load;
    } finally {
      for (const socket of idle) socket.destroy();
    }
    await accountedFor(product, finished);
  });

  test('SIGTERM under load: what is under way is finished, the exit is 0, no row is lost', async () => {
    const load = startLoad({ ...target(product), connections: 12 });
    await load.progress(150);
    const slow = await through(target(product));
    let got = 0;
    slow.on('data', (data: Buffer) => (got += data.length));
    slow.write('GET /slow HTTP/1.1\r\nHost: www.test\r\n\r\n');
    await until('the download', () => got > 0);
    const { pid } = product;
    const workers = product.workers();
    assert.equal(await product.stop(), 0);
    assert.ok(got > 65_536, `only ${got} bytes of a download under way arrived`);
    await load.stop();
    assert.deepEqual([pid, ...workers].filter(isWorker), []);
    const { rows } = await accountedFor(product, load);
    const download = rows.find(r => r['path'] === '/slow' && r['resBytes'] === 65_536);
    assert.equal(download?.['fault'], null);
    const verdicts = soundness(product);
    assert.deepEqual(
      verdicts,
      verdicts.map(() => 'ok'),
    );
  });
});

describe('starts that are refused', () => {
  test('each says in one sentence what is wrong and leaves nothing running', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'sightglass-refused-'));
    const product = await startProduct({ ...options(), workers: 1 });
    const taken = createServer();
    await new Promise<void>(resolve => taken.listen(0, '127.0.0.1', resolve));
    const port = (taken.address() as AddressInfo).port;
    try {
      const second = await failedStart(product.dataDir, options());
      assert.match(second.stderr, new RegExp(`in use by the process ${product.pid}`));

      const proxyPort = await failedStart(join(dir, 'a'), options({ 'proxy.listen': `127.0.0.1:${port}` }));
      assert.match(proxyPort.stderr, /EADDRINUSE[\s\S]*hint: another program listens there/);
      const consolePort = await failedStart(
        join(dir, 'b'),
        options({ 'console.listen': `127.0.0.1:${port}` }),
      );
      assert.match(consolePort.stderr, /EADDRINUSE[\s\S]*hint: another program listens there/);

      mkdirSync(join(dir, 'c'));
      writeFileSync(join(dir, 'c', 'policy.yaml'), 'version: 1\nrules: [{ name: x, acton: inspect }]\n');
      const badPolicy = await failedStart(join(dir, 'c'), options());
      assert.match(badPolicy.stderr, /acton/);

      await product.stop();
      chmodSync(join(product.dataDir, 'ca', 'authority.key'), 0o640);
      const key = await failedStart(product.dataDir, options());
      assert.match(key.stderr, /authority\.key/);

      const setting = await failedStart(join(dir, 'd'), options({ 'proxy.lisen': '1' }));
      assert.match(setting.stderr, /proxy\.listen/);
      for (const { code, stdout, stderr } of [second, proxyPort, consolePort, badPolicy, key, setting]) {
        assert.ok(code === 1 || code === 2, `exit ${code}`);
        assert.doesNotMatch(stdout, /^ready/m);
        assert.doesNotMatch(stderr, /\n\s+at /);
      }
    } finally {
      taken.close();
      await product.cleanUp();
      rmSync(dir, { recursive: true, force: true });
    }
  });
});

/** Says the words, leaves as told; resolves when the connection is over. */
async function play(
  port: number,
  words: (string | Buffer)[],
  leave: 'end' | 'reset' | 'stall',
): Promise<void> {
  const socket = await opened(port);
  const over = new Promise(resolve => socket.once('close', resolve));
  for (const word of words) {
    socket.write(word);
    await pause(40);
  }
  if (leave === 'end') socket.end();
  if (leave === 'reset') socket.resetAndDestroy();
  await over;
}

async function opened(port: number): Promise<Socket> {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => undefined);
  socket.resume();
  await new Promise((resolve, reject) => socket.once('connect', resolve).once('error', reject));
  return socket;
}
