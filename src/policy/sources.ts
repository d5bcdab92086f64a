/**
 * Lists that come from elsewhere: fetched from a URL or learned from traffic. Each has a copy (policy/list-copies), which is
 * what the policy reads; it is replaced whole and only by contents that are good, so the last good copy stays through
 * every failure of the publisher.
 *
 * What is good: within the size, of the digest and with the signature if they are asked for, readable in a known format,
 * not empty, and with no more than `MAX_BAD` of its lines rejected (a login page or an error text is no list). Rejected
 * lines are counted and told. A signature is fetched after the list it belongs to, so a publisher who is between the
 * two uploads is caught out; the next try mends that. Contents that were signed before those we have are refused: who can
 * keep new lists from us could otherwise play back old ones.
 */
import { createHash } from 'node:crypto';
import { setImmediate as breathe } from 'node:timers/promises';
import { DomainSetBuilder, finishWith, openDomainSet } from './domain-set.ts';
import { copyFacts, replaceCopy, wasHeld, writeNote } from './list-copies.ts';
import type { CopyFacts } from './list-copies.ts';
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
import type { Pattern } from './pattern.ts';
import type { LearnedSource, UrlSource } from './rule.ts';
import type { Fetched } from './sources-fetch.ts';

export { copiesDir, copyFacts, copyName, isDue, pruneCopies } from './list-copies.ts';
export type { CopyFacts } from './list-copies.ts';

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

/**
 * Look at a URL and take over what is new and good; a held copy is let go with it. Rejects only when the folder of copies
 * cannot be written.
 */
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
  if (fetched.kind === 'same')
    return settle(dir, source, known, { ...known, checked: time, failed: null }, null);
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
      held: null,
      failed: null,
    };
    return await settle(dir, source, known, facts, patterns);
  } catch (e) {
    if (isDiskError(e)) throw e;
    return fail(dir, source, known, time, e);
  }
}

/** Replace the copy of a learned list, of which `known` was known before the learning began; a held one is let go. */
export async function storeLearned(
  source: LearnedSource,
  dir: string,
  now: number,
  patterns: Iterable<Pattern>,
  known?: CopyFacts,
): Promise<Refreshed> {
  const before = known ?? (await copyFacts(dir, source));
  const time = new Date(now).toISOString();
  const all = [...patterns];
  const facts = { ...before, fetched: time, checked: time, entries: all.length, held: null, failed: null };
  return settle(dir, source, before, facts, all);
}

/** Write contents (null: those that lie there) and what is known of them, unless earlier ones were put back meanwhile. */
async function settle(
  dir: string,
  source: UrlSource | LearnedSource,
  known: CopyFacts,
  facts: CopyFacts,
  patterns: Iterable<Pattern> | null,
): Promise<Refreshed> {
  const held = await wasHeld(dir, source, known);
  if (held !== null) return { outcome: 'same', facts: held };
  const changed = patterns !== null && (await replaceCopy(dir, source, patterns));
  const told = source.kind === 'learned' && !changed ? { ...facts, fetched: known.fetched } : facts;
  await writeNote(dir, source, told);
  return { outcome: changed ? 'new' : 'same', facts: told };
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
  const held = await wasHeld(dir, source, known);
  if (held !== null) return { outcome: 'failed', facts: held, message };
  await writeNote(dir, source, facts);
  return { outcome: 'failed', facts, message };
}

/** Errors of the system have a number; what is wrong with a list has none. */
function isDiskError(e: unknown): boolean {
  return typeof (e as { errno?: unknown } | null)?.errno === 'number';
}
