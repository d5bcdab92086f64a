/** Days that are over get their seal: by the recorder between batches, late ones at the next start, and once only. */
import assert from 'node:assert/strict';
import { createHash, generateKeyPairSync } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { describe, it } from 'node:test';
import Database from 'better-sqlite3';
import { digestOf, GENESIS } from '../../src/audit/chain.ts';
import { readCheckpoint } from '../../src/audit/checkpoint.ts';
import { Ingest } from '../../src/audit/ingest.ts';
import { readSeal, sealOf, sealPath, sealedDays, Sealing, unsealedDays } from '../../src/audit/seal.ts';
import { Sealer } from '../../src/audit/sealer.ts';
import { openSpool } from '../../src/audit/spool.ts';
import { isSignedBy, signerOf } from '../../src/audit/statement.ts';
import { dayPath, openDayForReading, openDayForWriting } from '../../src/audit/store/schema.ts';
import { readWitnessLine } from '../../src/audit/witness.ts';
import { Witness } from '../../src/audit/witness.ts';
import { DAY, exchange, flowId, NOON, scratch } from './sample.ts';

const pair = generateKeyPairSync('ed25519');
const signer = signerOf(pair.privateKey);
const MINUTE = 60_000;

describe('a recorder with a key', () => {
  it('signs every minute that had rows, seals the day, notes steps of the clock, and copies what it signed', t => {
    const dir = scratch(t);
    const [spoolDir, auditDir] = [path.join(dir, 'spool'), path.join(dir, 'audit')];
    let now = NOON;
    let steady = 0;
    const witness = new Witness(path.join(dir, 'witness'));
    const start = (): Ingest =>
      new Ingest({
        spoolDir,
        auditDir,
        signer,
        witness,
        now: () => now,
        steady: () => steady,
        isAlive: () => true,
      });
    const pass = (ms: number): void => {
      now += ms;
      steady += ms;
    };
    const spool = openSpool({ dir: spoolDir, producer: 1 });
    let n = 0;
    const write = (): void => {
      spool.append(exchange({ flow: flowId(1, 1), n: ++n }));
      spool.flush();
    };
    let ingest = start();
    const checkpoints = (day: string): { first: number; last: number }[] => {
      const db = openDayForReading(auditDir, day);
      const all = (db?.prepare('SELECT statement, signature FROM checkpoint ORDER BY n').all() ?? []) as {
        statement: string;
        signature: Buffer;
      }[];
      db?.close();
      return all.map(signed => {
        assert.equal(isSignedBy(signed, pair.publicKey), true);
        const c = readCheckpoint(signed.statement);
        assert.equal(c?.day, day);
        return { first: c.first, last: c.last };
      });
    };
    write();
    ingest.step();
    assert.deepEqual(checkpoints('2026-11-20'), [{ first: 1, last: 1 }], 'the first row is signed at once');
    for (let i = 0; i < 3; i++) {
      pass(20_000);
      write();
      ingest.step();
    }
    assert.deepEqual(checkpoints('2026-11-20').slice(1), [{ first: 2, last: 4 }], 'then once a minute');
    pass(MINUTE);
    ingest.step();
    assert.equal(checkpoints('2026-11-20').length, 2, 'nothing new, nothing signed');
    write();
    ingest.step();
    write();
    ingest.step();
    // Killed here: one row has no checkpoint yet.
    ingest.close();
    ingest = start();
    now += DAY;
    write();
    ingest.step();
    assert.deepEqual(
      checkpoints('2026-11-20').map(c => c.last),
      [1, 4, 5, 6],
      'the day ends with a checkpoint over the rest',
    );
    while (ingest.seal());
    assert.deepEqual(sealedDays(auditDir), ['2026-11-20']);
    const signed = sealOf(auditDir, '2026-11-20');
    assert.ok(signed !== null && signed !== 'damaged');
    assert.equal(isSignedBy(signed, pair.publicKey), true);
    const seal = readSeal(signed.statement);
    const bytes = fs.readFileSync(dayPath(auditDir, '2026-11-20'));
    assert.equal(seal?.sha256, createHash('sha256').update(bytes).digest('hex'));
    assert.equal(seal.size, bytes.length);
    assert.deepEqual([seal.exchanges, seal.first, seal.last, seal.checkpoint], [6, 1, 6, 4]);
    assert.equal(fs.statSync(dayPath(auditDir, '2026-11-20')).mode & 0o777, 0o400);
    assert.equal(fs.existsSync(`${dayPath(auditDir, '2026-11-20')}-wal`), false);

    // The clock steps back two days, then forward.
    now -= 2 * DAY;
    ingest.step();
    now += 2 * DAY;
    ingest.step();
    ingest.finish();
    ingest.close();
    spool.close();
    const db = new Database(dayPath(auditDir, '2026-11-21'));
    const events = db
      .prepare(`SELECT detail FROM event WHERE name = 'clock.stepped' ORDER BY id`)
      .pluck()
      .all();
    assert.deepEqual(
      events.map(text => (JSON.parse(text as string) as { ms: number }).ms),
      [-2 * DAY, 2 * DAY],
    );
    db.close();
    const lines = fs.readFileSync(path.join(dir, 'witness'), 'utf8').trimEnd().split('\n');
    const copied = lines.map(line => readWitnessLine(line)?.statement ?? '');
    assert.equal(copied.filter(text => readSeal(text) !== null).length, 1);
    assert.deepEqual(
      copied.flatMap(text => readCheckpoint(text)?.number ?? []),
      [1, 2, 3, 4, 5, 6],
    );
  });

  it('seals days that earlier versions left, and names the seal before', t => {
    const dir = scratch(t);
    for (const day of ['2026-11-17', '2026-11-18', '2026-11-19'])
      openDayForWriting(dir, day, () => undefined).close();
    assert.deepEqual(unsealedDays(dir), ['2026-11-17', '2026-11-18']);
    const sealer = new Sealer(
      dir,
      signer,
      () => NOON,
      () => 0,
    );
    const seals = [];
    for (let step = sealer.step(); step.more; step = sealer.step())
      if (step.signed !== null) seals.push(step.signed);
    assert.equal(seals.length, 2);
    assert.equal(readSeal(seals[0]?.statement ?? '')?.previous, GENESIS);
    assert.equal(readSeal(seals[1]?.statement ?? '')?.previous, digestOf(seals[0]?.statement ?? ''));
    assert.deepEqual(unsealedDays(dir), []);
  });

  it('tells of a day that cannot be sealed once, and goes on with the others', t => {
    const dir = scratch(t);
    fs.writeFileSync(
      path.join(dir, '2026-11-17.db'),
      'no database, but long enough to be looked at '.repeat(50),
    );
    for (const day of ['2026-11-18', '2026-11-19']) openDayForWriting(dir, day, () => undefined).close();
    let steady = 0;
    const sealer = new Sealer(
      dir,
      signer,
      () => NOON,
      () => steady,
    );
    const failed: string[] = [];
    const run = (): void => {
      for (let step = sealer.step(); step.more; step = sealer.step())
        if (step.failed !== null) failed.push(`${step.failed.day} ${step.failed.error}`);
    };
    run();
    assert.equal(failed.length, 1);
    assert.match(failed[0] ?? '', /2026-11-17 .*not a database/);
    assert.deepEqual(sealedDays(dir), ['2026-11-18']);
    steady += 11 * MINUTE;
    run();
    assert.equal(failed.length, 1, 'tried again, told once');
  });

  it('waits for readers to let go of the log, and in the end seals the file as it is', t => {
    const dir = scratch(t);
    openDayForWriting(dir, '2026-11-19', () => undefined).close();
    const reader = openDayForReading(dir, '2026-11-19');
    reader?.prepare('SELECT count(*) FROM event').get();
    const sealing = new Sealing(dir, '2026-11-19', signer, () => NOON);
    let steps = 0;
    let signed = sealing.step();
    while (signed === null && steps++ < 1000) signed = sealing.step();
    assert.ok(signed !== null && steps > 100);
    reader?.close();
    const bytes = fs.readFileSync(dayPath(dir, '2026-11-19'));
    assert.equal(
      readSeal(signed.statement)?.sha256,
      createHash('sha256').update(bytes).digest('hex'),
      'closing the reader changed nothing',
    );
    assert.ok(fs.existsSync(sealPath(dir, '2026-11-19')));
  });
});
