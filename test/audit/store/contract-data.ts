/** The records that searches are asked of, what a histogram of them must show, and how texts and ids look in a driver. */
import { makeRng } from '../../fuzz/rng.ts';
import { DAY, flow, flowId, flowOpen, hello, NOON, query, randomExchange, spooled } from '../sample.ts';
import { randomBody, withBodies } from '../random-body.ts';
import type { KnownBodies } from '../random-body.ts';
import type { FlowRecord } from '../../../src/core/records.ts';
import type { Bucket } from '../../../src/audit/store/store.ts';
import { matchesExchange } from '../query/evaluate.ts';
import type { Stored } from '../query/evaluate.ts';
import type { Driver } from './drivers.ts';

/** How many records of each kind: exchanges, the flows they belong to, and flows of a ledger of their own. */
export interface Size {
  exchanges: number;
  flows: number;
  ledger: number;
}
/** As many as every driver is asked. */
export const SIZE: Size = { exchanges: 1800, flows: 30, ledger: 600 };
/** Length of the traffic, ms, and the days over which it is ingested. */
const SPAN = 120_000;
const DAYS = 3;

/** Ids of the generator are those of records. */
export const own = (driver: Driver, text: string): string =>
  text.replace(
    /\b(flow|exchange):([0-9a-z]+-[0-9a-z]+)/g,
    (_, field: string, id: string) => `${field}:${driver.id(id)}`,
  );

/** A lone surrogate is no character: it is recorded as U+FFFD. */
export const kept = <T>(value: T): T | string =>
  typeof value === 'string'
    ? Buffer.from(value)
        .toString()
        .replace(/\ufffd+/g, '\ufffd')
    : value;

/** Have the driver take everything in; `exchanges` and `flows` then hold what it has, newest first. */
export async function fill(
  driver: Driver,
  exchanges: Stored[],
  flows: FlowRecord[],
  size = SIZE,
): Promise<void> {
  const rng = makeRng(7);
  const bodyRng = makeRng(8);
  driver.now = NOON - DAY;
  const spool = driver.spool(1);
  const snis = new Map<number, string | null>();
  for (let i = 1; i <= size.flows; i++) {
    const sni = rng.pick(['www.example.test', 'api.example.test', null]);
    snis.set(i, sni);
    spool.append(flowOpen({ flow: flowId(1, i), facts: { ...flowOpen().facts!, hello: hello(sni) } }));
  }
  const ns = new Map<number, number>();
  for (let i = 0; i < size.exchanges; i++) {
    const counter = 1 + rng.int(size.flows);
    const n = (ns.get(counter) ?? 0) + 1;
    ns.set(counter, n);
    // Two minutes of traffic, ingested over days: times and days do not go together, as after a long outage.
    const bare = randomExchange(
      rng,
      flowId(1, counter),
      n,
      NOON + Math.floor((i * 0.99 * SPAN) / size.exchanges),
    );
    const bodies: KnownBodies = {};
    if (bodyRng.oneIn(4)) bodies.req = randomBody(bodyRng);
    if (bodyRng.oneIn(3)) bodies.res = randomBody(bodyRng);
    const { record, before } = withBodies(bare, bodies);
    for (const body of before) spool.append(body);
    // Its bodies wait over the end of a batch, and now and then of a day.
    const dayEnds = (i + 1) % (size.exchanges / DAYS) === 0;
    if (dayEnds || i % 100 === 99) {
      spool.flush();
      await driver.drain();
      if (dayEnds) driver.now += DAY;
    }
    spool.append(record);
    exchanges.push({ record: spooled(record), sni: snis.get(counter) ?? null, bodies });
  }
  for (let i = 1; i <= size.ledger; i++) {
    const x = randomExchange(rng, flowId(1, 1), 1, NOON + (i * SPAN) / size.ledger);
    const without = rng.oneIn(9);
    const facts = {
      ...flowOpen().facts!,
      host: x.host,
      port: x.port,
      scheme: x.scheme,
      user: x.user,
      ingress: rng.pick(['connect', 'http', 'socks5'] as const),
      hello: rng.oneIn(5) ? null : hello(rng.pick(['www.example.test', 'x.other.test', null])),
    };
    const record = flow({
      flow: flowId(2, i),
      time: x.time,
      client: x.client,
      facts: without ? null : facts,
      verdict: without ? null : x.verdict,
      ms: x.ms,
      bytesUp: x.req.size,
      bytesDown: x.res.size,
      fault: x.fault,
      exchanges: rng.int(5),
    });
    spool.append(record);
    flows.push(spooled(record));
  }
  spool.flush();
  await driver.drain();
  exchanges.reverse();
  flows.reverse();
}

/** The bars that a histogram of exchanges must show, counted one by one. Times in ms since epoch. */
export function barsOf(
  exchanges: readonly Stored[],
  text: string,
  since: number,
  until: number,
  n: number,
): Bucket[] {
  const { root } = query(text);
  const rows = exchanges.filter(
    s => s.record.time >= since && s.record.time < until && matchesExchange(root, s),
  );
  return Array.from({ length: n }, (_, i) => {
    const bar = rows.filter(s => Math.floor(((s.record.time - since) / (until - since)) * n) === i);
    const of = (action: string) => bar.filter(s => s.record.verdict.action === action).length;
    return {
      time: since + ((until - since) / n) * i,
      inspect: of('inspect'),
      passthrough: of('passthrough'),
      block: of('block'),
      none: 0,
      faults: bar.filter(s => s.record.fault !== null).length,
    };
  });
}

/** Text, since, until and number of bars of histograms that are asked for. */
export const BARS = ['', 'status:404', 'host:.example.test OR login', 'body:invoice -status:404'].flatMap(
  text =>
    (
      [
        [NOON, NOON + 120_000, 2],
        [NOON, NOON + 120_000, 7],
        [NOON + 30_000, NOON + 90_000, 5],
      ] as const
    ).map(range => [text, ...range] as const),
);
