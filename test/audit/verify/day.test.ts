/**
 * Tampering of every kind with real day files is found, named for what it is, with the row; and what was not touched is found good.
 * Byte flips are made at random offsets of a sealed file (by seed): every single one must be found.
 */
import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import Database from 'better-sqlite3';
import { ENTRY_BYTES, digestOf, nextLink, packEntry, readEntries } from '../../../src/audit/chain.ts';
import { sealPath } from '../../../src/audit/seal.ts';
import { ChainRows } from '../../../src/audit/store/chain-rows.ts';
import { chainStart } from '../../../src/audit/store/chain-writer.ts';
import { dayPath } from '../../../src/audit/store/schema.ts';
import { verifyDay } from '../../../src/audit/verify/day.ts';
import { dayFileStatements, verifyStore, verifyWitness } from '../../../src/audit/verify/store.ts';
import { makeRng } from '../../fuzz/rng.ts';
import { DAYS, pair, recorded, witnessOf } from './recorded.ts';
import type { Finding } from '../../../src/audit/verify/finding.ts';

const FLIPS = 120;
const root = fs.mkdtempSync(path.join(os.tmpdir(), 'sightglass-verify-'));
const [first, , open] = DAYS;
let good = '';
before(() => {
  good = recorded(path.join(root, 'good'));
});
after(() => fs.rmSync(root, { recursive: true, force: true }));

let copies = 0;
/** A copy of the folder to tamper with. `change` gets the open day's database. */
function tampered(change: (db: Database.Database, dir: string) => void, day: string = open): string {
  const dir = path.join(root, `copy-${++copies}`);
  fs.cpSync(good, dir, { recursive: true });
  fs.chmodSync(dayPath(dir, day), 0o600);
  const db = new Database(dayPath(dir, day));
  try {
    change(db, dir);
    db.pragma('wal_checkpoint(TRUNCATE)');
  } finally {
    db.close();
  }
  return dir;
}

const find = (dir: string, day: string = open): Finding[] => verifyDay(dir, day, pair.publicKey).findings;
const problems = (dir: string, day: string = open): string[] => [
  ...new Set(find(dir, day).map(f => f.problem)),
];
const storeProblems = (dir: string): string[] => {
  const report = verifyStore(dir, pair.publicKey);
  return [...report.days.flatMap(d => d.findings), ...report.findings].map(f => `${f.problem}: ${f.text}`);
};

describe('an untouched store', () => {
  it('fits, day by day and day to day, and with its witness', async () => {
    const report = verifyStore(good, pair.publicKey);
    assert.deepEqual(storeProblems(good), []);
    assert.deepEqual(
      report.days.map(d => [d.day, d.sealed, d.rows, d.unsigned]),
      [
        [first, true, 81, 0],
        [DAYS[1], true, 81, 0],
        [open, false, 81, 0],
      ],
    );
    assert.ok(report.days.every(d => d.checkpoints >= 3));
    const witness = await verifyWitness(dayFileStatements(good), witnessOf(path.join(root, 'good')), [
      pair.publicKey,
    ]);
    assert.deepEqual(witness.findings, []);
    assert.ok(witness.compared >= 9);
  });

  it('does not fit another key', () => {
    const other = generateKeyPairSync('ed25519').publicKey;
    assert.deepEqual([...new Set(verifyDay(good, open, other).findings.map(f => f.problem))], ['signature']);
    assert.equal(verifyDay(good, first, other).sealed, false);
  });
});

describe('a sealed day', () => {
  it(`shows each of ${FLIPS} flipped bytes, wherever they lie`, () => {
    const dir = path.join(root, 'flips');
    fs.cpSync(good, dir, { recursive: true });
    const file = dayPath(dir, first);
    fs.chmodSync(file, 0o600);
    const { size } = fs.statSync(file);
    const rng = makeRng(99);
    const seen = new Map<string, number>();
    const fd = fs.openSync(file, 'r+');
    const byte = Buffer.alloc(1);
    for (let i = 0; i < FLIPS; i++) {
      // The ends first, then anywhere.
      const at = i === 0 ? 0 : i === 1 ? size - 1 : rng.int(size);
      fs.readSync(fd, byte, 0, 1, at);
      const was = byte[0] ?? 0;
      byte[0] = was ^ (1 << rng.int(8));
      fs.writeSync(fd, byte, 0, 1, at);
      const report = verifyDay(dir, first, pair.publicKey);
      assert.ok(report.findingCount > 0, `byte ${at}`);
      assert.equal(report.sealed, false);
      for (const f of report.findings.slice(0, 1)) seen.set(f.problem, (seen.get(f.problem) ?? 0) + 1);
      byte[0] = was;
      fs.writeSync(fd, byte, 0, 1, at);
    }
    fs.closeSync(fd);
    assert.deepEqual(find(dir, first), [], 'put back, it fits again');
    assert.ok(
      (seen.get('outside-rows') ?? 0) > 0 && (seen.get('changed') ?? 0) > 0,
      JSON.stringify([...seen]),
    );
  });

  it('shows a cut end, a longer end, a touched seal and a missing one', () => {
    const dir = path.join(root, 'cut');
    fs.cpSync(good, dir, { recursive: true });
    const file = dayPath(dir, first);
    fs.chmodSync(file, 0o600);
    fs.truncateSync(file, fs.statSync(file).size - 4096);
    assert.ok(problems(dir, first).includes('truncated'));
    fs.copyFileSync(dayPath(good, first), file);
    fs.appendFileSync(file, 'x');
    assert.deepEqual(problems(dir, first), ['outside-rows']);
    fs.copyFileSync(dayPath(good, first), file);
    const seal = sealPath(dir, first);
    fs.chmodSync(seal, 0o600);
    fs.writeFileSync(seal, fs.readFileSync(seal, 'utf8').replace('exchanges 40', 'exchanges 41'));
    assert.deepEqual(problems(dir, first), ['signature']);
    fs.writeFileSync(seal, 'nothing');
    assert.deepEqual(problems(dir, first), ['unreadable']);
    fs.rmSync(seal);
    assert.deepEqual(problems(dir, first), []);
    assert.match(
      storeProblems(dir)[0] ?? '',
      /signature: 2026-11-20 has no seal although a later day has one/,
    );
  });
});

describe('on the open day', () => {
  it('a changed row is named with its id and time', () => {
    const dir = tampered(db => db.exec('UPDATE exchange SET down = down + 1 WHERE id = 7'));
    const [f, ...more] = find(dir);
    assert.deepEqual(more, []);
    assert.equal(f?.problem, 'changed');
    assert.equal(f.kind, 'exchange');
    assert.match(f.id ?? '', /^1-[0-9a-z]+\.1$/);
    assert.ok((f.time ?? 0) > Date.UTC(2026, 10, 22));
    assert.ok((f.seq ?? 0) > 162);
  });

  for (const [what, sql] of [
    ['who', `UPDATE who SET user = 'mallory' WHERE id = 1`],
    ['who, as networks see it', `UPDATE who SET ip = zeroblob(16) WHERE id = 1`],
    ['host', `UPDATE host SET name = 'never.test' WHERE id = 1`],
    ['what', `UPDATE what SET status = 999 WHERE id = 1`],
    ['url', `UPDATE url SET path = '/elsewhere' WHERE id = 1`],
    ['a head', `UPDATE block SET text = text || 'X: y' WHERE id = 1`],
    ['what varies of a head', `UPDATE rest SET varied = varied || 'x' WHERE id = 1`],
    ['lane', `UPDATE lane SET rule = 'other' WHERE id = 1`],
    ['a document', `UPDATE doc SET text = '{}' WHERE id = 1`],
    ['event', `UPDATE event SET detail = '{"i":9}'`],
  ] as const)
    it(`a change of ${what} is noticed in the rows that share it`, () => {
      assert.deepEqual(problems(tampered(db => db.exec(sql))), ['changed']);
    });

  it('bodies are compared by their bytes', () => {
    assert.deepEqual(
      problems(tampered(db => db.exec(`UPDATE body SET data = zeroblob(8), enc = 0 WHERE id = 1`))),
      ['missing'],
    );
    assert.deepEqual(problems(tampered(db => db.exec(`DELETE FROM body WHERE id = 1`))), ['missing']);
  });

  it('a deleted row is missing, a new one inserted, two exchanged ones are reordered', () => {
    assert.deepEqual(problems(tampered(db => db.exec('DELETE FROM exchange WHERE id = 5'))), ['missing']);
    const inserted = find(tampered(db => db.exec(`INSERT INTO event VALUES (2, 1000, 'forged', '{}')`)));
    assert.deepEqual(
      inserted.map(f => [f.problem, f.kind, f.id]),
      [['inserted', 'event', '2']],
    );
    const swapped = tampered(db =>
      db.exec(
        'UPDATE exchange SET id = -1 WHERE id = 3; UPDATE exchange SET id = 3 WHERE id = 4; UPDATE exchange SET id = 4 WHERE id = -1',
      ),
    );
    assert.deepEqual(
      find(swapped).map(f => f.problem),
      ['reordered', 'reordered'],
    );
  });

  it('a row changed together with its digest breaks the chain at that row', () => {
    const dir = tampered(db => {
      db.exec('UPDATE exchange SET down = 1 WHERE id = 5');
      rewrite(db, false);
    });
    const [f] = find(dir);
    assert.equal(f?.problem, 'chain');
    assert.equal(f.kind, 'exchange');
  });

  it('a chain rewritten throughout does not fit its checkpoints', () => {
    const dir = tampered(db => {
      db.exec('UPDATE exchange SET down = 1 WHERE id = 5');
      rewrite(db, true);
    });
    const [f] = find(dir);
    assert.equal(f?.problem, 'chain');
    assert.match(f.text, /are not those that checkpoint \d+ signed/);
  });

  it('a rewritten chain without checkpoints is no better, and a cut tail is told', () => {
    const gone = tampered(db =>
      db.exec('DELETE FROM checkpoint WHERE n = (SELECT max(n) - 1 FROM checkpoint)'),
    );
    assert.deepEqual(problems(gone), ['missing']);
    const forged = tampered(db =>
      db.exec(`UPDATE checkpoint SET signature = zeroblob(64) WHERE n = (SELECT max(n) FROM checkpoint)`),
    );
    assert.deepEqual(problems(forged), ['signature']);
    const cut = tampered(db => {
      const seq = db.prepare('SELECT max(seq) FROM chain').pluck().get() as number;
      const { entries } = db.prepare('SELECT entries FROM chain WHERE seq = ?').get(seq) as {
        entries: Buffer;
      };
      for (const e of readEntries(entries) ?? []) db.prepare(`DELETE FROM ${e.kind} WHERE id = ?`).run(e.row);
      db.prepare('DELETE FROM chain WHERE seq = ?').run(seq);
    });
    assert.deepEqual(problems(cut), ['truncated']);
    const hole = tampered(db =>
      db.exec('DELETE FROM chain WHERE seq = (SELECT seq FROM chain ORDER BY seq LIMIT 1 OFFSET 1)'),
    );
    assert.ok(problems(hole).includes('missing'));
  });

  it('a tail cut off with its checkpoints is told by the witness alone', async () => {
    const dir = tampered(db => {
      db.exec(
        'DELETE FROM chain WHERE seq > 190; DELETE FROM checkpoint WHERE n = (SELECT max(n) FROM checkpoint)',
      );
      const kept = new Set<string>();
      for (const packed of db.prepare('SELECT entries FROM chain').pluck().all() as Buffer[])
        for (const e of readEntries(packed) ?? []) kept.add(`${e.kind} ${e.row}`);
      for (const kind of ['exchange', 'flow', 'event'] as const)
        for (const id of new ChainRows(db).ids(kind, 0, 1000))
          if (!kept.has(`${kind} ${id}`)) db.prepare(`DELETE FROM ${kind} WHERE id = ?`).run(id);
      // Cut at a checkpoint, so that nothing in the file speaks of more.
      while (problemsOf(db)) db.exec('DELETE FROM checkpoint WHERE n = (SELECT max(n) FROM checkpoint)');
    });
    assert.deepEqual(find(dir), []);
    const { findings } = await verifyWitness(dayFileStatements(dir), witnessOf(path.join(root, 'good')), [
      pair.publicKey,
    ]);
    assert.ok(findings.length > 0 && findings.every(f => f.problem === 'truncated'));
  });
});

describe('between days', () => {
  it('a day that was taken away, or exchanged, is missed', () => {
    const dir = path.join(root, 'gap');
    fs.cpSync(good, dir, { recursive: true });
    fs.rmSync(dayPath(dir, DAYS[1]));
    const told = storeProblems(dir).join('\n');
    assert.match(told, /missing: 2026-11-21\.seal is there, 2026-11-21\.db is not/);
    assert.match(told, /missing: 2026-11-22 follows 2026-11-21, whose file is not here/);
    fs.rmSync(sealPath(dir, DAYS[1]));
    assert.match(storeProblems(dir).join('\n'), /missing: 2026-11-22 follows/);
  });
});

/** Whether the newest checkpoint speaks of more rows than the chain has. */
function problemsOf(db: Database.Database): boolean {
  const last = db.prepare('SELECT max(seq + length(entries) / 45 - 1) FROM chain').pluck().get() as number;
  const text = db.prepare('SELECT statement FROM checkpoint ORDER BY n DESC LIMIT 1').pluck().get() as string;
  return Number(/^last (\d+)$/m.exec(text)?.[1]) > last;
}

/** Make the digests of all entries fit the rows as they are; `links`: the whole chain too. What an insider could do. */
function rewrite(db: Database.Database, links: boolean): void {
  const rows = new ChainRows(db);
  let link = chainStart(db)?.link ?? '';
  const batches = db.prepare('SELECT seq, entries, link FROM chain ORDER BY seq').all() as {
    seq: number;
    entries: Buffer;
    link: Buffer;
  }[];
  for (const batch of batches) {
    const entries = readEntries(batch.entries) ?? [];
    const packed = Buffer.alloc(batch.entries.length);
    for (const [i, e] of entries.entries()) {
      const digest = digestOf(rows.text(e.kind, e.row) ?? '');
      link = nextLink(link, digest);
      const mark = links ? link : e.mark.padEnd(64, '0');
      packEntry(packed, i * ENTRY_BYTES, e.kind, e.row, digest, mark);
    }
    const stored = links ? Buffer.from(link, 'hex') : batch.link;
    db.prepare('UPDATE chain SET entries = ?, link = ? WHERE seq = ?').run(packed, stored, batch.seq);
  }
}
