/**
 * Who is this? Basic proxy credentials (RFC 7617, RFC 9110 §11.7), checked by the control process, which alone knows
 * the users. Good answers are remembered for a minute, so that a page of a hundred requests costs one check.
 *
 * Bound: 5,000 remembered answers, least recently used goes first. The credentials themselves are never kept, only a
 * keyed digest of them, and the key dies with the process.
 */
import { createHmac, randomBytes } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import { Fault } from '../core/faults.ts';
import type { CredentialCheck } from '../core/ports.ts';
import type { Field } from '../wire/http1/index.ts';

export interface Identity {
  user: string | null;
  groups: string[];
}

const REMEMBER_MS = 60_000;

export class Identifier {
  readonly #check: CredentialCheck;
  readonly #realm: string;
  readonly #key = randomBytes(32);
  readonly #known = new LRUCache<string, Identity>({ max: 5000, ttl: REMEMBER_MS });

  constructor(check: CredentialCheck, realm: string) {
    this.#check = check;
    this.#realm = realm;
  }

  /** The header line of a 407, ending in CRLF. */
  get challenge(): string {
    const quoted = this.#realm.replace(/[\\"]/g, '\\$&');
    return `Proxy-Authenticate: Basic realm="${quoted}", charset="UTF-8"\r\n`;
  }

  /** Rejects with auth-required, auth-refused or auth-unavailable. */
  async identify(fields: readonly Field[], client: string): Promise<Identity> {
    if (!this.#check.required) return { user: null, groups: [] };
    const sent = fields.filter(f => f.name === 'proxy-authorization');
    if (sent.length === 0) throw new Fault('auth-required');
    const pair = sent.length === 1 ? basicPair(sent[0]?.value ?? '') : null;
    if (pair === null) throw new Fault('auth-refused', 'not one Basic credential');
    const key = createHmac('sha256', this.#key)
      .update(pair.user)
      .update('\0')
      .update(pair.password)
      .digest('base64');
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const answer = await this.#check.verify(pair.user, pair.password, client);
    if (answer.outcome === 'unavailable') throw new Fault('auth-unavailable');
    if (answer.outcome === 'refused') throw new Fault('auth-refused');
    const identity: Identity = { user: pair.user, groups: answer.outcome === 'ok' ? answer.groups : [] };
    this.#known.set(key, identity);
    return identity;
  }
}

/** `Basic base64(user:password)`; null when it is anything else. The user name may not hold controls. */
export function basicPair(value: string): { user: string; password: string } | null {
  const m = /^basic +([A-Za-z0-9+/]+={0,2})$/i.exec(value);
  if (m?.[1] === undefined) return null;
  const text = Buffer.from(m[1], 'base64').toString('utf8');
  const colon = text.indexOf(':');
  if (colon < 1) return null;
  const user = text.slice(0, colon);

  if (/[\u0000-\u001f\u007f\ufffd]/.test(text)) return null;
  return { user, password: text.slice(colon + 1) };
}
