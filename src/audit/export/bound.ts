/**
 * Records cut to a size. Receivers have limits (a syslog message should stay below 8 KiB), captured text has none: so the
 * long texts of a record are shortened, longest allowance first, until what is written fits. A shortened text ends with
 * `…[+N]`, N being the characters left out, and the record says which of its fields were cut. Pure.
 *
 * Every text that comes out is well-formed Unicode: half a surrogate pair becomes U+FFFD, because strict readers of JSON
 * refuse a whole record for it. Control characters stay; each format writes them in its own way.
 */
import type { FedRow } from '../store/store.ts';

export interface Bounded {
  fed: FedRow;
  /** Names of the fields that were shortened. */
  cut: readonly string[];
}

/** Characters that one text may have, tried in this order; with the last one any record is small. */
const ALLOWANCES = [1_048_576, 65_536, 16_384, 4096, 1500, 400, 100, 24] as const;
/** Entries of a list (names of a certificate, offered ciphers) are few or not worth sending. */
const MAX_ENTRIES = 100;
const LONE = /\p{Cs}/gu;

/** What `write` makes of the record, at most `limit` bytes of UTF-8. */
export function fitting(fed: FedRow, limit: number, write: (bounded: Bounded) => string): string {
  let text = '';
  for (const allowance of ALLOWANCES) {
    // An allowance far above the limit can only fail for the text it is meant to shorten.
    if (allowance > limit && allowance !== ALLOWANCES.at(-1)) continue;
    text = write(bounded(fed, allowance));
    if (Buffer.byteLength(text) <= limit) return text;
  }
  return text;
}

/** The record with every text at most `allowance` characters and a mark long. */
export function bounded(fed: FedRow, allowance: number): Bounded {
  const cut = new Set<string>();
  const walk = (value: unknown, name: string): unknown => {
    if (typeof value === 'string') {
      const whole = value.replace(LONE, '\ufffd');
      if (whole.length <= allowance) return whole;
      cut.add(name);
      return shortened(whole, allowance);
    }
    if (Buffer.isBuffer(value)) {
      if (value.length > allowance) cut.add('body');
      return value.subarray(0, allowance);
    }
    if (typeof value !== 'object' || value === null) return value;
    if (Array.isArray(value)) {
      if (value.length > MAX_ENTRIES) cut.add(name);
      return value.slice(0, MAX_ENTRIES).map(entry => walk(entry, name));
    }
    return Object.fromEntries(
      Object.entries(value).map(([key, inner]) => [key.replace(LONE, '\ufffd'), walk(inner, key)]),
    );
  };
  // Details of an event may be anything: as one text they are one field, and shortened like one.
  if (fed.kind === 'event') {
    const text = JSON.stringify(fed.row.detail);
    const fits = text.length <= allowance;
    if (!fits) cut.add('detail');
    const detail = (
      fits ? walk(fed.row.detail, 'detail') : { cut: shortened(text, allowance).replace(LONE, '\ufffd') }
    ) as Record<string, unknown>;
    const row = { ...fed.row, event: walk(fed.row.event, 'event') as string, detail };
    return { fed: { kind: 'event', row }, cut: [...cut] };
  }
  const { kind, ...rest } = fed;
  return { fed: { kind, ...(walk(rest, kind) as object) } as FedRow, cut: [...cut] };
}

/** The first `length` characters and how many are missing. Never ends inside a surrogate pair. */
export function shortened(text: string, length: number): string {
  const end = /[\ud800-\udbff]/.test(text.charAt(length - 1)) ? length - 1 : length;
  return `${text.slice(0, end)}…[+${text.length - end}]`;
}
