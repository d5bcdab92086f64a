/**
 * Names to addresses, once: the addresses that were checked are the ones that are dialled (requirement S3).
 *
 * getaddrinfo through the thread pool, because it is what the rest of the host uses (hosts file, nsswitch); it tells
 * no TTL, so answers live a fixed short time. Bound: 10,000 names, least recently used goes first. Failures are kept
 * for a moment, so that a page full of broken images asks once. Single-flight per name.
 */
import { lookup } from 'node:dns';
import { LRUCache } from 'lru-cache';
import { Fault } from '../core/faults.ts';

export interface ResolvedAddress {
  address: string;
  family: 4 | 6;
}

export type Resolve = (name: string) => Promise<ResolvedAddress[]>;

export interface ResolverOptions {
  /** Static answers by canonical name, as `origin.resolve` gives them. */
  statics?: ReadonlyMap<string, ResolvedAddress[]>;
  /** ms an answer is kept. */
  ttl?: number;
  /** ms before the resolver counts as not answering. */
  timeout?: number;
  /** The system's resolver; tests bring their own. */
  system?: (name: string) => Promise<ResolvedAddress[]>;
}

const TTL_OK = 30_000;
const TTL_FAILED = 2_000;

/** The answers of `origin.resolve` by name; a name may have several addresses. */
export function staticNames(
  entries: readonly { name: string; address: string }[],
): Map<string, ResolvedAddress[]> {
  const names = new Map<string, ResolvedAddress[]>();
  for (const { name, address } of entries) {
    const list = names.get(name) ?? [];
    list.push({ address, family: address.includes(':') ? 6 : 4 });
    names.set(name, list);
  }
  return names;
}

/** Returns a caching resolver. It rejects with the faults `dns-failed` and `dns-timeout`. */
export function createResolver(options: ResolverOptions = {}): Resolve {
  const ttl = options.ttl ?? TTL_OK;
  const system = options.system ?? systemLookup;
  const known = new LRUCache<string, ResolvedAddress[] | Fault>({ max: 10_000, ttl });
  const flying = new Map<string, Promise<ResolvedAddress[]>>();

  return name => {
    const fixed = options.statics?.get(name);
    if (fixed !== undefined) return Promise.resolve(fixed);
    const hit = known.get(name);
    if (hit !== undefined) return hit instanceof Fault ? Promise.reject(hit) : Promise.resolve(hit);
    const running = flying.get(name);
    if (running !== undefined) return running;
    const asked = withTimeout(system(name), options.timeout ?? 10_000).then(
      addresses => {
        flying.delete(name);
        known.set(name, addresses);
        return addresses;
      },
      (e: unknown) => {
        flying.delete(name);
        const fault = e instanceof Fault ? e : new Fault('dns-failed', errorWords(e));
        known.set(name, fault, { ttl: TTL_FAILED });
        throw fault;
      },
    );
    flying.set(name, asked);
    return asked;
  };
}

function systemLookup(name: string): Promise<ResolvedAddress[]> {
  return new Promise((resolve, reject) => {
    lookup(name, { all: true, verbatim: true }, (error, addresses) => {
      if (error !== null) reject(error);
      else resolve(addresses.map(a => ({ address: a.address, family: a.family === 6 ? 6 : 4 })));
    });
  });
}

/** getaddrinfo cannot be cancelled: the answer of a lookup that lost the race is dropped. */
function withTimeout<T>(work: Promise<T>, ms: number): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      reject(new Fault('dns-timeout'));
    }, ms);
    work.then(resolve, reject).finally(() => {
      clearTimeout(timer);
    });
  });
}

function errorWords(e: unknown): string {
  if (e instanceof Error) return 'code' in e && typeof e.code === 'string' ? e.code : e.message;
  return String(e);
}
