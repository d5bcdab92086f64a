/**
 * What every importer is made of: a reader takes decoded text in pieces of any size and hands entries and rejects to a
 * sink. Nothing is collected here, so a list of any length costs one line of memory.
 *
 * Bounds: a line or a JSON value of at most 64 KiB; longer ones are rejected and skipped up to their end.
 */
import { parsePattern, patternOf } from '../pattern.ts';
import type { Match } from '../pattern.ts';
import { entryOf } from './entry.ts';
import type { EntryAction, ListEntry } from './entry.ts';

export const MAX_LINE = 65_536;

export interface Sink {
  entry(entry: ListEntry, line: number): void;
  /** A line that says something which cannot be taken over. `reason` is one of few, so that reasons can be counted. */
  reject(line: number, reason: string, text: string): void;
  /** A line that is valid and says nothing about names: comments, headers, cosmetic rules. */
  ignore(): void;
}

export interface Reader {
  write(text: string): void;
  end(): void;
}

export interface ReadOptions {
  /** What a bare name means in formats that do not say: `exact` by default. */
  bare: 'exact' | 'both';
  allowPublicSuffix: boolean;
}

/** One import format. */
export interface Importer {
  readonly format: string;
  /** One line for help texts. */
  readonly about: string;
  /** Whether a line, trimmed and not empty, is typical of this format; comments of any format are not asked. */
  recognises(line: string): boolean;
  open(sink: Sink, options: ReadOptions): Reader;
}

/**
 * A reader that works line by line, numbers from 1, a leading byte order mark dropped. A carriage return at the end goes
 * with the line end unless `keepReturns` says that it may belong to a value.
 */
export function lineReader(
  handle: (line: string, number: number) => void,
  sink: Sink,
  keepReturns = false,
): Reader {
  let rest = '';
  let number = 0;
  let skipping = false;
  const take = (raw: string): void => {
    number++;
    if (skipping) {
      skipping = false;
      return;
    }
    const line = !keepReturns && raw.endsWith('\r') ? raw.slice(0, -1) : raw;
    if (line.length > MAX_LINE) return sink.reject(number, 'line longer than 64 KiB', line.slice(0, 80));
    handle(number === 1 && line.startsWith('\ufeff') ? line.slice(1) : line, number);
  };
  return {
    write(text) {
      let start = 0;
      for (let end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n', start)) {
        take(rest + text.slice(start, end));
        rest = '';
        start = end + 1;
      }
      rest += text.slice(start);
      if (rest.length > MAX_LINE) {
        if (!skipping) sink.reject(number + 1, 'line longer than 64 KiB', rest.slice(0, 80));
        skipping = true;
        rest = '';
      }
    },
    end() {
      if (rest !== '' || skipping) take(rest);
      rest = '';
    },
  };
}

/** Cut a `#` comment off and trim; empty when nothing is left. */
export function beforeHash(line: string): string {
  const hash = line.indexOf('#');
  return (hash < 0 ? line : line.slice(0, hash)).trim();
}

/** Hand a name with a known kind to the sink, or reject it with the reason. */
export function giveName(
  sink: Sink,
  options: ReadOptions,
  name: string,
  match: Match,
  action: EntryAction | null,
  line: number,
  text = name,
): void {
  const parsed = patternOf(name, match, options);
  if (parsed.ok) sink.entry(entryOf(parsed.ok, action), line);
  else sink.reject(line, general(parsed.error), text);
}

/** Hand a pattern in our own notation to the sink, or reject it. `bare` decides what a name without dot or star means. */
export function givePattern(
  sink: Sink,
  options: ReadOptions,
  text: string,
  action: EntryAction | null,
  line: number,
): void {
  if (options.bare === 'both' && !text.startsWith('.') && !text.startsWith('*'))
    return giveName(sink, options, text, 'both', action, line);
  const parsed = parsePattern(text, options);
  if (parsed.ok) sink.entry(entryOf(parsed.ok, action), line);
  else sink.reject(line, general(parsed.error), text);
}

/** Reasons without the name in them, so that equal ones are counted together. */
function general(reason: string): string {
  return reason.includes('public suffix') ? 'a wildcard over a public suffix' : reason;
}

/** Addresses that block lists point names to: nowhere, or the machine itself. */
export function isSinkhole(address: string): boolean {
  return SINKHOLES.has(address.toLowerCase());
}

const SINKHOLES = new Set([
  '0.0.0.0',
  '0',
  '127.0.0.1',
  '127.1',
  '::',
  '::0',
  '::1',
  '0:0:0:0:0:0:0:0',
  '0:0:0:0:0:0:0:1',
]);
