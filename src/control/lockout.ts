/**
 * Slows down guessing: counts failed log-ins per key (an account, an address) and says how long to wait.
 *
 * An attempt is counted when it begins and forgiven when it succeeds, so a hundred guesses sent at once count as a hundred
 * and not as one. After `free` failures the wait is 30 s and doubles up to 15 min; an hour without failure forgets.
 * Memory only, at most 20,000 keys, least recently used goes first: a restart forgets, which an attacker cannot cause,
 * and pushing one key out by spraying others costs one scrypt each. Unknown accounts are counted like known ones, so a
 * lock tells nobody which names exist. Anyone may lock a name out for minutes by guessing; changing the password or
 * `user enable` (another `revision`) opens it at once.
 */
import { LRUCache } from 'lru-cache';
import { addressText, parseAddress } from '../core/network.ts';

export interface LockoutOptions {
  /** Failures that cost nothing: people mistype. */
  free: number;
  now: () => number;
}

interface Entry {
  failures: number;
  /** ms since epoch until which attempts are refused unseen. */
  until: number;
  last: number;
  revision: number;
}

export class Lockout {
  readonly #entries = new LRUCache<string, Entry>({ max: MAX_KEYS });
  readonly #free: number;
  readonly #now: () => number;

  constructor(options: LockoutOptions) {
    this.#free = options.free;
    this.#now = options.now;
  }

  /**
   * Begin an attempt. 0 when it may go on (it then counts as failed until `forgive`), else ms to wait.
   * `revision` tells another incarnation of the same key, whose failures are its own.
   */
  begin(key: string, revision = 0): number {
    const now = this.#now();
    let entry = this.#entries.get(key);
    if (entry === undefined || entry.revision !== revision || now - entry.last > FORGET_MS)
      entry = { failures: 0, until: 0, last: now, revision };
    if (entry.until > now) return entry.until - now;
    entry.failures++;
    entry.last = now;
    const beyond = entry.failures - this.#free;
    if (beyond >= 0) entry.until = now + Math.min(FIRST_WAIT_MS * 2 ** Math.min(beyond, 20), MAX_WAIT_MS);
    this.#entries.set(key, entry);
    return 0;
  }

  /** The attempt succeeded: forget every failure of this key. */
  clear(key: string): void {
    this.#entries.delete(key);
  }

  /** The attempt succeeded: take back this one, keep the others (an address that guesses at many accounts). */
  forgive(key: string): void {
    const entry = this.#entries.get(key);
    if (entry === undefined) return;
    entry.failures = Math.max(0, entry.failures - 1);
    if (entry.failures < this.#free) entry.until = 0;
  }
}

/** What failures of an address count for: an IPv6 host owns its whole /64; IPv4 counts for itself. */
export function networkOf(address: string): string {
  const parsed = parseAddress(address);
  if (parsed === null || parsed.kind() === 'ipv4') return addressText(address);
  return parsed
    .toByteArray()
    .slice(0, 8)
    .map(byte => byte.toString(16).padStart(2, '0'))
    .join('');
}

const MAX_KEYS = 20_000;
const FIRST_WAIT_MS = 30_000;
const MAX_WAIT_MS = 15 * 60_000;
const FORGET_MS = 60 * 60_000;
