/**
 * Writes an evidence bundle: the rows a question finds, and for each of them the proof that it is as it was recorded, up to a
 * checkpoint that was signed when it was recorded. A folder of plain files (format.ts); docs/audit.md says how to check it
 * with other tools. The manifest is signed by who exports.
 *
 * It does not prove that the question found everything: that is the exporter's word, given with the signature.
 *
 * Rows and proofs come from a source (source.ts), of day files or of a fleet's database; the bundle is the same but for the machine
 * that each row of a fleet names.
 *
 * Bounds: memory holds the ids of one day's rows, the digests of one checkpoint and the texts of one page. A folder that is there is
 * not touched. The event loop gets its turn after every page and every batch of the chain.
 */
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { digestOf } from '../chain.ts';
import { jsonLine, isoTime } from '../export/lines.ts';
import { prove } from '../merkle.ts';
import { makeStatement, signedText } from '../statement.ts';
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
import type { ChainedKind } from '../chain.ts';
import type { Kind } from '../query/ast.ts';
import type { Signed, Signer } from '../statement.ts';
import type { ExchangeRow, FlowRow } from '../store/store.ts';
import type { CheckpointLine, EvidenceFormat, Manifest, ProofLine } from './format.ts';
import type { EvidenceDay, EvidenceSource, Question } from './source.ts';

export interface BundleOptions extends Question {
  source: EvidenceSource;
  /** Folder to make; its parent must be there. */
  out: string;
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
      const { done, value } = await steps.next();
      if (done === true) return value;
      onProgress?.(value, bundle.rows);
      await setImmediate();
    }
  } finally {
    // Ends the generator where it stands, which closes its files.
    await steps.return(undefined as never);
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
    const { source, out, kind, query, format, since, until, signer } = options;
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
      ...(source.machines ? { machines: true } : {}),
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
  async *steps(): AsyncGenerator<string, Manifest> {
    try {
      yield* this.days();
      return this.finish();
    } finally {
      for (const file of [this.data, this.proof, this.checkpoints]) file.close();
    }
  }

  private async *days(): AsyncGenerator<string> {
    const { options, manifest } = this;
    this.data.write(dataHead(manifest));
    for (const day of await options.source.days()) {
      if (manifest.rows >= (options.limit ?? Infinity)) break;
      const opened = await options.source.open(day);
      if (opened === null) continue;
      try {
        const lines = yield* this.rowsOf(opened, day);
        if (lines.size === 0) continue;
        manifest.days.push(day);
        yield* this.prove(opened, day, lines);
      } finally {
        opened.close();
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
  private async *rowsOf(opened: EvidenceDay, day: string): AsyncGenerator<string, Map<number, number>> {
    const { options, manifest } = this;
    const { limit = Infinity } = options;
    const lines = new Map<number, number>();
    let before: number | null = null;
    while (manifest.rows < limit) {
      const want = Math.min(PAGE, limit - manifest.rows);
      const found = await opened.find(options, before, want);
      for (const { id, row } of found) {
        lines.set(id, ++manifest.rows);
        this.data.write(dataLine(manifest, row));
        if ('policy' in row) this.count(row);
      }
      before = found.at(-1)?.id ?? null;
      yield day;
      if (found.length < want) break;
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
  private async *prove(
    opened: EvidenceDay,
    day: string,
    lines: ReadonlyMap<number, number>,
  ): AsyncGenerator<string> {
    const checkpoints = await opened.checkpoints();
    const kind = CHAIN_KIND[this.options.kind];
    let leaves: string[] = [];
    let chosen: number[] = [];
    let proven = 0;
    for await (const { seq, entries } of opened.chain()) {
      yield day;
      const asked: { line: number; seq: number; row: number }[] = [];
      for (const [i, entry] of entries.entries()) {
        const line = entry.kind === kind ? lines.get(entry.row) : undefined;
        if (line !== undefined) {
          chosen.push(leaves.length);
          asked.push({ line, seq: seq + i, row: entry.row });
        }
        leaves.push(entry.digest);
        const signed = checkpoints.get(seq + i);
        if (signed === undefined) continue;
        this.checkpoint(signed, leaves, chosen);
        leaves = [];
        chosen = [];
      }
      proven += asked.length;
      for (let at = 0; at < asked.length; at += PAGE) {
        const page = asked.slice(at, at + PAGE);
        const texts = await opened.texts(
          kind,
          page.map(({ row }) => row),
        );
        for (const { line, seq, row } of page) {
          const proof: ProofLine = { line, day, seq, ...(texts.get(row) ?? { text: '', parts: {} }) };
          this.proof.write(`${jsonLine(proof)}\n`);
        }
        yield day;
      }
    }
    this.manifest.unsigned += chosen.length;
    this.manifest.unchained += lines.size - proven;
  }

  /** Write what leads from the chosen leaves to the root that was signed. */
  private checkpoint({ statement, signature }: Signed, leaves: string[], chosen: number[]): void {
    if (chosen.length === 0) return;
    const value: CheckpointLine = {
      statement,
      signature: signature.toString('base64'),
      proof: prove(leaves, chosen),
    };
    this.checkpoints.write(`${jsonLine(value)}\n`);
  }
}
