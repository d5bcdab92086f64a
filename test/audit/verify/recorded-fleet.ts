/** A fleet's store for the tests of chain, verifier and bundles: two machines over two days that are over and an open one. */
import path from 'node:path';
import pg from 'pg';
import { LastSigned } from '../../../src/audit/last-signed.ts';
import { Notary } from '../../../src/audit/notary.ts';
import { clientConfig } from '../../../src/audit/store/postgres/connect.ts';
import { PostgresWriter } from '../../../src/audit/store/postgres/writer.ts';
import { verifyFleet } from '../../../src/audit/verify/fleet.ts';
import { Witness } from '../../../src/audit/witness.ts';
import { makeRng } from '../../fuzz/rng.ts';
import { DAY, flow, flowId, flowOpen, HOSTILE, NOON, randomExchange } from '../sample.ts';
import { pair, signer as ownSigner, witnessOf } from './recorded.ts';
import type { AuditRecord } from '../../../src/core/records.ts';
import type { Signer } from '../../../src/audit/statement.ts';
import type { Finding } from '../../../src/audit/verify/finding.ts';
import type { FleetReport } from '../../../src/audit/verify/fleet.ts';
import type { PostgresTarget } from '../../../src/audit/store/postgres/connect.ts';

/** A collector on a database, with a clock of its own. */
export class TestCollector {
  now = NOON;
  readonly writer: PostgresWriter;

  constructor(target: PostgresTarget, dir: string, signer: Signer = ownSigner) {
    const now = (): number => this.now;
    this.writer = new PostgresWriter({
      target,
      now,
      notary: new Notary({ now, steady: now, signer, sealer: null, witness: new Witness(witnessOf(dir)) }),
      memory: new LastSigned(path.join(dir, 'last.checkpoint')),
    });
  }

  /** Number of a machine. */
  machine(name: string): Promise<number> {
    return this.writer.proxy(name, Buffer.alloc(16, name));
  }

  /** Commit records of a machine as one batch. */
  async commit(name: string, records: AuditRecord[]): Promise<void> {
    const none = {
      segment: '',
      head: Buffer.alloc(0),
      from: 0,
      to: 0,
      done: false,
      damages: [],
      ended: null,
    };
    await this.writer.commit(await this.machine(name), [{ ...none, records }]);
  }

  /** Sign what is due, or all; seal what is over. */
  async vouch(all = false): Promise<void> {
    await this.writer.vouch(await this.machine('collector'), all);
    while (await this.writer.seal());
  }
}

/** Records of `flows` flows with an exchange and a body each. */
export function traffic(producer: number, first: number, flows: number, time: number): AuditRecord[] {
  const rng = makeRng(first);
  const records: AuditRecord[] = [];
  for (let n = first; n < first + flows; n++) {
    const id = flowId(producer, n);
    const text = HOSTILE[n % HOSTILE.length] ?? '';
    const body = { size: 500, kept: 500, sha256: 'ab'.repeat(32), truncated: false };
    records.push(
      flowOpen({ flow: id }),
      { kind: 'body', flow: id, n: 1, side: 'res', data: Buffer.from(`body ${n % 7} `.repeat(60)) },
      { ...randomExchange(rng, id, 1, time), faultDetail: text, ...(n % 2 === 0 ? { res: body } : {}) },
      flow({ flow: id, time, faultDetail: text, ...(n % 3 === 0 ? { facts: null, verdict: null } : {}) }),
      { kind: 'event', time, name: 'test.event', detail: { n, text } },
    );
  }
  return records;
}

export const EDGES = ['edge-1', 'edge-2'] as const;
/** Rows of each day: exchanges, flows and events of both machines. */
export const ROWS_A_DAY = 2 * 2 * 10 * 3;

/** Fill a database. Ends with everything signed. */
export async function recordFleet(
  target: PostgresTarget,
  dir: string,
  signer: Signer = ownSigner,
): Promise<void> {
  const collector = new TestCollector(target, dir, signer);
  let first = 1;
  for (let day = 0; day < 3; day++) {
    collector.now = NOON + day * DAY;
    for (let batch = 0; batch < 2; batch++) {
      for (const [producer, name] of EDGES.entries())
        await collector.commit(name, traffic(producer + 1, first, 10, collector.now));
      first += 10;
      await collector.vouch();
      collector.now += 61_000;
    }
  }
  await collector.vouch(true);
  await collector.writer.close();
}

/** Run something on a connection of its own. */
export async function connected<T>(
  target: PostgresTarget,
  work: (client: pg.Client) => Promise<T>,
): Promise<T> {
  const client = new pg.Client(clientConfig(target, 'test'));
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

/** All findings of a report. */
export const all = ({ days, findings }: FleetReport): Finding[] => [
  ...days.flatMap(d => d.findings),
  ...findings,
];

/** What is found after statements of the database's owner, which are then undone: `problem day kind id: text`. */
export const findingsAfter = (target: PostgresTarget, sql: string): Promise<string[]> =>
  connected(target, async client => {
    await client.query('BEGIN');
    await client.query(sql);
    // The verifier takes its look within this transaction.
    const within = {
      query: (text: string, params: unknown[]) =>
        client.query(/^(BEGIN|COMMIT)/.test(text) ? 'SELECT 1' : text, params),
    } as unknown as pg.Client;
    const found = all(await verifyFleet(within, [pair.publicKey]));
    await client.query('ROLLBACK');
    return found.map(f => `${f.problem} ${f.day} ${f.kind ?? ''} ${f.id ?? ''}: ${f.text}`);
  });
