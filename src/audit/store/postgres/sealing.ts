/**
 * Seals a day of a collector's chain when it is over: a signed statement of the entries' bytes, of the rows of each kind, and of where
 * the chain ended (seal.ts). A day is over when the ledger stands on a later one: places are given under its lock, so
 * nothing is added to it any more.
 *
 * What is hashed are the entries, which name every row and its digest; the rows themselves are compared with them by whoever
 * verifies. One page of entries per step.
 */
import { createHash } from 'node:crypto';
import { ENTRY_BYTES, GENESIS, digestOf, readEntries } from '../../chain.ts';
import { makeSeal } from '../../seal.ts';
import { CHAIN_SQL } from './statements.ts';
import { POSTGRES_VERSION } from './schema.ts';
import type { Client } from 'pg';
import type { Hash } from 'node:crypto';
import type { ChainedKind } from '../../chain.ts';
import type { ChainStart } from '../../chain-tail.ts';
import type { Signed, Signer } from '../../statement.ts';
import type { FleetBatch } from './chain.ts';

/** What a seal says is sealed. */
export const SEALED = 'chain';

const PAGE = 64;

/** The bytes of a day's entries, as they are sealed. */
export class EntryHash {
  private readonly hash: Hash = createHash('sha256');
  bytes = 0;

  add(batch: FleetBatch): void {
    const head = Buffer.from(`${batch.seq} ${batch.base} ${batch.link.toString('hex')}\n`);
    this.hash.update(head).update(batch.entries);
    this.bytes += head.length + batch.entries.length;
  }

  end(): { size: number; sha256: string } {
    return { size: this.bytes, sha256: this.hash.digest('hex') };
  }
}

export class FleetSealing {
  readonly day: string;
  private readonly chain: number;
  private readonly start: ChainStart;
  private readonly hash = new EntryHash();
  private readonly counts: Record<ChainedKind, number> = { exchange: 0, flow: 0, event: 0 };
  private last: FleetBatch | null = null;

  private constructor(day: string, chain: number, start: ChainStart) {
    this.day = day;
    this.chain = chain;
    this.start = start;
  }

  /** The oldest day of a chain that is over and not sealed; null when there is none. */
  static async next(client: Client, chain: number): Promise<FleetSealing | null> {
    const { rows } = await client.query<{ day: string; start: string }>(CHAIN_SQL.unsealed, [chain]);
    const [found] = rows;
    return found === undefined
      ? null
      : new FleetSealing(found.day, chain, JSON.parse(found.start) as ChainStart);
  }

  /** Go on; the seal when it is stored. */
  async step(client: Client, signer: Signer, now: number): Promise<Signed | null> {
    const after = this.last?.seq ?? -1;
    const { rows } = await client.query<FleetBatch>(CHAIN_SQL.batches, [this.day, this.chain, after, PAGE]);
    for (const batch of rows) {
      this.hash.add(batch);
      for (const entry of readEntries(batch.entries) ?? []) this.counts[entry.kind]++;
      this.last = batch;
    }
    if (rows.length === PAGE) return null;
    const { exchange, flow, event } = this.counts;
    const tail = this.last;
    const checkpoint = await client.query<{ n: number }>(CHAIN_SQL.lastCheckpoint, [this.chain, this.day]);
    const before = await client.query<{ statement: string }>(CHAIN_SQL.sealBefore, [this.chain, this.day]);
    const previous = before.rows[0]?.statement;
    const signed = makeSeal(signer, {
      day: this.day,
      file: SEALED,
      ...this.hash.end(),
      schema: POSTGRES_VERSION,
      exchanges: exchange,
      flows: flow,
      events: event,
      first: tail === null ? 0 : this.start.seq + 1,
      last: tail === null ? 0 : tail.seq + tail.entries.length / ENTRY_BYTES - 1,
      link: tail === null ? this.start.link : tail.link.toString('hex'),
      checkpoint: checkpoint.rows[0]?.n ?? this.start.checkpoint,
      previous: previous === undefined ? GENESIS : digestOf(previous),
      time: now,
    });
    await client.query(CHAIN_SQL.addSeal, [this.day, this.chain, signed.statement, signed.signature]);
    return signed;
  }
}
