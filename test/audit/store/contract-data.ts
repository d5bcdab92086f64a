/** The records that the contract's searches are asked of, and how texts and ids look in a driver. */
import { makeRng } from '../../fuzz/rng.ts';
import { DAY, flow, flowId, flowOpen, hello, NOON, randomExchange } from '../sample.ts';
import type { FlowRecord } from '../../../src/core/records.ts';
import type { Stored } from '../query/evaluate.ts';
import type { Driver } from './drivers.ts';

export const EXCHANGES = 1800;
export const FLOWS = 30;
export const LEDGER = 600;

/** Ids of the generator are those of records. */
export const own = (driver: Driver, text: string): string =>
  text.replace(
    /\b(flow|exchange):([0-9a-z]+-[0-9a-z]+)/g,
    (_, field: string, id: string) => `${field}:${driver.id(id)}`,
  );

/** A lone surrogate is no character: it is recorded as U+FFFD. */
export const kept = (text: string): string =>
  Buffer.from(text)
    .toString()
    .replace(/\ufffd+/g, '\ufffd');

export async function fill(driver: Driver, exchanges: Stored[], flows: FlowRecord[]): Promise<void> {
  const rng = makeRng(7);
  driver.now = NOON - DAY;
  const spool = driver.spool(1);
  const snis = new Map<number, string | null>();
  for (let i = 1; i <= FLOWS; i++) {
    const sni = rng.pick(['www.example.test', 'api.example.test', null]);
    snis.set(i, sni);
    spool.append(flowOpen({ flow: flowId(1, i), facts: { ...flowOpen().facts!, hello: hello(sni) } }));
  }
  const ns = new Map<number, number>();
  for (let i = 0; i < EXCHANGES; i++) {
    const counter = 1 + rng.int(FLOWS);
    const n = (ns.get(counter) ?? 0) + 1;
    ns.set(counter, n);
    // Two minutes of traffic, ingested over days: times and days do not go together, as after a long outage.
    const record = randomExchange(rng, flowId(1, counter), n, NOON + i * 66);
    spool.append(record);
    exchanges.push({ record, sni: snis.get(counter) ?? null });
    if (i % 600 === 599) {
      spool.flush();
      await driver.drain();
      driver.now += DAY;
    }
  }
  for (let i = 1; i <= LEDGER; i++) {
    const x = randomExchange(rng, flowId(1, 1), 1, NOON + i * 200);
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
    flows.push(record);
  }
  spool.flush();
  await driver.drain();
  exchanges.reverse();
  flows.reverse();
}
