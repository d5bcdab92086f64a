/**
 * Every condition of a rule, met and missed by real clients of the running product: what the ledger holds, and what
 * `explain` says of the recorded facts, is what the document says. Most rules here block by reset and so does the
 * default, so nothing but the first bytes of a client is needed; what is known later goes to a real origin.
 */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createSecureContext, type SecureContext } from 'node:tls';
import { auditDir } from '../../src/audit/recorder.ts';
import { walkFlows } from '../../src/audit/store/flow-walk.ts';
import type { WalkedFlow } from '../../src/audit/store/history.ts';
import { explain } from '../../src/policy/explain.ts';
import { loadPolicyFile } from '../../src/policy/load.ts';
import { alpn, ech, hello, sni, versions } from '../helpers/hello-builder.ts';
import { factsOf } from '../helpers/hello-judges.ts';
import { startParent, type TestParent } from '../helpers/parent.ts';
import { startProduct, type Product } from '../helpers/product.ts';
import { converse, openTunnel, OriginCa, startOrigin, tlsInside } from '../helpers/proxy.ts';

const DAYS = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'];
const day = (plus: number): string => DAYS[new Date(Date.now() + plus * 86_400_000).getUTCDay()] ?? '';

/** How a client comes: what differs from an ordinary one. */
interface Coming {
  /** Bytes of its hello; `name` is the host of its CONNECT. */
  hello?: (name: string) => Buffer;
  user?: 'ada' | 'bo';
  from?: string;
  port?: number;
  /** Host of its CONNECT in place of the one the case has. */
  host?: string;
}

const plainHello = (name: string): Buffer => hello({ extensions: [sni(name), versions(0x0304, 0x0303)] });
const h2Hello = (name: string): Buffer =>
  hello({ extensions: [sni(name), versions(0x0304), alpn('h2', 'http/1.1')] });
const oldHello = (name: string): Buffer => hello({ extensions: [sni(name)] });
const prints = (bytes: Buffer): { ja3: string; ja4: string } => factsOf(bytes);

interface Case {
  name: string;
  /** Further keys of `when`, beside the two hosts of the case. */
  when: string;
  yes: Coming;
  no: Coming;
}

const CASES: Case[] = [
  { name: 'client', when: 'client: 127.0.0.8/30', yes: { from: '127.0.0.9' }, no: { from: '127.0.0.12' } },
  { name: 'user', when: 'user: ADA', yes: { user: 'ada' }, no: { user: 'bo' } },
  { name: 'group', when: 'group: staff', yes: { user: 'ada' }, no: { user: 'bo' } },
  { name: 'port', when: 'port: 8000-8100', yes: { port: 8050 }, no: { port: 8101 } },
  { name: 'alpn', when: 'alpn: h2', yes: { hello: h2Hello }, no: {} },
  { name: 'tls', when: "tls-version: '1.3'", yes: {}, no: { hello: oldHello } },
  {
    name: 'ja4',
    when: `ja4: '${prints(h2Hello('www.example.test')).ja4.slice(0, 10)}_*'`,
    yes: { hello: h2Hello },
    no: {},
  },
  { name: 'ja3', when: `ja3: ${prints(h2Hello('x.test')).ja3}`, yes: { hello: h2Hello }, no: {} },
  {
    name: 'ech',
    when: 'ech: true',
    yes: { hello: name => hello({ extensions: [sni(name), versions(0x0304), ech(0)] }) },
    no: {},
  },
  {
    name: 'nosni',
    when: 'no-sni: true',
    yes: { hello: () => hello({ extensions: [versions(0x0304)] }) },
    no: {},
  },
  {
    name: 'mismatch',
    when: 'sni-mismatch: true',
    yes: { hello: () => plainHello('elsewhere.test') },
    no: {},
  },
  {
    name: 'now',
    when: `time: { days: [${day(0)}, ${day(1)}], zone: UTC }`,
    yes: {},
    no: { host: 'other-day.test' },
  },
  {
    name: 'combined',
    when: 'not: { user: bo }, any: [{ port: 1-2 }, { all: [{ ingress: connect }, { not: { alpn: h2 } }] }]',
    yes: {},
    no: { hello: h2Hello },
  },
  { name: 'negated', when: 'not: { user: bo }', yes: {}, no: { user: 'bo' } },
];

function policy(listener: number, parent: number): string {
  const rules = CASES.map(
    c =>
      `  - { name: ${c.name}, when: { host: [${c.name}-yes.test, ${c.name}-no.test], ${c.when} }, action: block, block: reset }`,
  );
  return `version: 1
default: { action: block, block: reset }
doubt: { sni-mismatch: rules }
parents:
  corp: ['127.0.0.1:${parent}']
lists:
  inline: { domains: ['*.listed.test'] }
rules:
${rules.join('\n')}
  - { name: another-day, when: { host: other-day.test, time: { days: [${day(3)}], zone: UTC } }, action: block, block: reset }
  - { name: listener, when: { host: listener-yes.test, listener: ':${listener}' }, action: block, block: reset }
  - { name: other-listener, when: { host: listener-no.test, listener: ':1' }, action: block, block: reset }
  - { name: list, when: { host: ['list:inline', 'exact.test'] }, action: block, block: reset }
  - { name: expired, when: { host: expired.test }, expires: 2026-01-01, action: block, block: reset }
  - { name: trial, when: { host: trial.test }, rollout: 50%, action: block, block: reset }
  - { name: bad-origin, when: { host: untrusted.test, origin-fault: cert-untrusted }, action: block }
  - { name: issuer, when: { host: issued.test, origin-issuer: '*' }, action: block }
  - { name: upload, when: { method: [POST], path: '/up/*', content-type: 'application/*' }, action: block }
  - { name: told, when: { host: alert.test }, action: block, block: alert }
  - { name: kept, when: { host: manner.test, method: POST }, action: inspect, capture: bodies, mask: strict }
  - { name: way, when: { host: manner.test }, action: inspect, tls: tls13, parent: corp }
  - { name: silent, when: { host: silent.test }, action: inspect, capture: flow, parent: corp }
  - { name: rest, when: { host: [issued.test, untrusted.test, late.test] }, action: inspect }
`;
}

let product: Product;
const ca = new OriginCa();
const stranger = new OriginCa();
let origin: Awaited<ReturnType<typeof startOrigin>>;
let unknown: typeof origin;
let parent: TestParent;
let dir: string;

before(async () => {
  dir = mkdtempSync(join(tmpdir(), 'sightglass-conditions-'));
  writeFileSync(join(dir, 'ca.pem'), ca.pem);
  const answer: Parameters<typeof startOrigin>[2] = (req, res) => req.resume().on('end', () => res.end('ok'));
  const names = ['late.test', 'issued.test', 'manner.test', 'silent.test'];
  const contexts = new Map<string, SecureContext>();
  for (const name of names) contexts.set(name, createSecureContext(await ca.certificate(name)));
  parent = await startParent();
  origin = await startOrigin(ca, 'late.test', answer, {
    SNICallback: (name, done) => {
      done(null, contexts.get(name));
    },
  });
  unknown = await startOrigin(stranger, 'untrusted.test', answer);
  product = await startProduct({
    workers: 1,
    policy: policy(1, parent.port),
    flags: {
      'proxy.auth': 'basic',
      'origin.trust': 'none',
      'origin.extra-ca': join(dir, 'ca.pem'),
      'origin.resolve': ['late.test', 'issued.test', 'untrusted.test'].map(name => `${name}=127.0.0.1`),
    },
  });
  for (const [user, group] of [
    ['ada', 'Staff'],
    ['bo', 'guests'],
  ] as const) {
    writeFileSync(join(dir, 'password'), `${PASSWORD}\n`, { mode: 0o600 });
    const added = await product.cli(
      ...['user', 'add', user, '--group', group, '--password-file', join(dir, 'password')],
    );
    assert.equal(added.code, 0, added.stderr);
  }
});

after(async () => {
  await product.cleanUp();
  await origin.stop();
  await unknown.stop();
  await parent.stop();
  ca.remove();
  stranger.remove();
  rmSync(dir, { recursive: true, force: true });
});

const PASSWORD = 'correct horse battery';
const login = (user: string): string =>
  `Proxy-Authorization: Basic ${Buffer.from(`${user}:${PASSWORD}`).toString('base64')}\r\n`;

/** Come as told and wait until the connection is over; what was answered to the hello, as latin1. */
async function come(host: string, coming: Coming): Promise<string> {
  const name = coming.host ?? host;
  const target = `${name}:${coming.port ?? 443}`;
  const { socket, head } = await openTunnel(product.port, target, login(coming.user ?? 'ada'), coming.from);
  assert.match(head, /^HTTP\/1\.1 200/, target);
  const answer = await converse(socket, (coming.hello ?? plainHello)(name));
  socket.destroy();
  return answer;
}

/** TLS through the proxy to an origin of ours, and one request; what was answered, or why TLS failed. */
async function ask(host: string, port: number, request: string): Promise<string> {
  const { socket } = await openTunnel(product.port, `${host}:${port}`, login('ada'));
  const tls = await tlsInside(socket, host, product.ca);
  const answer = await converse(tls, request.replace('\r\n', `\r\nHost: ${host}\r\nConnection: close\r\n`));
  tls.destroy();
  return answer;
}

/** Rows of the ledger by the host asked for, once there are as many. */
async function ledger(count: number): Promise<WalkedFlow[]> {
  for (let i = 0; i < 200; i++) {
    const rows = [...walkFlows({ dir: auditDir(product.dataDir), onProblem: () => undefined })].flat();
    // Each came after the one before was over, and may yet be written after the next.
    if (rows.length >= count) return rows.sort((x, y) => x.time - y.time);
    await sleep(50);
  }
  throw new Error(`the ledger never held ${count} flows`);
}

describe('conditions in the running product', () => {
  it('each is met and missed as written, and explain agrees with what was recorded', async () => {
    writeFileSync(product.policyFile, policy(product.port, parent.port));
    const loaded = await loadPolicyFile(product.policyFile);
    assert.ok(loaded.ok);
    // Until the only worker decides by it.
    let begin = 0;
    do {
      await come('ready.test', {});
      begin++;
    } while ((await ledger(begin)).at(-1)?.verdict?.policy !== loaded.compiled.version);
    const wanted: [host: string, rule: string, coming: Coming][] = CASES.flatMap(c => [
      [`${c.name}-yes.test`, c.name, c.yes],
      [`${c.name}-no.test`, 'default', c.no],
    ]);
    wanted.push(
      ['listener-yes.test', 'listener', {}],
      ['listener-no.test', 'default', {}],
      ['a.listed.test', 'list', {}],
      ['listed.test', 'default', {}],
      ['exact.test', 'list', {}],
      ['EXACT.test.', 'list', {}],
      ['expired.test', 'default', {}],
      ['notexact.test', 'default', {}],
    );
    for (const [host, , coming] of wanted) await come(host, coming);
    const rows = (await ledger(begin + wanted.length)).slice(begin);
    for (const [i, [host, rule, coming]] of wanted.entries()) {
      const row = rows[i];
      assert.ok(row?.facts !== undefined && row.facts !== null, host);
      const asked = coming.host ?? host.toLowerCase().replace(/\.$/, '');
      assert.deepEqual([row.facts.host, row.verdict?.rule], [asked, rule]);
      const told = explain(row.facts, loaded.compiled);
      assert.equal(told.rule, rule, host);
      const index = loaded.document.rules.findIndex(r => r.name === rule);
      assert.equal(told.skipped.length, index < 0 ? loaded.document.rules.length : index, host);
    }
  });

  it('rules on the origin and on requests decide when these are known', async () => {
    const before = (await ledger(0)).length;
    const get = 'GET / HTTP/1.1\r\n\r\n';
    assert.match(await ask('late.test', origin.port, get), /ok$/);
    assert.match(await ask('issued.test', origin.port, get), /^HTTP\/1\.1 403 /);
    await ask('untrusted.test', unknown.port, get).catch(() => '');
    const post = (path: string, type: string): string =>
      `POST ${path} HTTP/1.1\r\nContent-Type: ${type}\r\nContent-Length: 2\r\n\r\n{}`;
    assert.match(await ask('late.test', origin.port, post('/up/x', 'application/json')), /^HTTP\/1\.1 403 /);
    assert.match(await ask('late.test', origin.port, post('/up/x', 'text/plain')), /ok$/);
    assert.match(await ask('late.test', origin.port, post('/down', 'application/json')), /ok$/);
    const rows = (await ledger(before + 6)).slice(before);
    assert.deepEqual(
      rows.map(r => r.verdict?.rule),
      ['rest', 'issuer', 'bad-origin', 'rest', 'rest', 'rest'],
    );
    const requests = await product.eventually('search', 'host:late.test', found => found.length >= 4);
    assert.deepEqual(
      requests.map(r => r['rule']),
      ['rest', 'upload', 'rest', 'rest'],
    );
  });

  it('a verdict is carried out as its rule says, and what is decided late keeps to the way', async () => {
    assert.equal((await come('alert.test', {})).charCodeAt(0), 21, 'a TLS alert');
    assert.equal(await come('nowhere.test', {}), '', 'a reset');
    const body = '{"secret":"s3cret-value"}';
    const post = `POST /p?key=v HTTP/1.1\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
    assert.match(await ask('manner.test', origin.port, post), /ok$/);
    assert.match(await ask('silent.test', origin.port, 'GET / HTTP/1.1\r\n\r\n'), /ok$/);
    assert.deepEqual(
      parent.asked.map(line => line.split(':')[0]),
      ['CONNECT manner.test', 'CONNECT silent.test'],
    );
    const [request] = await product.eventually('search', 'host:manner.test', found => found.length === 1);
    assert.deepEqual(
      ['rule', 'mask', 'tlsProfile', 'parent'].map(key => request?.[key]),
      ['kept', 'strict', 'tls13', 'corp'],
    );
    const flows = await product.eventually('flows', 'rule:(way OR silent)', found => found.length === 2);
    assert.deepEqual(
      flows.map(f => [f['rule'], f['mask'], f['tlsProfile'], f['parent']]),
      [
        ['way', 'standard', 'tls13', 'corp'],
        ['silent', 'standard', 'modern', 'corp'],
      ],
    );
    assert.deepEqual(await product.search('host:silent.test'), [], 'capture: flow keeps the ledger row only');
    const args = ['policy', 'explain', '--sni', 'manner.test', '--method', 'POST', '--json'];
    const told = JSON.parse((await product.cli(...args)).stdout) as Record<string, unknown>;
    assert.deepEqual(
      ['rule', 'capture', 'mask', 'tls', 'parent'].map(key => told[key]),
      ['kept', 'bodies', 'strict', 'tls13', 'corp'],
    );
  });

  it('a rollout takes about its share of clients, each always in or always out', async () => {
    const before = (await ledger(0)).length;
    const clients = Array.from({ length: 24 }, (_, i) => `127.0.1.${i + 1}`);
    for (const from of [...clients, ...clients]) await come('trial.test', { from });
    const rows = (await ledger(before + 48)).slice(before);
    const inside = new Set(rows.filter(r => r.verdict?.rule === 'trial').map(r => r.client));
    const outside = new Set(rows.filter(r => r.verdict?.rule === 'default').map(r => r.client));
    assert.equal(inside.size + outside.size, 24, 'nobody is in both');
    assert.ok(inside.size >= 4 && inside.size <= 20, `${inside.size} of 24`);
  });
});
