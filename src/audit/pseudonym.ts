/**
 * Stable names in place of people: a sink in front of the real one that puts a keyed pseudonym where a record has a user, and
 * where settings want it, a client's address. Decisions, per-user rules and proxy log-in see the real ones; nothing that
 * is written does.
 *
 * The key lives for one period. Then it turns into the next by a one-way step, here and in its file, and the old one is gone:
 * pseudonyms of a past period cannot be made again from names, not even by this machine. Within a period whoever controls
 * the machine can try names against it; no stable pseudonym can prevent that.
 *
 * What a pseudonym stands for is sealed to the data-protection officer (sealed-name.ts) and written as an event, once a UTC
 * day and worker, so that every day file can be resolved by itself and forgets with its retention.
 * Bound: 20,000 names remembered a worker; beyond it the least recently used are sealed again when they come back.
 */
import { createHash, createHmac } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import type { FlowFacts } from '../core/facts.ts';
import type { AuditSink } from '../core/ports.ts';
import type { AuditRecord } from '../core/records.ts';
import { officerKeyId, sealName } from './sealed-name.ts';

const DAY = 86_400_000;
const MAX_NAMES = 20_000;

/** Name of the event that holds a sealed name. */
export const PSEUDONYM_EVENT = 'privacy.pseudonym';

/** What is written in place of what. */
export interface PseudonymScope {
  users: boolean;
  clients: boolean;
}

/** The key of a period. */
export interface PeriodKey {
  /** Days of a period, and which one since the epoch this is. */
  days: number;
  period: number;
  key: Buffer;
}

/** Number of the period that `now` lies in. */
export const periodOf = (now: number, days: number): number => Math.floor(now / (days * DAY));

/** The key of a later period; itself when `now` lies in its own, or before it because the clock stepped back. */
export function keyAt(from: PeriodKey, now: number): PeriodKey {
  let { period, key } = from;
  const wanted = periodOf(now, from.days);
  for (; period < wanted; period++) key = createHash('sha256').update('next period').update(key).digest();
  return { days: from.days, period, key };
}

/** `p-` for a user, `c-` for a client, and 80 bits in lower-case base 32. */
export function pseudonymOf(kind: 'user' | 'client', name: string, key: Buffer): string {
  const digest = createHmac('sha256', key).update(`${kind}\0${name}`).digest();
  let bits = 0n;
  for (const byte of digest.subarray(0, 10)) bits = (bits << 8n) | BigInt(byte);
  let text = '';
  for (let i = 0; i < 16; i++, bits >>= 5n) text = (ALPHABET[Number(bits & 31n)] ?? '') + text;
  return `${kind === 'user' ? 'p' : 'c'}-${text}`;
}

/** No letter that reads like a digit, so that it can be told on the telephone. */
const ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz';

interface Known {
  pseudonym: string;
  /** UTC day on which its sealed name was written last. */
  day: number;
}

/** Writes records with pseudonyms. One per worker. */
export class PseudonymousSink implements AuditSink {
  readonly #inner: AuditSink;
  readonly #scope: PseudonymScope;
  readonly #officer: KeyObject;
  readonly #officerId: string;
  readonly #now: () => number;
  readonly #known = new LRUCache<string, Known>({ max: MAX_NAMES });
  #key: PeriodKey;

  constructor(
    inner: AuditSink,
    scope: PseudonymScope,
    key: PeriodKey,
    officer: KeyObject,
    now: () => number = Date.now,
  ) {
    this.#inner = inner;
    this.#scope = scope;
    this.#key = key;
    this.#officer = officer;
    this.#officerId = officerKeyId(officer);
    this.#now = now;
  }

  get healthy(): boolean {
    return this.#inner.healthy;
  }

  flush(): void {
    this.#inner.flush();
  }

  append(record: AuditRecord): void {
    switch (record.kind) {
      case 'exchange':
        this.#inner.append({ ...record, client: this.#client(record.client), user: this.#user(record.user) });
        return;
      case 'flow':
      case 'flow-open':
        this.#inner.append({
          ...record,
          client: this.#client(record.client),
          facts: record.facts === null ? null : this.#facts(record.facts),
        });
        return;
      case 'body':
      case 'event':
        this.#inner.append(record);
    }
  }

  #facts(facts: FlowFacts): FlowFacts {
    return { ...facts, client: this.#client(facts.client), user: this.#user(facts.user) };
  }

  #user(name: string | null): string | null {
    return name === null || !this.#scope.users ? name : this.#name('user', name);
  }

  #client(address: string): string {
    return this.#scope.clients ? this.#name('client', address) : address;
  }

  #name(kind: 'user' | 'client', name: string): string {
    const now = this.#now();
    if (periodOf(now, this.#key.days) > this.#key.period) {
      this.#key = keyAt(this.#key, now);
      this.#known.clear();
    }
    const day = Math.floor(now / DAY);
    const key = `${kind}\0${name}`;
    let known = this.#known.get(key);
    if (known?.day === day) return known.pseudonym;
    known = { pseudonym: known?.pseudonym ?? pseudonymOf(kind, name, this.#key.key), day };
    this.#known.set(key, known);
    const { pseudonym } = known;
    this.#inner.append({
      kind: 'event',
      time: now,
      name: PSEUDONYM_EVENT,
      detail: { pseudonym, officer: this.#officerId, sealed: sealName(name, pseudonym, this.#officer) },
    });
    return pseudonym;
  }
}
