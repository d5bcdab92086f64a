/**
 * The contents of lists that versions of the policy had: each text once, compressed, in a file named by its SHA-256, written
 * whole or not at all and never again. What is read back is checked against its name as it comes.
 *
 * Bounds: the contents of the newest `MAX_VERSIONS` versions and `MAX_BYTES` compressed; beyond either the oldest go, and a
 * rollback to such a version brings its document back and says which lists are others. The bytes are looked after with
 * every version, the count with every sixteenth. Comparing contents has a bound of its own, `DELTA_MAX` patterns.
 */
import { createHash, randomBytes } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { setImmediate as breathe } from 'node:timers/promises';
import { createGunzip, createGzip } from 'node:zlib';
import type { CompiledPolicy } from './compile.ts';
import { openDomainSet } from './domain-set.ts';
import type { DomainSet } from './domain-set.ts';
import { listDelta } from './list-delta.ts';
import type { ListDelta } from './list-delta.ts';
import { readListText } from './list-text.ts';
import { fileSignature, MISSING } from './load.ts';
import type { ListFile } from './load.ts';
import { patternText } from './pattern.ts';
import type { KeptText, ListContents } from './versions-diff.ts';

/** By path: the file as it was, and its text. */
type KnownTexts = Map<string, { seen: string; kept: KeptText }>;

const MAX_VERSIONS = 100;
const MAX_BYTES = 512 * 1024 * 1024;
/** A million names take a second or two to compare. */
const DELTA_MAX = 4_000_000;
/** Names sort well: more effort gains little. */
const LEVEL = 4;
const EVERY = 16;

export class KeptLists {
  /** Where the texts lie; drafts may lie there too, under names that end in `.draft`. */
  readonly dir: string;
  readonly #bounds: { versions: number; bytes: number };
  /** Texts of files that need not be read again; only those of the last version. */
  #known: KnownTexts = new Map();

  constructor(dir: string, bounds: { versions?: number; bytes?: number } = {}) {
    this.dir = dir;
    this.#bounds = { versions: bounds.versions ?? MAX_VERSIONS, bytes: bounds.bytes ?? MAX_BYTES };
  }

  /**
   * Keep the texts of all lists of a policy but those that stand in its document. What cannot be kept is told to
   * `onLost`, and its contents stand there without a text.
   */
  async keepAll(
    { document, lists }: CompiledPolicy,
    files: Readonly<Record<string, ListFile>>,
    onLost: (list: string, message: string) => void,
  ): Promise<Record<string, ListContents>> {
    const contents: Record<string, ListContents> = {};
    const known: KnownTexts = new Map();
    for (const [name, { digest, set }] of lists) {
      const about: ListContents = { digest, size: set.size };
      contents[name] = about;
      if (document.lists[name]?.kind === 'inline') continue;
      const file = Object.hasOwn(files, name) ? files[name] : undefined;
      try {
        about.kept = await this.#keepText(file, set);
        if (file !== undefined) known.set(file.path, { seen: file.seen, kept: about.kept });
      } catch (e) {
        onLost(name, e instanceof Error ? e.message : String(e));
      }
    }
    this.#known = known;
    return contents;
  }

  /** The file as its author wrote it, if it still is what was loaded; else the names of the set, which decide the same. */
  async #keepText(file: ListFile | undefined, set: DomainSet): Promise<KeptText> {
    if (file !== undefined && file.seen !== MISSING) {
      const known = this.#known.get(file.path);
      if (known?.seen === file.seen && (await this.has(known.kept.sha256))) return known.kept;
      if ((await fileSignature(file.path)) === file.seen) {
        const signature = file.signature === null ? null : await readFile(file.signature, 'utf8');
        const sha256 = await this.keep(createReadStream(file.path, { highWaterMark: 1 << 18 }));
        const kept = { sha256, ...(signature === null ? {} : { signature }) };
        if ((await fileSignature(file.path)) === file.seen) return kept;
      }
    }
    return { sha256: await this.keep(textOf(set)) };
  }

  /** Keep a text; resolves to its SHA-256. Rejects when `chunks` or the disk does. */
  async keep(chunks: AsyncIterable<Buffer> | Iterable<Buffer>): Promise<string> {
    await mkdir(this.dir, { recursive: true, mode: 0o700 });
    const draft = join(this.dir, `${randomBytes(6).toString('hex')}.draft`);
    const hash = createHash('sha256');
    const hashed = async function* (): AsyncGenerator<Buffer> {
      for await (const chunk of chunks) {
        hash.update(chunk);
        yield chunk;
      }
    };
    try {
      const file = createWriteStream(draft, { flags: 'wx', mode: 0o600, flush: true });
      await pipeline(Readable.from(hashed()), createGzip({ level: LEVEL }), file);
      const sha256 = hash.digest('hex');
      if (!(await this.has(sha256))) await rename(draft, this.#path(sha256));
      return sha256;
    } finally {
      await rm(draft, { force: true });
    }
  }

  has(sha256: string): Promise<boolean> {
    return stat(this.#path(sha256)).then(
      () => true,
      () => false,
    );
  }

  /** The bytes of a text. Rejects, at the latest behind the last one, when they are not what was kept. */
  async *read(sha256: string): AsyncGenerator<Buffer> {
    const hash = createHash('sha256');
    const source = createReadStream(this.#path(sha256));
    const gunzip = createGunzip();
    source.on('error', e => gunzip.destroy(e));
    source.pipe(gunzip);
    try {
      for await (const chunk of gunzip as AsyncIterable<Buffer>) {
        hash.update(chunk);
        yield chunk;
      }
    } finally {
      source.destroy();
      gunzip.destroy();
    }
    if (hash.digest('hex') !== sha256) throw new Error(`${this.#path(sha256)} is damaged`);
  }

  /** A text as a set; null when it is gone or damaged. */
  async set(sha256: string): Promise<DomainSet | null> {
    try {
      const text = await readListText(this.read(sha256), {
        allowPublicSuffix: true,
        breathe: () => breathe(),
      });
      return openDomainSet(text.buffer);
    } catch {
      return null;
    }
  }

  /** Let go of what is beyond the bounds. `versions` gives the texts of each version, newest first. */
  async prune(n: number, versions: () => AsyncIterable<readonly string[]>): Promise<void> {
    const sizes = await this.#sizes();
    const sum = [...sizes.values()].reduce((a, b) => a + b, 0);
    if (sum <= this.#bounds.bytes && n % EVERY !== 0) return;
    const keep = new Set<string>();
    let bytes = 0;
    let seen = 0;
    for await (const texts of versions()) {
      const more = [...new Set(texts)].filter(t => !keep.has(t));
      bytes += more.reduce((all, t) => all + (sizes.get(t) ?? 0), 0);
      if (++seen > this.#bounds.versions || bytes > this.#bounds.bytes) break;
      for (const text of more) keep.add(text);
    }
    for (const text of sizes.keys()) if (!keep.has(text)) await rm(this.#path(text), { force: true });
  }

  async #sizes(): Promise<Map<string, number>> {
    const sizes = new Map<string, number>();
    for (const name of await readdir(this.dir).catch(() => [])) {
      const m = /^([0-9a-f]{64})\.gz$/.exec(name);
      const size = await stat(join(this.dir, name)).catch(() => null);
      if (m !== null && size !== null) sizes.set(m[1] ?? '', size.size);
    }
    return sizes;
  }

  #path(sha256: string): string {
    return join(this.dir, `${sha256}.gz`);
  }
}

/** One side of a comparison of lists. */
export interface ListSide {
  lists: Readonly<Record<string, ListContents>>;
  /** Contents of a list; null when they cannot be had. */
  set(name: string): DomainSet | null | Promise<DomainSet | null>;
}

/** What differs in each list that both sides have with other contents, as far as contents are to be had. */
export async function listDeltas(before: ListSide, after: ListSide): Promise<Record<string, ListDelta>> {
  const deltas: Record<string, ListDelta> = {};
  for (const [name, is] of Object.entries(after.lists)) {
    const was = Object.hasOwn(before.lists, name) ? before.lists[name] : undefined;
    if (was === undefined || was.digest === is.digest || was.size + is.size > DELTA_MAX) continue;
    const [a, b] = [await before.set(name), await after.set(name)];
    if (a !== null && b !== null) deltas[name] = await listDelta(a, b, () => breathe());
  }
  return deltas;
}

/** A set as the text of a list file, in pieces. */
function* textOf(set: DomainSet): Generator<Buffer> {
  let held = '';
  for (const p of set.patterns()) {
    held += `${patternText(p)}\n`;
    if (held.length < 1 << 16) continue;
    yield Buffer.from(held);
    held = '';
  }
  yield Buffer.from(held);
}
