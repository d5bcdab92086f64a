/**
 * JSON; carries everything an entry knows. Written as one object with an `entries` array, one entry a line. Read are
 * that, a bare array of texts or objects, an object with an array under `entries` or `domains`, and one value per line.
 *
 * Reading never holds more than one entry: a small scanner finds where values in the arrays begin and end (strings and
 * nesting observed) and hands each to JSON.parse. It does not promise to refuse a document that is broken between values.
 */
import { ENTRY_FIELDS, entryFields } from '../entry.ts';
import type { EntryField } from '../entry.ts';
import { MAX_LINE } from '../reader.ts';
import type { Importer, Reader, ReadOptions, Sink } from '../reader.ts';
import type { Exporter } from '../writer.ts';
import { giveFields } from './csv.ts';

export const jsonImporter: Importer = {
  format: 'json',
  about: 'JSON: an array of names or entries, or one per line',
  recognises: line => /^[[{]\s*(?:$|["{[\]}])/.test(line),
  open: (sink, options) => new JsonReader(sink, options),
};

/** Other people's keys by ours. */
const KEYS: Record<EntryField, readonly string[]> = {
  pattern: ['pattern', 'domain', 'host', 'hostname', 'name', 'sni'],
  match: ['match'],
  action: ['action'],
  source: ['source'],
  category: ['category'],
  comment: ['comment', 'reason', 'description'],
  added_by: ['added_by', 'owner'],
  expires: ['expires'],
};

/** Arrays under these keys hold entries; other members of the object around them are about the list, not in it. */
const ARRAYS = new Set(['entries', 'domains']);

type Kind = 'string' | 'nest' | 'bare';

class JsonReader implements Reader {
  readonly #sink: Sink;
  readonly #options: ReadOptions;
  /** Open brackets around the entries: `[`, or `{[` when the array lies in an object. */
  readonly #around: string[] = [];
  /** What is being read, or null between values. */
  #kind: Kind | null = null;
  #value = '';
  #valueLine = 0;
  /** Brackets open inside the value. */
  #depth = 0;
  #inString = false;
  #escaped = false;
  /** Last text met directly in the object around the entries: the key of what follows. */
  #key = '';
  #line = 1;

  constructor(sink: Sink, options: ReadOptions) {
    this.#sink = sink;
    this.#options = options;
  }

  write(text: string): void {
    for (const c of text) {
      if (this.#kind === null) this.#between(c);
      else this.#within(c);
      if (c === '\n') this.#line++;
    }
  }

  end(): void {
    if (this.#kind === 'bare') this.#finish();
    else if (this.#kind !== null)
      this.#sink.reject(this.#valueLine, 'the file ends inside a value', this.#value.slice(0, 80));
    if (this.#around.length > 0) this.#sink.reject(this.#line, 'the file ends inside an array or object', '');
  }

  #between(c: string): void {
    if (c <= ' ' || c === ',' || c === ':' || c === '\ufeff') return;
    if (c === ']' || c === '}') {
      this.#around.pop();
      return;
    }
    const innermost = this.#around.at(-1);
    if (c === '[' && (innermost === undefined || (innermost === '{' && ARRAYS.has(this.#key)))) {
      this.#around.push(c);
      return;
    }
    this.#kind = c === '"' ? 'string' : c === '{' || c === '[' ? 'nest' : 'bare';
    this.#value = c;
    this.#valueLine = this.#line;
    this.#depth = this.#kind === 'nest' ? 1 : 0;
    this.#inString = this.#kind === 'string';
    this.#escaped = false;
  }

  #within(c: string): void {
    if (this.#kind === 'bare' && /[\s,\]}]/.test(c)) {
      this.#finish();
      this.#between(c);
      return;
    }
    // One more than allowed tells the length, the rest is not kept.
    if (this.#value.length <= MAX_LINE) this.#value += c;
    if (this.#inString) {
      if (this.#escaped) this.#escaped = false;
      else if (c === '\\') this.#escaped = true;
      else if (c === '"') {
        this.#inString = false;
        if (this.#kind === 'string') this.#finish();
      }
    } else if (c === '"') this.#inString = true;
    else if (c === '[' && this.#opensEntries()) {
      this.#around.push('{', '[');
      this.#kind = null;
    } else if (c === '{' || c === '[') this.#depth++;
    else if ((c === '}' || c === ']') && --this.#depth === 0) this.#finish();
  }

  /** True at the bracket of `"entries": [` directly inside an object that stands outside any array. */
  #opensEntries(): boolean {
    if (this.#around.length > 0 || this.#depth !== 1 || !this.#value.startsWith('{')) return false;
    const key = /"(\w+)"\s*:\s*\[$/.exec(this.#value.slice(-40))?.[1];
    return key !== undefined && ARRAYS.has(key);
  }

  #finish(): void {
    this.#kind = null;
    const text = this.#value;
    const reject = (reason: string): void => this.#sink.reject(this.#valueLine, reason, text.slice(0, 80));
    if (text.length > MAX_LINE) return reject('a value longer than 64 KiB');
    let value: unknown;
    try {
      value = JSON.parse(text);
    } catch {
      return reject('not valid JSON');
    }
    if (this.#around.at(-1) === '{') {
      this.#key = typeof value === 'string' ? value : '';
      return;
    }
    if (typeof value === 'string')
      return giveFields(this.#sink, this.#options, { pattern: value }, this.#valueLine, text);
    if (typeof value !== 'object' || value === null || Array.isArray(value))
      return reject('neither a name nor an entry');
    giveFields(this.#sink, this.#options, fieldsOf(value as Record<string, unknown>), this.#valueLine, text);
  }
}

function fieldsOf(value: Record<string, unknown>): Partial<Record<EntryField, string>> {
  const fields: Partial<Record<EntryField, string>> = {};
  for (const field of ENTRY_FIELDS)
    for (const key of KEYS[field]) {
      const found = Object.hasOwn(value, key) ? value[key] : undefined;
      if (typeof found === 'string') {
        fields[field] = found;
        break;
      }
    }
  return fields;
}

export const jsonExporter: Exporter = {
  format: 'json',
  about: 'JSON with all that is known about each entry',
  matches: ['exact', 'subdomains', 'both'],
  actions: ['deny', 'allow', 'passthrough', 'seen'],
  exceptions: 'longest-wins',
  precedence: 'Entries have no order: the longest matching name decides, with its own action.',
  mediaType: 'application/json',
  files(input) {
    const lines = function* (): Generator<string> {
      const about = {
        list: input.name,
        action: input.action,
        generated: input.generated,
        policy: input.policy,
      };
      yield `${JSON.stringify(about).slice(0, -1)},"entries":[`;
      const all = [...input.entries, ...input.exceptions];
      for (const [i, e] of all.entries()) {
        const known = Object.entries(entryFields(e)).filter(([, value]) => value !== '');
        yield JSON.stringify(Object.fromEntries(known)) + (i === all.length - 1 ? '' : ',');
      }
      yield ']}';
    };
    return [{ name: `${input.name}.json`, lines: { [Symbol.iterator]: lines } }];
  },
};
