/**
 * Entry of the thread that takes the recorder's place in a fleet. Two kinds: `ship` carries this machine's spool to a collector;
 * `store` carries it into PostgreSQL, and, when it listens, takes the spools of other proxies too; it vouches for what it stored.
 *
 * What cannot be done now is tried again after a while that grows (back-off.ts); meanwhile the spool grows up to its
 * bound, and then `audit.onFailure` applies (DESIGN §8).
 */
import { parentPort, workerData } from 'node:worker_threads';
import { LastSigned } from '../last-signed.ts';
import { Notary } from '../notary.ts';
import { signerOf } from '../statement.ts';
import { PostgresWriter } from '../store/postgres/writer.ts';
import { Witness } from '../witness.ts';
import { backOff } from './back-off.ts';
import { startCollector } from './collector.ts';
import { spoolIdentity } from './identity.ts';
import { Intake } from './intake.ts';
import { Link } from './link.ts';
import { liveRows } from './live-rows.ts';
import { directRoad, Pump } from './pump.ts';
import { SpoolSource } from './spool-source.ts';
import type { FromThread } from '../recorder.ts';
import type { RunningCollector } from './collector.ts';
import type { WriterOptions } from '../store/postgres/writer.ts';
import type { FleetData, VouchingData } from './fleet-data.ts';
import type { Road } from './pump.ts';

const port = parentPort;
if (port === null) throw new Error('fleet-thread is the entry of a worker thread');
const data = workerData as FleetData;
const send = (message: FromThread): void => port.postMessage(message);

const LIVE_ROWS = 200;
const QUIET_MS = 20;
const BUSY_MS = 100;
const IDLE_MS = 250;
const STATS_MS = 1000;
const HOUR_MS = 3_600_000;
const SEAL_AGAIN_MS = 10 * 60_000;

/** For the log alone. */
function logged(name: string, detail: Record<string, unknown>): void {
  send({ kind: 'event', event: { kind: 'event', time: Date.now(), name, detail } });
}

/** `recorder.failing` and `recorder.recovered`. */
function told(name: string, detail: Record<string, unknown>): void {
  send({ kind: 'told', event: { kind: 'event', time: Date.now(), name, detail } });
}

/** For the spool of this machine, by which everything comes into the store. */
function recorded(name: string, detail: Record<string, unknown>): void {
  send({ kind: 'record', event: { kind: 'event', time: Date.now(), name, detail } });
}

const source = new SpoolSource({ spoolDir: data.spoolDir, shared: data.shared });
const identity = { name: data.name, spool: spoolIdentity(data.spoolDir) };
let rows = 0;
let road: Road;
let link: Link | null = null;
let writer: PostgresWriter | null = null;
let intake: Intake | null = null;
if (data.mode.kind === 'ship') {
  link = new Link({ url: data.mode.url, tls: data.mode.tls, ...identity });
  road = link;
} else {
  writer = new PostgresWriter({ target: data.mode.target, ...voucher(data.vouching) });
  intake = new Intake(writer, (proxy, name, written) => {
    rows += written.length;
    const own = name === data.name;
    if (own) for (const row of written) if (row.kind === 'event') send({ kind: 'event', event: row.record });
    if (!data.live) return;
    const { live, dropped } = liveRows(proxy, name, written, LIVE_ROWS);
    send({ kind: 'rows', rows: live, dropped });
  });
  road = directRoad(intake, identity);
}
/** What the writer vouches with. */
function voucher(vouching: VouchingData | null): Pick<WriterOptions, 'notary' | 'memory'> {
  if (vouching === null) return {};
  const { signingKey, witnessFile, lastSigned } = vouching;
  return {
    notary: new Notary({
      now: Date.now,
      steady: () => performance.now(),
      signer: signingKey === null ? null : signerOf(signingKey),
      sealer: null,
      witness: witnessFile === null ? null : new Witness(witnessFile),
    }),
    memory: new LastSigned(lastSigned),
  };
}
const pump = new Pump(source, road, data.spoolDir);

const running: { collector: RunningCollector | null } = { collector: null };
let stopping = false;
let timer: NodeJS.Timeout | null = null;
let wake: (() => void) | null = null;
let failures = 0;
let failure: string | null = null;
let statsAt = 0;
let statsRows = 0;
let retainedAt = 0;
let sealAgainAt = 0;

async function listen(): Promise<void> {
  const { mode } = data;
  if (mode.kind !== 'store' || mode.listen === null || intake === null) return;
  running.collector = await startCollector({ ...mode.listen, intake, tell: logged });
  logged('fleet.listening', { ...running.collector.address });
}

async function run(): Promise<void> {
  await listen();
  let delay = QUIET_MS;
  for (;;) {
    let wait = 0;
    try {
      const moved = await pump.step();
      if (failures > 0) told('recorder.recovered', { failures });
      failures = 0;
      failure = null;
      if (stopping && !moved.more) return;
      delay = moved.bytes > 0 ? (moved.bytes > 65_536 ? BUSY_MS : QUIET_MS) : Math.min(IDLE_MS, delay * 1.5);
      wait = moved.more || stopping ? 0 : delay;
      await intake?.vouch(identity);
      await retain();
      if (!moved.more && (await seal())) wait = 0;
    } catch (error) {
      failure = messageOf(error);
      if (stopping) return;
      if (failures === 0) told('recorder.failing', { error: failure, lagBytes: source.lag().bytes });
      failures++;
      wait = backOff(failures, Math.random());
    }
    report();
    if (wait > 0) await pause(wait);
  }
}

/** A little of a day that is over. A seal that cannot be made now is told once, and made later. */
async function seal(): Promise<boolean> {
  if (intake === null || Date.now() < sealAgainAt) return false;
  try {
    return await intake.seal();
  } catch (error) {
    if (sealAgainAt === 0) told('audit.seal-failed', { error: messageOf(error) });
    sealAgainAt = Date.now() + SEAL_AGAIN_MS;
    return false;
  }
}

/** Limits of the store, once an hour. A role that may not drop days leaves that to another. */
async function retain(): Promise<void> {
  if (data.mode.kind !== 'store' || writer === null || Date.now() - retainedAt < HOUR_MS) return;
  retainedAt = Date.now();
  try {
    await writer.retain(data.mode.limits, drop => recorded('audit.dropped', { ...drop }));
  } catch (error) {
    recorded('audit.retention-failed', { message: messageOf(error) });
  }
}

function report(): void {
  const now = Date.now();
  const passed = now - statsAt;
  if (passed >= 0 && passed < STATS_MS) return;
  const { bytes, since } = source.lag();
  const rowsPerSecond = statsAt === 0 ? 0 : Math.round(((rows - statsRows) * 1000) / Math.max(1, passed));
  const lagMs = since === null ? 0 : Math.max(0, now - since);
  send({
    kind: 'stats',
    stats: { lagBytes: bytes, lagMs, rowsPerSecond, rows, failing: failure, day: null },
  });
  statsAt = now;
  statsRows = rows;
}

const pause = (ms: number): Promise<void> =>
  new Promise(resolve => {
    wake = resolve;
    timer = setTimeout(resolve, ms);
  });

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

port.on('message', () => {
  stopping = true;
  if (timer !== null) clearTimeout(timer);
  wake?.();
});

await run();
await running.collector?.close();
// What cannot be signed at a stop is signed at the next start.
await intake?.vouch(identity, true).catch(() => undefined);
source.close();
link?.close();
await writer?.close();
port.close();
