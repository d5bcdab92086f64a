/**
 * Strips and URL filters are written as rows come, go on after a restart in the middle of a block, and say the same as the
 * rows; a file without them is read all the same.
 */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Blocks } from '../../../src/audit/store/blocks.ts';
import { DayReader } from '../../../src/audit/store/day-reader.ts';
import { DayWriter } from '../../../src/audit/store/day-writer.ts';
import { BLOCK_ROWS } from '../../../src/audit/store/layout.ts';
import { openDayForReading, openDayForWriting } from '../../../src/audit/store/schema.ts';
import { STRIP_COLUMNS, stripValues } from '../../../src/audit/store/strip.ts';
import { makeRng } from '../../fuzz/rng.ts';
import { flow, flowId, NOON, query, randomExchange, scratch } from '../sample.ts';
import type Database from 'better-sqlite3';
import type { TestContext } from 'node:test';

const DAY = '2026-11-20';
const ROWS = 2600;

function filled(t: TestContext): { dir: string; db: Database.Database } {
  const dir = scratch(t);
  const rng = makeRng(3);
  const open = (): DayWriter =>
    new DayWriter(
      openDayForWriting(dir, DAY, () => undefined),
      DAY,
      new Map(),
    );
  let writer = open();
  writer.begin();
  for (let i = 1; i <= ROWS; i++) {
    // A recorder that is killed and started again, in the middle of blocks and at their very ends.
    if ([500, 1024, 1500, 2048].includes(i)) {
      writer.commit();
      writer.db.close();
      writer = open();
      writer.begin();
    }
    const record = randomExchange(rng, flowId(1, i), 1, NOON + i * 10);
    writer.exchange({ ...record, path: `${record.path}/${i.toString(16)}` });
    if (i % 2 === 0) writer.flow(flow({ flow: flowId(1, i), exchanges: i }));
  }
  writer.commit();
  writer.db.close();
  const db = openDayForReading(dir, DAY) ?? assert.fail();
  t.after(() => db.close());
  return { dir, db };
}

describe('strips', () => {
  it('of whole blocks hold what the rows hold, also across restarts', t => {
    const { db } = filled(t);
    for (const [kind, blocks] of [
      ['exchanges', 2],
      ['flows', 1],
    ] as const) {
      const written = db
        .prepare('SELECT count(*) FROM strip WHERE id >= ? AND id < ?')
        .pluck()
        .get(kind === 'exchanges' ? 0 : 16 * 2 ** 24, kind === 'exchanges' ? 16 * 2 ** 24 : 2 ** 30);
      assert.equal(written, blocks * STRIP_COLUMNS[kind].length, kind);
      const packed = new Blocks(db, kind);
      const plain = new Blocks(without(db), kind);
      for (let block = 0; block <= blocks; block++) {
        packed.enter(block);
        plain.enter(block);
        for (const column of STRIP_COLUMNS[kind])
          assert.deepEqual(
            stripValues(packed.column(column)),
            stripValues(plain.column(column)),
            `${column} ${block}`,
          );
        assert.deepEqual(packed.present(), plain.present());
        assert.equal(packed.present().length, BLOCK_ROWS);
      }
    }
  });

  it('and filters that are missing change no answer', t => {
    const { dir, db } = filled(t);
    assert.ok(Number(db.prepare('SELECT count(*) FROM gram').pluck().get()) >= 4);
    const asked = [
      'path:login',
      'status:>=400',
      'path:/a27',
      'path:*/7d*',
      '-user:* ms:>500',
      'bytes:>1MB OR path:ff',
      'login',
    ];
    const ask = (): number[][] => {
      const reader = new DayReader(openDayForReading(dir, DAY) ?? assert.fail(), DAY);
      const answers = asked.map(text => reader.find('exchanges', query(text), {}, null, 5000).ids);
      reader.close();
      return answers;
    };
    const before = ask();
    assert.deepEqual(
      asked.filter((_, i) => before[i]?.length === 0),
      [],
    );
    const writing = openDayForWriting(dir, DAY, () => undefined);
    writing.exec('DELETE FROM strip; DELETE FROM gram');
    writing.close();
    assert.deepEqual(ask(), before);
  });
});

/** The same file, seen as one without strips. */
function without(db: Database.Database): Database.Database {
  return new Proxy(db, {
    get: (target, name) =>
      name === 'prepare'
        ? (sql: string) =>
            target.prepare(sql.replace('FROM strip WHERE id = ?', 'FROM strip WHERE id = -1 - ?'))
        : (Reflect.get(target, name) as unknown),
  });
}
