/**
 * Heads back to octets. Every head that leaves the proxy is written here from its parsed parts, never copied, so
 * that what was judged is what is sent: one space behind the colon, one framing field, our own connection options,
 * fields that end here left out, everything else in order and in its own spelling.
 *
 * Text is latin1: write it with encoding 'latin1'. Parts that come from the caller and not from a reader are
 * checked; a head that our own reader would refuse for its octets cannot be written (RangeError).
 */
import type { Field, RequestHead, ResponseHead, Version } from './message.ts';
import {
  CODING,
  CONNECTION,
  FATES,
  HOST,
  LENGTH,
  TE,
  TRAILER,
  UPGRADE,
  namedByConnection,
} from './hop-by-hop.ts';
import { elements } from './list.ts';
import { TARGET, TOKEN, VALUE, allOf } from './octets.ts';
import { isAuthority, splitAbsolute } from './target.ts';

export interface SerializeRequest {
  /** Target to send instead of the one received: origin-form to an origin. */
  target?: string;
  /**
   * Host to send. Default: the authority of an absolute-form target, which must win over the Host field that came
   * with it (RFC 9112 §3.2.2), else the field as it stands.
   */
  host?: string;
  /** Say `Connection: close`. */
  close?: boolean;
  /** False: do not relay the upgrade that the head asks for. Default: relay it. */
  upgrade?: boolean;
  /** Lower-case names left out besides the hop-by-hop ones. */
  drop?: ReadonlySet<string>;
  /** Fields added at the end: name, value. */
  add?: readonly (readonly [string, string])[];
}

export interface SerializeResponse {
  /** May the client's connection go on? Default: the head's own answer. A body until close always closes. */
  keepAlive?: boolean;
  /** Is the body sent in chunks? Default: as it came. False for a chunked body that goes to an HTTP/1.0 client. */
  chunked?: boolean;
  /** The client's version; a 1.0 client is told explicitly that the connection persists. */
  peer?: Version;
  drop?: ReadonlySet<string>;
  add?: readonly (readonly [string, string])[];
}

/** Ends the last chunk's line; trailers and CRLF follow. */
export const LAST_CHUNK = '0\r\n';
/** The whole end of a chunked body that has no trailers. */
export const END_OF_CHUNKS = '0\r\n\r\n';

/** What stands before `length` octets of chunk data; CRLF goes behind them. `length` must be above 0. */
export function chunkPrefix(length: number): string {
  return `${length.toString(16)}\r\n`;
}

/** Trailer lines, each with its CRLF; the closing empty line is the caller's. */
export function serializeTrailers(trailers: readonly Field[]): string {
  let out = '';
  for (const field of trailers) out += `${field.rawName}: ${field.value}\r\n`;
  return out;
}

/**
 * The request head for the origin, blank line included. Always in our own version, HTTP/1.1 (RFC 9110 §2.5), unless
 * an HTTP/1.0 request has no host to tell.
 */
export function serializeRequest(head: RequestHead, options: SerializeRequest = {}): string {
  const { drop } = options;
  const target = options.target ?? head.target;
  if (options.target !== undefined && (target === '' || !allOf(target, TARGET)))
    throw new RangeError('target holds an octet that is not allowed in it');
  const host = hostToSend(head, options);
  const upgrade = options.upgrade === false ? null : head.upgrade;
  const chunked = head.framing.kind === 'chunked';
  const named = head.connection.length === 0 ? null : namedByConnection(head.connection);
  const te = head.connection.includes('te') && asksTrailers(head.fields);
  let connection: string | null = connectionOptions(upgrade !== null, options.close === true, te);
  if (connection === null && head.connection.includes('keep-alive')) connection = 'keep-alive';
  let hostWritten = host === null;
  let framed = false;
  let upgraded = false;

  let out = `${head.method} ${target} HTTP/${host === null ? '1.0' : '1.1'}\r\n`;
  if (!hostWritten && head.host === null) {
    out += `Host: ${host}\r\n`;
    hostWritten = true;
  }
  for (const field of head.fields) {
    const fate = FATES.get(field.name);
    let value = field.value;
    if (fate === undefined) {
      if (named !== null && named.has(field.name)) continue;
      if (drop !== undefined && drop.has(field.name)) continue;
    } else if (fate === HOST) {
      if (hostWritten) continue;
      value = host!;
      hostWritten = true;
    } else if (fate === CONNECTION) {
      if (connection === null) continue;
      value = connection;
      connection = null;
    } else if (fate === LENGTH) {
      if (framed || head.framing.kind !== 'length') continue;
      value = String(head.framing.length);
      framed = true;
    } else if (fate === CODING) {
      if (framed || !chunked) continue;
      value = 'chunked';
      framed = true;
    } else if (fate === UPGRADE) {
      if (upgrade === null || upgraded) continue;
      value = upgrade;
      upgraded = true;
    } else if (fate === TE) {
      if (!te) continue;
      value = 'trailers';
    } else if (fate !== TRAILER || !chunked) continue;
    out += field.rawName + ': ' + value + '\r\n';
  }
  if (!framed) {
    if (head.framing.kind === 'length') out += `Content-Length: ${head.framing.length}\r\n`;
    else if (chunked) out += 'Transfer-Encoding: chunked\r\n';
  }
  if (connection !== null) out += `Connection: ${connection}\r\n`;
  return out + added(options.add) + '\r\n';
}

/** The response head for the client, blank line included, in HTTP/1.1. Interim heads and 101 too. */
export function serializeResponse(head: ResponseHead, options: SerializeResponse = {}): string {
  const { drop } = options;
  const { status, framing } = head;
  const interim = status < 200;
  const chunked = options.chunked ?? framing.kind === 'chunked';
  const untilClose = !chunked && (framing.kind === 'until-close' || framing.kind === 'chunked');
  const close = !interim && (untilClose || !(options.keepAlive ?? head.keepAlive));
  const length = chunked ? null : lengthToSend(head);
  const named = head.connection.length === 0 ? null : namedByConnection(head.connection);
  let connection: string | null = connectionOptions(status === 101, close, false);
  if (connection === null && !interim)
    connection = options.peer === '1.0' || head.connection.includes('keep-alive') ? 'keep-alive' : null;
  let framed = length === null && !chunked;

  let out = `HTTP/1.1 ${status} ${head.reason}\r\n`;
  for (const field of head.fields) {
    const fate = FATES.get(field.name);
    let value = field.value;
    if (fate === undefined || fate === HOST) {
      if (named !== null && named.has(field.name)) continue;
      if (drop !== undefined && drop.has(field.name)) continue;
    } else if (fate === CONNECTION) {
      if (connection === null) continue;
      value = connection;
      connection = null;
    } else if (fate === LENGTH) {
      if (framed || length === null) continue;
      value = length;
      framed = true;
    } else if (fate === CODING) {
      if (framed || !chunked) continue;
      value = 'chunked';
      framed = true;
    } else if (fate === UPGRADE) {
      // 426 tells with Upgrade what to come back with; that answer is the client's to read.
      if (status !== 101 && status !== 426) continue;
    } else if (fate !== TRAILER || !chunked) continue;
    out += field.rawName + ': ' + value + '\r\n';
  }
  if (!framed) out += chunked ? 'Transfer-Encoding: chunked\r\n' : `Content-Length: ${length}\r\n`;
  if (connection !== null) out += `Connection: ${connection}\r\n`;
  return out + added(options.add) + '\r\n';
}

/** Content-Length as text; for bodiless answers (HEAD, 304) the one that describes the representation; or null. */
function lengthToSend(head: ResponseHead): string | null {
  if (head.framing.kind === 'length') return String(head.framing.length);
  // RFC 9110 §8.6: none in 1xx, 204 and 2xx to CONNECT.
  if (head.framing.kind !== 'none' || head.status < 200 || head.status === 204 || head.upgrade) return null;
  return head.fields.find(f => f.name === 'content-length')?.value ?? null;
}

/** Authority for Host, or null for a 1.0 request that has none. */
function hostToSend(head: RequestHead, options: SerializeRequest): string | null {
  if (options.host !== undefined) {
    if (!isAuthority(options.host, false)) throw new RangeError('host is not a host with optional port');
    return options.host;
  }
  if (head.target.charCodeAt(0) === 47 || head.method === 'CONNECT') return head.host;
  return splitAbsolute(head.target)?.authority ?? head.host;
}

function connectionOptions(upgrade: boolean, close: boolean, te: boolean): string | null {
  if (upgrade) return te ? 'Upgrade, TE' : 'Upgrade';
  if (close) return te ? 'close, TE' : 'close';
  return te ? 'TE' : null;
}

/** RFC 9110 §10.1.4: of TE only `trailers` concerns us, since trailers are what the relay can keep. */
function asksTrailers(fields: readonly Field[]): boolean {
  return fields.some(f => f.name === 'te' && elements(f.value).includes('trailers'));
}

function added(fields: readonly (readonly [string, string])[] | undefined): string {
  if (fields === undefined) return '';
  let out = '';
  for (const [name, value] of fields) {
    if (name === '' || !allOf(name, TOKEN) || !allOf(value, VALUE))
      throw new RangeError('added field holds an octet that is not allowed in it');
    out += `${name}: ${value}\r\n`;
  }
  return out;
}
