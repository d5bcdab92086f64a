/**
 * Where the rows of an evidence bundle and what proves them come from, behind one face for every store; and that face on day files.
 * The one on a fleet's database is fleet-source.ts. Nothing here writes or signs.
 */
import { readEntries } from '../chain.ts';
import { readCheckpoint } from '../checkpoint.ts';
import { batches, ChainRows } from '../store/chain-rows.ts';
import { DayReader } from '../store/day-reader.ts';
import { listDays, openDayForReading } from '../store/schema.ts';
import type Database from 'better-sqlite3';
import type { ChainedKind, Entry } from '../chain.ts';
import type { Kind, Query } from '../query/ast.ts';
import type { Signed } from '../statement.ts';
import type { RowOf } from '../store/store.ts';

/** Which rows are asked for; times in ms. */
export interface Question {
  kind: Kind;
  query: Query;
  since?: number | undefined;
  until?: number | undefined;
}

/** A row under the id by which the chain of its day names it. */
export interface FoundRow {
  id: number;
  row: RowOf[Kind];
}

/** The canonical text of a row, and of those of its parts that a proof shows. */
export interface RowTexts {
  text: string;
  parts: Record<string, string>;
}

/** A batch of the chain: number of its first row, and its entries under the ids of `FoundRow`. */
export interface ChainPiece {
  seq: number;
  entries: readonly Entry[];
}

export interface EvidenceSource {
  /** Whether each row names the machine it is of, and proves it. */
  readonly machines: boolean;
  /** Days there are, newest first. */
  days(): Promise<string[]>;
  /** A day to be read; null when it is gone. */
  open(day: string): Promise<EvidenceDay | null>;
}

export interface EvidenceDay {
  /** Rows with ids below `before`, newest first, at most `limit`. */
  find(question: Question, before: number | null, limit: number): Promise<FoundRow[]>;
  /** The day's chain in order. */
  chain(): AsyncIterable<ChainPiece>;
  /** What was signed, by the number of the last row that it covers. */
  checkpoints(): Promise<Map<number, Signed>>;
  /** Texts of rows by id; a row that is not as it was stored is left out. */
  texts(kind: ChainedKind, ids: readonly number[]): Promise<Map<number, RowTexts>>;
  close(): void;
}

/** Checkpoints as they are stored, by the last row that each covers. */
export const byLastRow = (checkpoints: readonly Signed[]): Map<number, Signed> =>
  new Map(checkpoints.map(signed => [readCheckpoint(signed.statement)?.last ?? 0, signed]));

/** The day files of a folder. */
export function dayFiles(dir: string): EvidenceSource {
  return {
    machines: false,
    days: async () => listDays(dir).reverse(),
    open: async day => {
      const db = openDayForReading(dir, day);
      return db === null ? null : new DayFile(db, day);
    },
  };
}

class DayFile implements EvidenceDay {
  private readonly db: Database.Database;
  private readonly reader: DayReader;
  private readonly rows: ChainRows;

  constructor(db: Database.Database, day: string) {
    this.db = db;
    this.reader = new DayReader(db, day);
    this.rows = new ChainRows(db);
  }

  async find(
    { kind, query, since, until }: Question,
    before: number | null,
    limit: number,
  ): Promise<FoundRow[]> {
    const { ids } = this.reader.find(kind, query, { since, until }, before, limit);
    return this.reader.rows(kind, ids).map((row, i) => ({ id: ids[i] ?? 0, row }));
  }

  async *chain(): AsyncGenerator<ChainPiece> {
    const tail = (this.db.prepare('SELECT max(seq) FROM chain').pluck().get() ?? 0) as number;
    for (const { seq, entries } of batches(this.db, tail)) yield { seq, entries: readEntries(entries) ?? [] };
  }

  async checkpoints(): Promise<Map<number, Signed>> {
    return byLastRow(this.db.prepare('SELECT statement, signature FROM checkpoint').all() as Signed[]);
  }

  async texts(kind: ChainedKind, ids: readonly number[]): Promise<Map<number, RowTexts>> {
    const texts = new Map<number, RowTexts>();
    for (const id of ids) {
      const text = this.rows.text(kind, id);
      if (text !== null) texts.set(id, { text, parts: this.parts(kind, id) });
    }
    return texts;
  }

  private parts(kind: ChainedKind, id: number): Record<string, string> {
    const parts: Record<string, string> = {};
    if (kind === 'exchange') {
      const p = this.rows.pointers(id);
      for (const name of ['who', 'what', 'url'] as const)
        parts[name] = this.rows.part(name, p?.[name] ?? 0) ?? '';
    } else if (kind === 'flow') {
      const p = this.rows.flowPointers(id);
      for (const name of ['who', 'lane'] as const) parts[name] = this.rows.part(name, p?.[name] ?? 0) ?? '';
    }
    return parts;
  }

  close(): void {
    this.db.close();
  }
}
