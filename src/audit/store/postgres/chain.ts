/**
 * A collector's chain in PostgreSQL: what chain-tail.ts makes goes into tables, in the transaction of the rows and under the
 * ledger's lock. One chain per signing key: of two collectors on one database each vouches for the rows it stored.
 *
 * The head says where the chain ends. It moves only from where this writer left it: after another process with the same key, or
 * when the database is not the one it was, nothing is written and the caller begins anew (`ChainMoved`).
 */
import { GENESIS, readEntries } from '../../chain.ts';
import { ChainTail, NOTHING_BEFORE } from '../../chain-tail.ts';
import { CHAIN_SQL } from './statements.ts';
import type { Client } from 'pg';
import type { ChainedKind, Entry } from '../../chain.ts';
import type { ChainBatch, ChainStart, StoredCheckpoint } from '../../chain-tail.ts';
import type { Signer } from '../../statement.ts';

/** The chain does not end where this writer left it. */
export class ChainMoved extends Error {}

/** Key of the chain of a collector that cannot sign. */
export const UNSIGNED = 'unsigned';

/** A batch of entries; their row ids count from the place `base`. */
export interface FleetBatch extends ChainBatch {
  base: number;
}

interface Head {
  id: number;
  seq: number;
  link: Buffer;
  tail: string;
}

/** Batches read at once: some MB. */
const BATCHES = 64;
/** Rows that an honest batch can have; keeps a forged entry from keeping a reader busy. */
const MAX_BATCH = 4_000_000;

/** Entries with places for row ids; null when they are damaged. */
export function placedEntries({ base, entries }: FleetBatch): Entry[] | null {
  const read = readEntries(entries);
  if (read === null || read.some(entry => entry.row > MAX_BATCH)) return null;
  return read.map(entry => ({ ...entry, row: base + entry.row }));
}

/** Batches of a chain's day in order, behind the row numbered `after`. */
export async function* fleetBatches(
  client: Pick<Client, 'query'>,
  day: string,
  chain: number,
  after = -1,
): AsyncGenerator<FleetBatch> {
  for (;;) {
    const { rows } = await client.query<FleetBatch>(CHAIN_SQL.batches, [day, chain, after, BATCHES]);
    yield* rows;
    const last = rows.at(-1);
    if (last === undefined) return;
    after = last.seq;
  }
}

export class FleetChain {
  /** Number of the chain in this database. */
  readonly id: number;
  private tail: ChainTail;
  private head: Pick<Head, 'seq' | 'link'>;

  private constructor(head: Head, tail: ChainTail) {
    this.id = head.id;
    this.head = head;
    this.tail = tail;
  }

  /** Read the chain of a key up to its end; made when it is new. `day`: of the batch to come. Under the ledger's lock. */
  static async read(client: Client, key: string, day: string): Promise<FleetChain> {
    const find = async (): Promise<Head | undefined> =>
      (await client.query<Head>(CHAIN_SQL.head, [key])).rows[0];
    let head = await find();
    if (head === undefined) {
      await client.query(CHAIN_SQL.addHead, [
        key,
        Buffer.from(GENESIS, 'hex'),
        JSON.stringify(NOTHING_BEFORE),
      ]);
      head = await find();
    }
    if (head === undefined) throw new ChainMoved('the chain cannot be made');
    const { rows } = await client.query<{ day: string; start: string }>(CHAIN_SQL.lastStart, [head.id]);
    let [begun] = rows;
    if (begun === undefined) {
      // A new chain, or one whose days have all been dropped.
      begun = { day, start: head.tail };
      await client.query(CHAIN_SQL.addStart, [day, head.id, head.tail]);
    }
    const last = await client.query<StoredCheckpoint>(CHAIN_SQL.lastCheckpoint, [head.id, begun.day]);
    const tail = new ChainTail(begun.day, JSON.parse(begun.start) as ChainStart, last.rows[0] ?? null);
    for await (const batch of fleetBatches(client, begun.day, head.id, tail.seq)) tail.resume(batch);
    return new FleetChain(head, tail);
  }

  /** Number of the last row, and of the last checkpoint. */
  get seq(): number {
    return this.tail.seq;
  }
  get checkpoints(): number {
    return this.tail.checkpoints;
  }

  /** Rows that no checkpoint covers yet. */
  get unsigned(): number {
    return this.tail.unsigned;
  }

  /** Rows go into `day` from now on. What the day before holds unsigned is signed first. */
  async turn(
    client: Client,
    day: string,
    signer: Signer | null,
    now: number,
  ): Promise<StoredCheckpoint | null> {
    if (day === this.tail.day) return null;
    const signed = signer === null ? null : await this.checkpoint(client, signer, now);
    const start = this.tail.end();
    await client.query(CHAIN_SQL.addStart, [day, this.id, JSON.stringify(start)]);
    this.tail = new ChainTail(day, start, null);
    return signed;
  }

  /** Add a row; `offset`: its place, counted from the batch's first. */
  add(kind: ChainedKind, offset: number, digest: string): void {
    this.tail.add(kind, offset, digest);
  }

  /** Store the entries of the batch whose first place is `base`. */
  async save(client: Client, base: number): Promise<void> {
    const batch = this.tail.take();
    if (batch === null) return;
    const { seq, entries, link } = batch;
    await client.query(CHAIN_SQL.add, [this.tail.day, this.id, seq, base, entries, link]);
  }

  /** Sign what is not signed yet; null when there is nothing. */
  async checkpoint(client: Client, signer: Signer, now: number): Promise<StoredCheckpoint | null> {
    const signed = this.tail.checkpoint(signer, now);
    if (signed === null) return null;
    const { n, statement, signature } = signed;
    await client.query(CHAIN_SQL.addCheckpoint, [this.id, n, this.tail.day, statement, signature]);
    return signed;
  }

  /** Move the head to the end of the chain: the last step of a batch. Throws ChainMoved. */
  async move(client: Client): Promise<void> {
    const end = this.tail.end();
    const link = Buffer.from(end.link, 'hex');
    const params = [this.id, end.seq, link, JSON.stringify(end), this.head.seq, this.head.link];
    const { rowCount } = await client.query(CHAIN_SQL.moveHead, params);
    if (rowCount !== 1) throw new ChainMoved('the chain was continued by somebody else');
    this.head = { seq: end.seq, link };
  }
}
