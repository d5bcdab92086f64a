/**
 * The hash chain: what a stored row looks like in bytes, its digest, its link to the row before. Pure; shared by the day files, the
 * trail and other drivers of the store. docs/audit.md describes it for people who write their own verifier.
 *
 *   canonical(kind, fields)   the one text of a row or of a part that rows share
 *   digestOf(text)            SHA-256, lower-case hex
 *   nextLink(link, digest)    the chain: each link is made from the one before and the row's digest
 *   partDigest, exchangeText, flowText, eventText …   (canon.ts) the fields of each kind, in their order
 *   packEntry / readEntries   how a batch of entries lies in the `chain` table
 *   Frontier, merkleRoot, prove, rootOf               (merkle.ts) the tree over the rows of one checkpoint
 *
 * Every text that is hashed begins with a word that no other kind begins with, so that a row can never pass for a link or a
 * node. A digest covers what a reader of the store gets back, in UTF-8 as SQLite stores it: half a surrogate pair counts
 * as U+FFFD on both sides.
 *
 * It does not promise that rows are true, only that they are as they were when they were stored; and it proves nothing by
 * itself against somebody who can rewrite the whole chain: that is what signed checkpoints are for (statement.ts).
 */
import { hash } from 'node:crypto';

/** The link before the first row that ever was. */
export const GENESIS = '0'.repeat(64);

/** SHA-256 of a text's UTF-8 bytes, or of bytes, in lower-case hex. */
export const digestOf = (data: string | Buffer): string => hash('sha256', data);

/** A text as its digest covers it: half a surrogate pair is U+FFFD. */
export const asHashed = (text: string): string => Buffer.from(text).toString();

/** The link of a row: it can only be made by who knows every row before it. */
export const nextLink = (previous: string, digest: string): string => digestOf(`link ${previous} ${digest}`);

/** Nothing; a whole number; text; or bytes and digests, as hex. */
export type Field = null | number | string | { hex: string };

export const hex = (digest: string | null): Field => (digest === null ? null : { hex: digest });

/**
 * A row as one unambiguous text: its kind, then per field a space and `-`, the number, `#` and hex, or the text's length in
 * bytes, a colon and the text.
 */
export function canonical(kind: string, fields: readonly Field[]): string {
  let text = kind;
  for (const field of fields) text += ` ${form(field)}`;
  return text;
}

/** One field of `canonical`. */
export function form(field: Field): string {
  if (field === null) return '-';
  if (typeof field === 'number') return String(field);
  if (typeof field === 'string') return `${Buffer.byteLength(field)}:${field}`;
  return `#${field.hex}`;
}

/** Take a canonical text apart again; null when it is none. Numbers must be whole; the exact inverse of `canonical`. */
export function readCanonical(text: string): { kind: string; fields: Field[] } | null {
  const bytes = Buffer.from(text);
  const m = /^[a-z]+/.exec(text);
  if (m === null) return null;
  const fields: Field[] = [];
  let at = m[0].length;
  while (at < bytes.length) {
    if (bytes[at] !== SPACE) return null;
    const token = TOKEN.exec(bytes.toString('latin1', at + 1, at + MAX_TOKEN));
    if (token === null) return null;
    at += 1 + token[0].length;
    const [, number, digest, length] = token;
    if (number !== undefined) fields.push(Number(number));
    else if (digest !== undefined) fields.push({ hex: digest });
    else if (length !== undefined) {
      const end = at + Number(length);
      if (end > bytes.length) return null;
      fields.push(bytes.toString('utf8', at, end));
      at = end;
    } else fields.push(null);
  }
  const value = { kind: m[0], fields };
  return canonical(value.kind, fields) === text ? value : null;
}
const SPACE = 0x20;
const TOKEN = /^(?:(-?\d{1,16})(?= |$)|#([0-9a-f]{2,64})(?= |$)|(\d{1,10}):|-(?= |$))/;
/** Longest token but for a text's own bytes: a digest and the space behind it. */
const MAX_TOKEN = 70;

/** Kinds of rows that are chained; the numbers are stored. */
export const CHAINED = { exchange: 1, flow: 2, event: 3 } as const;
export type ChainedKind = keyof typeof CHAINED;
const KIND_NAMES: Readonly<Record<number, ChainedKind>> = { 1: 'exchange', 2: 'flow', 3: 'event' };

/** One row of the chain as it is stored. */
export interface Entry {
  kind: ChainedKind;
  /** Row id in the table of its kind. */
  row: number;
  digest: string;
  /** First 16 hex digits of the link: they tell where a chain was changed; its strength is in the whole links. */
  mark: string;
}

/** Bytes of an entry: kind 1, row 4, digest 32, mark 8. */
export const ENTRY_BYTES = 45;
export const MARK_DIGITS = 16;

/** Write an entry at `at`. */
export function packEntry(
  into: Buffer,
  at: number,
  kind: ChainedKind,
  row: number,
  digest: string,
  link: string,
): void {
  into[at] = CHAINED[kind];
  into.writeUInt32BE(row, at + 1);
  into.write(digest, at + 5, 32, 'hex');
  into.write(link, at + 37, 8, 'hex');
}

/** Entries of one row of the `chain` table; null when it is not as `packEntry` leaves it. */
export function readEntries(packed: Buffer): Entry[] | null {
  if (packed.length % ENTRY_BYTES !== 0) return null;
  const entries: Entry[] = [];
  for (let at = 0; at < packed.length; at += ENTRY_BYTES) {
    const kind = KIND_NAMES[packed[at] ?? 0];
    if (kind === undefined) return null;
    entries.push({
      kind,
      row: packed.readUInt32BE(at + 1),
      digest: packed.toString('hex', at + 5, at + 37),
      mark: packed.toString('hex', at + 37, at + ENTRY_BYTES),
    });
  }
  return entries;
}
