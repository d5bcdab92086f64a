/**
 * Lists that come from elsewhere: fetched from a URL or learned from traffic. Each has a copy in a folder of its own, plain
 * patterns one a line, and beside it what is known about it. The copy is what the policy reads; it is replaced whole and
 * only by contents that are good, so the last good copy stays through every failure of the publisher.
 *
 * What is good: within the size, of the digest and with the signature if they are asked for, readable in a known format,
 * not empty, and with no more than `MAX_BAD` of its lines rejected (a login page or an error text is no list). Rejected
 * lines are counted and told. A signature is fetched after the list it belongs to, so a publisher who is between the
 * two uploads is caught out; the next try mends that. Contents that were signed before those we have are refused: who can
 * keep new lists from us could otherwise play back old ones.
 */
import { createHash, randomBytes } from 'node:crypto';
import { mkdir, open, readFile, readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setImmediate as breathe } from 'node:timers/promises';
import { DomainSetBuilder, finishWith, openDomainSet } from './domain-set.ts';
import { importList } from './lists/import.ts';
import {
  parseSignature,
  parseSigningKey,
  refuseSignature,
  SIGNATURE_MAX,
  SignedBytes,
  signingTime,
} from './minisign.ts';
import type { SigningKey } from './minisign.ts';
import { patternText } from './pattern.ts';
import type { Pattern } from './pattern.ts';
import type { LearnedSource, UrlSource } from './rule.ts';
import type { Fetched } from './sources-fetch.ts';

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
  /** Why the last try failed; null when it did not. `untrusted`: what came is not what the policy lets pass as the list. */
  failed: { time: string; message: string; tries: number; untrusted?: boolean } | null;
}

/** The bytes came whole, but digest or signature speak against them. */
class Untrusted extends Error {}

/** Gets something from a publisher; with validators it may answer that nothing changed. */
export type Fetch = (
  what: { url: string; maxSize: number },
  known: { etag: string | null; lastModified: string | null },
) => Promise<Fetched>;

export type Refreshed =
  { outcome: 'new' | 'same'; facts: CopyFacts } | { outcome: 'failed'; facts: CopyFacts; message: string };

/** Share of lines that may be rejected, and how many are forgiven in any case. */
const MAX_BAD = 0.1;
const FORGIVEN = 20;

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

/** Whether a source is to be looked at again at `now` (ms): after its pause, after a failure sooner. */
export function isDue(facts: CopyFacts, refresh: number, now: number): boolean {
  if (facts.failed !== null) {
    const wait = Math.min(refresh, RETRY_MS * 2 ** Math.min(facts.failed.tries - 1, 10));
    return now >= Date.parse(facts.failed.time) + wait;
  }
  return facts.checked === null || now >= Date.parse(facts.checked) + refresh;
}

/** First pause after a failure; it doubles up to the list's own. */
const RETRY_MS = 60_000;

/** Look at a URL and take over what is new and good. Rejects only when the folder of copies cannot be written. */
export async function refreshUrl(
  source: UrlSource,
  dir: string,
  now: number,
  fetch: Fetch,
): Promise<Refreshed> {
  const known = await copyFacts(dir, source);
  const time = new Date(now).toISOString();
  let fetched: Fetched;
  try {
    fetched = await fetch(source, known);
    if (fetched.kind === 'same' && known.fetched === null)
      throw new Error('the publisher says "not modified" about a list we do not have');
  } catch (e) {
    return fail(dir, source, known, time, e);
  }
  if (fetched.kind === 'same') {
    const facts = { ...known, checked: time, failed: null };
    await note(dir, source, facts);
    return { outcome: 'same', facts };
  }
  try {
    const sha256 = createHash('sha256').update(fetched.body).digest('hex');
    if (source.sha256 !== null && sha256 !== source.sha256)
      throw new Untrusted(`its SHA-256 is ${sha256}, not the one in the policy`);
    const trust = await signatureOf(source, fetched.body, sha256, known, fetch);
    const { patterns, ...read } = await readBody(source, fetched.body);
    const facts: CopyFacts = {
      ...known,
      ...read,
      ...trust,
      sha256,
      fetched: time,
      checked: time,
      etag: fetched.etag,
      lastModified: fetched.lastModified,
      failed: null,
    };
    const changed = await replaceCopy(dir, source, patterns);
    await note(dir, source, facts);
    return { outcome: changed ? 'new' : 'same', facts };
  } catch (e) {
    if (isDiskError(e)) throw e;
    return fail(dir, source, known, time, e);
  }
}

/** Replace the copy of a learned list. */
export async function storeLearned(
  source: LearnedSource,
  dir: string,
  now: number,
  patterns: Iterable<Pattern>,
): Promise<Refreshed> {
  const known = await copyFacts(dir, source);
  const time = new Date(now).toISOString();
  const all = [...patterns];
  const changed = await replaceCopy(dir, source, all);
  const facts = {
    ...known,
    checked: time,
    fetched: changed ? time : known.fetched,
    entries: all.length,
    failed: null,
  };
  await note(dir, source, facts);
  return { outcome: changed ? 'new' : 'same', facts };
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

/** Where the signature of a list lies: as the policy says, or beside it. The query stays, it may hold a token. */
export function signatureUrl({ url, signed }: UrlSource): string {
  if (signed !== undefined && signed.at !== null) return signed.at;
  const beside = new URL(url);
  beside.pathname += '.minisig';
  return beside.href;
}

/** The signature that the policy asks for, fetched and checked. Rejects when there is none that counts. */
async function signatureOf(
  source: UrlSource,
  body: Buffer,
  sha256: string,
  known: CopyFacts,
  fetch: Fetch,
): Promise<Pick<CopyFacts, 'signed' | 'signedAt'>> {
  const { signed } = source;
  if (signed === undefined) return { signed: null, signedAt: null };
  let fetched: Fetched;
  try {
    const what = { url: signatureUrl(source), maxSize: SIGNATURE_MAX };
    fetched = await fetch(what, { etag: null, lastModified: null });
    if (fetched.kind === 'same') throw new Error('the publisher says "not modified" about it');
  } catch (e) {
    throw new Untrusted(`its signature cannot be had: ${e instanceof Error ? e.message : String(e)}`);
  }
  const signature = parseSignature(fetched.body);
  if ('error' in signature) throw new Untrusted(`its signature cannot be used: ${signature.error}`);
  const bytes = new SignedBytes(signature);
  bytes.add(body);
  const keys = signed.keys.map(parseSigningKey).filter((k): k is SigningKey => k !== null);
  const refused = refuseSignature(signature, keys, bytes.end());
  if (refused !== null) throw new Untrusted(`its signature does not count: ${refused}`);
  const at = signingTime(signature.trustedComment);
  if (at !== null && known.signedAt !== null && at < known.signedAt && sha256 !== known.sha256)
    throw new Untrusted(
      `it was signed ${new Date(at * 1000).toISOString()}, before contents that were taken already`,
    );
  return {
    signed: { key: signature.keyId, comment: signature.trustedComment },
    signedAt: Math.max(at ?? 0, known.signedAt ?? 0) || null,
  };
}

async function readBody(
  source: UrlSource,
  body: Buffer,
): Promise<{ patterns: Iterable<Pattern>; format: string; entries: number; rejected: number }> {
  const builder = new DomainSetBuilder();
  const report = await importList(
    pieces(body),
    entry => {
      builder.add(entry);
    },
    { format: source.format, allowPublicSuffix: source.allowPublicSuffix, breathe: () => breathe() },
  );
  if (report.entries === 0) throw new Error('there is no name in it');
  if (report.rejected > FORGIVEN && report.rejected > MAX_BAD * (report.entries + report.rejected)) {
    const [worst] = report.rejects;
    throw new Error(
      `${report.rejected} of ${report.entries + report.rejected} lines are unusable, the first at ${worst?.line ?? 0}: ${worst?.reason ?? ''}`,
    );
  }
  const set = openDomainSet(await finishWith(builder, () => breathe()));
  return {
    patterns: { [Symbol.iterator]: () => set.patterns()[Symbol.iterator]() },
    format: report.format,
    entries: set.size,
    rejected: report.rejected,
  };
}

async function* pieces(body: Buffer): AsyncGenerator<Buffer> {
  for (let at = 0; at < body.length; at += 1 << 18) yield body.subarray(at, at + (1 << 18));
}

async function fail(
  dir: string,
  source: UrlSource,
  known: CopyFacts,
  time: string,
  e: unknown,
): Promise<Refreshed> {
  const message = e instanceof Error ? e.message : String(e);
  const facts: CopyFacts = {
    ...known,
    failed: {
      time,
      message,
      tries: (known.failed?.tries ?? 0) + 1,
      ...(e instanceof Untrusted ? { untrusted: true } : {}),
    },
  };
  await note(dir, source, facts);
  return { outcome: 'failed', facts, message };
}

/** Write the copy; false when it holds this very text already, so that nobody loads it again for nothing. */
async function replaceCopy(
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
async function note(dir: string, source: UrlSource | LearnedSource, facts: CopyFacts): Promise<void> {
  await writeWhole(dir, notePath(dir, source), JSON.stringify(facts));
}

function notePath(dir: string, source: UrlSource | LearnedSource): string {
  return join(dir, `${copyName(source)}.json`);
}

async function writeWhole(dir: string, path: string, text: string): Promise<void> {
  await mkdir(dir, { recursive: true, mode: 0o700 });
  const draft = `${path}.${randomBytes(6).toString('hex')}.draft`;
  const handle = await open(draft, 'wx', 0o600);
  try {
    await handle.writeFile(text);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(draft, path);
}

/** Errors of the system have a number; what is wrong with a list has none. */
function isDiskError(e: unknown): boolean {
  return typeof (e as { errno?: unknown } | null)?.errno === 'number';
}
