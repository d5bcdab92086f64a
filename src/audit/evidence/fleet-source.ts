/**
 * The rows of a fleet's database as an evidence bundle needs them: those of the chain of one key, the key that will sign the
 * bundle. Rows that another collector stored in the same database are found, but lie in its chain: their proofs are made there.
 *
 * PostgreSQL keeps half a surrogate pair, which no digest covers as such. Here rows and texts are as they were hashed, with U+FFFD
 * in its place, as day files hold them: what is exported is what can be proven.
 *
 * In short statements while collectors write; a role that reads is enough.
 */
import { asHashed } from '../chain.ts';
import { fleetBatches, placedEntries } from '../store/postgres/chain.ts';
import { FleetRows } from '../store/postgres/chain-rows.ts';
import { withConnection } from '../store/postgres/connection.ts';
import { PostgresStore } from '../store/postgres/postgres.ts';
import { PostgresStoreError } from '../store/postgres/schema.ts';
import { CHAIN_SQL } from '../store/postgres/statements.ts';
import { byLastRow } from './source.ts';
import type { Client } from 'pg';
import type { ChainedKind } from '../chain.ts';
import type { Signed } from '../statement.ts';
import type { PostgresTarget } from '../store/postgres/connect.ts';
import type { ChainPiece, EvidenceDay, EvidenceSource, FoundRow, Question, RowTexts } from './source.ts';

/** Do something with the rows and the chain of a key. Rejects with PostgresStoreError when the database has no such chain. */
export function withFleetSource<T>(
  target: PostgresTarget,
  key: string,
  work: (source: EvidenceSource) => Promise<T>,
): Promise<T> {
  return withConnection(target, async client => {
    const { rows } = await client.query<{ id: number }>(CHAIN_SQL.head, [key]);
    const [chain] = rows;
    if (chain === undefined)
      throw new PostgresStoreError(
        `The database has no rows that this machine vouches for (key ${key}).`,
        'Make the bundle on the collector that stored the rows.',
      );
    const store = new PostgresStore(target);
    const fleet = new FleetRows(client);
    try {
      return await work({
        machines: true,
        days: () => store.daysDown(),
        open: async day => new FleetDay(client, store, fleet, chain.id, day),
      });
    } finally {
      await store.close();
    }
  });
}

class FleetDay implements EvidenceDay {
  private readonly client: Client;
  private readonly store: PostgresStore;
  private readonly rows: FleetRows;
  private readonly number: number;
  private readonly day: string;

  constructor(client: Client, store: PostgresStore, rows: FleetRows, chain: number, day: string) {
    this.client = client;
    this.store = store;
    this.rows = rows;
    this.number = chain;
    this.day = day;
  }

  async find({ kind, query, ...range }: Question, before: number | null, limit: number): Promise<FoundRow[]> {
    const page = await this.store.rowsOfDay(this.day, kind, query, range, before, limit);
    return page.map(({ seq, row }) => ({ id: seq, row: allAsHashed(row) }));
  }

  async *chain(): AsyncGenerator<ChainPiece> {
    for await (const batch of fleetBatches(this.client, this.day, this.number))
      yield { seq: batch.seq, entries: placedEntries(batch) ?? [] };
  }

  async checkpoints(): Promise<Map<number, Signed>> {
    const { rows } = await this.client.query<Signed>(CHAIN_SQL.checkpointsOfDay, [this.number, this.day]);
    return byLastRow(rows);
  }

  async texts(kind: ChainedKind, ids: readonly number[]): Promise<Map<number, RowTexts>> {
    const texts = new Map<number, RowTexts>();
    for (const { place, text, parts } of await this.rows.chosen(kind, this.day, ids))
      if (text !== null) texts.set(place, { text: asHashed(text), parts: allAsHashed(parts) });
    return texts;
  }

  /** The connection is its caller's. */
  close(): void {}
}

/** The same with its own texts, and those in its lists, as digests cover them. An event's detail is of JSON, which escapes. */
function allAsHashed<R extends object>(row: R): R {
  const fields = Object.entries(row).map(([name, value]: [string, unknown]) => [
    name,
    typeof value === 'string'
      ? asHashed(value)
      : Array.isArray(value)
        ? (value as string[]).map(asHashed)
        : value,
  ]);
  return Object.fromEntries(fields) as R;
}
