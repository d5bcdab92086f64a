/**
 * Reading a list in any known format: bytes in, entries out, every rejected line told with its number and reason.
 *
 * A stream from end to end: gzip is undone on the way, archives of category folders are walked, the format is told from
 * the first 64 KiB unless named, and one line is held at a time. The caller decides what becomes of the entries.
 *
 * Bounds: 4 GiB after decompression, 100 rejects quoted (all counted by reason), 200 reasons. Input that is no text
 * (binary, UTF-16) or in no known format is refused as a whole, with what to do.
 */
import { Readable } from 'node:stream';
import { StringDecoder } from 'node:string_decoder';
import { createGunzip } from 'node:zlib';
import type { ListEntry } from './entry.ts';
import { IMPORTERS, detectFormat } from './formats.ts';
import { haproxyImporter } from './formats/haproxy.ts';
import { squidguardImporter } from './formats/squidguard.ts';
import type { Importer, Reader, ReadOptions, Sink } from './reader.ts';
import { isTar, readTar } from './tar.ts';

export interface ImportOptions {
  /** Name of a format; null tells it from the content. */
  format: string | null;
  bare?: 'exact' | 'both';
  allowPublicSuffix?: boolean;
  /** Categories to take from an archive; null takes all. */
  categories?: ReadonlySet<string> | null;
  /** Awaited between pieces of a few milliseconds. */
  breathe?: () => Promise<void>;
  /** Told about every 64 KiB or more. */
  onProgress?: (bytes: number, entries: number) => void;
}

export interface Reject {
  /** File inside an archive; null for a single list. */
  file: string | null;
  line: number;
  reason: string;
  /** Beginning of the line. */
  text: string;
}

export interface ImportReport {
  format: string;
  /** Whether the format was told from the content. */
  detected: boolean;
  /** Bytes read after decompression. */
  bytes: number;
  entries: number;
  /** Lines that say nothing about names. */
  ignored: number;
  rejected: number;
  /** Rejects by reason. */
  reasons: Record<string, number>;
  /** The first rejects. */
  rejects: Reject[];
  /** Entries by category, for archives and folders of categories. */
  categories: Record<string, number>;
}

/** The input as a whole is not usable. */
export class ImportRefused extends Error {
  readonly hint: string;
  constructor(message: string, hint: string) {
    super(message);
    this.name = 'ImportRefused';
    this.hint = hint;
  }
}

const SAMPLE_BYTES = 65_536;
const MAX_BYTES = 4 * 2 ** 30;
const QUOTED = 100;
const MAX_REASONS = 200;
const TEXT_MAX = 200;

/** Read one list or archive. Rejects with ImportRefused, or with what `chunks` rejects with. */
export async function importList(
  chunks: AsyncIterable<Buffer>,
  onEntry: (entry: ListEntry, line: number) => void,
  options: ImportOptions,
): Promise<ImportReport> {
  const run = new ImportRun(onEntry, options);
  const { sample, all } = await peek(chunks);
  if (sample.length >= 2 && sample[0] === 0x1f && sample[1] === 0x8b) {
    const inner = await peek(gunzipped(all));
    return isTar(inner.sample) ? run.archive(inner.all) : run.single(inner.sample, inner.all);
  }
  return isTar(sample) ? run.archive(all) : run.single(sample, all);
}

/** Read category folders that lie unpacked: each file with its path, like an archive. */
export async function importFiles(
  files: AsyncIterable<{ path: string; chunks: AsyncIterable<Buffer> }>,
  onEntry: (entry: ListEntry, line: number) => void,
  options: ImportOptions,
): Promise<ImportReport> {
  return new ImportRun(onEntry, options).tree(files);
}

class ImportRun {
  readonly #onEntry: (entry: ListEntry, line: number) => void;
  readonly #options: ImportOptions;
  readonly #read: ReadOptions;
  readonly #report: ImportReport;
  /** File and category that are being read. */
  #file: string | null = null;
  #category: string | null = null;

  constructor(onEntry: (entry: ListEntry, line: number) => void, options: ImportOptions) {
    this.#onEntry = onEntry;
    this.#options = options;
    this.#read = { bare: options.bare ?? 'exact', allowPublicSuffix: options.allowPublicSuffix ?? false };
    this.#report = {
      format: options.format ?? '',
      detected: options.format === null,
      bytes: 0,
      entries: 0,
      ignored: 0,
      rejected: 0,
      reasons: {},
      rejects: [],
      categories: {},
    };
  }

  async single(sample: Buffer, chunks: AsyncIterable<Buffer>): Promise<ImportReport> {
    refuseBinary(sample);
    const importer = this.#importerFor(sample);
    this.#report.format = importer.format;
    await this.#feed(importer.open(this.#sink(), this.#read), chunks);
    return this.#report;
  }

  async archive(chunks: AsyncIterable<Buffer>): Promise<ImportReport> {
    return this.tree(readTar(chunks));
  }

  async tree(files: AsyncIterable<{ path: string; chunks: AsyncIterable<Buffer> }>): Promise<ImportReport> {
    const { format, categories = null } = this.#options;
    if (format !== null && format !== squidguardImporter.format && format !== haproxyImporter.format)
      throw new ImportRefused(
        `a folder or archive is read as squidguard or haproxy, not as ${format}`,
        'Leave --format out, or name a single file.',
      );
    let lists = 0;
    for await (const { path, chunks } of files) {
      const half = format !== squidguardImporter.format && HAPROXY_HALF.test(path);
      const place = half || format === haproxyImporter.format ? null : categoryOf(path);
      if (!half && place === null) continue;
      const importer = half ? haproxyImporter : squidguardImporter;
      if (lists > 0 && this.#report.format !== importer.format)
        throw new ImportRefused(
          'it holds categories and files for HAProxy',
          'Say with --format squidguard or --format haproxy which of them to read.',
        );
      this.#report.format = importer.format;
      lists++;
      if (place === null) {
        this.#file = path;
        await this.#feed(importer.open(this.#sink(), this.#read), chunks);
        continue;
      }
      if (categories !== null && !categories.has(place.category)) continue;
      this.#file = path;
      this.#category = place.category;
      this.#report.categories[place.category] ??= 0;
      const sink = this.#sink();
      if (place.kind === 'domains') await this.#feed(squidguardImporter.open(sink, this.#read), chunks);
      else await this.#feed(rejectAll(sink, place.kind), chunks);
    }
    if (lists === 0)
      throw new ImportRefused(
        'there is no list in it',
        'Expected are files named CATEGORY/domains, as squidGuard and UT1 have them, or the two that an export for HAProxy writes.',
      );
    return this.#report;
  }

  #importerFor(sample: Buffer): Importer {
    const { format } = this.#options;
    if (format !== null) {
      const named = IMPORTERS.find(i => i.format === format);
      if (named !== undefined) return named;
      throw new ImportRefused(
        `unknown format "${format}"`,
        `Formats: ${IMPORTERS.map(i => i.format).join(', ')}.`,
      );
    }
    const detected = detectFormat(sample.toString('utf8'));
    if (detected !== null) return detected;
    throw new ImportRefused(
      'the format of this list is not recognised',
      `Name it with --format: ${IMPORTERS.map(i => i.format).join(', ')}.`,
    );
  }

  async #feed(reader: Reader, chunks: AsyncIterable<Buffer>): Promise<void> {
    const decoder = new StringDecoder('utf8');
    const { breathe, onProgress } = this.#options;
    for await (const chunk of chunks) {
      this.#report.bytes += chunk.length;
      if (this.#report.bytes > MAX_BYTES)
        throw new ImportRefused('the list is larger than 4 GiB', 'Split it, or check where it comes from.');
      const text = decoder.write(chunk);
      // No text has one, and what only begins as text is no list either.
      if (text.includes('\0')) throw notText();
      reader.write(text);
      onProgress?.(this.#report.bytes, this.#report.entries);
      if (breathe !== undefined) await breathe();
    }
    reader.write(decoder.end());
    reader.end();
  }

  #sink(): Sink {
    const report = this.#report;
    const category = this.#category;
    return {
      entry: (entry, line) => {
        report.entries++;
        if (category !== null) report.categories[category] = (report.categories[category] ?? 0) + 1;
        this.#onEntry(category === null ? entry : { ...entry, category }, line);
      },
      reject: (line, reason, text) => {
        report.rejected++;
        const known =
          Object.hasOwn(report.reasons, reason) || Object.keys(report.reasons).length < MAX_REASONS;
        const counted = known ? reason : 'other reasons';
        report.reasons[counted] = (report.reasons[counted] ?? 0) + 1;
        if (report.rejects.length < QUOTED)
          report.rejects.push({ file: this.#file, line, reason, text: text.trim().slice(0, TEXT_MAX) });
      },
      ignore: () => {
        report.ignored++;
      },
    };
  }
}

/** One of the two files of an export for HAProxy: what both say together is the list. */
const HAPROXY_HALF = /\.(?:exact|suffix)\.lst$/;

/** The category and kind of a file in a tree: `…/ads/domains` is the domains of `ads`. Null for files of no interest. */
function categoryOf(path: string): { category: string; kind: 'domains' | 'urls' | 'expressions' } | null {
  const parts = path.split('/').filter(p => p !== '' && p !== '.');
  const kind = parts.pop();
  if (kind !== 'domains' && kind !== 'urls' && kind !== 'expressions') return null;
  // The collection's own folder is no part of the name; deeper folders are (`adult/mixed`).
  const [top = '', ...below] = parts;
  const category = below.length > 0 && COLLECTIONS.has(top.toLowerCase()) ? below.join('/') : parts.join('/');
  return category === '' ? null : { category, kind };
}

/** Folder names under which collections keep their categories: UT1, Shalla and what squidGuard installs. */
const COLLECTIONS = new Set(['blacklists', 'bl', 'db', 'dest', 'lists']);

/** What looks at more than a name is told once per line, like any other reject. */
function rejectAll(sink: Sink, kind: 'urls' | 'expressions'): Reader {
  const reason = kind === 'urls' ? 'a URL with a path covers less than its host' : 'a regular expression';
  let line = 0;
  let rest = '';
  return {
    write(text) {
      const lines = (rest + text).split('\n');
      rest = (lines.pop() ?? '').slice(0, TEXT_MAX);
      for (const l of lines) {
        line++;
        if (l.trim() !== '') sink.reject(line, reason, l);
      }
    },
    end() {
      if (rest.trim() !== '') sink.reject(line + 1, reason, rest);
    },
  };
}

function refuseBinary(sample: Buffer): void {
  if ((sample[0] === 0xff && sample[1] === 0xfe) || (sample[0] === 0xfe && sample[1] === 0xff))
    throw new ImportRefused('the file is UTF-16', 'Convert it: iconv -f UTF-16 -t UTF-8 IN > OUT.');
  if (sample.subarray(0, 4).toString('latin1') === 'PK\u0003\u0004')
    throw new ImportRefused('the file is a zip archive', 'Unpack it first and import the list inside.');
  let controls = 0;
  for (const byte of sample) if (byte < 0x20 && (byte < 0x09 || byte > 0x0d)) controls++;
  // A few stray ones make no binary, however short the list; random bytes have ten times as many.
  if (sample.includes(0) || controls > Math.max(3, sample.length / 100)) throw notText();
}

function notText(): ImportRefused {
  return new ImportRefused('the file is not text', 'A list is UTF-8 text, or a gzip of it.');
}

/** The first bytes, and the whole including them. */
async function peek(chunks: AsyncIterable<Buffer>): Promise<{ sample: Buffer; all: AsyncIterable<Buffer> }> {
  const iterator = chunks[Symbol.asyncIterator]();
  const held: Buffer[] = [];
  let length = 0;
  let done = false;
  while (length < SAMPLE_BYTES && !done) {
    const next = await iterator.next();
    if (next.done === true) done = true;
    else {
      held.push(next.value);
      length += next.value.length;
    }
  }
  const all = (async function* (): AsyncGenerator<Buffer> {
    try {
      yield* held;
      while (!done) {
        const next = await iterator.next();
        if (next.done === true) return;
        yield next.value;
      }
    } finally {
      await iterator.return?.();
    }
  })();
  return { sample: Buffer.concat(held).subarray(0, SAMPLE_BYTES), all };
}

async function* gunzipped(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  const source = Readable.from(chunks);
  const gunzip = createGunzip();
  source.on('error', e => gunzip.destroy(e));
  source.pipe(gunzip);
  try {
    yield* gunzip as AsyncIterable<Buffer>;
  } catch (e) {
    const code = (e as NodeJS.ErrnoException).code ?? '';
    if (!code.startsWith('Z_')) throw e;
    throw new ImportRefused('the gzip is damaged or cut short', 'Fetch it again.');
  } finally {
    source.destroy();
    gunzip.destroy();
  }
}
