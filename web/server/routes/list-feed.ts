/**
 * Lists for devices that poll: `GET /lists/SET.FORMAT?token=…`, stable addresses with ETag, as firewalls read external
 * dynamic lists. SET is one of LIST_SETS (`deny`, `allow`, …, `learned-broken`), or the name of a list of the policy; FORMAT any
 * that `lists export` writes. A format of several files wants `file=NAME`. The token may also come as a bearer token or
 * as a Basic password, which keeps it out of the logs of what lies between.
 *
 * What a policy says is made once per version of it; what traffic says at most every `TRAFFIC_MS`. Making is single-flight
 * and runs at the desk; made files are kept in a cache of `CACHE_BYTES`, least recently used dropped first. A file that
 * was sent is a line in the trail under the token's name; "not modified" is none, nothing left the house.
 */
import { createHash } from 'node:crypto';
import type { Express, Request } from 'express';
import { LRUCache } from 'lru-cache';
import { parseTime, TIME_HINT } from '../../../src/audit/query/time.ts';
import { EXPORTERS } from '../../../src/policy/lists/formats.ts';
import { LIST_SETS, TRAFFIC_SETS } from '../../contract.ts';
import type { ListExportParams, ListSet } from '../../contract.ts';
import { ApiFailure } from '../answer.ts';
import { addressOf } from '../auth.ts';
import type { ConsoleDeps } from '../deps.ts';
import { choiceParam, countParam, textParam } from '../params.ts';
import { atDesk, workOf } from '../policy-work.ts';

const LIMIT_MS = 120_000;
const TRAFFIC_MS = 5 * 60_000;
const CACHE_BYTES = 128 * 1024 * 1024;

interface Made {
  files: { name: string; body: Buffer; etag: string }[];
  mediaType: string;
  /** What it was made from; another value means that it is to be made again. */
  from: string;
}

export function listFeedRoutes(app: Express, deps: ConsoleDeps): void {
  const now = deps.now ?? Date.now;
  const cache = new LRUCache<string, Made>({
    maxSize: CACHE_BYTES,
    sizeCalculation: made => made.files.reduce((sum, f) => sum + f.body.length, 1),
  });
  const making = new Map<string, Promise<Made>>();

  app.get('/lists/:file', async (req, res, next) => {
    const params = feedParams(req, now());
    // Other addresses below /lists belong to the pages of the console.
    if (params === null) {
      next();
      return;
    }
    const device = deps.listTokens?.use(tokenOf(req)) ?? null;
    if (device === null) {
      res.set('WWW-Authenticate', 'Basic realm="lists", charset="UTF-8"');
      throw new ApiFailure(
        'signed-out',
        'This address wants a token for lists.',
        'Make one with `sightglass lists token add NAME` and give it as ?token=… or as the password of Basic.',
      );
    }
    const made = await madeFor(params);
    const wanted = textParam(req, 'file') ?? (made.files.length === 1 ? made.files[0]?.name : undefined);
    const file = made.files.find(f => f.name === wanted);
    if (file === undefined)
      throw new ApiFailure(
        made.files.length > 1 && wanted === undefined ? 'bad-request' : 'not-found',
        `This format has ${made.files.length === 1 ? 'one file' : 'several files'}.`,
        `Name one of them: file=${made.files.map(f => f.name).join(', file=')}.`,
      );
    res.set({
      ETag: file.etag,
      'Cache-Control': 'private, no-cache',
      'X-Content-Type-Options': 'nosniff',
      'Referrer-Policy': 'no-referrer',
    });
    if (matches(req.headers['if-none-match'], file.etag)) {
      res.status(304).end();
      return;
    }
    deps.trail.append({
      user: null,
      address: addressOf(req),
      action: 'list.fetched',
      detail: { token: device, ...params, file: file.name, bytes: file.body.length },
    });
    res.status(200).type(`${made.mediaType}; charset=utf-8`).send(file.body);
  });

  async function madeFor(params: ListExportParams): Promise<Made> {
    const work = workOf(deps);
    const key = JSON.stringify(params);
    const from = originOf(params, work.store.loaded(), now());
    const known = cache.get(key);
    if (known?.from === from) return known;
    const running = making.get(key);
    if (running !== undefined) return running;
    const made = make(params, from).finally(() => making.delete(key));
    making.set(key, made);
    return made;
  }

  async function make(params: ListExportParams, from: string): Promise<Made> {
    const work = workOf(deps);
    const name = params.list ?? `sightglass-${params.set}`;
    const { report, files } = await atDesk(
      work,
      { do: 'export', snapshot: work.store.snapshot(), params, name, now: now() },
      LIMIT_MS,
    );
    const made: Made = {
      from,
      mediaType: report.mediaType.split(';')[0] ?? 'text/plain',
      files: files.map(f => {
        const body = Buffer.from(f.text);
        return { name: f.name, body, etag: `"${createHash('sha256').update(body).digest('base64url')}"` };
      }),
    };
    cache.set(JSON.stringify(params), made);
    return made;
  }
}

/** Version of the policy and which of its rules have expired by now, or the current stretch of time for traffic. */
function originOf(
  params: ListExportParams,
  { compiled }: { compiled: { version: string; rules: readonly { rule: { expires: number | null } }[] } },
  now: number,
): string {
  const traffic = TRAFFIC_SETS.includes(params.set) && params.list === undefined;
  if (traffic) return String(Math.floor(now / TRAFFIC_MS));
  const expired = compiled.rules.filter(({ rule }) => rule.expires !== null && rule.expires <= now).length;
  return `${compiled.version} ${expired}`;
}

/** Null when the path names no list in a known format. */
function feedParams(req: Request, now: number): ListExportParams | null {
  const path: unknown = req.params['file'];
  const dot = typeof path === 'string' ? path.lastIndexOf('.') : -1;
  if (typeof path !== 'string' || dot < 1) return null;
  const format = path.slice(dot + 1);
  const named = path.slice(0, dot);
  if (!EXPORTERS.some(e => e.format === format) || !/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/.test(named))
    return null;
  const set = LIST_SETS.find(s => s === named);
  const since = textParam(req, 'since');
  if (since !== null && parseTime(since, now) === null)
    throw new ApiFailure('bad-request', 'The parameter "since" is no time.', TIME_HINT);
  const proxy = textParam(req, 'proxy');
  if (proxy !== null && !/^[A-Za-z0-9.:[\]-]{1,260}$/.test(proxy))
    throw new ApiFailure('bad-request', 'The proxy is no address.', 'Write proxy.example.com:8080.');
  const clients = countParam(req, 'minClients', 0, 0, 1_000_000);
  const flows = countParam(req, 'minFlows', 0, 0, 1_000_000_000);
  return {
    // A named list says nothing about what it is for: the device's owner does.
    set: set ?? choiceParam<ListSet>(req, 'as', LIST_SETS, 'deny'),
    format,
    ...(set === undefined ? { list: named } : {}),
    ...(choiceParam(req, 'narrow', ['yes', 'no'], 'no') === 'yes' ? { narrow: 'yes' as const } : {}),
    ...(since === null ? {} : { since }),
    ...(proxy === null ? {} : { proxy }),
    ...(clients === 0 ? {} : { minClients: String(clients) }),
    ...(flows === 0 ? {} : { minFlows: String(flows) }),
  };
}

function tokenOf(req: Request): string {
  const [scheme = '', value = ''] = (req.headers.authorization ?? '').split(' ', 2);
  if (scheme.toLowerCase() === 'bearer') return value;
  if (scheme.toLowerCase() === 'basic') {
    const pair = Buffer.from(value, 'base64').toString('utf8');
    return pair.slice(pair.indexOf(':') + 1);
  }
  return textParam(req, 'token') ?? '';
}

/** RFC 9110 §13.1.2: weak comparison, any of several, or `*`. */
function matches(header: string | undefined, etag: string): boolean {
  if (header === undefined) return false;
  return header.split(',').some(part => {
    const tag = part.trim().replace(/^W\//, '');
    return tag === etag || tag === '*';
  });
}
