/**
 * A header block in three parts, so that what repeats is stored once: the stable block (with a mark where something was
 * taken out), the varied values that auditors search for, and the volatile values nobody searches for. Pure; `joinHead`
 * is the exact inverse of `splitHead` for every string, hostile ones included.
 *
 * Which names vary is partly known and partly learned: a name with more than `FEW` different values counts as varied, unless
 * each of them comes again and again, as the browsers of a company do: those belong to what repeats. Bound: at most `MANY`
 * values of at most `LONG` characters of at most 256 names are watched; what is beyond counts as varied.
 */
import { unpackVolatile } from './volatile.ts';

export interface SplitHead {
  /** `name: value` lines; `\u0001name` and `\u0002name` mark a varied and a volatile value taken out. */
  stable: string;
  /** What followed the name, colon included, one line each, in order. */
  varied: string;
  volatile: string;
  /** The varied lines with their names, for the index: a phrase may reach from the name into the value. */
  words: string;
}

/** Values that say nothing about who did what: clocks, validators and lengths (the length has a column of its own). */
const VOLATILE = new Set([
  'date',
  'age',
  'expires',
  'last-modified',
  'etag',
  'content-length',
  'if-none-match',
  'if-modified-since',
  'if-range',
  'server-timing',
]);
/** Values that differ nearly always and are worth searching. */
const VARIED = new Set([
  'referer',
  'location',
  'content-location',
  'content-disposition',
  'content-range',
  'range',
  'set-cookie',
  'cookie',
  'traceparent',
  'x-request-id',
  'x-correlation-id',
  'cf-ray',
]);
const FEW = 16;
const MANY = 256;
/** How often each value comes on average where more than a few count as stable. */
const OFTEN = 128;
/** Longer values, in characters, vary. */
const LONG = 256;
const MAX_NAMES = 256 + VOLATILE.size + VARIED.size;

/** Lines that are known to be stable. */
const MAX_KNOWN = 4096;

/** A piece of a string keeps the whole of it in memory, a copy does not. */
const copyOf = (piece: string): string => Buffer.from(piece).toString();

const VARIED_MARK = '\u0001';
const VOLATILE_MARK = '\u0002';
/** Put before a line that begins with a mark by itself. */
const ESCAPE = '\u0003';
const EOL = '\r\n';

/** Lines of a header block as free text sees them: without the values nobody searches for. */
export function searchedLines(text: string): string[] {
  return text.split(EOL).flatMap(line => {
    if (line === '') return [];
    const colon = line.indexOf(':');
    return colon > 0 && VOLATILE.has(line.slice(0, colon).toLowerCase()) ? line.slice(0, colon) : line;
  });
}

export type ValueClass = 'stable' | 'varied' | 'volatile';

interface Watched {
  uses: number;
  values: Set<string>;
  /** Nearly always the next one, too; one of `values`. */
  last: string;
}

/** Learns which names vary. One per day file and recorder; forgetting it costs a few rows, never correctness. */
export class HeaderHabits {
  private readonly names = new Map<string, ValueClass | Watched>([
    ...[...VOLATILE].map(name => [name, 'volatile'] as const),
    ...[...VARIED].map(name => [name, 'varied'] as const),
  ]);

  /** Class of one value; `name` in lower case. */
  classify(name: string, value: string): ValueClass {
    let watched = this.names.get(name);
    if (typeof watched === 'string') return watched;
    if (value.length > LONG) return 'varied';
    if (watched === undefined) {
      if (this.names.size >= MAX_NAMES) return 'varied';
      this.names.set(name, (watched = { uses: 0, values: new Set(), last: '' }));
    }
    const { values } = watched;
    watched.uses++;
    if (value !== watched.last && !values.has(value)) {
      values.add(copyOf(value));
      if (values.size > MANY) {
        this.names.set(name, 'varied');
        return 'varied';
      }
    }
    watched.last = value;
    return values.size <= FEW || watched.uses >= OFTEN * values.size ? 'stable' : 'varied';
  }
}

/** Take a block of `name: value\r\n` lines apart. `known`: lines that were found stable before; splitHead adds to them. */
export function splitHead(
  text: string,
  classify: (name: string, value: string) => ValueClass,
  known: Set<string> | null = null,
): SplitHead {
  const stable: string[] = [];
  const varied: string[] = [];
  const volatile: string[] = [];
  const words: string[] = [];
  for (const line of text.split(EOL)) {
    if (known?.has(line) === true) {
      stable.push(line);
      continue;
    }
    const first = line.charCodeAt(0);
    if (first >= 1 && first <= 3) {
      stable.push(ESCAPE + line);
      continue;
    }
    const colon = line.indexOf(':');
    const value = colon <= 0 ? 'stable' : classify(line.slice(0, colon).toLowerCase(), line.slice(colon));
    if (value === 'stable') {
      stable.push(line);
      if (known !== null && line.length <= LONG) {
        if (known.size >= MAX_KNOWN) known.clear();
        known.add(copyOf(line));
      }
    } else {
      const mark = value === 'varied' ? VARIED_MARK : VOLATILE_MARK;
      stable.push(mark + line.slice(0, colon));
      (value === 'varied' ? varied : volatile).push(line.slice(colon));
      if (value === 'varied') words.push(line);
    }
  }
  return {
    stable: stable.join(EOL),
    varied: varied.join(EOL),
    volatile: volatile.join(EOL),
    words: words.join('\n'),
  };
}

/** Where a day file keeps a block: its shared texts, and what the exchange's own row has of it (volatile.ts). */
export interface KeptHead {
  stable: string;
  /** Null where nothing varied. */
  varied: string | null;
  /** Only in rows of version 1. */
  volatile: string | null;
  own: string | null;
}

/** The block of an exchange of a day file. */
export const keptHead = ({ stable, varied, volatile, own }: KeptHead): string =>
  joinHead({
    stable,
    varied: varied ?? '',
    volatile: own === null ? (volatile ?? '') : unpackVolatile(own),
  });

/** Put a block together again, byte for byte as it was. */
export function joinHead(head: Omit<SplitHead, 'words'>): string {
  const varied = head.varied.split(EOL);
  const volatile = head.volatile.split(EOL);
  let nextVaried = 0;
  let nextVolatile = 0;
  return head.stable
    .split(EOL)
    .map(line => {
      switch (line.charAt(0)) {
        case ESCAPE:
          return line.slice(1);
        case VARIED_MARK:
          return line.slice(1) + (varied[nextVaried++] ?? '');
        case VOLATILE_MARK:
          return line.slice(1) + (volatile[nextVolatile++] ?? '');
        default:
          return line;
      }
    })
    .join(EOL);
}
