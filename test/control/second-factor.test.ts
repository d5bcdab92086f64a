import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import decodeQr from 'qr/decode.js';
import encodeQr from 'qr';
import { TOTP, URI } from 'otpauth';
import { Accounts } from '../../src/control/accounts.ts';
import type { AccountsOptions } from '../../src/control/accounts.ts';
import { CONTROL_DB_FILE, openControlDb } from '../../src/control/control-db.ts';
import type { ControlDb } from '../../src/control/control-db.ts';
import type { Enrolment } from '../../src/control/second-factor.ts';
import { Sessions } from '../../src/control/sessions.ts';

const GOOD = 'correct horse battery';
const STEP = 30_000;

interface House {
  accounts: Accounts;
  db: ControlDb;
  dir: string;
  clock: { now: number };
  /** What the app of somebody shows at a time. */
  codeAt: (uri: string, time?: number) => string;
}

async function house(t: TestContext, more: AccountsOptions = {}): Promise<House> {
  const dir = mkdtempSync(join(tmpdir(), 'sightglass-factor-'));
  const db = openControlDb(dir);
  t.after(() => {
    db.close();
    rmSync(dir, { recursive: true, force: true });
  });
  const clock = { now: Date.UTC(2026, 10, 20) };
  const accounts = new Accounts(db, {
    now: () => clock.now,
    cost: { logN: 4, r: 8, p: 1 },
    place: 'edge-1',
    ...more,
  });
  await accounts.add({ name: 'alice', roles: ['auditor'], password: GOOD });
  const codeAt = (uri: string, time = clock.now): string => URI.parse(uri).generate({ timestamp: time });
  return { accounts, db, dir, clock, codeAt };
}

function begun(accounts: Accounts, name = 'alice'): Enrolment {
  const enrolment = accounts.secondFactors.begin(name);
  assert.ok(enrolment !== null);
  return enrolment;
}

test('what an app scans: RFC 6238 defaults, the name of user and place; a QR code of it reads back', async t => {
  const { accounts } = await house(t);
  const { uri, secret } = begun(accounts);
  const read = URI.parse(uri);
  assert.ok(read instanceof TOTP);
  assert.deepEqual(
    [read.issuer, read.label, read.algorithm, read.digits, read.period, read.secret.base32],
    ['Sightglass edge-1', 'alice', 'SHA1', 6, 30, secret],
  );
  assert.equal(read.secret.bytes.length, 20);
  const rows = encodeQr(uri, 'raw', { ecc: 'medium', border: 4 });
  // Four pixels a module, as a camera would see it.
  const size = rows.length * 4;
  const data = new Uint8Array(size * size * 4).fill(255);
  for (let y = 0; y < size; y++)
    for (let x = 0; x < size; x++)
      if (rows[y >> 2]?.[x >> 2] === true) data.fill(0, (y * size + x) * 4, (y * size + x) * 4 + 3);
  assert.equal(decodeQr({ width: size, height: size, data }), uri);
});

test('off until a first code confirms it, within ten minutes; then log-in wants a code', async t => {
  const { accounts, clock, codeAt } = await house(t);
  const first = begun(accounts);
  assert.equal((await accounts.login('alice', GOOD, '::1')).outcome, 'ok', 'begun is not on');
  assert.equal(accounts.secondFactors.confirm('alice', '000000'), null);
  clock.now += 10 * 60_000 + 1;
  assert.equal(accounts.secondFactors.confirm('alice', codeAt(first.uri)), null, 'too late');
  const { uri } = begun(accounts);
  assert.equal(accounts.secondFactors.confirm('alice', codeAt(first.uri)), null, 'the secret before is void');
  const codes = accounts.secondFactors.confirm('alice', codeAt(uri));
  assert.equal(new Set(codes).size, 10);
  assert.equal(accounts.secondFactors.begin('alice'), null, 'it cannot be replaced in passing');
  assert.equal(accounts.secondFactors.confirm('alice', codeAt(uri, clock.now + STEP)), null);

  assert.deepEqual(await accounts.login('alice', GOOD, '::1'), { outcome: 'code-needed' });
  assert.deepEqual(await accounts.login('alice', 'wrong password', '::1'), { outcome: 'refused' });
  assert.deepEqual(
    await accounts.login('alice', GOOD, '::1', codeAt(uri)),
    { outcome: 'wrong-code' },
    'used to confirm',
  );
  clock.now += STEP;
  const done = await accounts.login(
    'alice',
    GOOD,
    '::1',
    ` ${codeAt(uri).slice(0, 3)} ${codeAt(uri).slice(3)}`,
  );
  assert.equal(done.outcome === 'ok' && done.factor, 'code');
});

test('no code counts twice, nor an earlier one after a later one; one step of difference is forgiven', async t => {
  const { accounts, clock, codeAt } = await house(t);
  const { uri } = begun(accounts);
  accounts.secondFactors.confirm('alice', codeAt(uri));
  clock.now += 10 * STEP;
  const use = (time: number) => accounts.secondFactors.use('alice', codeAt(uri, time));
  assert.equal(use(clock.now - 2 * STEP), null);
  assert.equal(use(clock.now + 2 * STEP), null);
  assert.equal(use(clock.now - STEP), 'code');
  assert.equal(use(clock.now - STEP), null);
  assert.equal(use(clock.now + STEP), 'code');
  assert.equal(use(clock.now), null, 'it is older than the last one');
  clock.now += STEP;
  assert.equal(use(clock.now), null);
  assert.equal(use(clock.now + STEP), 'code');
});

test('a recovery code counts once, however it is typed; the store holds hashes; other codes void those before', async t => {
  const { accounts, db, dir, codeAt } = await house(t);
  const { uri } = begun(accounts);
  const [first = '', second = '', third = ''] = accounts.secondFactors.confirm('alice', codeAt(uri)) ?? [];
  assert.match(first, /^([0-9A-HJKMNP-TV-Z]{4}-){3}[0-9A-HJKMNP-TV-Z]{4}$/);
  const done = await accounts.login('alice', GOOD, '::1', first);
  assert.equal(done.outcome === 'ok' && done.factor, 'recovery');
  assert.deepEqual(await accounts.login('alice', GOOD, '::1', first), { outcome: 'wrong-code' });
  const typed = ` ${second.toLowerCase().replaceAll('-', ' ').replaceAll('0', 'o').replaceAll('1', 'l')} `;
  assert.equal(accounts.secondFactors.use('alice', typed), 'recovery');
  assert.equal(accounts.secondFactors.recoveryLeft('alice'), 8);
  db.pragma('wal_checkpoint(TRUNCATE)');
  const file = readFileSync(join(dir, CONTROL_DB_FILE));
  assert.ok(!file.includes(third) && !file.includes(third.replaceAll('-', '')));
  const renewed = accounts.secondFactors.renewRecovery('alice');
  assert.equal(accounts.secondFactors.use('alice', third), null);
  assert.equal(accounts.secondFactors.use('alice', renewed[0] ?? ''), 'recovery');
});

test('wrong codes lock the account like wrong passwords, asking without a code counts for nothing', async t => {
  const { accounts, clock, codeAt } = await house(t);
  const { uri } = begun(accounts);
  accounts.secondFactors.confirm('alice', codeAt(uri));
  clock.now += STEP;
  const code = codeAt(uri);
  const wrong = code === '123456' ? '654321' : '123456';
  for (let n = 0; n < 30; n++)
    assert.equal((await accounts.login('alice', GOOD, '::1')).outcome, 'code-needed');
  for (let n = 0; n < 5; n++)
    assert.equal((await accounts.login('alice', GOOD, `10.0.0.${n}`, wrong)).outcome, 'wrong-code');
  assert.deepEqual(await accounts.login('alice', GOOD, '10.9.0.1', code), {
    outcome: 'locked',
    waitMs: STEP,
  });
  assert.deepEqual(
    accounts.proveCode('alice', code),
    { outcome: 'locked', waitMs: STEP },
    'and inside a session',
  );
  clock.now += STEP;
  assert.equal((await accounts.login('alice', GOOD, '10.9.0.1', codeAt(uri))).outcome, 'ok');
});

test('on and off end the sessions made before; a role that demands it is told until it is there', async t => {
  const { accounts, db, clock, codeAt } = await house(t, { demand: ['auditor'] });
  await accounts.add({ name: 'vera', roles: ['viewer'], password: GOOD });
  assert.deepEqual([accounts.get('alice')?.enrol, accounts.get('vera')?.enrol], [true, false]);
  const sessions = new Sessions(db, accounts, { now: () => clock.now });
  const enter = (): string => {
    const user = accounts.get('alice');
    assert.ok(user !== null);
    return sessions.create(user, '::1').token;
  };
  const before = enter();
  const { uri } = begun(accounts);
  assert.equal(sessions.get(before)?.user.enrol, true, 'begun, but not on');
  accounts.secondFactors.confirm('alice', codeAt(uri));
  assert.equal(sessions.get(before), null);
  assert.equal(accounts.get('alice')?.secondFactor, clock.now);
  const during = enter();
  assert.equal(sessions.get(during)?.user.enrol, false);
  assert.ok(accounts.secondFactors.remove('alice'));
  assert.ok(!accounts.secondFactors.remove('alice'));
  assert.equal(sessions.get(during), null);
  assert.equal(accounts.secondFactors.recoveryLeft('alice'), 0);
  assert.equal((await accounts.login('alice', GOOD, '::1')).outcome, 'ok');
});
