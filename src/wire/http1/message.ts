/**
 * The vocabulary of the HTTP/1.1 codec: heads, framing, events, limits. Plain data; every string is latin1 text of
 * octets that were validated, so it can go back onto a wire unchanged. Nothing here knows sockets or policy.
 */

/** One header or trailer field as it stood on the wire. */
export interface Field {
  /** Lower case. */
  name: string;
  /** As on the wire. */
  rawName: string;
  /** Latin1 text, optional white space around it removed. Never holds CR, LF, NUL or another control but HTAB. */
  value: string;
}

/** How the end of a body is found (RFC 9112 §6.3). `length` may be 0. `until-close` occurs in responses only. */
export type Framing =
  { kind: 'none' } | { kind: 'length'; length: number } | { kind: 'chunked' } | { kind: 'until-close' };

export type Version = '1.0' | '1.1';

interface Head {
  version: Version;
  fields: Field[];
  framing: Framing;
  /** May the connection carry another message after this one (RFC 9112 §9.3)? */
  keepAlive: boolean;
  /** Options of the Connection field, lower case, in order; empty when there is none. */
  connection: readonly string[];
  /** Octets of the head, blank line included; an empty line that was skipped before it is not counted. */
  size: number;
}

export interface RequestHead extends Head {
  kind: 'request';
  /** Case-sensitive token. */
  method: string;
  /** One of the four forms of RFC 9112 §3.2, visible ASCII, no fragment, no userinfo. */
  target: string;
  /**
   * Value of Upgrade when `Connection: upgrade` came with it in HTTP/1.1; else null. Null as well for protocols that
   * would carry HTTP requests past the audit (h2c, HTTP/x, TLS/x): those requests go on as HTTP/1.1.
   */
  upgrade: string | null;
  /** `Expect: 100-continue` in HTTP/1.1. */
  expectContinue: boolean;
  /** Value of the one Host field (`host` or `host:port`), as on the wire; null only in HTTP/1.0. */
  host: string | null;
}

export interface ResponseHead extends Head {
  kind: 'response';
  /** 100 to 999; below 200 is interim and another head follows, except 101. */
  status: number;
  reason: string;
  /** True when the connection stops being HTTP after this head: 101, or 2xx to CONNECT. The rest is raw. */
  upgrade: boolean;
}

export type MalformedCode =
  | 'request-malformed'
  | 'request-head-too-large'
  | 'version-unsupported'
  | 'response-malformed'
  | 'response-head-too-large';

/** Final: after it `next` gives the same event for ever. */
export interface MalformedEvent {
  kind: 'malformed';
  code: MalformedCode;
  /** Names the rule that was broken. */
  reason: string;
  /** True when nothing was wrong but the end: the peer closed inside the message. */
  early: boolean;
}

export type Http1Event<H extends RequestHead | ResponseHead = RequestHead | ResponseHead> =
  | { kind: 'head'; head: H }
  /** Decoded body octets: a view into what was pushed, valid until the caller changes that memory. */
  | { kind: 'data'; data: Buffer }
  | { kind: 'end'; trailers: Field[] }
  | { kind: 'need-more' }
  | MalformedEvent;
