/**
 * Fills a store with made-up traffic through the real road: spool writer, segments, ingestion with its full-text index. Prints
 * what it cost. The result is kept in a folder named by its parameters and by the version of the schema, and used again; so is its
 * spool folder, which says what producer numbers are taken: the store takes nothing from one whose segments it knows.
 *
 *   node --import tsx bench/fill.ts DIR EXCHANGES DAYS SEED     fill DIR/audit
 *   node --import tsx bench/fill.ts --spool DIR EXCHANGES       leave EXCHANGES of one more day in DIR/spool, uningested
 *   node --import tsx bench/fill.ts --ingest DIR                carry DIR/spool into DIR/audit at full rate
 */
import fs from 'node:fs';
import path from 'node:path';
import { Ingest } from '../src/audit/ingest.ts';
import { allocateProducer } from '../src/audit/producer.ts';
import { openSpool } from '../src/audit/spool.ts';
import { listDays } from '../src/audit/store/schema.ts';
import { Traffic } from './traffic.ts';

const DAY_MS = 86_400_000;
/** The last day of the month that is made up. */
export const LAST_DAY = Date.UTC(2026, 10, 20);
/** Exchanges between two turns of the recorder: some 400 ms at full rate. */
const PER_TURN = 10_000;

export interface Filled {
  exchanges: number;
  flows: number;
  days: number;
  /** Bytes of all day files, flows and index included. */
  bytes: number;
  /** Exchanges that ingestion takes a second: by its wall clock, and by its CPU. */
  perSecond: number;
  perCpuSecond: number;
  seconds: number;
}

/** Stop-watch of the ingestion alone. */
class Watch {
  wall = 0;
  cpu = 0;
  rows = 0;

  run(ingest: Ingest): void {
    for (;;) {
      const at = performance.now();
      const cpu = process.cpuUsage();
      const step = ingest.step();
      const spent = process.cpuUsage(cpu);
      this.wall += performance.now() - at;
      this.cpu += (spent.user + spent.system) / 1000;
      this.rows += step.rows;
      if (!step.more) return;
    }
  }
}

export function fill(dir: string, exchanges: number, days: number, seed: number): Filled {
  const began = performance.now();
  const spoolDir = path.join(dir, 'spool');
  const auditDir = path.join(dir, 'audit');
  const producer = allocateProducer(spoolDir);
  const spool = openSpool({ dir: spoolDir, producer });
  let clock = 0;
  const ingest = new Ingest({ spoolDir, auditDir, isAlive: () => true, now: () => clock });
  const traffic = new Traffic(seed, producer);
  const first = LAST_DAY - (days - 1) * DAY_MS;
  const watch = new Watch();
  let done = 0;
  for (const [d, share] of Traffic.shares(first, days).entries()) {
    const count = Math.round(exchanges * share);
    for (const { time, records } of traffic.day(first + d * DAY_MS, count, d)) {
      clock = time;
      for (const record of records) spool.append(record);
      if (++done % 8 === 0) spool.flush();
      if (done % PER_TURN === 0) {
        spool.flush();
        watch.run(ingest);
      }
    }
    spool.flush();
    watch.run(ingest);
    process.stderr.write(
      `\rday ${d + 1} of ${days}, ${done} exchanges, ${Math.round((done * 1000) / watch.wall)}/s `,
    );
  }
  process.stderr.write('\n');
  spool.close();
  watch.run(ingest);
  ingest.close();
  const bytes = listDays(auditDir).reduce(
    (sum, day) => sum + fs.statSync(path.join(auditDir, `${day}.db`)).size,
    0,
  );
  return {
    exchanges: done,
    flows: watch.rows - done,
    days,
    bytes,
    perSecond: Math.round((done * 1000) / watch.wall),
    perCpuSecond: Math.round((done * 1000) / watch.cpu),
    seconds: Math.round((performance.now() - began) / 1000),
  };
}

/** One more day's records, left in the spool. */
function leave(dir: string, exchanges: number): void {
  const spoolDir = path.join(dir, 'spool');
  const producer = allocateProducer(spoolDir);
  const spool = openSpool({ dir: spoolDir, producer, maxSpool: 64 * 2 ** 30 });
  let n = 0;
  for (const { records } of new Traffic(99, producer).day(LAST_DAY + DAY_MS, exchanges, -1)) {
    for (const record of records) spool.append(record);
    if (++n % 8 === 0) spool.flush();
  }
  spool.close();
}

/** Carry the spool over as fast as it goes; says `going` when it began, and at the end what it did. */
function carry(dir: string): void {
  const ingest = new Ingest({
    spoolDir: path.join(dir, 'spool'),
    auditDir: path.join(dir, 'audit'),
    isAlive: () => false,
    now: () => LAST_DAY + DAY_MS + 1000,
  });
  const watch = new Watch();
  console.log('going');
  const began = performance.now();
  watch.run(ingest);
  watch.run(ingest);
  ingest.close();
  console.log(JSON.stringify({ rows: watch.rows, seconds: (performance.now() - began) / 1000 }));
}

if (process.argv[1] === import.meta.filename) {
  const [a = '', b = '', c = '', d = ''] = process.argv.slice(2);
  if (a === '--spool') leave(b, Number(c));
  else if (a === '--ingest') carry(b);
  else console.log(JSON.stringify(fill(a, Number(b), Number(c), Number(d))));
}
