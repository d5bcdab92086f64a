/**
 * Mints leaves for workers that ask: cached, single-flight, bounded, and one record for each signature.
 *
 * Cache: an LRU of `cacheSize` leaves (about 3 KiB each with its key), the least recently used goes. A leaf is handed out
 * again until two thirds of its life are over and only while the clock lies inside its validity, so a jump of the clock
 * means a new leaf and never an expired one. The key of the cache holds everything that went into the leaf: trust, name,
 * worker key, origin certificate and its dates. So no verdict about one origin ever serves another (V15).
 *
 * Queue: at most `queueLimit` mints wait; who comes later gets `mint-busy` at once and asks again. Askers of a leaf that
 * is being made share it and cost no place. Between two mints the event loop runs, so a burst of cold names (0.1 ms each)
 * delays the control process by one mint and not by the burst.
 *
 * Record: `onMint` is called after each signature and before the leaf is handed out. If it throws, the leaf is dropped:
 * signatures made = records (C6, stip FDP_CER_EXT.2).
 */
import { createHash, createPublicKey, randomBytes } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import { Fault } from '../src/core/faults.ts';
import { canonicalHost } from '../src/core/host-name.ts';
import type { IssuedLeaf, LeafAsk, LeafIssuer } from '../src/core/ports.ts';
import type { Authority } from './authority.ts';
import { buildLeaf, DAY, leafSerial, leafValidity } from './leaf.ts';
import type { Signer } from './leaf.ts';
import { outsideOf } from './name-constraints.ts';
import { p256Point, pem } from './x509.ts';

export interface IssuerOptions {
  authority: Pick<Authority, 'trusted' | 'untrusted'> & Partial<Pick<Authority, 'next'>>;
  /** Named in leaves as the place of the authority's revocation list. Default none. */
  crlUrl?: string | null;
  /** Days a leaf lives (ca.leaf-days). Default 30; 45 with the backdate is the hard limit. */
  leafDays?: number;
  /** ms a leaf begins before now. Default and most: 24 h; 0 is the strict profile of stip.md §7. */
  backdate?: number;
  /** Leaves kept. Default 4096. */
  cacheSize?: number;
  /** Mints that may wait. Default 1024. */
  queueLimit?: number;
  now?: () => number;
  random?: (size: number) => Buffer;
  onMint?: (event: MintEvent) => void;
}

/** What the audit keeps of a leaf: it links the leaf and the origin certificate in both directions. */
export interface MintEvent {
  /** ms since epoch. */
  time: number;
  serial: string;
  /** SHA-256 of the leaf's DER, lower-case hex. */
  fingerprint: string;
  name: string;
  trust: LeafAsk['trust'];
  /** SHA-256 of the root that a client must trust to accept it, lower-case hex; null where the signer names none. */
  root: string | null;
  /** SHA-256 of the origin certificate the leaf stands for; null for a page of our own. */
  originFingerprint: string | null;
  notBefore: number;
  notAfter: number;
}

export interface IssuerCounts {
  minted: number;
  /** Answered from the cache, or by joining a mint under way. */
  reused: number;
  busy: number;
  refused: number;
  cached: number;
  waiting: number;
}

export interface CountingIssuer extends LeafIssuer {
  counts(): IssuerCounts;
  /** Forget all cached leaves, for instance after a change of the authority. */
  clear(): void;
}

interface CachedLeaf {
  leaf: IssuedLeaf;
  notBefore: number;
  freshUntil: number;
}

interface Job {
  ask: LeafAsk;
  key: string;
  resolve: (leaf: IssuedLeaf) => void;
  reject: (fault: Fault) => void;
}

/** Make an issuer. It owns no timer and no socket: nothing to close. */
export function createIssuer(options: IssuerOptions): CountingIssuer {
  const now = options.now ?? Date.now;
  const random = options.random ?? randomBytes;
  const days = options.leafDays ?? 30;
  const backdate = options.backdate ?? DAY;
  const queueLimit = options.queueLimit ?? 1024;
  const cache = new LRUCache<string, CachedLeaf>({ max: options.cacheSize ?? 4096 });
  /** SPKI DER (base64) of worker keys that were found good. One per living worker, so a small bound is plenty. */
  const goodKeys = new LRUCache<string, true>({ max: 256 });
  const underway = new Map<string, Promise<IssuedLeaf>>();
  const queue: Job[] = [];
  let turning = false;
  const counts = { minted: 0, reused: 0, busy: 0, refused: 0 };

  function issue(ask: LeafAsk): Promise<IssuedLeaf> {
    const key = keyOf(ask);
    const known = cache.get(key);
    const time = now();
    if (known !== undefined) {
      if (known.notBefore <= time && time < known.freshUntil) {
        counts.reused++;
        return Promise.resolve(known.leaf);
      }
      cache.delete(key);
    }
    const joined = underway.get(key);
    if (joined !== undefined) {
      counts.reused++;
      return joined;
    }
    if (queue.length >= queueLimit) {
      counts.busy++;
      return Promise.reject(new Fault('mint-busy', `${queue.length} mints are waiting`));
    }
    const promise = new Promise<IssuedLeaf>((resolve, reject) => {
      queue.push({ ask, key, resolve, reject });
    });
    underway.set(key, promise);
    if (!turning) {
      turning = true;
      setImmediate(turn);
    }
    return promise;
  }

  /** One mint, then back to the event loop. */
  function turn(): void {
    const job = queue.shift();
    if (job === undefined) {
      turning = false;
      return;
    }
    setImmediate(turn);
    underway.delete(job.key);
    try {
      job.resolve(mint(job));
    } catch (error) {
      counts.refused++;
      // Whatever it was: the worker gets one fault, and details of an unexpected one stay here.
      job.reject(error instanceof Fault ? error : new Fault('mint-refused', 'the mint failed unexpectedly'));
    }
  }

  function mint({ ask, key }: Job): IssuedLeaf {
    const signer = signerFor(ask.trust);
    refuseBadAsk(ask);
    refuseBadKey(ask.publicKey);
    if (ask.publicKey.equals(signer.publicKey))
      throw new Fault('mint-refused', 'a leaf must not carry the key of the authority');
    const outside = outsideOf(signer.constraints ?? [], ask.name, ask.nameKind);
    if (outside !== null) throw new Fault('name-constrained', outside);
    const time = now();
    // A page about a failed origin stands for nobody: the origin's dates (often the failure itself) do not bind it.
    const bound = ask.trust !== 'untrusted';
    const validity = leafValidity({
      now: time,
      originNotBefore: bound ? ask.originNotBefore : null,
      originNotAfter: bound ? ask.originNotAfter : null,
      authority: signer,
      days,
      backdate,
    });
    if ('refused' in validity) throw new Fault('mint-refused', validity.refused);
    const leaf = buildLeaf(
      {
        name: ask.name,
        nameKind: ask.nameKind,
        publicKey: ask.publicKey,
        serial: leafSerial(random(16)),
        validity,
        // Nobody is to ask about leaves that nobody trusts.
        crlUrl: ask.trust === 'trusted' ? (options.crlUrl ?? null) : null,
      },
      signer,
    );
    counts.minted++;
    try {
      options.onMint?.({
        time,
        serial: leaf.serial,
        fingerprint: createHash('sha256').update(leaf.certificate).digest('hex'),
        name: ask.name,
        trust: ask.trust,
        root: signer.rootSha256 ?? null,
        originFingerprint: ask.originFingerprint,
        notBefore: leaf.notBefore,
        notAfter: leaf.notAfter,
      });
    } catch {
      throw new Fault('audit-unavailable', 'the leaf could not be recorded');
    }
    const issued: IssuedLeaf = Object.freeze({
      certificate: pem('CERTIFICATE', leaf.certificate) + (signer.chainPem ?? ''),
      serial: leaf.serial,
      notAfter: leaf.notAfter,
    });
    cache.set(key, {
      leaf: issued,
      notBefore: leaf.notBefore,
      freshUntil: time + ((leaf.notAfter - time) * 2) / 3,
    });
    return issued;
  }

  function signerFor(trust: LeafAsk['trust']): Signer {
    if (trust === 'untrusted') return options.authority.untrusted;
    if (trust === 'trusted') return options.authority.trusted;
    const next = options.authority.next ?? null;
    if (next === null) throw new Fault('mint-refused', 'no authority is prepared to follow this one');
    return next;
  }

  /** A worker parses hostile bytes: what it asks for is checked as if it came from outside. */
  function refuseBadKey(publicKey: Buffer): void {
    const id = publicKey.toString('base64');
    if (goodKeys.has(id)) return;
    if (p256Point(publicKey) === null) throw new Fault('mint-refused', 'the leaf key is no P-256 public key');
    try {
      // OpenSSL checks that the point lies on the curve.
      createPublicKey({ key: publicKey, format: 'der', type: 'spki' });
    } catch {
      throw new Fault('mint-refused', 'the leaf key is no point of P-256');
    }
    goodKeys.set(id, true);
  }

  return {
    issue,
    counts: () => ({ ...counts, cached: cache.size, waiting: queue.length }),
    clear: () => cache.clear(),
  };
}

function refuseBadAsk(ask: LeafAsk): void {
  const host = canonicalHost(ask.name);
  if (host.kind === 'invalid') throw new Fault('mint-refused', `invalid name: ${host.reason}`);
  if (host.kind !== ask.nameKind || host.name !== ask.name)
    throw new Fault('mint-refused', 'the name is not in its canonical form');
  const facts = [ask.originNotBefore, ask.originNotAfter, ask.originFingerprint];
  const known = facts.filter(fact => fact !== null).length;
  if (known !== 0 && known !== facts.length)
    throw new Fault('mint-refused', 'the facts of the origin certificate are incomplete');
  if (ask.originFingerprint !== null && !/^[0-9a-f]{64}$/.test(ask.originFingerprint))
    throw new Fault('mint-refused', 'the fingerprint of the origin certificate is no SHA-256');
  if (
    ask.originNotBefore !== null &&
    !(Number.isFinite(ask.originNotBefore) && Number.isFinite(ask.originNotAfter))
  )
    throw new Fault('mint-refused', 'the validity of the origin certificate is no time');
}

/** Everything that goes into a leaf. Names hold no space, so the parts cannot run into each other. */
function keyOf(ask: LeafAsk): string {
  const origin = `${ask.originFingerprint ?? '-'} ${ask.originNotBefore ?? '-'} ${ask.originNotAfter ?? '-'}`;
  return `${ask.trust} ${ask.nameKind} ${origin} ${ask.publicKey.toString('base64')} ${ask.name}`;
}
