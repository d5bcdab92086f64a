/**
 * From what a relay saw of one exchange to the records that are kept of it. Pure: times come in, nothing is written.
 * Masking happens here and nowhere later, so no secret ever reaches the spool.
 */
import type { BodyFacts, BodyRecord, ExchangeRecord, FlowId } from '../core/records.ts';
import type { Verdict } from '../core/verdict.ts';
import type { Field, Version } from '../wire/http1/index.ts';
import type { TapResult } from './body.ts';
import type { BodyHead } from './mask/body.ts';
import { maskedText } from '../core/masking.ts';
import { Tally } from './mask/masker.ts';
import type { Masker } from './mask/masker.ts';

/** What the relay saw. Heads are as parsed, unmasked; times are ms since epoch. */
export interface SeenExchange {
  flow: FlowId;
  n: number;
  /** First byte of the request head; its end; the end of the (final) response head or null; the last byte. */
  started: number;
  requestAt: number;
  responseAt: number | null;
  ended: number;
  client: string;
  user: string | null;
  scheme: 'http' | 'https';
  host: string;
  port: number;
  /** `protocol` is for those that are no HTTP/1.x. */
  request: { method: string; target: string; fields: readonly Field[]; version: Version; protocol?: string };
  /** Null when no response head arrived; `fields` empty when the answer is our own page. */
  response: { status: number; fields: readonly Field[] } | null;
  verdict: Verdict;
  req: TapResult;
  res: TapResult;
  fault: { code: string; detail: string | null } | null;
  upgraded: boolean;
}

/**
 * The records of one exchange, in the order in which they are appended: kept bodies first (records.ts), the exchange
 * last. Empty for capture level `flow`. `masker` is that of the profile the verdict names.
 */
export function assembleExchange(seen: SeenExchange, masker: Masker): (BodyRecord | ExchangeRecord)[] {
  const { verdict, request, response } = seen;
  if (verdict.capture === 'flow') return [];
  const tally = new Tally();
  const path = masker.path(request.target, tally);
  const reqHeaders = masker.head(request.fields, 'req-head', tally);
  const resHeaders = response === null ? '' : masker.head(response.fields, 'res-head', tally);
  const bodies = verdict.capture === 'bodies';
  const upgraded = seen.upgraded;
  const req = bodies
    ? masker.body(seen.req, bodyHead(request.fields, upgraded), 'req-body', tally)
    : seen.req;
  const res = bodies
    ? masker.body(seen.res, bodyHead(response?.fields ?? [], upgraded), 'res-body', tally)
    : seen.res;
  const records: (BodyRecord | ExchangeRecord)[] = [];
  if (bodies) {
    if (req.kept !== null)
      records.push({ kind: 'body', flow: seen.flow, n: seen.n, side: 'req', data: req.kept });
    if (res.kept !== null)
      records.push({ kind: 'body', flow: seen.flow, n: seen.n, side: 'res', data: res.kept });
  }
  records.push({
    kind: 'exchange',
    flow: seen.flow,
    n: seen.n,
    time: seen.started,
    ms: seen.ended - seen.started,
    wait: seen.responseAt === null ? null : seen.responseAt - seen.requestAt,
    client: seen.client,
    user: seen.user,
    method: request.method,
    scheme: seen.scheme,
    host: seen.host,
    port: seen.port,
    path,
    status: response === null ? null : response.status,
    protocol: request.protocol ?? (request.version === '1.1' ? 'HTTP/1.1' : 'HTTP/1.0'),
    verdict,
    capture: verdict.capture,
    reqHeaders,
    resHeaders,
    contentType: response === null ? null : mediaType(response.fields),
    req: factsFor(verdict, req),
    res: factsFor(verdict, res),
    fault: seen.fault === null ? null : seen.fault.code,
    faultDetail: seen.fault === null ? null : seen.fault.detail,
    upgraded,
    ...(tally.items.length === 0 ? {} : { masked: maskedText(tally.items) }),
  });
  return records;
}

/** What the head says of the body behind it. */
function bodyHead(fields: readonly Field[], upgraded: boolean): BodyHead {
  let contentType: string | null = null;
  let contentEncoding: string | null = null;
  for (const { name, value } of fields) {
    if (name === 'content-type') contentType ??= value;
    else if (name === 'content-encoding')
      contentEncoding = contentEncoding === null ? value : `${contentEncoding}, ${value}`;
  }
  return { contentType, contentEncoding, upgraded };
}

/** Below capture level `bodies` only the size is told, whatever a tap may have kept before the verdict fell. */
function factsFor(verdict: Verdict, tap: TapResult): BodyFacts {
  if (verdict.capture === 'bodies') return tap.facts;
  return { size: tap.facts.size, kept: 0, sha256: null, truncated: false };
}

/** Longest registered media types have under 100 characters; the rest is abuse of the column. */
const MAX_MEDIA_TYPE = 100;

/** Media type of the first Content-Type without parameters, lower case; null when there is none. */
export function mediaType(fields: readonly Field[]): string | null {
  for (const field of fields) {
    if (field.name !== 'content-type') continue;
    const semicolon = field.value.indexOf(';');
    const text = semicolon === -1 ? field.value : field.value.slice(0, semicolon);
    const type = text.trim().toLowerCase().slice(0, MAX_MEDIA_TYPE);
    return type === '' ? null : type;
  }
  return null;
}
