import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Ingest } from '../../../src/audit/ingest.ts';
import { allocateProducer } from '../../../src/audit/producer.ts';
import { auditDir, spoolDir } from '../../../src/audit/recorder.ts';
import { openSpool } from '../../../src/audit/spool.ts';
import { openStore } from '../../../src/audit/store/sqlite.ts';
import type { AuditRecord } from '../../../src/core/records.ts';
import type {
  BodyPreview,
  ExchangeDetail,
  FlowDetail,
  LiveMessages,
  SessionAnswer,
} from '../../../web/contract.ts';
import { API } from '../../../web/contract.ts';
import { freePort } from '../../helpers/free-port.ts';
import { cookieOf, errorOf, GOOD, house, loginAsk, reveal } from './harness.ts';
import { charted, faceted, searched } from './patient.ts';
import { listen } from './sse.ts';

test('first start: the link makes the first admin, once, and signs in', async t => {
  const h = await house(t);
  const link = new URL(h.console.firstRunLink() ?? '');
  assert.equal(link.origin, `http://127.0.0.1:${h.port}`);
  assert.equal(link.pathname, '/setup');
  const token = link.hash.slice(1);
  const state = async (cookie = '') =>
    (await h.ask(API.me, { headers: { cookie } })).json<SessionAnswer>().state;
  assert.equal(await state(), 'set-up-needed');
  assert.equal(errorOf(await h.ask(API.login, loginAsk('root', GOOD))).code, 'set-up-needed');

  const setup = (fields: Record<string, string>) =>
    h.ask(API.setup, {
      ...loginAsk('', ''),
      body: JSON.stringify({ token, name: 'root', password: GOOD, ...fields }),
    });
  assert.equal(errorOf(await setup({ token: 'x'.repeat(43) })).code, 'set-up-refused');
  assert.match(errorOf(await setup({ password: 'short' })).message, /at least 12/);
  const done = await setup({});
  assert.equal(done.status, 200);
  const cookie = cookieOf(done);
  assert.equal(await state(cookie), 'signed-in');
  assert.equal(await state(), 'signed-out');
  assert.equal(errorOf(await setup({ name: 'second' })).code, 'set-up-refused');
  assert.equal(h.console.firstRunLink(), null);
  assert.deepEqual(
    h.trail.page(null, 10).rows.map(r => [r.action, r.user]),
    [
      ['setup.refused', null],
      ['setup.done', 'root'],
      ['setup.refused', null],
      ['setup.refused', null],
    ],
  );
  assert.ok(!JSON.stringify(h.trail.page(null, 10)).includes(token));
});

test('every route but the three open ones wants a session; a proxy role opens none', async t => {
  const h = await house(t);
  await h.person('viewer');
  const paths = Object.values(API).map(path => path.replace(':id', '1-1.1').replace(':side', 'res'));
  const open: string[] = [API.me, API.login, API.setup];
  const changes: string[] = [
    API.logout,
    API.secondFactorBegin,
    API.secondFactorConfirm,
    API.secondFactorRecovery,
    API.secondFactorRemove,
    API.peopleReset,
    API.revealExport,
    API.revealDecide.replace(':id', '1-1.1'),
    API.policyCheck,
    API.policyReplay,
    API.policyApply,
    API.policyRollback,
    API.taskStop.replace(':id', '1-1.1'),
    API.listImport,
    API.listFetch,
    API.listTokenRevoke,
    API.alert.replace(':id', '1-1.1'),
    API.alertRemove.replace(':id', '1-1.1'),
    API.alertTest.replace(':id', '1-1.1'),
    API.holds,
    API.holdRelease.replace(':id', '1-1.1'),
  ];
  for (const path of paths.filter(p => !open.includes(p))) {
    const answer = await h.ask(path, changes.includes(path) ? { method: 'POST' } : {});
    assert.equal(answer.status, 401, path);
    assert.equal(errorOf(answer).code, 'signed-out', path);
  }
  await h.accounts.add({ name: 'robot', roles: ['proxy'], password: GOOD });
  assert.equal(errorOf(await h.ask(API.login, loginAsk('robot', GOOD))).code, 'not-allowed');
});

test('roles: who may ask what', async t => {
  const h = await house(t);
  h.audit.put({}, {});
  const expected: Record<string, Record<'viewer' | 'policy-author' | 'auditor' | 'admin', number>> = {
    '/api/search': { viewer: 200, 'policy-author': 200, auditor: 200, admin: 200 },
    '/api/exchange/1-1.1': { viewer: 200, 'policy-author': 200, auditor: 200, admin: 200 },
    '/api/flow/1-1': { viewer: 200, 'policy-author': 200, auditor: 200, admin: 200 },
    '/api/status': { viewer: 200, 'policy-author': 200, auditor: 200, admin: 200 },
    '/api/ca': { viewer: 200, 'policy-author': 200, auditor: 200, admin: 200 },
    '/api/policy': { viewer: 403, 'policy-author': 200, auditor: 200, admin: 200 },
    '/api/exchange/1-1.1/body/res': { viewer: 403, 'policy-author': 403, auditor: 200, admin: 200 },
    '/api/exchange/1-1.1/preview/res': { viewer: 403, 'policy-author': 403, auditor: 200, admin: 200 },
    '/api/export': { viewer: 403, 'policy-author': 403, auditor: 200, admin: 200 },
    '/api/reveals': { viewer: 403, 'policy-author': 403, auditor: 200, admin: 200 },
    '/api/people': { viewer: 403, 'policy-author': 403, auditor: 403, admin: 200 },
    '/api/trail': { viewer: 403, 'policy-author': 403, auditor: 200, admin: 200 },
  };
  for (const role of ['admin', 'viewer', 'policy-author', 'auditor'] as const) {
    const person = await h.person(role);
    if (expected['/api/exchange/1-1.1/body/res']?.[role] === 200) await reveal(person, '1-1.1');
    for (const [path, statuses] of Object.entries(expected))
      assert.equal((await person.get(path)).status, statuses[role], `${role} ${path}`);
  }
});

test('failures of the inside say nothing of it; they are told to the log', async t => {
  const h = await house(t, {
    deps: {
      status: () => {
        throw new Error('ENOENT: /var/lib/secret/place.db');
      },
    },
  });
  h.audit.put({}, {});
  const auditor = await h.person('auditor');
  h.audit.failure = new Error('SQLITE_CORRUPT in /var/lib/secret/2026-11-20.db');
  const paths: [string, number, string][] = [
    ['/api/status', 500, 'internal'],
    ['/api/search', 503, 'unavailable'],
    ['/api/histogram', 503, 'unavailable'],
    ['/api/facets', 503, 'unavailable'],
    ['/api/export', 503, 'unavailable'],
    ['/api/exchange/1-1.1', 503, 'unavailable'],
    ['/api/flow/1-1', 503, 'unavailable'],
    ['/api/exchange/1-1.1/body/res', 503, 'unavailable'],
  ];
  for (const [path, status, code] of paths) {
    const answer = await auditor.get(path);
    assert.deepEqual([answer.status, errorOf(answer).code], [status, code], path);
    assert.doesNotMatch(answer.text, /secret|SQLITE|ENOENT|\bat /, path);
    assert.match(String(h.logged.at(-1)?.error), /secret/, path);
  }
});

test('nothing is shown when the trail cannot be written', async t => {
  let broken = false;
  const h = await house(t);
  const real = h.trail.append.bind(h.trail);
  h.trail.append = event => {
    if (broken) throw new Error('disk full');
    real(event);
  };
  h.audit.put({}, {});
  const auditor = await h.person('auditor');
  await reveal(auditor, '1-1.1');
  broken = true;
  for (const path of [
    '/api/search',
    '/api/facets',
    '/api/histogram',
    '/api/live',
    '/api/export',
    '/api/exchange/1-1.1',
    '/api/flow/1-1',
    '/api/exchange/1-1.1/body/res',
    '/api/exchange/1-1.1/preview/res',
    '/api/policy',
    '/api/trail',
  ]) {
    const answer = await auditor.get(path);
    assert.equal(answer.status, 503, path);
    assert.equal(errorOf(answer).code, 'unavailable');
    assert.doesNotMatch(answer.text, /example\.com|hello/, path);
  }
});

test('bad requests are 4xx with a code, never a stack', async t => {
  const h = await house(t);
  const auditor = await h.person('auditor');
  const table: [string, number][] = [
    ['/api/search?limit=0', 400],
    ['/api/search?limit=1e3', 400],
    ['/api/search?kind=secrets', 400],
    ['/api/search?kind=flows&kind=events', 400],
    ['/api/search?since=sometime', 400],
    ['/api/search?since=1h&until=2h', 400],
    ['/api/search?q=' + 'a'.repeat(4001), 400],
    ['/api/facets?fields=password', 400],
    ['/api/histogram?buckets=100000', 400],
    ['/api/exchange/nonsense', 404],
    ['/api/exchange/..%2f..%2fetc%2fpasswd', 404],
    ['/api/exchange/1-1.2', 404],
    ['/api/flow/1-2', 404],
    ['/api/exchange/1-1.1/body/both', 404],
    ['/api/nothing', 404],
    ['/api/exchange/%E0%A4%A', 400],
    ['/api/ca?format=p12', 400],
    ['/api/export?format=xlsx', 400],
  ];
  for (const method of ['HEAD', 'PUT', 'DELETE', 'PATCH'])
    assert.equal(
      (await h.ask('/api/live', { method, headers: { cookie: auditor.cookie } })).status,
      400,
      method,
    );
  for (const [path, status] of table) {
    const answer = await auditor.get(path);
    assert.equal(answer.status, status, `${path}: ${answer.text}`);
    assert.notEqual(errorOf(answer).hint, '', path);
    assert.doesNotMatch(answer.text, /node_modules|\.ts\b|<html/, path);
  }
});

test('request bodies: bounded, JSON only, fields of the right type', async t => {
  const h = await house(t);
  await h.person('viewer');
  const post = (body: string, type = 'application/json') =>
    h.ask(API.login, { method: 'POST', headers: { 'content-type': type, 'x-csrf-token': 'none' }, body });
  assert.equal(errorOf(await post(JSON.stringify({ name: 'x'.repeat(20_000) }))).code, 'too-large');
  for (const body of ['', '{', '[]', '1', '{"name":1,"password":"x"}', '{"name":"viewer"}'])
    assert.equal((await post(body)).status, 400, body);
  assert.equal((await post('name=viewer&password=x', 'application/x-www-form-urlencoded')).status, 400);
  assert.equal(
    (await post(`{"__proto__":{"name":"viewer","password":"${GOOD}"}}`)).status,
    400,
    'inherited fields are none',
  );
});

test('all listeners or none; the ones that did listen are closed again', async t => {
  const taken = createServer();
  await new Promise<void>(resolve => taken.listen(0, '127.0.0.1', resolve));
  t.after(() => taken.close());
  const { port } = taken.address() as AddressInfo;
  const h = await house(t);
  const other = await house(t);
  await other.console.close();
  const free = await freePort();
  await assert.rejects(
    other.console.listen([
      { host: '127.0.0.1', port: free },
      { host: '127.0.0.1', port },
    ]),
    { code: 'EADDRINUSE' },
  );
  const [again] = await other.console.listen([{ host: '127.0.0.1', port: free }]);
  assert.deepEqual(again, { host: '127.0.0.1', port: free });
  assert.equal((await h.ask(API.me)).status, 200);
});

test('over the real store: what a worker wrote is found, shown, counted, exported and live', async t => {
  const dir = mkdtempSync(join(tmpdir(), 'sightglass-console-store-'));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  const spoolFolder = spoolDir(dir);
  const spool = openSpool({ dir: spoolFolder, producer: allocateProducer(spoolFolder) });
  const ingest = new Ingest({ spoolDir: spoolFolder, auditDir: auditDir(dir), liveRows: 100 });
  const store = openStore({ dir: auditDir(dir), thread: true });
  t.after(async () => {
    await store.close();
    ingest.close();
  });
  const h = await house(t, { deps: { audit: store, now: Date.now } });
  h.clock.now = Date.now();
  const auditor = await h.person('auditor');
  const stream = await listen(t, h.port, '/api/live?q=status:200', auditor.cookie);
  await stream.next();

  const evil = '/<script>alert(1)</script>?a=1';
  for (const record of records(evil)) spool.append(record);
  spool.flush();
  spool.close();
  let step;
  do {
    step = ingest.step();
    h.commit(step.live, step.dropped);
  } while (step.more);
  const message = (await stream.next()).data as LiveMessages['rows'];
  assert.deepEqual(
    message.rows.map(r => ('path' in r ? r.path : null)),
    [evil],
  );

  const get = async <T>(path: string): Promise<T> => (await auditor.get(path)).json<T>();
  const rows = await searched<'exchanges'>(get, '/api/search?q=host:www.example.com');
  assert.equal(rows.length, 1);
  const [found] = rows;
  assert.ok(found !== undefined);
  assert.equal(found.path, evil);
  assert.deepEqual(await searched(get, '/api/search?q=host:other.example'), []);
  const detail = (await auditor.get(`/api/exchange/${found.exchange}`)).json<ExchangeDetail>();
  assert.deepEqual(detail.response?.headers[0], { name: 'Content-Type', value: 'text/html', masked: false });
  assert.equal(detail.flow?.clientPort, 40_000);
  const flow = (await auditor.get(`/api/flow/${found.flow}`)).json<FlowDetail>();
  assert.deepEqual(
    flow.exchanges.map(e => e.exchange),
    [found.exchange],
  );
  assert.deepEqual([flow.open, flow.row.bytesDown], [false, 999]);
  await reveal(auditor, found.exchange);
  const body = await auditor.get(`/api/exchange/${found.exchange}/body/res`);
  assert.equal(body.text, '<b>hello</b>');
  const preview = (await auditor.get(`/api/exchange/${found.exchange}/preview/res`)).json<BodyPreview>();
  assert.deepEqual([preview.text, preview.contentType, preview.whole], ['<b>hello</b>', 'text/html', true]);

  const chart = await charted(get, '/api/histogram?since=1h&buckets=6');
  assert.equal(
    chart.buckets.reduce((sum, b) => sum + b.inspect, 0),
    1,
  );
  const facets = await faceted(get, '/api/facets?fields=host,status');
  assert.deepEqual(
    facets.map(f => [f.field, f.values]),
    [
      ['host', [{ value: 'www.example.com', count: 1 }]],
      ['status', [{ value: '200', count: 1 }]],
    ],
  );
  const lines = (await auditor.get('/api/export?kind=flows')).text.trimEnd().split('\n');
  assert.deepEqual(JSON.parse(lines.at(-1) ?? ''), { end: true, rows: 1, truncated: false });
});

/** One inspected flow with one exchange and its body, as a worker leaves them. */
function records(path: string): AuditRecord[] {
  const time = Date.now();
  const flow = 2 ** 27 + 1;
  const verdict = {
    action: 'inspect',
    rule: 'default',
    policy: '0123456789ab',
    reason: 'because',
    capture: 'bodies',
    block: 'page',
  } as const;
  const data = Buffer.from('<b>hello</b>');
  const start = { flow, time, client: '10.0.0.7', clientPort: 40_000, facts: null, verdict };
  return [
    { kind: 'flow-open', ...start },
    { kind: 'body', flow, n: 1, side: 'res', data },
    {
      kind: 'exchange',
      flow,
      n: 1,
      time,
      ms: 5,
      wait: 3,
      client: '10.0.0.7',
      user: null,
      method: 'GET',
      scheme: 'https',
      host: 'www.example.com',
      port: 443,
      path,
      status: 200,
      protocol: 'HTTP/1.1',
      verdict,
      capture: 'bodies',
      reqHeaders: 'Host: www.example.com\r\n',
      resHeaders: 'Content-Type: text/html\r\n',
      contentType: 'text/html',
      req: { size: 0, kept: 0, sha256: null, truncated: false },
      res: {
        size: data.length,
        kept: data.length,
        sha256: createHash('sha256').update(data).digest('hex'),
        truncated: false,
      },
      fault: null,
      faultDetail: null,
      upgraded: false,
    },
    {
      kind: 'flow',
      ...start,
      ms: 10,
      bytesUp: 100,
      bytesDown: 999,
      exchanges: 1,
      fault: null,
      faultDetail: null,
      originAddress: '192.0.2.1',
      clientTls: null,
      originTls: null,
      originCert: null,
      leafSerial: null,
    },
  ];
}
