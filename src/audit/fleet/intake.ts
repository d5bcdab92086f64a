/**
 * The receiving end of shipped spools, without its socket: checks the frames of a batch, decodes them and has them committed. One
 * batch at a time over all proxies, because PostgreSQL gives places in one order anyway (store/postgres/schema.ts).
 *
 * A proxy speaks only of itself: its number in the store comes from its name (the caller has it from the certificate) and its
 * spool's identity, and every row and cursor is kept under that number.
 *
 * Bounds: `MAX_WAITING` batches may wait; further ones are refused as busy, and the proxies keep theirs. Of dictionaries,
 * the `MAX_DECODERS` used last are kept; a part for a forgotten one is asked for again with its dictionary.
 */
import { CodecError } from '../bytes.ts';
import { decodeHeader, newCursor, readFrame } from '../frame.ts';
import { RecordDecoder } from '../record-decoder.ts';
import type { AuditRecord } from '../../core/records.ts';
import type { Part, Written } from '../store/postgres/gather.ts';
import type { Outcome, PostgresWriter } from '../store/postgres/writer.ts';
import type { Damage } from '../tail.ts';
import type { Batch, ShippedPart } from './batch.ts';
import type { SegmentCursor } from './spool-source.ts';

/** Who ships: the name is proven, the spool's identity is told by the proxy itself. */
export interface Sender {
  name: string;
  /** 16 random bytes of the data directory. */
  spool: Buffer;
}

export interface Arrival {
  segments: string[];
  /** Producers that have a segment. */
  producers: number[];
}

export type Answer =
  | { kind: 'taken'; segments: Map<string, SegmentCursor> }
  /** The dictionaries of the parts are needed: send again, fresh. */
  | { kind: 'prelude' };

/** Too many batches wait: come back later. */
export class BusyError extends Error {}

interface Reader {
  decoder: RecordDecoder;
  /** Offset up to which it was fed. */
  at: number;
}

const MAX_WAITING = 64;
const MAX_DECODERS = 1024;

export class Intake {
  private readonly writer: PostgresWriter;
  private readonly onRows: (proxy: number, name: string, rows: Written[]) => void;
  private readonly readers = new Map<string, Reader>();
  private queue: Promise<unknown> = Promise.resolve();
  private waiting = 0;

  /** `onRows` gets what was committed, after it was. */
  constructor(
    writer: PostgresWriter,
    onRows: (proxy: number, name: string, rows: Written[]) => void = () => undefined,
  ) {
    this.writer = writer;
    this.onRows = onRows;
  }

  /** A proxy came: where the store is in its segments. */
  hello(sender: Sender, arrival: Arrival): Promise<Map<string, SegmentCursor>> {
    return this.inTurn(async () => {
      const proxy = await this.writer.proxy(sender.name, sender.spool);
      const rows = await this.writer.arrived(proxy, arrival.segments, new Set(arrival.producers));
      if (rows.length > 0) this.onRows(proxy, sender.name, rows);
      return cursorsOf(await this.writer.shipped(proxy, arrival.segments));
    });
  }

  /** Commit a batch. Throws CodecError for one that breaks the rules, and what PostgreSQL throws. */
  take(sender: Sender, batch: Batch): Promise<Answer> {
    return this.inTurn(async () => {
      const proxy = await this.writer.proxy(sender.name, sender.spool);
      const parts: Part[] = [];
      for (const part of batch.parts) {
        const reader = this.readerFor(proxy, part);
        if (reader === null) return { kind: 'prelude' };
        parts.push(decoded(part, reader));
      }
      let outcome: Outcome;
      try {
        outcome = await this.writer.commit(proxy, parts);
      } catch (error) {
        this.forget(proxy, batch);
        throw error;
      }
      if (outcome.kind === 'elsewhere') {
        this.forget(proxy, batch);
        return { kind: 'taken', segments: cursorsOf(outcome.segments) };
      }
      for (const part of parts) if (part.done) this.readers.delete(`${proxy} ${part.segment}`);
      if (outcome.rows.length > 0) this.onRows(proxy, sender.name, outcome.rows);
      return { kind: 'taken', segments: cursorsOf(outcome.segments) };
    });
  }

  /** Store what the collector itself has to tell, under its own name, and sign what is due, or all (store/postgres/writer.ts). */
  vouch(own: Sender, all = false): Promise<void> {
    return this.inTurn(async () => {
      const proxy = await this.writer.proxy(own.name, own.spool);
      const rows = await this.writer.vouch(proxy, all);
      if (rows.length > 0) this.onRows(proxy, own.name, rows);
    });
  }

  /** Seal days that are over, a little per call. True when there is more to do at once. */
  seal(): Promise<boolean> {
    return this.inTurn(() => this.writer.seal());
  }

  private async inTurn<T>(work: () => Promise<T>): Promise<T> {
    if (this.waiting >= MAX_WAITING) throw new BusyError('too many batches wait for the store');
    this.waiting++;
    const turn = this.queue.then(work, work);
    this.queue = turn.catch(() => undefined);
    try {
      return await turn;
    } finally {
      this.waiting--;
    }
  }

  /** The decoder that has read up to the part; null when there is none and the part does not bring the dictionary. */
  private readerFor(proxy: number, part: ShippedPart): Reader | null {
    const key = `${proxy} ${part.segment}`;
    const known = this.readers.get(key);
    this.readers.delete(key);
    let reader: Reader;
    if (part.fresh) {
      reader = { decoder: new RecordDecoder(), at: part.from };
      feed(part, part.prelude, reader.decoder, () => undefined);
    } else if (known?.at === part.from) reader = known;
    else return null;
    this.readers.set(key, reader);
    const [oldest] = this.readers.keys();
    if (this.readers.size > MAX_DECODERS && oldest !== undefined) this.readers.delete(oldest);
    return reader;
  }

  private forget(proxy: number, batch: Batch): void {
    for (const { segment } of batch.parts) this.readers.delete(`${proxy} ${segment}`);
  }
}

/** The records of a part; what cannot be understood is damage, as the recorder would tell it. */
function decoded(part: ShippedPart, reader: Reader): Part {
  const records: AuditRecord[] = [];
  const damages = [...part.damages];
  feed(part, part.frames, reader.decoder, (record, damage) => {
    if (record !== null) records.push(record);
    if (damage !== null) damages.push(damage);
  });
  reader.at = part.to;
  const { segment, head, from, to, done, ended } = part;
  return { segment, head, from, to, done, records, damages, ended };
}

/** Walk frames, each of which must be sound: a proxy ships nothing else. */
function feed(
  part: ShippedPart,
  frames: Buffer,
  decoder: RecordDecoder,
  on: (record: AuditRecord | null, damage: Damage | null) => void,
): void {
  if (frames.length === 0) return;
  const header = decodeHeader(part.head);
  if (header.kind !== 'header') throw new CodecError('frames without a header');
  const cursor = newCursor();
  for (let at = 0; at < frames.length; at = cursor.end) {
    if (readFrame(frames, at, frames.length, header.header.salt, cursor) !== 'frame')
      throw new CodecError('a frame that was shipped is not sound');
    try {
      on(decoder.decode(frames, cursor.type, cursor.start, cursor.end), null);
    } catch (error) {
      if (!(error instanceof CodecError)) throw error;
      on(null, { offset: part.from, bytes: 0, reason: error.message, torn: false });
    }
  }
}

const cursorsOf = (found: ReadonlyMap<string, SegmentCursor>): Map<string, SegmentCursor> =>
  new Map([...found].map(([name, { at, done, bad }]) => [name, { at, done, bad }]));
