/** Versions of the tables: made once, refused when newer; what a role that owns nothing may do; and what the chain covers. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import pg from 'pg';
import { CHAINED_COLUMNS, LEFT_OUT } from '../../../../src/audit/store/postgres/chain-rows.ts';
import { clientConfig } from '../../../../src/audit/store/postgres/connect.ts';
import { checkVersion, migrate, PostgresStoreError } from '../../../../src/audit/store/postgres/schema.ts';
import { PostgresStore } from '../../../../src/audit/store/postgres/postgres.ts';
import { startPostgres } from '../../../helpers/postgres.ts';
import { query } from '../../sample.ts';
import type { PostgresTarget } from '../../../../src/audit/store/postgres/connect.ts';
import type { Postgres } from '../../../helpers/postgres.ts';

let postgres: Postgres;
before(async () => {
  postgres = await startPostgres();
});
after(() => postgres.cleanUp());

async function connected<T>(target: PostgresTarget, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client(clientConfig(target, 'test'));
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

test('tables are made once, by however many come at once, and read only when they are there', async () => {
  await assert.rejects(connected(postgres.target, checkVersion), /has no tables/);
  const early = new PostgresStore(postgres.target);
  await assert.rejects(early.days(), PostgresStoreError);
  await Promise.all(Array.from({ length: 4 }, () => connected(postgres.target, migrate)));
  await connected(postgres.target, checkVersion);
  assert.deepEqual(await early.days(), [], 'a reader that came too early finds them later');
  await early.close();
});

test('a newer version is refused by writer and reader', async () => {
  const target = await postgres.database('newer');
  await connected(target, migrate);
  await postgres.run(`UPDATE sightglass.meta SET value = '99' WHERE key = 'version'`, 'newer');
  await assert.rejects(connected(target, migrate), /newer version/);
  await assert.rejects(connected(target, checkVersion), /newer version/);
});

test('a stranger may neither make tables nor read them, and is told what to do', async () => {
  await postgres.run(`CREATE ROLE stranger LOGIN PASSWORD 'stranger'`);
  const stranger = postgres.as('stranger', 'stranger');
  const store = new PostgresStore(stranger);
  await assert.rejects(store.count(query(''), { kind: 'exchanges' }), /permission denied|no tables/);
  await store.close();
  await postgres.database('empty');
  const elsewhere = { ...stranger, address: { ...stranger.address, database: 'empty' } };
  await assert.rejects(
    connected(elsewhere, migrate),
    (error: PostgresStoreError) =>
      /may not make them/.test(error.message) && /docs\/fleet\.md/.test(error.hint),
  );
});

test('every column of a row is chained, or left out for a reason', async () => {
  await connected(await postgres.database('columns'), migrate);
  const { rows } = await postgres.run(
    `SELECT table_name AS name, string_agg(column_name, ' ' ORDER BY ordinal_position) AS columns
     FROM information_schema.columns WHERE table_schema = 'sightglass' GROUP BY 1`,
    'columns',
  );
  const columns = new Map(rows.map((r: { name: string; columns: string }) => [r.name, r.columns.split(' ')]));
  for (const kind of ['exchange', 'flow', 'event'] as const) {
    // `account AS "user"` is the column account.
    const read = CHAINED_COLUMNS[kind].split(/,\s+/).map(column => column.split(' ')[0]);
    const decided = new Set([...read, ...Object.keys(LEFT_OUT[kind])]);
    assert.deepEqual(
      columns.get(kind)?.filter(name => !decided.has(name)),
      [],
      kind,
    );
  }
  const machine = ['id', 'name', 'spool', ...Object.keys(LEFT_OUT.proxy)];
  assert.deepEqual(
    columns.get('proxy')?.filter(name => !machine.includes(name)),
    [],
  );
});
