/**
 * Fetching a list from its URL: verified TLS, conditional (ETag, Last-Modified), bounded in bytes and time, few redirects,
 * and never into our own network by somebody else's word.
 *
 * Every address is checked as it is dialled, after resolution, so a name that resolves to something else the second time
 * gains nothing. Loopback, link-local, metadata and the like are refused unless a network of `allow` holds them. A
 * private address is fine when the author of the policy named it; a redirect from a public server into
 * private addresses is refused, as is one from https to http.
 */
import { lookup as systemLookup } from 'node:dns';
import type { LookupAddress } from 'node:dns';
import { request as httpRequest } from 'node:http';
import type { IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { LookupFunction } from 'node:net';
import { classifyAddress, inNetworks, parseAddress } from '../core/network.ts';
import type { Network } from '../core/network.ts';

export type Fetched =
  { kind: 'same' } | { kind: 'new'; body: Buffer; etag: string | null; lastModified: string | null };

export interface FetchOptions {
  url: string;
  /** Bytes the answer may have. */
  maxSize: number;
  etag: string | null;
  lastModified: string | null;
  /** Networks allowed although their class is refused (`egress.allow`). */
  allow: readonly Network[];
  /** PEM of the authorities to trust; the runtime's own when not given. */
  ca?: readonly string[];
  /** Name resolution; the system's when not given. */
  lookup?: typeof systemLookup;
  /** Time for everything together, ms. */
  timeout?: number;
}

const MAX_REDIRECTS = 5;
const TIMEOUT_MS = 120_000;
/** A validator longer than this is not worth keeping. */
const MAX_VALIDATOR = 512;

/** Rejects with Error in words for people when there is no list to be had. */
export async function fetchList(options: FetchOptions): Promise<Fetched> {
  const signal = AbortSignal.timeout(options.timeout ?? TIMEOUT_MS);
  try {
    let url = new URL(options.url);
    // Redirects may lead where the first server is, or out, never further in.
    const seen = { private: null as boolean | null };
    for (let hops = 0; hops <= MAX_REDIRECTS; hops++) {
      const answer = await ask(url, options, seen, signal);
      const status = answer.statusCode ?? 0;
      const location = answer.headers.location;
      if (status >= 300 && status < 400 && status !== 304 && location !== undefined) {
        answer.destroy();
        if (!URL.canParse(location, url.href)) throw new Error('it redirects to something that is no URL');
        const next = new URL(location, url);
        if (next.protocol !== 'https:' && !(next.protocol === 'http:' && url.protocol === 'http:'))
          throw new Error(`it redirects from ${url.protocol.slice(0, -1)} to ${next.protocol.slice(0, -1)}`);
        if (next.username !== '' || next.password !== '')
          throw new Error('it redirects to a URL with credentials');
        url = next;
        continue;
      }
      if (status === 304) {
        answer.destroy();
        return { kind: 'same' };
      }
      if (status !== 200) {
        answer.destroy();
        throw new Error(`it answers ${status} ${answer.statusMessage ?? ''}`.trim());
      }
      return {
        kind: 'new',
        body: await bodyOf(answer, options.maxSize),
        etag: validator(answer.headers.etag),
        lastModified: validator(answer.headers['last-modified']),
      };
    }
    throw new Error(`it redirects more than ${MAX_REDIRECTS} times`);
  } catch (e) {
    if (signal.aborted) throw new Error('it did not answer completely in time', { cause: e });
    throw e;
  }
}

function ask(
  url: URL,
  options: FetchOptions,
  seen: { private: boolean | null },
  signal: AbortSignal,
): Promise<IncomingMessage> {
  const host = url.hostname.replace(/^\[|\]$/g, '');
  const judge = (address: string): string | null => judgeAddress(address, options.allow, seen.private);
  return new Promise((resolve, reject) => {
    // A literal address never reaches the look-up.
    const literal = parseAddress(host) === null ? null : judge(host);
    if (literal !== null) {
      reject(new Error(literal));
      return;
    }
    const { ca } = options;
    const request = (url.protocol === 'https:' ? httpsRequest : httpRequest)(url, {
      signal,
      agent: false,
      lookup: checkedLookup(options.lookup ?? systemLookup, judge),
      headers: {
        accept: '*/*',
        // What counts are the bytes as published: their digest may be pinned.
        'accept-encoding': 'identity',
        'user-agent': 'sightglass',
        ...(options.etag === null ? {} : { 'if-none-match': options.etag }),
        ...(options.lastModified === null ? {} : { 'if-modified-since': options.lastModified }),
      },
      ...(ca === undefined ? {} : { ca: [...ca] }),
    });
    request.once('error', reject);
    request.once('response', answer => {
      const address = answer.socket.remoteAddress ?? '';
      seen.private ??= classifyAddress(address) !== 'public';
      resolve(answer);
    });
    request.end();
  });
}

/** Why an address may not be asked, or null. `inside`: whether the first server was private; null before there was one. */
export function judgeAddress(
  address: string,
  allow: readonly Network[],
  inside: boolean | null,
): string | null {
  const kind = classifyAddress(address);
  if (inside === false && kind !== 'public') return `it redirects to ${address}, a ${kind} address`;
  if (kind === 'public' || kind === 'private' || inNetworks(address, allow)) return null;
  return `${address} is a ${kind} address`;
}

/** A look-up for sockets in which `judge` has seen every address before one is dialled; it gives a reason against, or null. */
export function checkedLookup(
  lookup: typeof systemLookup,
  judge: (address: string) => string | null,
): LookupFunction {
  return (hostname, options, callback) => {
    lookup(
      hostname,
      { ...options, all: true },
      (error: NodeJS.ErrnoException | null, found: LookupAddress[]) => {
        if (error !== null) {
          callback(error, []);
          return;
        }
        // One bad address spoils the name: which of them is dialled is not ours to say.
        const refused = found.map(f => judge(f.address)).find(r => r !== null);
        const [first] = found;
        if (refused !== undefined && refused !== null) callback(new Error(refused), []);
        else if (first === undefined) callback(new Error(`${hostname} has no address`), []);
        else if (options.all === true) callback(null, found);
        else callback(null, first.address, first.family);
      },
    );
  };
}

async function bodyOf(answer: IncomingMessage, maxSize: number): Promise<Buffer> {
  const tooLarge = (): Error => new Error(`it is larger than ${maxSize} bytes`);
  const announced = Number(answer.headers['content-length'] ?? 0);
  if (announced > maxSize) {
    answer.destroy();
    throw tooLarge();
  }
  const pieces: Buffer[] = [];
  let size = 0;
  for await (const piece of answer as AsyncIterable<Buffer>) {
    size += piece.length;
    if (size > maxSize) throw tooLarge();
    pieces.push(piece);
  }
  if (!answer.complete) throw new Error('it ended in the middle');
  return Buffer.concat(pieces);
}

function validator(value: string | undefined): string | null {
  return value === undefined || value.length > MAX_VALIDATOR ? null : value;
}
