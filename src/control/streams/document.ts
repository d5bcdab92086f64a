/**
 * `streams.yaml`: where records go besides the store. Read strictly: an unknown key, a missing target or a filter that cannot be
 * read is a problem with line, column and hint, and then the document that was in force stays. Pure but for nothing: files
 * that a stream names (CA, certificate, token) are read when it connects, so that they can be renewed without a reload.
 *
 * Bounds: 32 streams; a document of at most 1 MiB.
 */
import { isAbsolute } from 'node:path';
import { splitHostPort } from '../../core/host-name.ts';
import { classifyAddress } from '../../core/network.ts';
import { parseQuery } from '../../audit/query/parse.ts';
import { YamlReader } from '../../policy/yaml-reader.ts';
import type { Kind, Query } from '../../audit/query/ast.ts';
import type { Place, Problem } from '../../policy/yaml-reader.ts';

export const STREAM_KINDS = [
  'syslog-tls',
  'syslog-tcp',
  'splunk-hec',
  'elasticsearch',
  'otlp',
  'https',
  'file',
] as const;
export type StreamKind = (typeof STREAM_KINDS)[number];
export const STREAM_FORMATS = ['json', 'cef', 'ecs', 'ocsf', 'squid'] as const;
export type StreamFormat = (typeof STREAM_FORMATS)[number];

/** Which formats a kind can carry, its own first. */
export const FORMATS_OF: Readonly<Record<StreamKind, readonly StreamFormat[]>> = {
  'syslog-tls': ['json', 'cef', 'ecs', 'ocsf'],
  'syslog-tcp': ['json', 'cef', 'ecs', 'ocsf'],
  'splunk-hec': ['json', 'ecs'],
  elasticsearch: ['ecs'],
  otlp: ['json'],
  https: ['json', 'ecs', 'ocsf'],
  file: ['json', 'cef', 'ecs', 'ocsf', 'squid'],
};

export interface StreamConfig {
  name: string;
  to: StreamKind;
  /** `host:port` for syslog, an https URL, or an absolute path. */
  target: string;
  format: StreamFormat;
  kinds: readonly Kind[];
  /** As written; empty means everything. */
  filter: string;
  include: { heads: boolean; bodies: boolean };
  /** PEM files; null: the runtime's authorities, no client certificate. */
  ca: string | null;
  certificate: string | null;
  key: string | null;
  tokenFile: string | null;
  /** Index of Splunk or Elasticsearch. */
  index: string | null;
  /** Where a stream begins that has never run. */
  from: 'now' | 'start';
  /** Rows of one batch. */
  batch: number;
  /** Rows sent again after a connection was lost, where nothing is acknowledged. */
  resend: number;
  /** Syslog facility. */
  facility: number;
  /** Splunk: wait until the indexer acknowledged. */
  acknowledge: boolean;
  /** File: bytes after which it is put aside, and how many of those are kept. */
  rotateBytes: number;
  keep: number;
}

export type StreamsDocument = { ok: true; streams: StreamConfig[] } | { ok: false; problems: Problem[] };

const MAX_STREAMS = 32;
const MAX_TEXT = 1024 * 1024;
const NAME = /^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/;
const KEYS = [
  ...[
    'to',
    'target',
    'format',
    'kinds',
    'filter',
    'include',
    'ca',
    'certificate',
    'key',
    'token-file',
    'index',
  ],
  ...['from', 'batch', 'resend', 'facility', 'acknowledge', 'rotate-mib', 'keep'],
] as const;
const KINDS = ['exchanges', 'flows', 'events'] as const satisfies readonly Kind[];

/** Read the document; an empty one holds no streams. */
export function parseStreams(text: string, now: number): StreamsDocument {
  if (text.length > MAX_TEXT)
    return {
      ok: false,
      problems: [{ line: 0, column: 0, message: 'the document is larger than 1 MiB', hint: '' }],
    };
  const reader = new YamlReader(text);
  const root = reader.root();
  const streams: StreamConfig[] = [];
  if (root !== null && !reader.isEmpty(root)) {
    const place = reader.mapping(root, ['streams'])?.get('streams');
    if (place !== undefined && !reader.isEmpty(place))
      for (const [name, entry] of reader.mapping(place, null) ?? []) {
        if (!NAME.test(name))
          reader.problem(
            entry,
            `"${name}" is no usable name`,
            'Use up to 64 letters, digits, dashes and underscores.',
          );
        else if (streams.length === MAX_STREAMS) reader.problem(entry, `more than ${MAX_STREAMS} streams`);
        else {
          const stream = new Entry(reader, entry).read(name, now);
          if (stream !== null) streams.push(stream);
        }
      }
  }
  return reader.problems.length === 0 ? { ok: true, streams } : { ok: false, problems: reader.sorted() };
}

/** The filter for one kind of rows, or why it cannot be read. Relative times would move with every start and are refused. */
export function streamQuery(
  filter: string,
  kind: Kind,
  now: number,
): { query: Query } | { error: string; hint: string } {
  const parsed = parseQuery(filter, { kind, now });
  if (!parsed.ok)
    return {
      error: parsed.error.message,
      hint: parsed.error.suggestion ?? `See docs/query-language.md#${parsed.error.section}.`,
    };
  return { query: parsed.query };
}

class Entry {
  readonly #reader: YamlReader;
  readonly #place: Place;
  #keys: Map<string, Place> = new Map();

  constructor(reader: YamlReader, place: Place) {
    this.#reader = reader;
    this.#place = place;
  }

  read(name: string, now: number): StreamConfig | null {
    const reader = this.#reader;
    const keys = reader.mapping(this.#place, KEYS);
    if (keys === null) return null;
    this.#keys = keys;
    const to = this.#word('to', STREAM_KINDS, null);
    const target = this.#text('target');
    if (to === null || target === null) {
      for (const key of ['to', 'target'])
        if (!keys.has(key)) reader.problem(this.#place, `${this.#place.path} has no ${key}`, EXAMPLE);
      return null;
    }
    const wrong = targetProblem(to, target);
    if (wrong !== null) reader.problem(keys.get('target') ?? this.#place, wrong.message, wrong.hint);
    const formats = FORMATS_OF[to];
    const format = this.#word('format', formats, formats[0] ?? 'json') ?? 'json';
    const kinds = this.#words('kinds', KINDS, ['exchanges', 'flows', 'events']);
    const include = this.#words('include', ['heads', 'bodies'] as const, []);
    const filter = this.#text('filter') ?? '';
    for (const kind of kinds) {
      const query = streamQuery(filter, kind, now);
      if ('error' in query)
        reader.problem(
          keys.get('filter') ?? this.#place,
          `the filter cannot be used for ${kind}: ${query.error}`,
          `${query.hint} kinds: says which records the stream carries.`,
        );
    }
    if (include.includes('bodies') && (to === 'syslog-tls' || to === 'syslog-tcp' || format === 'cef'))
      reader.problem(
        keys.get('include') ?? this.#place,
        'bodies do not fit into syslog or CEF',
        'Leave them out, or use another kind of stream.',
      );
    if (this.#keys.has('certificate') !== this.#keys.has('key'))
      reader.problem(this.#place, 'certificate and key belong together', 'Name both files, or none.');
    return {
      name,
      to,
      target,
      format,
      kinds,
      filter,
      include: { heads: include.includes('heads'), bodies: include.includes('bodies') },
      ca: this.#file('ca'),
      certificate: this.#file('certificate'),
      key: this.#file('key'),
      tokenFile: this.#file('token-file'),
      index: this.#text('index'),
      from: this.#word('from', ['now', 'start'] as const, 'now') ?? 'now',
      batch: this.#count('batch', 500, 1, 5000),
      resend: this.#count('resend', to === 'syslog-tls' || to === 'syslog-tcp' ? 10_000 : 0, 0, 1_000_000),
      facility: this.#count('facility', 13, 0, 23),
      acknowledge: this.#flag('acknowledge'),
      rotateBytes: this.#count('rotate-mib', 100, 1, 100_000) * 1024 * 1024,
      keep: this.#count('keep', 7, 1, 1000),
    };
  }

  #text(key: string): string | null {
    const place = this.#keys.get(key);
    return place === undefined ? null : this.#reader.text(place);
  }

  #word<T extends string>(key: string, words: readonly T[], usual: T | null): T | null {
    const place = this.#keys.get(key);
    return place === undefined ? usual : this.#reader.oneOf(place, words);
  }

  #words<T extends string>(key: string, words: readonly T[], usual: readonly T[]): T[] {
    const place = this.#keys.get(key);
    if (place === undefined) return [...usual];
    return [...new Set(this.#reader.items(place).flatMap(item => this.#reader.oneOf(item, words) ?? []))];
  }

  #file(key: string): string | null {
    const path = this.#text(key);
    if (path !== null && !isAbsolute(path))
      this.#reader.problem(this.#keys.get(key) ?? this.#place, `${key} must be an absolute path`);
    return path;
  }

  #flag(key: string): boolean {
    const place = this.#keys.get(key);
    return place === undefined ? false : (this.#reader.flag(place) ?? false);
  }

  #count(key: string, usual: number, min: number, max: number): number {
    const text = this.#text(key);
    if (text === null) return usual;
    const value = /^\d{1,9}$/.test(text) ? Number(text) : NaN;
    if (value >= min && value <= max) return value;
    this.#reader.problem(
      this.#keys.get(key) ?? this.#place,
      `${key} is a whole number from ${min} to ${max}`,
    );
    return usual;
  }
}

const EXAMPLE = 'For example to: syslog-tls with target: logs.example.com:6514.';

function targetProblem(to: StreamKind, target: string): { message: string; hint: string } | null {
  switch (to) {
    case 'file':
      return isAbsolute(target) ? null : { message: 'the target of a file is an absolute path', hint: '' };
    case 'syslog-tls':
    case 'syslog-tcp': {
      const split = splitHostPort(target, to === 'syslog-tls' ? 6514 : null);
      if (split === null)
        return {
          message: `"${target}" is no receiver`,
          hint: 'Write HOST:PORT such as logs.example.com:6514.',
        };
      const host = split.host.replace(/^\[|\]$/g, '');
      if (to === 'syslog-tcp' && host !== 'localhost' && classifyAddress(host) !== 'loopback')
        return {
          message: 'records leave this machine encrypted or not at all',
          hint: 'Use syslog-tls; syslog-tcp is for a relay on loopback.',
        };
      return null;
    }
    default: {
      const url = URL.canParse(target) ? new URL(target) : null;
      if (url === null || url.protocol !== 'https:' || url.username !== '' || url.password !== '')
        return {
          message: `"${target}" is no https URL without credentials`,
          hint: 'Write https://HOST:PORT/PATH; a token is read from token-file.',
        };
      return null;
    }
  }
}
