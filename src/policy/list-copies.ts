/**
 * Copies of lists that come from elsewhere, in a folder of their own: for each a file of plain patterns, which the policy
 * reads, and beside it a note of what is known about it. Both are written whole or not at all. Nothing here fetches or
 * judges; policy/sources does, and policy/versions-restore puts earlier contents back.
 */
import { createHash } from 'node:crypto';
import { mkdir, readFile, readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { patternText } from './pattern.ts';
import type { Pattern } from './pattern.ts';
import type { LearnedSource, UrlSource } from './rule.ts';
import { replaceWhole } from './whole-file.ts';

/** What is known about a copy. Times are ISO 8601. */
export interface CopyFacts {
  /** The URL, or what is learned. */
  from: string;
  /** When these contents came, and when they were last found to be current. */
  fetched: string | null;
  checked: string | null;
  etag: string | null;
  lastModified: string | null;
  /** SHA-256 of what was served, hex. */
  sha256: string | null;
  format: string | null;
  entries: number;
  rejected: number;
  /** Who signed these contents and what they say about them; null where no signature is asked for. */
  signed: { key: string; comment: string } | null;
  /** Newest time of signing that was ever taken, seconds since epoch; null when signers tell none. */
  signedAt: number | null;
  /** These contents were put back with version `n` of the policy, and stay until somebody has the list fetched. */
  held: { n: number; since: string } | null;
  /** Why the last try failed; null when it did not. `untrusted`: what came is not what the policy lets pass as the list. */
  failed: { time: string; message: string; tries: number; untrusted?: boolean } | null;
}

/** Where copies lie, given the folder of compiled lists. */
export const copiesDir = (cacheDir: string): string => join(cacheDir, 'lists');

/** File name of a source's copy: another URL or another way of reading it is another copy. */
export function copyName(source: UrlSource | LearnedSource): string {
  const { refresh: _, ...what } = source;
  return `${createHash('sha256').update(JSON.stringify(what)).digest('hex').slice(0, 24)}.txt`;
}

/** What is known about the copy of a source. Never rejects: an unreadable note counts as none. */
export async function copyFacts(dir: string, source: UrlSource | LearnedSource): Promise<CopyFacts> {
  const none: CopyFacts = {
    from: source.kind === 'url' ? source.url : `learned: ${source.what}`,
    fetched: null,
    checked: null,
    etag: null,
    lastModified: null,
    sha256: null,
    format: null,
    entries: 0,
    rejected: 0,
    signed: null,
    signedAt: null,
    held: null,
    failed: null,
  };
  try {
    const known = { ...none, ...(JSON.parse(await readFile(notePath(dir, source), 'utf8')) as CopyFacts) };
    // Without the copy its validators would keep the publisher from ever sending it again.
    const there = await stat(join(dir, copyName(source))).catch(() => null);
    return there === null ? { ...none, failed: known.failed } : known;
  } catch {
    return none;
  }
}

/** Whether a source is to be looked at again at `now` (ms): after its pause, after a failure sooner, when held never. */
export function isDue(facts: CopyFacts, refresh: number, now: number): boolean {
  if (facts.held !== null) return false;
  if (facts.failed !== null) {
    const wait = Math.min(refresh, RETRY_MS * 2 ** Math.min(facts.failed.tries - 1, 10));
    return now >= Date.parse(facts.failed.time) + wait;
  }
  return facts.checked === null || now >= Date.parse(facts.checked) + refresh;
}

/** First pause after a failure; it doubles up to the list's own. */
const RETRY_MS = 60_000;

/**
 * Note that contents of `entries` patterns are put back into a copy by hand, and stay. Validators go, since they are those
 * of other contents; the newest time of signing stays.
 */
export async function holdCopy(
  dir: string,
  source: UrlSource | LearnedSource,
  held: NonNullable<CopyFacts['held']>,
  entries: number,
): Promise<void> {
  const known = await copyFacts(dir, source);
  await writeNote(dir, source, {
    ...known,
    fetched: held.since,
    etag: null,
    lastModified: null,
    sha256: null,
    format: null,
    entries,
    rejected: 0,
    signed: null,
    held,
    failed: null,
  });
}

/** Whether contents were put back since `known` was read: then what was fetched or learned meanwhile is not taken. */
export async function wasHeld(
  dir: string,
  source: UrlSource | LearnedSource,
  known: CopyFacts,
): Promise<CopyFacts | null> {
  const now = await copyFacts(dir, source);
  return now.held !== null && now.held.since !== known.held?.since ? now : null;
}

/** Remove copies that no list of `sources` has any more. Failures are of no consequence. */
export async function pruneCopies(
  dir: string,
  sources: readonly (UrlSource | LearnedSource)[],
): Promise<void> {
  const keep = new Set(sources.flatMap(s => [copyName(s), `${copyName(s)}.json`]));
  for (const name of await readdir(dir).catch(() => []))
    if (!keep.has(name)) await rm(join(dir, name), { force: true }).catch(() => undefined);
}

/** Write the copy; false when it holds this very text already, so that nobody loads it again for nothing. */
export async function replaceCopy(
  dir: string,
  source: UrlSource | LearnedSource,
  patterns: Iterable<Pattern>,
): Promise<boolean> {
  let text = '';
  for (const p of patterns) text += `${patternText(p)}\n`;
  const path = join(dir, copyName(source));
  const old = await readFile(path, 'utf8').catch(() => null);
  if (old === text) return false;
  await writeWhole(dir, path, text);
  return true;
}

/** A failure before the first good copy leaves a note too, so that tries are spaced. */
export async function writeNote(
  dir: string,
  source: UrlSource | LearnedSource,
  facts: CopyFacts,
): Promise<void> {
  await writeWhole(dir, notePath(dir, source), JSON.stringify(facts));
}

function notePath(dir: string, source: UrlSource | LearnedSource): string {
  return join(dir, `${copyName(source)}.json`);
}

async function writeWhole(dir: string, path: string, text: string): Promise<void> {
  await mkdir(dir, { recursive: true, mode: 0o700 });
  await replaceWhole(path, [text]);
}
