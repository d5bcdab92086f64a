import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { join } from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { openAuthority } from '../../ca/authority.ts';
import { createIssuer } from '../../ca/issuer.ts';
import type { CountingIssuer, IssuerOptions, MintEvent } from '../../ca/issuer.ts';
import { DAY } from '../../ca/leaf.ts';
import type { FaultCode } from '../../src/core/faults.ts';
import { Fault } from '../../src/core/faults.ts';
import type { LeafAsk } from '../../src/core/ports.ts';
import { ask, judge, leafKey, scratch } from './scratch.ts';

const NOW = Date.UTC(2026, 10, 20, 12);
const KEY = leafKey();
const FINGERPRINT = 'ab'.repeat(32);

interface Set {
  issuer: CountingIssuer;
  events: MintEvent[];
  clock: { now: number };
  dir: string;
  rootPem: string;
}

function setUp(t: TestContext, options: Partial<IssuerOptions> = {}): Set {
  const dir = scratch(t);
  const clock = { now: NOW };
  const authority = openAuthority({ dir: join(dir, 'ca'), now: () => clock.now });
  const events: MintEvent[] = [];
  const issuer = createIssuer({
    authority,
    now: () => clock.now,
    onMint: event => events.push(event),
    ...options,
  });
  return { issuer, events, clock, dir, rootPem: authority.certificatePem };
}

const fault =
  (code: FaultCode, detail: RegExp = /./) =>
  (error: unknown): boolean =>
    error instanceof Fault && error.code === code && detail.test(error.detail ?? '');

const of = (changes: Partial<LeafAsk> = {}): LeafAsk => ask(KEY.spki, changes);
const origin = (days: number): Partial<LeafAsk> => ({
  originFingerprint: FINGERPRINT,
  originNotBefore: NOW - 10 * DAY,
  originNotAfter: NOW + days * DAY,
});

test('a leaf for a verified origin, its record, and openssl’s verdict', async t => {
  const { issuer, events, dir, rootPem } = setUp(t);
  const leaf = await issuer.issue(of(origin(5)));
  assert.match(leaf.certificate, /^-----BEGIN CERTIFICATE-----\n[\s\S]+-----END CERTIFICATE-----\n$/);
  assert.equal(leaf.certificate.match(/BEGIN/g)?.length, 1, 'a self-signed root is not sent along');
  assert.equal(leaf.notAfter, NOW + 5 * DAY);
  const certificate = new X509Certificate(leaf.certificate);
  assert.equal(certificate.serialNumber.toLowerCase(), leaf.serial);
  assert.equal(judge(dir, rootPem, leaf.certificate, 'www.example.com', 'name', NOW).code, 0);
  assert.deepEqual(events, [
    {
      time: NOW,
      serial: leaf.serial,
      fingerprint: certificate.fingerprint256.replaceAll(':', '').toLowerCase(),
      name: 'www.example.com',
      trust: 'trusted',
      root: new X509Certificate(rootPem).fingerprint256.replaceAll(':', '').toLowerCase(),
      originFingerprint: FINGERPRINT,
      notBefore: NOW - DAY,
      notAfter: NOW + 5 * DAY,
    },
  ]);
});

test('the same ask is answered from the cache; every part of it that goes into the leaf makes another', async t => {
  const { issuer, events } = setUp(t);
  const first = await issuer.issue(of(origin(5)));
  assert.equal(await issuer.issue(of(origin(5))), first);
  const others: LeafAsk[] = [
    of({ ...origin(5), name: 'ww.example.com' }),
    of({ ...origin(5), trust: 'untrusted' }),
    of({ ...origin(5), originFingerprint: 'cd'.repeat(32) }),
    of(origin(6)),
    of({ ...origin(5), originNotBefore: NOW - 9 * DAY }),
    of({ ...origin(5), publicKey: leafKey().spki }),
    of(),
  ];
  for (const other of others) assert.notEqual((await issuer.issue(other)).serial, first.serial);
  assert.equal(events.length, 1 + others.length);
  assert.equal(new Set(events.map(e => e.serial)).size, events.length, 'serials are unique');
  assert.deepEqual(issuer.counts(), { minted: 8, reused: 1, busy: 0, refused: 0, cached: 8, waiting: 0 });
  issuer.clear();
  assert.notEqual((await issuer.issue(of(origin(5)))).serial, first.serial);
});

test('askers at the same time share one mint', async t => {
  const { issuer, events } = setUp(t, { queueLimit: 1 });
  const leaves = await Promise.all(Array.from({ length: 50 }, () => issuer.issue(of())));
  assert.equal(new Set(leaves).size, 1);
  assert.equal(events.length, 1);
  assert.equal(issuer.counts().reused, 49);
});

test('a full queue answers at once that it is busy, and recovers', async t => {
  const { issuer, events } = setUp(t, { queueLimit: 10 });
  const asks = Array.from({ length: 25 }, (_, i) => issuer.issue(of({ name: `h${i}.example.com` })));
  const results = await Promise.allSettled(asks);
  assert.equal(results.filter(r => r.status === 'fulfilled').length, 10);
  const busy = results.filter(r => r.status === 'rejected');
  assert.ok(busy.every(r => fault('mint-busy')(r.reason)));
  assert.equal(events.length, 10);
  assert.equal(issuer.counts().busy, 15);
  assert.match((await issuer.issue(of({ name: 'h20.example.com' }))).certificate, /BEGIN/);
});

test('the event loop turns between two mints of a burst', async t => {
  const { issuer, events } = setUp(t);
  const burst = Promise.all(
    Array.from({ length: 100 }, (_, i) => issuer.issue(of({ name: `h${i}.example.com` }))),
  );
  const seen: number[] = [];
  const look = (): void => {
    seen.push(events.length);
    if (events.length < 100) setImmediate(look);
  };
  setImmediate(look);
  await burst;
  const steps = seen.map((n, i) => n - (seen[i - 1] ?? 0));
  assert.ok(Math.max(...steps) <= 1, 'never two mints without a turn in between');
});

test('the cache is bounded; the least recently used leaf goes first', async t => {
  const { issuer } = setUp(t, { cacheSize: 3 });
  const serial = async (name: string): Promise<string> => (await issuer.issue(of({ name }))).serial;
  const [a, b] = [await serial('a.test'), await serial('b.test')];
  await serial('c.test');
  assert.equal(await serial('a.test'), a);
  await serial('d.test');
  assert.equal(issuer.counts().cached, 3);
  assert.equal(await serial('a.test'), a, 'used a moment ago');
  assert.notEqual(await serial('b.test'), b, 'was the oldest');
});

test('after two thirds of its life a leaf is made anew, and a jump of the clock never serves an invalid one', async t => {
  const { issuer, clock } = setUp(t, { leafDays: 30 });
  const serial = async (): Promise<string> => (await issuer.issue(of())).serial;
  const first = await serial();
  clock.now = NOW + 20 * DAY - 1000;
  assert.equal(await serial(), first);
  clock.now = NOW + 20 * DAY;
  const second = await serial();
  assert.notEqual(second, first);
  clock.now = NOW + 3 * DAY;
  const third = await serial();
  assert.notEqual(third, second, 'the clock went back before its beginning');
  clock.now = NOW + 300 * DAY;
  const leaf = await issuer.issue(of());
  assert.notEqual(leaf.serial, third);
  assert.ok(leaf.notAfter > clock.now);
});

test('names that are not canonical, wildcards and confusions of kind are refused', async t => {
  const { issuer, events } = setUp(t);
  const bad: [string, LeafAsk['nameKind']][] = [
    ['', 'name'],
    ['WWW.example.com', 'name'],
    ['www.example.com.', 'name'],
    ['*.example.com', 'name'],
    ['*', 'name'],
    ['münchen.example', 'name'],
    ['a..b', 'name'],
    ['evil.com\0.example.com', 'name'],
    ['a b', 'name'],
    ['example.com/x', 'name'],
    ['x'.repeat(64), 'name'],
    ['192.0.2.1', 'name'],
    ['2130706433', 'name'],
    ['www.example.com', 'ip'],
    ['2001:DB8::1', 'ip'],
    ['[2001:db8::1]', 'ip'],
    ['2001:db8:0:0::1', 'ip'],
    ['127.1', 'ip'],
  ];
  for (const [name, nameKind] of bad)
    await assert.rejects(
      issuer.issue(of({ name, nameKind })),
      fault('mint-refused', /name/),
      JSON.stringify(name),
    );
  assert.equal(events.length, 0);
  assert.equal(issuer.counts().refused, bad.length);
  assert.equal(issuer.counts().cached, 0);
  for (const [name, nameKind] of [
    ['com', 'name'],
    ['2001:db8::1', 'ip'],
    ['192.0.2.1', 'ip'],
  ] as const)
    assert.match((await issuer.issue(of({ name, nameKind }))).certificate, /BEGIN/);
});

test('keys and facts a broken worker might send are refused', async t => {
  const { issuer, events } = setUp(t);
  const offCurve = Buffer.from(KEY.spki);
  offCurve[offCurve.length - 1] = (offCurve.at(-1) ?? 0) ^ 1;
  for (const publicKey of [Buffer.alloc(0), KEY.spki.subarray(1), offCurve])
    await assert.rejects(issuer.issue(of({ publicKey })), fault('mint-refused', /leaf key/));
  const halves: Partial<LeafAsk>[] = [
    { ...origin(5), originFingerprint: null },
    { originFingerprint: FINGERPRINT },
    { ...origin(5), originNotAfter: null },
    { ...origin(5), originNotAfter: NaN },
    { ...origin(5), originFingerprint: 'x\ny' },
  ];
  for (const half of halves)
    await assert.rejects(issuer.issue(of(half)), fault('mint-refused', /origin certificate/));
  assert.equal(events.length, 0);
});

test('the key of the authority never goes into a leaf', async t => {
  const dir = scratch(t);
  const authority = openAuthority({ dir: join(dir, 'ca') });
  const issuer = createIssuer({ authority });
  for (const trust of ['trusted', 'untrusted'] as const)
    await assert.rejects(
      issuer.issue(ask(authority[trust].publicKey, { trust })),
      fault('mint-refused', /key of the authority/),
    );
});

test('an expired authority, an expired origin and a clock before the authority are refused with the reason', async t => {
  const { issuer, clock, events } = setUp(t);
  await assert.rejects(issuer.issue(of(origin(-1))), fault('mint-refused', /origin certificate has expired/));
  clock.now = NOW + 11 * 365 * DAY;
  await assert.rejects(issuer.issue(of()), fault('mint-refused', /authority has expired/));
  clock.now = NOW - 2 * DAY;
  await assert.rejects(issuer.issue(of()), fault('mint-refused', /authority is not valid yet/));
  assert.equal(events.length, 0);
});

test('an untrusted leaf verifies under no trusted root, and the dates of the failed origin do not bind it', async t => {
  const { issuer, events, dir, rootPem } = setUp(t);
  const leaf = await issuer.issue(of({ ...origin(-1), trust: 'untrusted' }));
  const verdict = judge(dir, rootPem, leaf.certificate, 'www.example.com', 'name', NOW);
  assert.notEqual(verdict.code, 0);
  assert.match(verdict.text, /unable to get local issuer certificate/);
  assert.match(new X509Certificate(leaf.certificate).issuer, /NOT TRUSTED/);
  assert.ok(leaf.notAfter > NOW);
  assert.equal(events[0]?.trust, 'untrusted');
  assert.equal(events[0]?.originFingerprint, FINGERPRINT);
});

test('a leaf whose record cannot be kept is not handed out', async t => {
  let broken = true;
  const { issuer } = setUp(t, {
    onMint: () => {
      if (broken) throw new Error('disk full');
    },
  });
  await assert.rejects(issuer.issue(of()), fault('audit-unavailable'));
  assert.equal(issuer.counts().cached, 0);
  broken = false;
  assert.match((await issuer.issue(of())).certificate, /BEGIN/);
});
