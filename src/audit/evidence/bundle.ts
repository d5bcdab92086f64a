/**
 * Writes an evidence bundle: the rows a question finds, and for each of them the proof that it is as it was recorded, up to a
 * checkpoint that was signed when it was recorded. A folder of plain files (format.ts); docs/audit.md says how to check it
 * with other tools. The manifest is signed by who exports.
 *
 * It does not prove that the question found everything: that is the exporter's word, given with the signature.
 *
 * Bounds: memory holds the ids of one day's rows and the digests of one checkpoint. A folder that is there is not touched.
 * The event loop gets its turn after every page and every batch of the chain.
 */
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { digestOf, readEntries } from '../chain.ts';
import { readCheckpoint } from '../checkpoint.ts';
import { jsonLine, isoTime } from '../export/lines.ts';
import { prove } from '../merkle.ts';
import { makeStatement, signedText } from '../statement.ts';
import { batches, ChainRows } from '../store/chain-rows.ts';
import { chainStart } from '../store/chain-writer.ts';
import { DayReader } from '../store/day-reader.ts';
import { listDays, openDayForReading } from '../store/schema.ts';
import {
  CHECKPOINTS,
  dataHead,
  dataLine,
  dataName,
  MANIFEST,
  PROOF,
  PUBLIC_KEY,
  SIGNATURE,
  TITLE,
} from './format.ts';
import type Database from 'better-sqlite3';
import type { ChainedKind } from '../chain.ts';
import type { Kind, Query } from '../query/ast.ts';
import type { Signer } from '../statement.ts';
import type { ExchangeRow, FlowRow } from '../store/store.ts';
import type { CheckpointLine, EvidenceFormat, Manifest, ProofLine } from './format.ts';

export interface BundleOptions {
  /** Folder of the day files. */
  dir: string;
  /** Folder to make; its parent must be there. */
  out: string;
  kind: Kind;
  query: Query;
  since?: number | undefined;
  until?: number | undefined;
  /** Rows at most, newest first. */
  limit?: number;
  format: EvidenceFormat;
  signer: Signer;
  publicPem: string;
  by: string;
  version: string;
  now: number;
}

const PAGE = 250;
const CHAIN_KIND: Record<Kind, ChainedKind> = { exchanges: 'exchange', flows: 'flow', events: 'event' };

/**
 * Make the bundle. Rejects when the folder is there already or cannot be written, and with the reason of `signal` when that
 * ends it; the folder is then left half-made.
 */
export async function makeBundle(
  options: BundleOptions,
  signal?: AbortSignal,
  onProgress?: (day: string, rows: number) => void,
): Promise<Manifest> {
  const bundle = new Bundle(options);
  const steps = bundle.steps();
  try {
    for (;;) {
      signal?.throwIfAborted();
      const { done, value } = steps.next();
      if (done === true) return value;
      onProgress?.(value, bundle.rows);
      await setImmediate();
    }
  } finally {
    // Ends the generator where it stands, which closes its files.
    steps.return(undefined as never);
  }
}

/** A file being written, with its digest. */
class Output {
  private readonly fd: number;
  private readonly hash = createHash('sha256');
  private bytes = 0;
  private open = true;

  constructor(dir: string, name: string) {
    this.fd = fs.openSync(path.join(dir, name), 'wx', 0o600);
  }

  write(text: string): void {
    const data = Buffer.from(text);
    for (let at = 0; at < data.length;) at += fs.writeSync(this.fd, data, at);
    this.hash.update(data);
    this.bytes += data.length;
  }

  end(): { bytes: number; sha256: string } {
    fs.fsyncSync(this.fd);
    this.close();
    return { bytes: this.bytes, sha256: this.hash.digest('hex') };
  }

  close(): void {
    if (this.open) fs.closeSync(this.fd);
    this.open = false;
  }
}

class Bundle {
  private readonly options: BundleOptions;
  private readonly data: Output;
  private readonly proof: Output;
  private readonly checkpoints: Output;
  private readonly manifest: Manifest;
  private readonly policies = new Set<string>();

  constructor(options: BundleOptions) {
    const { out, kind, query, format, since, until, signer } = options;
    this.options = options;
    fs.mkdirSync(out, { mode: 0o700 });
    this.data = new Output(out, dataName(format));
    this.proof = new Output(out, PROOF);
    this.checkpoints = new Output(out, CHECKPOINTS);
    this.manifest = {
      format: 'sightglass evidence 1',
      made: isoTime(options.now),
      by: options.by,
      version: options.version,
      query: query.text,
      kind,
      since: since === undefined ? null : isoTime(since),
      until: until === undefined ? null : isoTime(until),
      limit: options.limit ?? null,
      data: format,
      rows: 0,
      unsigned: 0,
      unchained: 0,
      days: [],
      policies: [],
      masked: {},
      key: signer.keyId,
      files: {},
    };
  }

  /** Rows written so far. */
  get rows(): number {
    return this.manifest.rows;
  }

  /** Everything, with a pause after each piece of bounded work that says which day it is at. */
  *steps(): Generator<string, Manifest> {
    try {
      yield* this.days();
      return this.finish();
    } finally {
      for (const file of [this.data, this.proof, this.checkpoints]) file.close();
    }
  }

  private *days(): Generator<string> {
    const { options, manifest } = this;
    this.data.write(dataHead(options.kind, options.format));
    for (const day of listDays(options.dir).reverse()) {
      if (manifest.rows >= (options.limit ?? Infinity)) break;
      const db = openDayForReading(options.dir, day);
      if (db === null) continue;
      try {
        const lines = yield* this.rowsOf(new DayReader(db, day), day);
        if (lines.size === 0) continue;
        manifest.days.push(day);
        yield* this.prove(db, day, lines);
      } finally {
        db.close();
      }
    }
  }

  private finish(): Manifest {
    const { options, manifest } = this;
    manifest.policies = [...this.policies].sort();
    const key = new Output(options.out, PUBLIC_KEY);
    key.write(options.publicPem);
    manifest.files = {
      [dataName(options.format)]: this.data.end(),
      [PROOF]: this.proof.end(),
      [CHECKPOINTS]: this.checkpoints.end(),
      [PUBLIC_KEY]: key.end(),
    };
    const text = `${JSON.stringify(manifest, null, 2)}\n`;
    const file = new Output(options.out, MANIFEST);
    file.write(text);
    file.end();
    const signed = makeStatement(options.signer, TITLE, {
      manifest: digestOf(text),
      rows: manifest.rows,
      time: manifest.made,
    });
    const signature = new Output(options.out, SIGNATURE);
    signature.write(signedText(signed));
    signature.end();
    return manifest;
  }

  /** Write the data lines of a day; returns row id → line. */
  private *rowsOf(reader: DayReader, day: string): Generator<string, Map<number, number>> {
    const { options, manifest } = this;
    const { kind, query, since, until, limit = Infinity } = options;
    const lines = new Map<number, number>();
    let before: number | null = null;
    while (manifest.rows < limit) {
      const want = Math.min(PAGE, limit - manifest.rows);
      const { ids } = reader.find(kind, query, { since, until }, before, want);
      for (const [i, row] of reader.rows(kind, ids).entries()) {
        lines.set(ids[i] ?? 0, ++manifest.rows);
        this.data.write(dataLine(kind, options.format, row));
        if ('policy' in row) this.count(row);
      }
      before = ids.at(-1) ?? null;
      yield day;
      if (ids.length < want) break;
    }
    return lines;
  }

  private count(row: ExchangeRow | FlowRow): void {
    if (row.policy !== null) this.policies.add(row.policy);
    const masked = 'masked' in row ? row.masked : null;
    for (const item of masked?.split(' ') ?? []) {
      const what = item.replace(/=\d+$/, '');
      if (what !== '') this.manifest.masked[what] = (this.manifest.masked[what] ?? 0) + 1;
    }
  }

  /** Write the proofs of a day's rows: one pass over its chain. */
  private *prove(db: Database.Database, day: string, lines: ReadonlyMap<number, number>): Generator<string> {
    const rows = new ChainRows(db);
    const checkpoints = new Map(
      (
        db.prepare('SELECT statement, signature FROM checkpoint').all() as {
          statement: string;
          signature: Buffer;
        }[]
      ).map(row => [readCheckpoint(row.statement)?.last ?? 0, row] as const),
    );
    const kind = CHAIN_KIND[this.options.kind];
    let leaves: string[] = [];
    let chosen: number[] = [];
    let found = 0;
    let seq = chainStart(db)?.seq ?? 0;
    const tail = (db.prepare('SELECT max(seq) FROM chain').pluck().get() ?? 0) as number;
    for (const { entries } of batches(db, tail)) {
      yield day;
      for (const entry of readEntries(entries) ?? []) {
        seq++;
        const line = entry.kind === kind ? lines.get(entry.row) : undefined;
        if (line !== undefined) {
          chosen.push(leaves.length);
          found++;
          this.proof.write(`${jsonLine(this.proofLine(rows, line, day, seq, entry.row))}\n`);
        }
        leaves.push(entry.digest);
        const signed = checkpoints.get(seq);
        if (signed === undefined) continue;
        if (chosen.length > 0) {
          const { statement, signature } = signed;
          const value: CheckpointLine = {
            statement,
            signature: signature.toString('base64'),
            proof: prove(leaves, chosen),
          };
          this.checkpoints.write(`${jsonLine(value)}\n`);
        }
        leaves = [];
        chosen = [];
      }
    }
    this.manifest.unsigned += chosen.length;
    this.manifest.unchained += lines.size - found;
  }

  private proofLine(rows: ChainRows, line: number, day: string, seq: number, row: number): ProofLine {
    const { kind } = this.options;
    const text = rows.text(CHAIN_KIND[kind], row) ?? '';
    const parts: Record<string, string> = {};
    if (kind === 'exchanges') {
      const p = rows.pointers(row);
      for (const name of ['who', 'what', 'url'] as const) parts[name] = rows.part(name, p?.[name] ?? 0) ?? '';
    } else if (kind === 'flows') {
      const p = rows.flowPointers(row);
      for (const name of ['who', 'lane'] as const) parts[name] = rows.part(name, p?.[name] ?? 0) ?? '';
    }
    return { line, day, seq, text, parts };
  }
}
