/**
 * Child of spool.test.ts, run with a small tmpfs of its own mounted at the folder it is given: a disk that fills up under the
 * spool and then under the store, and gets room again. Prints what happened as JSON; the parent judges it.
 */
import fs from 'node:fs';
import path from 'node:path';
import { Ingest } from '../../../src/audit/ingest.ts';
import { openSpool } from '../../../src/audit/spool.ts';
import { openStore } from '../../../src/audit/store/sqlite.ts';
import { exchange, flowId, query } from '../sample.ts';

const [small = '', roomy = '', onFailure = 'block'] = process.argv.slice(2);
let clock = Date.now();
const now = (): number => clock;

/** Write into the spool until the disk is full and the queue too; make room; write a little more. */
function fillSpool(): Record<string, unknown> {
  const ballast = path.join(small, 'ballast');
  fs.writeFileSync(ballast, Buffer.alloc(512 * 1024));
  const spool = openSpool({
    dir: path.join(small, 'spool'),
    producer: 1,
    onFailure: onFailure as 'block' | 'continue',
    maxSegment: 128 * 1024,
    queueBound: 64 * 1024,
    now,
  });
  let written = 0;
  let healthyAt: boolean | null = null;
  const write = (): void => {
    written++;
    spool.append(
      exchange({ flow: flowId(1, written), reqHeaders: `X-Filler: ${written} ${'x'.repeat(1500)}\r\n` }),
    );
    spool.flush();
  };
  while (spool.stats().shed < 50 && written < 10_000) {
    write();
    if (!spool.stats().writing) healthyAt ??= spool.healthy;
    clock += 10;
  }
  const whenFull = { healthy: spool.healthy, error: spool.stats().error, shed: spool.stats().shed };
  fs.rmSync(ballast);
  clock += 300;
  spool.probe();
  const afterRoom = { healthy: spool.healthy, writing: spool.stats().writing };
  for (let i = 0; i < 10; i++) write();
  spool.close();
  return { written, healthyAtFirstFailure: healthyAt, whenFull, afterRoom, shed: spool.stats().shed };
}

async function stored(auditDir: string): Promise<Record<string, unknown>> {
  const store = openStore({ dir: auditDir });
  const all = await store.search(query(''), { kind: 'exchanges', limit: 10_000 });
  const events = await store.search(query('', 'events'), { kind: 'events' });
  await store.close();
  return {
    exchanges: all.rows.length,
    different: new Set(all.rows.map(r => r.exchange)).size,
    events: events.rows,
  };
}

/** The same for a store on the small disk: batches fail while it is full, and none is lost or doubled. */
async function fillStore(): Promise<Record<string, unknown>> {
  const spoolDir = path.join(roomy, 'spool2');
  const auditDir = path.join(small, 'audit');
  const spool = openSpool({ dir: spoolDir, producer: 1 });
  const ingest = new Ingest({ spoolDir, auditDir, now, isAlive: () => true });
  ingest.step();
  const ballast = path.join(small, 'ballast');
  fs.writeFileSync(ballast, Buffer.alloc(256 * 1024));
  let written = 0;
  let failures = 0;
  let error = '';
  for (let round = 0; round < 60; round++) {
    for (let i = 0; i < 40; i++) {
      written++;
      spool.append(
        exchange({ flow: flowId(1, written), reqHeaders: `X-Filler: ${written} ${'y'.repeat(300)}\r\n` }),
      );
    }
    spool.flush();
    try {
      ingest.step();
    } catch (e) {
      failures++;
      error = (e as Error).message;
    }
    if (failures === 5) fs.rmSync(ballast, { force: true });
    if (failures >= 5) break;
  }
  spool.close();
  while (ingest.step().rows > 0);
  ingest.close();
  return { written, failures, error, ...(await stored(auditDir)) };
}

const spoolResult = fillSpool();
const ingest = new Ingest({ spoolDir: path.join(small, 'spool'), auditDir: path.join(roomy, 'audit'), now });
while (ingest.step().rows > 0);
ingest.close();
const spoolStored = await stored(path.join(roomy, 'audit'));
fs.rmSync(path.join(small, 'spool'), { recursive: true });
console.log(JSON.stringify({ spool: { ...spoolResult, ...spoolStored }, store: await fillStore() }));
