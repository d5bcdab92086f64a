/**
 * Seals a day that is over: `YYYY-MM-DD.seal` beside the day file says, signed, which bytes the file has, how many rows, and where
 * its chain ends. From then on the file is never written again (its mode says so too), and one changed bit anywhere in it
 * shows.
 *
 * Work is done in steps of a few milliseconds, because the recorder does it between batches. A kill in the middle leaves a
 * day without a seal, which the next start seals. While a reader holds the file open its write-ahead mode cannot be ended;
 * after `PATIENCE` tries it is sealed as it is, which costs only that it cannot be read from a read-only medium.
 */
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import Database from 'better-sqlite3';
import { GENESIS, digestOf } from './chain.ts';
import { syncFolder } from './producer.ts';
import { makeStatement, parseStatement, readSigned, signedText } from './statement.ts';
import { chainStart } from './store/chain-writer.ts';
import { dayPath, listDays, versionOf } from './store/schema.ts';
import type { Hash } from 'node:crypto';
import type { Signed, Signer } from './statement.ts';

const TITLE = 'sightglass seal 1';
const SEAL_FILE = /^(\d{4}-\d\d-\d\d)\.seal$/;
/** Bytes hashed per step: some 10 ms. */
const CHUNK = 8 * 1024 * 1024;
/** Steps that wait for readers to let go of the file. */
const PATIENCE = 200;

export const sealPath = (dir: string, day: string): string => path.join(dir, `${day}.seal`);

/** What a seal says. */
export interface Seal {
  day: string;
  /** Name, bytes and SHA-256 of the day file; in PostgreSQL of the day's entries (store/postgres/sealing.ts). */
  file: string;
  size: number;
  sha256: string;
  schema: number;
  exchanges: number;
  flows: number;
  events: number;
  /** Numbers of the first and last chained row, 0 when there is none, and the link of the last. */
  first: number;
  last: number;
  link: string;
  /** Number of its last checkpoint over all days. */
  checkpoint: number;
  /** Digest of the statement of the seal before, GENESIS when there was none. */
  previous: string;
  time: number;
  key: string;
}

/** Sign what a seal says. */
export function makeSeal(signer: Signer, { time, ...facts }: Omit<Seal, 'key'>): Signed {
  return makeStatement(signer, TITLE, { ...facts, time: new Date(time).toISOString() });
}

/** The seal that a statement is; null when it is another statement or none. */
export function readSeal(statement: string): Seal | null {
  const parsed = parseStatement(statement);
  if (parsed?.title !== TITLE) return null;
  const text = (name: string): string => parsed.fields.get(name) ?? '';
  const number = (name: string): number => (/^\d{1,16}$/.test(text(name)) ? Number(text(name)) : NaN);
  const seal = {
    day: text('day'),
    file: text('file'),
    size: number('size'),
    sha256: text('sha256'),
    schema: number('schema'),
    exchanges: number('exchanges'),
    flows: number('flows'),
    events: number('events'),
    first: number('first'),
    last: number('last'),
    link: text('link'),
    checkpoint: number('checkpoint'),
    previous: text('previous'),
    time: Date.parse(text('time')),
    key: text('key'),
  };
  const digests = [seal.sha256, seal.link, seal.previous, seal.key].every(d => /^[0-9a-f]{64}$/.test(d));
  const whole = Object.values(seal).every(v => typeof v === 'string' || Number.isFinite(v));
  return digests && whole ? seal : null;
}

/** The seal file of a day; null when there is none, `damaged` when it cannot be read as one. */
export function sealOf(dir: string, day: string): Signed | 'damaged' | null {
  let text: string;
  try {
    text = fs.readFileSync(sealPath(dir, day), 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
  const signed = readSigned(text);
  return signed === null || readSeal(signed.statement) === null ? 'damaged' : signed;
}

/** Days that have a seal, oldest first. */
export function sealedDays(dir: string): string[] {
  return fs
    .readdirSync(dir)
    .flatMap(name => SEAL_FILE.exec(name)?.[1] ?? [])
    .sort();
}

/** Seals one day, step by step. */
export class Sealing {
  readonly day: string;
  private readonly dir: string;
  private readonly signer: Signer;
  private readonly now: () => number;
  private tries = 0;
  private state: { fd: number; hash: Hash; at: number; facts: Facts } | null = null;

  constructor(dir: string, day: string, signer: Signer, now: () => number) {
    this.dir = dir;
    this.day = day;
    this.signer = signer;
    this.now = now;
  }

  /** Go on; the seal when it is done. Throws when the file cannot be read or the seal not be written. */
  step(): Signed | null {
    this.state ??= this.prepare();
    if (this.state === null) return null;
    const { fd, hash } = this.state;
    const chunk = Buffer.allocUnsafe(CHUNK);
    const n = fs.readSync(fd, chunk, 0, CHUNK, this.state.at);
    if (n > 0) {
      hash.update(chunk.subarray(0, n));
      this.state.at += n;
      if (n === CHUNK) return null;
    }
    return this.finish(this.state);
  }

  close(): void {
    if (this.state !== null) fs.closeSync(this.state.fd);
    this.state = null;
  }

  private prepare(): typeof this.state {
    const file = dayPath(this.dir, this.day);
    const db = new Database(file, { fileMustExist: true, timeout: 0 });
    let facts: Facts;
    try {
      if (!endsLog(db) && ++this.tries < PATIENCE) return null;
      facts = factsOf(db);
    } finally {
      db.close();
    }
    return { fd: fs.openSync(file, 'r'), hash: createHash('sha256'), at: 0, facts };
  }

  private finish(state: NonNullable<typeof this.state>): Signed {
    const before = sealedDays(this.dir).findLast(day => day < this.day);
    const previous = before === undefined ? null : sealOf(this.dir, before);
    const signed = makeSeal(this.signer, {
      day: this.day,
      file: `${this.day}.db`,
      size: state.at,
      sha256: state.hash.digest('hex'),
      ...state.facts,
      previous: previous === null || previous === 'damaged' ? GENESIS : digestOf(previous.statement),
      time: this.now(),
    });
    const target = sealPath(this.dir, this.day);
    fs.fchmodSync(state.fd, 0o400);
    fs.writeFileSync(`${target}.new`, signedText(signed), { mode: 0o400, flush: true });
    fs.renameSync(`${target}.new`, target);
    syncFolder(this.dir);
    this.close();
    return signed;
  }
}

/** Days but the newest that have no seal yet, oldest first. */
export function unsealedDays(dir: string): string[] {
  const sealed = new Set(sealedDays(dir));
  return listDays(dir)
    .slice(0, -1)
    .filter(day => !sealed.has(day));
}

/** What the rows of a day tell about it; the bytes of its file and its place among the seals tell the rest. */
type Facts = Pick<
  Seal,
  'schema' | 'exchanges' | 'flows' | 'events' | 'first' | 'last' | 'link' | 'checkpoint'
>;

function factsOf(db: Database.Database): Facts {
  const one = (sql: string): number => (db.prepare(sql).pluck().get() ?? 0) as number;
  const schema = versionOf(db) ?? 0;
  const rows = {
    schema,
    exchanges: one('SELECT count(*) FROM exchange'),
    flows: one('SELECT count(*) FROM flow'),
    events: one('SELECT count(*) FROM event'),
  };
  const start = schema < 2 ? null : chainStart(db);
  if (start === null) return { ...rows, first: 0, last: 0, link: GENESIS, checkpoint: 0 };
  const tail = db
    .prepare('SELECT seq + length(entries) / 45 - 1 AS last, link FROM chain ORDER BY seq DESC LIMIT 1')
    .get() as { last: number; link: Buffer } | undefined;
  return {
    ...rows,
    first: tail === undefined ? 0 : start.seq + 1,
    last: tail?.last ?? 0,
    link: tail?.link.toString('hex') ?? start.link,
    checkpoint: one('SELECT max(n) FROM checkpoint') || start.checkpoint,
  };
}

/** Move the log into the file and do without one from now on; false while somebody else has it open. */
function endsLog(db: Database.Database): boolean {
  try {
    db.pragma('wal_checkpoint(TRUNCATE)');
    return db.pragma('journal_mode = DELETE', { simple: true }) === 'delete';
  } catch (error) {
    if (error instanceof Database.SqliteError && error.code.startsWith('SQLITE_BUSY')) return false;
    throw error;
  }
}
