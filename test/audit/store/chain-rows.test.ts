/**
 * What the chain says of a row when it is written is what anybody makes of it when it is read back: for every kind, every field and
 * hostile bytes; and every column of the schema is either in it or left out for a reason.
 */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { digestOf, readEntries } from '../../../src/audit/chain.ts';
import { ChainRows, COLUMNS } from '../../../src/audit/store/chain-rows.ts';
import { DayWriter } from '../../../src/audit/store/day-writer.ts';
import { openDayForWriting } from '../../../src/audit/store/schema.ts';
import { makeRng } from '../../fuzz/rng.ts';
import {
  exchange,
  flow,
  flowId,
  flowOpen,
  HOSTILE,
  NOON,
  randomExchange,
  scratch,
  spooled,
} from '../sample.ts';
import type Database from 'better-sqlite3';
import type { TestContext } from 'node:test';

const DAY = '2026-11-20';
/** What the spool lets through: half a surrogate pair it does not. */
const TEXTS = HOSTILE.filter(text => !text.includes('\ud800'));

function filled(t: TestContext): Database.Database {
  const db = openDayForWriting(scratch(t), DAY, () => undefined);
  t.after(() => db.close());
  const rng = makeRng(20);
  for (let batch = 0; batch < 3; batch++) {
    // A new writer knows no shared rows: the same texts get second rows.
    const writer = new DayWriter(db, DAY, new Map());
    writer.begin();
    for (let i = 0; i < 100; i++) {
      const id = flowId(1, batch * 100 + i + 1);
      writer.flowOpen(flowOpen({ flow: id }));
      writer.body({ kind: 'body', flow: id, n: 1, side: 'res', data: Buffer.from('x'.repeat(i * 9)) });
      const body = { size: 5, kept: i * 9, sha256: 'ab'.repeat(32), truncated: true };
      writer.exchange({
        ...spooled(randomExchange(rng, id, 1, NOON + i)),
        ...(i % 2 === 0 ? { res: body } : {}),
      });
      const text = TEXTS[i % TEXTS.length] ?? '';
      writer.flow(
        flow({ flow: id, faultDetail: text, ...(i % 3 === 0 ? { facts: null, verdict: null } : {}) }),
      );
      writer.event({ kind: 'event', time: NOON + i, name: 'test', detail: { text } });
    }
    writer.exchange(exchange({ flow: flowId(2, 1), reqHeaders: TEXTS.join('\r\n'), resHeaders: '' }));
    writer.commit();
  }
  return db;
}

describe('rows in their canonical form', () => {
  it('read back give the digests that were chained when they were written', t => {
    const db = filled(t);
    const rows = new ChainRows(db);
    let n = 0;
    for (const packed of db.prepare('SELECT entries FROM chain ORDER BY seq').pluck().all() as Buffer[])
      for (const entry of readEntries(packed) ?? []) {
        const text = rows.text(entry.kind, entry.row);
        assert.ok(text !== null, `${entry.kind} ${entry.row}`);
        assert.equal(digestOf(text), entry.digest, text);
        n++;
      }
    assert.equal(n, 3 * 301);
  });

  it('change with every column that is part of them', t => {
    const db = filled(t);
    const texts = (): string[] => {
      const rows = new ChainRows(db);
      return (['exchange', 'flow', 'event'] as const).flatMap(kind =>
        rows.ids(kind, 0, 1000).map(id => rows.text(kind, id) ?? 'gone'),
      );
    };
    const before = texts();
    for (const [table, columns] of Object.entries(COLUMNS))
      for (const [column, decision] of Object.entries(columns)) {
        if (decision === 'part') continue;
        db.exec('BEGIN');
        const { type } = db
          .prepare('SELECT type FROM pragma_table_info(?) WHERE name = ?')
          .get(table, column) as { type: string };
        const changed =
          type === 'INTEGER'
            ? `coalesce(${column}, 0) + 1000000`
            : type === 'BLOB'
              ? `x'00'`
              : `coalesce(${column}, '') || '!'`;
        // A host's id is no text, and its name is changed by its own column.
        if (column !== 'host') db.exec(`UPDATE ${table} SET ${column} = ${changed}`);
        const after = texts();
        db.exec('ROLLBACK');
        if (decision === 'yes' && column !== 'host') assert.notDeepEqual(after, before, `${table}.${column}`);
      }
    assert.deepEqual(texts(), before);
  });

  it('leave no column undecided', t => {
    const db = openDayForWriting(scratch(t), DAY, () => undefined);
    t.after(() => db.close());
    for (const [table, columns] of Object.entries(COLUMNS)) {
      const names = db.prepare('SELECT name FROM pragma_table_info(?)').pluck().all(table);
      assert.deepEqual(Object.keys(columns).sort(), [...names].sort(), `${table}: decide in chain-rows.ts`);
    }
  });

  it('are gone when what they point at is gone', t => {
    const db = filled(t);
    const id = db.prepare('SELECT id FROM exchange WHERE res_body IS NOT NULL').pluck().get() as number;
    assert.ok(new ChainRows(db).text('exchange', id) !== null);
    for (const table of ['who', 'what', 'url', 'block', 'host', 'body']) {
      db.exec(`BEGIN; DELETE FROM ${table}`);
      assert.equal(new ChainRows(db).text('exchange', id), null, table);
      db.exec('ROLLBACK');
    }
    assert.equal(new ChainRows(db).text('event', 10_000), null);
  });
});
