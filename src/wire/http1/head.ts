/**
 * From the scanner's marks to a head: makes the strings (one latin1 string for the whole head, parts are slices of
 * it), reads the fields that steer the connection, and applies the rules that need more than one octet: one Host,
 * framing, target form, Connection options. Answers a head, or the sentence of the rule that is broken.
 */
import { requestFraming, responseFraming } from './framing.ts';
import { elements } from './list.ts';
import type { Field, RequestHead, ResponseHead, Version } from './message.ts';
import {
  CODING_ID,
  CONNECTION_ID,
  EXPECT_ID,
  HOST_ID,
  LENGTH_ID,
  OTHER,
  UPGRADE_ID,
  isMethodLookalike,
  nameOf,
} from './names.ts';
import { CR, HTAB, TOKEN, allOf } from './octets.ts';
import { found, marks } from './scan.ts';
import { isAuthority, targetForm } from './target.ts';

/** What the fields of one head say about the connection. One object, reset for each head: see `scan.ts`. */
const said = {
  host: null as string | null,
  length: null as string | null,
  coding: null as string | null,
  connection: null as string | null,
  upgrade: null as string | null,
  expect: null as string | null,
  version: '1.1' as Version,
  /** First rule that a repeated field broke. */
  fault: null as string | null,
};

/** The head in `buf[start, found.next)`, scanned before with shape `request`. */
export function requestHead(buf: Buffer, start: number): RequestHead | string {
  const text = buf.toString('latin1', start, found.next);
  const method = text.substring(0, found.a - start);
  const target = text.substring(found.a + 1 - start, found.b - start);
  const version: Version = found.minor === 1 ? '1.1' : '1.0';
  const fields = readFields(text, start, version);
  if (said.fault !== null) return said.fault;

  if (isMethodLookalike(method)) return 'RFC 9110 §9.1: method differs from a known one in case only';
  if (targetForm(method, target) === null)
    return 'RFC 9112 §3.2: the request target has none of the four forms, or not one its method may have';
  const host = said.host;
  if (host === null) {
    if (version === '1.1') return 'RFC 9112 §3.2: no Host field';
  } else if (!isAuthority(host, false))
    return 'RFC 9112 §3.2: the Host field is not a host with optional port';
  const framing = requestFraming(method, said);
  if (typeof framing === 'string') return framing;
  if (said.expect !== null && said.expect.toLowerCase() !== '100-continue')
    return 'RFC 9110 §10.1.1: expectation other than 100-continue';

  const connection = options(said.connection);
  return {
    kind: 'request',
    version,
    fields,
    framing,
    keepAlive: persists(version, connection),
    connection,
    size: found.next - start,
    method,
    target,
    upgrade: version === '1.1' && connection.includes('upgrade') ? auditable(said.upgrade) : null,
    expectContinue: version === '1.1' && said.expect !== null,
    host,
  };
}

/** The head in `buf[start, found.next)`, scanned before with shape `response`; `method` is the request's. */
export function responseHead(buf: Buffer, start: number, method: string): ResponseHead | string {
  const text = buf.toString('latin1', start, found.next);
  const status = found.a;
  const version: Version = found.minor === 1 ? '1.1' : '1.0';
  const reason = text.substring(found.b - start, found.c - start);
  const fields = readFields(text, start, version);
  if (said.fault !== null) return said.fault;
  const framing = responseFraming(method, status, said);
  if (typeof framing === 'string') return framing;

  const connection = options(said.connection);
  if (status < 200) {
    if (version === '1.0') return 'RFC 9110 §15.2: interim response in HTTP/1.0';
    // It would announce an end before the final response; llhttp takes it at its word.
    if (status !== 101 && connection.includes('close')) return 'RFC 9112 §9.6: interim response that closes';
  }
  // An empty Upgrade counts as none: llhttp takes such a 101 for an interim response and reads on as HTTP.
  if (status === 101 && (said.upgrade === null || !connection.includes('upgrade')))
    return 'RFC 9110 §15.2.2: 101 without Connection: upgrade and Upgrade';
  return {
    kind: 'response',
    version,
    fields,
    framing,
    keepAlive: framing.kind !== 'until-close' && persists(version, connection),
    connection,
    size: found.next - start,
    status,
    reason,
    upgrade: status === 101 || (method === 'CONNECT' && status >= 200 && status < 300),
  };
}

/** The trailer section in `buf[start, found.next)`, scanned before with shape `fields`. */
export function trailerFields(buf: Buffer, start: number): Field[] | string {
  const fields = readFields(buf.toString('latin1', start, found.next), start, '1.1');
  for (const { name } of fields)
    if (NEVER_TRAILERS.has(name)) return `RFC 9110 §6.5.1: ${name} in the trailer section`;
  return fields;
}

function readFields(text: string, start: number, version: Version): Field[] {
  said.version = version;
  said.host = said.length = said.coding = said.connection = said.upgrade = said.expect = said.fault = null;
  const fields: Field[] = [];
  const at = marks;
  const end = 4 * found.fields;
  for (let m = 0; m < end; m += 4) {
    const known = nameOf(text.substring(at[m]! - start, at[m + 1]! - start));
    const value = text.substring(at[m + 2]! - start, at[m + 3]! - start);
    fields.push({ name: known.name, rawName: known.rawName, value });
    if (known.id !== OTHER) {
      if (value.includes('\t') || tabBehind(text, at[m + 3]! - start))
        said.fault ??= 'RFC 9112 §5: HTAB in or behind a value that steers the connection';
      note(known.id, value);
    }
  }
  return fields;
}

/**
 * HTAB is white space by the RFC, but llhttp takes `close<HTAB>` for another word than `close`, and a length with one
 * for none. Nobody sends it in good faith, so where such a value decides what happens next it is refused.
 */
function tabBehind(text: string, valueEnd: number): boolean {
  for (let i = valueEnd; text.charCodeAt(i) !== CR; i++) if (text.charCodeAt(i) === HTAB) return true;
  return false;
}

function note(id: number, value: string): void {
  switch (id) {
    case HOST_ID:
      if (said.host !== null) said.fault ??= 'RFC 9112 §3.2: more than one Host field';
      said.host = value;
      break;
    case LENGTH_ID:
      // RFC 9110 §8.6 lets a recipient fold equal ones; a peer that takes the first or the last needs no such luck.
      if (said.length !== null) said.fault ??= 'RFC 9110 §8.6: more than one Content-Length field';
      said.length = value;
      break;
    case CODING_ID:
      if (said.coding !== null) said.fault ??= 'RFC 9112 §6.1: more than one Transfer-Encoding field';
      said.coding = value;
      break;
    case CONNECTION_ID:
      said.connection = said.connection === null ? value : `${said.connection},${value}`;
      break;
    case UPGRADE_ID:
      if (value !== '') said.upgrade = said.upgrade === null ? value : `${said.upgrade}, ${value}`;
      break;
    case EXPECT_ID:
      said.expect = said.expect === null ? value : `${said.expect}, ${value}`;
      break;
  }
}

const NO_OPTIONS: readonly string[] = Object.freeze([]);
const KEEP_ALIVE: readonly string[] = Object.freeze(['keep-alive']);
const CLOSE: readonly string[] = Object.freeze(['close']);

/**
 * Options of the Connection field(s), lower case (RFC 9110 §7.6.1). An element that is no token is left out: no
 * field can have such a name and no peer acts on it.
 */
function options(value: string | null): readonly string[] {
  if (value === null) return NO_OPTIONS;
  if (value === 'keep-alive' || value === 'Keep-Alive') return KEEP_ALIVE;
  if (value === 'close') return CLOSE;
  return elements(value).filter(option => allOf(option, TOKEN));
}

/** RFC 9112 §9.3: 1.1 persists unless it says close, 1.0 only when it says keep-alive and not close. */
function persists(version: Version, connection: readonly string[]): boolean {
  if (connection === NO_OPTIONS) return version === '1.1';
  return !connection.includes('close') && (version === '1.1' || connection.includes('keep-alive'));
}

/**
 * The Upgrade value, or null when it asks for a protocol in which further HTTP requests would pass unread: cleartext
 * HTTP/2 (gone from HTTP with RFC 9113, alive as a smuggling trick) and TLS inside HTTP (RFC 2817). A server may
 * ignore any Upgrade (RFC 9110 §7.8), so such a request simply goes on as HTTP/1.1.
 */
function auditable(value: string | null): string | null {
  if (value === null || value === 'websocket') return value;
  const protocols = elements(value);
  if (protocols.length === 0) return null;
  for (const protocol of protocols) {
    if (protocol === 'h2c' || protocol === 'h2' || protocol === 'tls' || protocol === 'http') return null;
    if (protocol.startsWith('http/') || protocol.startsWith('tls/')) return null;
  }
  return value;
}

/**
 * Fields that may not come behind the body (RFC 9110 §6.5.1): they frame, route, authenticate or modify a message
 * that has been acted on by then. Some recipients merge trailers into the header section; for them a late Host or
 * Authorization would be another request than the one that was recorded.
 */
const NEVER_TRAILERS = new Set(
  (
    'transfer-encoding content-length host connection keep-alive proxy-connection upgrade te trailer http2-settings ' +
    'cache-control expect max-forwards pragma range authorization proxy-authorization www-authenticate ' +
    'proxy-authenticate authentication-info proxy-authentication-info cookie set-cookie ' +
    'content-type content-encoding content-range if-match if-none-match if-modified-since if-unmodified-since ' +
    'if-range forwarded x-forwarded-for x-forwarded-host x-forwarded-proto location'
  ).split(' '),
);
