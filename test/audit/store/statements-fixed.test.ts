/**
 * Whatever is asked, no statement that the store prepares holds a character of it: every driver call is watched while
 * hostile queries over all fields and operators go through all questions of the store.
 */
import assert from 'node:assert/strict';
import path from 'node:path';
import { it } from 'node:test';
import Database from 'better-sqlite3';
import { Ingest } from '../../../src/audit/ingest.ts';
import { FIELDS } from '../../../src/audit/query/ast.ts';
import { parseQuery } from '../../../src/audit/query/parse.ts';
import { openSpool } from '../../../src/audit/spool.ts';
import { openStore } from '../../../src/audit/store/sqlite.ts';
import { FACETS } from '../../../src/audit/store/store.ts';
import { makeRng } from '../../fuzz/rng.ts';
import { eachTerm, randomQuery } from '../query/generate.ts';
import { flow, flowId, flowOpen, NOON, randomExchange, scratch } from '../sample.ts';
import type { Kind } from '../../../src/audit/query/ast.ts';

/** Stands in every value that is asked for, and nowhere in the program. */
const MARK = 'zqx7';
const HOSTILE = [
  `${MARK}'; DROP TABLE exchange; --`,
  `${MARK}" OR 1=1 --`,
  `${MARK}*?`,
  `${MARK})`,
  `${MARK}\\`,
];

it('every statement belongs to a fixed set: values are bound, structure comes from the grammar', async t => {
  const dir = scratch(t);
  const [spoolDir, auditDir] = [path.join(dir, 'spool'), path.join(dir, 'audit')];
  const rng = makeRng(77);
  const spool = openSpool({ dir: spoolDir, producer: 1 });
  spool.append(flowOpen());
  for (let n = 1; n <= 1200; n++) spool.append(randomExchange(rng, flowId(1, 1), n, NOON + n));
  spool.append(flow({ exchanges: 1200 }));
  spool.close();
  const ingest = new Ingest({ spoolDir, auditDir, now: () => NOON });
  while (ingest.step().rows > 0);
  ingest.close();

  const prepared = new Set<string>();
  const real = Object.getOwnPropertyDescriptor(Database.prototype, 'prepare')?.value as (
    sql: string,
  ) => unknown;
  t.mock.method(Database.prototype, 'prepare', function (this: Database.Database, sql: string) {
    prepared.add(sql);
    return real.call(this, sql);
  });
  const store = openStore({ dir: auditDir });
  t.after(() => store.close());
  const ask = async (text: string, kind: Kind, field = rng.pick(FACETS)): Promise<void> => {
    const parsed = parseQuery(text, { kind, now: NOON + 60_000 });
    if (!parsed.ok) return;
    await store.search(parsed.query, { kind, limit: 5, since: NOON, until: NOON + 9e6 });
    await store.count(parsed.query, { kind });
    if (kind === 'events') return;
    const range = { since: NOON, until: NOON + 7000, buckets: 3 };
    await store.histogram(parsed.query, { kind, ...range });
    await store.facets(parsed.query, { kind, field });
  };
  const quote = (value: string): string => `"${value.replace(/["\\]/g, '\\$&')}"`;
  let asked = 0;
  for (const kind of ['exchanges', 'flows', 'events'] as const)
    for (const value of HOSTILE) {
      const fields = FIELDS.filter(f => f.kinds.includes(kind));
      for (const { name } of fields)
        for (const text of [
          `${name}:${quote(value)}`,
          `-${name}:*${MARK}*`,
          `${name}:${MARK}* OR ${quote(value)}`,
        ]) {
          await ask(text, kind);
          asked++;
        }
      await ask(quote(value), kind);
    }
  for (let i = 0; i < 60; i++)
    for (const kind of ['exchanges', 'flows'] as const) await ask(randomQuery(rng, kind), kind);
  assert.ok(asked > 200 && prepared.size > 40, `${asked} questions, ${prepared.size} statements`);
  for (const sql of prepared) {
    assert.ok(!sql.includes(MARK), sql);
    // Quoted text in a statement is one of the program's own few words.
    for (const literal of sql.match(/'[^']*'/g) ?? [])
      assert.match(
        literal,
        /^'(?:|\\| |inspect|passthrough|block|version|meta|table|CREATE %TABLE%|\*_fts_\*)'$/,
        sql,
      );
  }
  // The same terms with other values cause the same statements.
  const before = prepared.size;
  const shapes = (seed: number): string[] => eachTerm(makeRng(seed), 'exchanges');
  for (const text of shapes(5)) await ask(text, 'exchanges', 'host');
  const first = prepared.size;
  for (const text of shapes(5)) await ask(text, 'exchanges', 'host');
  assert.ok(first >= before && prepared.size === first);
});
