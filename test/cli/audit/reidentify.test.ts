/** `audit officer-key` and `audit reidentify`: both ways, with the trail, and never without the private half. */
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { Ingest } from '../../../src/audit/ingest.ts';
import { periodOf, pseudonymOf, PseudonymousSink } from '../../../src/audit/pseudonym.ts';
import { officerKey } from '../../../src/audit/sealed-name.ts';
import { openSpool } from '../../../src/audit/spool.ts';
import { auditCommand } from '../../../src/cli/audit.ts';
import { openControlDb } from '../../../src/control/control-db.ts';
import { Trail } from '../../../src/control/trail.ts';
import { exchange, scratch } from '../../audit/sample.ts';
import { runVerb } from '../run-verb.ts';

/** A data directory with exchanges of two people under pseudonyms, and the officer's keys beside it. */
async function recorded(t: TestContext) {
  const dir = scratch(t);
  const file = (name: string) => path.join(dir, name);
  await runVerb(
    t,
    auditCommand(),
    'officer-key',
    '--private',
    file('private.pem'),
    '--public',
    file('public.pem'),
  );
  const dataDir = file('data');
  const spoolDir = path.join(dataDir, 'spool');
  const spool = openSpool({ dir: spoolDir, producer: 1 });
  const key = Buffer.alloc(32, 1);
  const officer = officerKey(fs.readFileSync(file('public.pem'), 'utf8'));
  const period = { days: 30, period: periodOf(Date.now(), 30), key };
  const sink = new PseudonymousSink(spool, { users: true, clients: false }, period, officer);
  for (const user of ['alice', 'bob']) sink.append(exchange({ user }));
  sink.flush();
  const ingest = new Ingest({ spoolDir, auditDir: path.join(dataDir, 'audit'), isAlive: () => true });
  while (ingest.step().rows > 0);
  ingest.close();
  spool.close();
  const run = (...argv: string[]) => runVerb(t, auditCommand(), ...argv, '--data-dir', dataDir);
  return { dataDir, file, run, pseudonym: pseudonymOf('user', 'alice', key) };
}

test('who holds the private half learns the name, and the trail says who asked and why', async t => {
  const { dataDir, file, run, pseudonym } = await recorded(t);
  assert.equal(fs.statSync(file('private.pem')).mode & 0o777, 0o600);
  const asked = await run('reidentify', pseudonym, '--key', file('private.pem'), '--reason', 'Case 17');
  assert.equal(asked.out, `${pseudonym}  alice`);
  const db = openControlDb(dataDir);
  t.after(() => {
    db.close();
  });
  const [line] = new Trail(db).page(null, 10).rows;
  assert.equal(line?.action, 'privacy.reidentified');
  assert.equal(line.detail['reason'], 'Case 17');
  assert.equal(line.detail['pseudonym'], pseudonym);
  assert.ok(!JSON.stringify(line).includes('alice'));
});

test('a known person is found under their pseudonyms', async t => {
  const { file, run, pseudonym } = await recorded(t);
  const asked = await run(
    'reidentify',
    '--name',
    'alice',
    '--key',
    file('private.pem'),
    '--reason',
    'x',
    '--json',
  );
  assert.deepEqual(JSON.parse(asked.out), { pseudonym, name: 'alice' });
});

test('without the right key, a reason, or a pseudonym that there is, nothing is told', async t => {
  const { file, run, pseudonym } = await recorded(t);
  const key = file('private.pem');
  await assert.rejects(
    run('reidentify', pseudonym, '--key', file('public.pem'), '--reason', 'x'),
    /no private key/,
  );
  await assert.rejects(run('reidentify', pseudonym, '--key', key, '--reason', ' '), /reason is empty/);
  await assert.rejects(run('reidentify', 'p-none', '--key', key, '--reason', 'x'), /No sealed name fits/);
  await assert.rejects(run('reidentify', '--key', key, '--reason', 'x'), /either a pseudonym or a person/);
  await runVerb(t, auditCommand(), 'officer-key', '--private', file('b.pem'), '--public', file('b.pub'));
  await assert.rejects(
    run('reidentify', pseudonym, '--key', file('b.pem'), '--reason', 'x'),
    /No sealed name fits/,
  );
});
