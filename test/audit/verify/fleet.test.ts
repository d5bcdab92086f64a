/**
 * The chain in a real PostgreSQL: an honest store fits; a row that was changed, taken out, put in or exchanged is found and named, as
 * is a touched chain, checkpoint or seal; and a database that is an older state of itself is told by the collector and by the
 * verifier.
 */
import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { LastSigned } from '../../../src/audit/last-signed.ts';
import { signerOf } from '../../../src/audit/statement.ts';
import { retainDays } from '../../../src/audit/store/postgres/days.ts';
import { verifyFleet } from '../../../src/audit/verify/fleet.ts';
import { readWitnessLine } from '../../../src/audit/witness.ts';
import { auditCommand } from '../../../src/cli/audit.ts';
import { runVerb } from '../../cli/run-verb.ts';
import { startPostgres } from '../../helpers/postgres.ts';
import { DAY, NOON } from '../sample.ts';
import { DAYS, pair, signer, witnessOf } from './recorded.ts';
import {
  all,
  connected,
  findingsAfter,
  recordFleet,
  ROWS_A_DAY,
  TestCollector,
  traffic,
} from './recorded-fleet.ts';
import type { FleetReport } from '../../../src/audit/verify/fleet.ts';
import type { PostgresTarget } from '../../../src/audit/store/postgres/connect.ts';
import type { Postgres } from '../../helpers/postgres.ts';

const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'sightglass-verify-fleet-'));
const [first, second, open] = DAYS;
let postgres: Postgres;
let good: PostgresTarget;

before(async () => {
  postgres = await startPostgres();
  good = await postgres.database('good');
  await recordFleet(good, dir);
});
after(async () => {
  await postgres.cleanUp();
  fs.rmSync(dir, { recursive: true, force: true });
});

let copies = 0;
/** A copy of the good database, changed by statements as its owner. */
async function copied(sql = 'SELECT 1'): Promise<PostgresTarget> {
  const database = `copy_${++copies}`;
  await postgres.run(`CREATE DATABASE ${database} TEMPLATE good`);
  await postgres.run(`SET search_path = sightglass; ${sql}`, database);
  return { ...good, address: { ...good.address, database } };
}

const report = (target: PostgresTarget, keys = [pair.publicKey]): Promise<FleetReport> =>
  connected(target, client => verifyFleet(client, keys));
const told = (sql: string): Promise<string[]> => findingsAfter(good, sql);

describe('an untouched store', () => {
  it('fits, day by day and day to day; days that are over are sealed', async () => {
    const found = await report(good);
    assert.deepEqual(all(found), []);
    assert.deepEqual(found.waiting, []);
    assert.deepEqual(
      found.days.map(d => [d.day, d.sealed, d.rows, d.unsigned, d.unchained, d.chain]),
      [
        [first, true, ROWS_A_DAY, 0, 0, signer.keyId],
        [second, true, ROWS_A_DAY, 0, 0, signer.keyId],
        [open, false, ROWS_A_DAY, 0, 0, signer.keyId],
      ],
    );
    assert.ok(found.days.every(d => d.checkpoints >= 2));
  });

  it('does not fit another key, which judges nothing', async () => {
    const other = generateKeyPairSync('ed25519').publicKey;
    const problems = all(await report(good, [other])).map(f => f.problem);
    assert.deepEqual([...new Set(problems)], ['signature']);
    assert.equal(problems.length, 3, 'one for each day');
  });

  it('is verified by the command, with the settings of a collector or of anybody who may read it', async t => {
    const key = path.join(dir, 'key.pem');
    fs.writeFileSync(key, pair.publicKey.export({ type: 'spki', format: 'pem' }));
    const url = postgres.url.replace(/postgres$/, 'good');
    const read = ['--audit.store-read', url, '--audit.store-read-password-file', postgres.passwordFile];
    const run = (...argv: string[]) =>
      runVerb(
        t,
        auditCommand(),
        'verify',
        '--key',
        key,
        '--data-dir',
        path.join(dir, 'data'),
        ...read,
        ...argv,
      );
    const whole = await run('--witness', witnessOf(dir));
    assert.equal(whole.code, 0, whole.out);
    assert.match(
      whole.out,
      /2026-11-20 {2}ok .*sealed[^]*witness: \d+ checkpoints compared\neverything fits/,
    );
    const one = JSON.parse((await run('--day', open, '--json')).out) as {
      ok: boolean;
      days: { day: string }[];
    };
    assert.deepEqual([one.ok, one.days.map(d => d.day)], [true, [open]]);
    await assert.rejects(run('--day', '2001-01-01'), /no rows of 2001-01-01/);
  });

  it('every checkpoint and seal is in the witness', () => {
    const lines = fs.readFileSync(witnessOf(dir), 'utf8').trimEnd().split('\n');
    const titles = lines.map(line => readWitnessLine(line)?.statement.split('\n')[0]);
    assert.equal(titles.filter(title => title === 'sightglass seal 1').length, 2);
    assert.ok(titles.filter(title => title === 'sightglass checkpoint 1').length >= 6);
  });
});

describe('a touched row is found and named', () => {
  const one = `(SELECT seq FROM exchange WHERE day = '${open}' AND res_body IS NOT NULL ORDER BY seq OFFSET 3 LIMIT 1)`;
  for (const [name, sql] of Object.entries({
    status: `UPDATE exchange SET status = 299 WHERE seq = ${one}`,
    host: `UPDATE exchange SET host = 'elsewhere.test' WHERE seq = ${one}`,
    user: `UPDATE exchange SET account = 'somebody' WHERE seq = ${one}`,
    time: `UPDATE exchange SET time = time + 1 WHERE seq = ${one}`,
    machine: `UPDATE exchange SET proxy = (SELECT id FROM proxy WHERE name = 'collector') WHERE seq = ${one}`,
    head: `UPDATE exchange SET req_rest = 'x' || coalesce(req_rest, E'\\r\\n\\r\\n') WHERE seq = ${one}`,
    address: `UPDATE exchange SET ip = '\\x00' WHERE seq = ${one}`,
  }))
    it(`changed: ${name}`, async () => {
      const [only = '', ...more] = await told(sql);
      assert.match(only, /^changed 2026-11-22 exchange \d+-[0-9a-z]+-[0-9a-z]+\.1: /);
      assert.deepEqual(more, []);
    });

  it('changed: a flow in a column and in what its page shows, an event, on a sealed day too', async () => {
    for (const [sql, kind] of [
      [`UPDATE flow SET up = up + 1 WHERE seq = (SELECT max(seq) FROM flow)`, 'flow'],
      [
        `UPDATE flow SET detail = replace(detail, 'clientPort":', 'clientPort":1') WHERE seq = (SELECT max(seq) FROM flow)`,
        'flow',
      ],
      [`UPDATE event SET detail = '{}' WHERE seq = (SELECT min(seq) FROM event)`, 'event'],
    ] as const) {
      const [only = '', ...more] = await told(sql);
      assert.match(only, new RegExp(`^changed 2026-11-2[02] ${kind} `));
      assert.deepEqual(more, []);
    }
  });

  it('changed: a machine that was given another name, and a head or body that rows share', async () => {
    for (const sql of [
      `UPDATE proxy SET name = 'edge-9' WHERE name = 'edge-1'`,
      `UPDATE block SET text = text || 'x' WHERE day = '${open}'`,
      `UPDATE body SET data = '\\x00', enc = 0 WHERE day = '${open}'`,
    ]) {
      const found = await told(sql);
      assert.ok(found.length > 1, sql);
      assert.ok(
        found.every(f => /^(changed|missing) /.test(f)),
        found[0],
      );
    }
  });

  it('removed', async () => {
    const [only = '', ...more] = await told(`DELETE FROM exchange WHERE seq = ${one}`);
    assert.match(only, /^missing 2026-11-22 exchange : exchange row \d+ is gone/);
    assert.deepEqual(more, []);
  });

  it('put in, within a batch, behind the last and into a day of its own', async () => {
    const copy = (day: string, seq: string): string =>
      `CREATE TEMP TABLE t AS SELECT * FROM exchange WHERE seq = ${one};
       UPDATE t SET day = '${day}', seq = ${seq}, flow = flow + 77; INSERT INTO exchange SELECT * FROM t`;
    const [within = '', ...none] = await told(
      copy(open, `(SELECT min(seq) FROM event WHERE day = '${open}')`),
    );
    assert.match(within, /^inserted 2026-11-22 exchange .*never chained; it stands before row \d+/);
    assert.deepEqual(none, []);
    const [behind = ''] = await told(
      `UPDATE ledger SET next = next + 50; ${copy(open, '(SELECT next - 20 FROM ledger)')}`,
    );
    assert.match(behind, /^inserted 2026-11-22 exchange .*behind the last one/);
    const [alone = ''] = await told(
      `SELECT make_day('2026-11-19'); ${copy('2026-11-19', '(SELECT next - 1 FROM ledger)')}`,
    );
    assert.match(alone, /^inserted 2026-11-19 exchange /);
  });

  it('exchanged with another', async () => {
    const found = await told(
      `CREATE TEMP TABLE t AS SELECT * FROM exchange WHERE day = '${open}' ORDER BY seq LIMIT 2;
       DELETE FROM exchange WHERE seq IN (SELECT seq FROM t);
       UPDATE t SET seq = (SELECT min(seq) + max(seq) FROM t) - seq; INSERT INTO exchange SELECT * FROM t`,
    );
    assert.equal(found.length, 2);
    assert.ok(
      found.every(f => /^reordered 2026-11-22 exchange /.test(f)),
      found[0],
    );
  });
});

describe('a touched chain is found', () => {
  for (const [name, sql, says] of [
    [
      'an entry changed',
      `UPDATE chain SET entries = set_byte(entries, 20, 255 - get_byte(entries, 20)) WHERE seq = (SELECT max(seq) FROM chain)`,
      /changed|chain/,
    ],
    [
      'a batch taken out with its rows',
      `WITH gone AS (DELETE FROM chain WHERE seq = (SELECT min(seq) FROM chain WHERE day = '${open}') RETURNING base)
       DELETE FROM exchange WHERE seq BETWEEN (SELECT base FROM gone) AND (SELECT base + 29 FROM gone)`,
      /missing 2026-11-22/,
    ],
    [
      'a checkpoint taken out',
      `DELETE FROM checkpoint WHERE n = 2`,
      /missing .*checkpoints 2 to 2 are missing/,
    ],
    [
      'a checkpoint changed',
      `UPDATE checkpoint SET statement = replace(statement, 'number 3', 'number 4') WHERE n = 3`,
      /unreadable|signature/,
    ],
    [
      'a seal taken away',
      `DELETE FROM seal WHERE day = '${first}'`,
      /signature .*has no seal although a later day has one/,
    ],
    [
      'a seal changed',
      `UPDATE seal SET statement = replace(statement, 'exchanges 40', 'exchanges 41')`,
      /signature/,
    ],
    [
      'row ids of a sealed day',
      `UPDATE chain SET base = base + 1 WHERE day = '${first}' AND seq = 1`,
      /missing|changed|inserted|reordered/,
    ],
    [
      'the end cut off',
      `DELETE FROM exchange WHERE day = '${open}'; DELETE FROM flow WHERE day = '${open}'; DELETE FROM event WHERE day = '${open}';
       DELETE FROM chain WHERE day = '${open}'`,
      /truncated 2026-11-22/,
    ],
    [
      'a day taken out',
      `DELETE FROM chain_start WHERE day = '${second}'; DELETE FROM chain WHERE day = '${second}'; DELETE FROM checkpoint WHERE day = '${second}';
       DELETE FROM exchange WHERE day = '${second}'; DELETE FROM flow WHERE day = '${second}'; DELETE FROM event WHERE day = '${second}'`,
      /missing .*2026-11-21/,
    ],
  ] as const)
    it(name, async () => {
      const found = await told(sql);
      assert.ok(
        found.some(f => says.test(f)),
        found.join('\n') || 'nothing was found',
      );
    });
});

describe('days and collectors', () => {
  it('a day that retention dropped leaves a signed statement; without it the gap is found', async () => {
    const target = await copied();
    await connected(target, client => retainDays(client, { days: 1, now: NOON + 2 * DAY, signer }));
    const kept = await report(target);
    assert.deepEqual(
      kept.days.map(d => d.day),
      [second, open],
    );
    assert.deepEqual(all(kept), []);
    const silent = await copied();
    await connected(silent, client => retainDays(client, { days: 1, now: NOON + 2 * DAY, signer: null }));
    assert.match(all(await report(silent))[0]?.text ?? '', /2026-11-21 follows 2026-11-20/);
  });

  it('two collectors have a chain each; both keys judge them, one alone does not', async t => {
    const target = await copied();
    const other = generateKeyPairSync('ed25519');
    const place = fs.mkdtempSync(path.join(dir, 'other-'));
    const collector = new TestCollector(target, place, signerOf(other.privateKey));
    t.after(() => collector.writer.close());
    collector.now = NOON + 2 * DAY + 1000;
    await collector.commit('edge-3', traffic(3, 1, 5, collector.now));
    await collector.vouch(true);
    const both = await report(target, [pair.publicKey, other.publicKey]);
    assert.deepEqual(all(both), []);
    assert.deepEqual(
      both.days.map(d => d.rows),
      [ROWS_A_DAY, ROWS_A_DAY, ROWS_A_DAY, 15],
    );
    assert.match(all(await report(target))[0]?.text ?? '', /public key was not given/);
  });

  it('rows that a database had before it was chained are counted and nothing else', async t => {
    const target = await copied(`UPDATE meta SET value = (SELECT next FROM ledger) WHERE key = 'chained';
      TRUNCATE chain, chain_start, checkpoint, seal, dropped, chain_head`);
    const collector = new TestCollector(target, fs.mkdtempSync(path.join(dir, 'old-')));
    t.after(() => collector.writer.close());
    collector.now = NOON + 2 * DAY + 1000;
    await collector.commit('edge-1', traffic(1, 500, 5, collector.now));
    await collector.vouch(true);
    const found = await report(target);
    assert.deepEqual(all(found), []);
    assert.deepEqual(
      found.days.map(d => [d.rows, d.unchained]),
      [
        [0, ROWS_A_DAY],
        [0, ROWS_A_DAY],
        [15, ROWS_A_DAY],
      ],
    );
  });

  it('a number used twice in one batch costs only the second row, and the chain fits', async t => {
    const target = await copied();
    const collector = new TestCollector(target, fs.mkdtempSync(path.join(dir, 'twice-')));
    t.after(() => collector.writer.close());
    collector.now = NOON + 2 * DAY + 1000;
    const records = traffic(1, 900, 3, collector.now);
    await collector.commit('edge-1', [...records, ...records.filter(r => r.kind === 'exchange')]);
    await collector.vouch(true);
    assert.deepEqual(all(await report(target)), []);
  });
});

describe('a store that is an older state of itself', () => {
  it('is told by the verifier that has the last checkpoint, and by the collector that goes on with it', async t => {
    const place = fs.mkdtempSync(path.join(dir, 'back-'));
    fs.copyFileSync(path.join(dir, 'last.checkpoint'), path.join(place, 'last.checkpoint'));
    const target = await copied();
    const memory = new LastSigned(path.join(place, 'last.checkpoint'));
    const collector = new TestCollector(target, place);
    collector.now = NOON + 2 * DAY + 3_600_000;
    await collector.commit('edge-1', traffic(1, 700, 5, collector.now));
    await collector.vouch(true);
    await collector.writer.close();
    const last = memory.read();
    assert.ok(last !== null);
    const ahead = await connected(target, client => verifyFleet(client, [pair.publicKey], { last }));
    assert.deepEqual(all(ahead), []);

    const backup = await copied();
    const behind = await connected(backup, client => verifyFleet(client, [pair.publicKey], { last }));
    assert.match(
      all(behind)[0]?.text ?? '',
      /this machine signed checkpoint \d+ of 2026-11-22; the store has none/,
    );
    const again = new TestCollector(backup, place);
    t.after(() => again.writer.close());
    again.now = collector.now + 60_000;
    await again.commit('edge-1', traffic(1, 800, 5, again.now));
    await again.vouch();
    await again.vouch(true);
    const found = all(await report(backup));
    assert.deepEqual(
      found.map(f => f.problem),
      ['truncated'],
    );
    assert.match(found[0]?.text ?? '', /a collector found the store set back to an older state/);
  });

  it('is told within one life of a collector too, and a head that somebody else moved', async t => {
    const target = await copied();
    const collector = new TestCollector(target, fs.mkdtempSync(path.join(dir, 'moved-')));
    t.after(() => collector.writer.close());
    collector.now = NOON + 2 * DAY + 1000;
    await collector.commit('edge-1', traffic(1, 600, 2, collector.now));
    await postgres.run(`UPDATE sightglass.chain_head SET link = '\\x00'`, target.address.database);
    await collector.commit('edge-1', traffic(1, 650, 2, collector.now));
    await collector.vouch();
    assert.match(all(await report(target))[0]?.text ?? '', /chain continued by somebody else/);
  });
});
