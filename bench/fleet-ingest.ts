/**
 * What a collector takes in, and how fast it is searched: made-up traffic (traffic.ts) committed to a real PostgreSQL of its own in
 * batches, then questions of lists. Wall clock, and CPU of this process; PostgreSQL's own CPU is not in it. Prints one JSON line.
 *
 *   node --import tsx bench/fleet-ingest.ts [exchanges] [batch]        30,000 and 5,000 when not given
 *
 * To see what a change costs, run the same file on the revision before it, in turns.
 */
import os from 'node:os';
import { PostgresStore } from '../src/audit/store/postgres/postgres.ts';
import { PostgresWriter } from '../src/audit/store/postgres/writer.ts';
import { parseQuery } from '../src/audit/query/parse.ts';
import { startPostgres } from '../test/helpers/postgres.ts';
import { machine } from './machine.ts';
import { Traffic } from './traffic.ts';
import type { AuditRecord } from '../src/core/records.ts';

const [exchanges = 30_000, batch = 5000] = process.argv.slice(2).map(Number);
const START = Date.UTC(2026, 10, 20);
const ASKED = 20;
const QUESTIONS = ['', 'status:404', 'host:*.example.test', 'catalogue'];
const NO_PART = { segment: '', head: Buffer.alloc(0), from: 0, to: 0, done: false, damages: [], ended: null };

const postgres = await startPostgres();
try {
  const writer = new PostgresWriter({ target: postgres.target, now: () => START });
  const proxy = await writer.proxy('bench', Buffer.alloc(16, 1));
  let [rows, wall, cpu] = [0, 0, 0];
  const commit = async (records: AuditRecord[]): Promise<void> => {
    const [at, used] = [performance.now(), process.cpuUsage()];
    await writer.commit(proxy, [{ ...NO_PART, records }]);
    const spent = process.cpuUsage(used);
    wall += performance.now() - at;
    cpu += spent.user + spent.system;
    rows += records.filter(r => r.kind === 'exchange').length;
  };
  let waiting: AuditRecord[] = [];
  for (const { records } of new Traffic(1, 1).day(START, exchanges, 0)) {
    waiting.push(...records);
    if (waiting.length < batch) continue;
    await commit(waiting);
    waiting = [];
  }
  await commit(waiting);
  await writer.close();
  const size = await postgres.run(
    `SELECT sum(pg_total_relation_size(oid))::float8 AS bytes FROM pg_class WHERE relnamespace = 'sightglass'::regnamespace AND relkind = 'r'`,
  );
  const store = new PostgresStore(postgres.target);
  const search: Record<string, { p50: number; p95: number }> = {};
  for (const text of QUESTIONS) {
    const query = parseQuery(text, { kind: 'exchanges', now: START, zone: 'UTC' });
    if (!query.ok) throw new Error(`${text} is no query`);
    const times: number[] = [];
    for (let i = 0; i < ASKED; i++) {
      const at = performance.now();
      await store.search(query.query, { kind: 'exchanges', limit: 50 });
      times.push(performance.now() - at);
    }
    times.sort((a, b) => a - b);
    const [p50 = 0, p95 = 0] = [times[ASKED / 2], times[Math.ceil(ASKED * 0.95) - 1]];
    search[text] = { p50: Math.round(p50 * 10) / 10, p95: Math.round(p95 * 10) / 10 };
  }
  await store.close();
  const bytes = (size.rows as { bytes: number }[])[0]?.bytes ?? 0;
  console.log(
    JSON.stringify({
      machine: machine(),
      load: os.loadavg()[0],
      exchanges: rows,
      perSecond: Math.round((rows * 1000) / wall),
      cpuMicros: Math.round((cpu / rows) * 10) / 10,
      bytesEach: Math.round(bytes / rows),
      search,
    }),
  );
} finally {
  await postgres.cleanUp();
}
