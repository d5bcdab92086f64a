/**
 * TLS contexts for minted leaves. Building one costs 0.75 ms and 30 KiB (DESIGN §6), so they are kept per name.
 *
 * Bound: `limits.leaf-cache` contexts, least recently used goes first; each lives at most two thirds of its leaf.
 * Single-flight per key: a burst for one name asks the authority once. A name flood therefore costs CPU, never memory.
 */
import { generateKeyPairSync } from 'node:crypto';
import { createSecureContext, type SecureContext } from 'node:tls';
import { LRUCache } from 'lru-cache';
import type { CertFacts } from '../core/facts.ts';
import type { LeafAsk, LeafIssuer } from '../core/ports.ts';
import { MODERN_CIPHERS, MODERN_GROUPS } from './tls-profile.ts';

export interface LeafContext {
  context: SecureContext;
  serial: string;
}

export interface LeafContextOptions {
  max: number;
  /** 48 bytes shared by all workers of one start, so that a client may resume with any of them. */
  ticketKeys: Buffer;
  now?: () => number;
}

export class LeafContexts {
  readonly #issuer: LeafIssuer;
  readonly #options: LeafContextOptions;
  /** One key per worker process; it never leaves it and is never written. */
  readonly #key: string;
  readonly #publicKey: Buffer;
  readonly #cache: LRUCache<string, LeafContext>;
  readonly #flying = new Map<string, Promise<LeafContext>>();

  constructor(issuer: LeafIssuer, options: LeafContextOptions) {
    this.#issuer = issuer;
    this.#options = options;
    const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    this.#key = pair.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
    this.#publicKey = pair.publicKey.export({ type: 'spki', format: 'der' });
    this.#cache = new LRUCache({ max: options.max });
  }

  get size(): number {
    return this.#cache.size;
  }

  /**
   * The context for `name`. `origin` is the verified certificate that the leaf stands for, or null for a page of our
   * own. Rejects with the issuer's Fault.
   */
  async get(
    name: string,
    nameKind: 'name' | 'ip',
    trust: LeafAsk['trust'],
    origin: CertFacts | null,
  ): Promise<LeafContext> {
    const key = `${trust} ${name} ${origin?.fingerprint ?? '-'}`;
    const hit = this.#cache.get(key);
    if (hit !== undefined) return hit;
    const running = this.#flying.get(key);
    if (running !== undefined) return await running;
    const making = this.#make(
      {
        name,
        nameKind,
        publicKey: this.#publicKey,
        originNotBefore: origin === null ? null : Date.parse(origin.notBefore),
        originNotAfter: origin === null ? null : Date.parse(origin.notAfter),
        originFingerprint: origin?.fingerprint ?? null,
        trust,
      },
      key,
    ).finally(() => this.#flying.delete(key));
    this.#flying.set(key, making);
    return await making;
  }

  async #make(ask: LeafAsk, key: string): Promise<LeafContext> {
    const leaf = await this.#issuer.issue(ask);
    const made: LeafContext = {
      serial: leaf.serial,
      context: createSecureContext({
        key: this.#key,
        cert: leaf.certificate,
        minVersion: 'TLSv1.2',
        ciphers: MODERN_CIPHERS,
        ecdhCurve: MODERN_GROUPS,
        honorCipherOrder: true,
        ticketKeys: this.#options.ticketKeys,
        sessionIdContext: 'sightglass',
      }),
    };
    const life = leaf.notAfter - (this.#options.now ?? Date.now)();
    this.#cache.set(key, made, { ttl: Math.max(1, Math.floor((life * 2) / 3)) });
    return made;
  }
}
