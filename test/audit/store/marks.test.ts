/** Marks: what was noted is what the table says, whatever the order of values, blocks and batches. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import fc from 'fast-check';
import Database from 'better-sqlite3';
import { MARKS_WHERE, markedBlocks } from '../../../src/audit/store/layout.ts';
import { Marks } from '../../../src/audit/store/marks.ts';
import { migrate } from '../../../src/audit/store/schema.ts';
import { prepareAll } from '../../../src/audit/store/statements.ts';
import type { Mark } from '../../../src/audit/store/marks.ts';

function table(): Database.Database {
  const db = new Database(':memory:');
  migrate(db, 0);
  return db;
}

const blocksOf = (db: Database.Database, dim: number, value: number): number[] =>
  [
    ...markedBlocks(db.prepare(`${MARKS_WHERE} dim = ? AND value = ?`).pluck().all(dim, value) as number[]),
  ].sort((a, b) => a - b);

it('are what was noted', () => {
  const step = fc.oneof(
    fc.record({ dim: fc.constantFrom(1, 7), value: fc.integer({ min: 1, max: 5 }), block: fc.nat(100) }),
    fc.constant('save' as const),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), steps => {
      const db = table();
      const marks = new Marks(prepareAll(db).mark);
      const noted = new Map<string, { mark: Mark; blocks: Set<number> }>();
      for (const s of steps) {
        if (s === 'save') {
          marks.save();
          continue;
        }
        const key = `${s.dim} ${s.value}`;
        const known = noted.get(key) ?? { mark: { id: s.value, block: -1 }, blocks: new Set() };
        noted.set(key, known);
        known.blocks.add(s.block);
        marks.add(s.dim, known.mark, s.block);
      }
      marks.save();
      for (const dim of [1, 7])
        for (let value = 1; value <= 5; value++) {
          const want = [...(noted.get(`${dim} ${value}`)?.blocks ?? [])].sort((a, b) => a - b);
          assert.deepEqual(blocksOf(db, dim, value), want);
        }
      db.close();
    }),
    { numRuns: 60 },
  );
});

it('of a value that comes in every block take a row for 32 of them', () => {
  const db = table();
  const marks = new Marks(prepareAll(db).mark);
  const mark: Mark = { id: 4, block: -1 };
  for (let block = 0; block < 213; block++) {
    marks.add(1, mark, block);
    if (block % 10 === 9) marks.save();
  }
  marks.save();
  assert.equal(db.prepare('SELECT count(*) FROM mark').pluck().get(), 7);
  assert.equal(blocksOf(db, 1, 4).length, 213);
  db.close();
});
