/**
 * Where a message ends (RFC 9112 §6.3), decided from the fields that speak of it. This is the table that request
 * smuggling attacks, so every doubt is an answer of its own: what could be read in two ways is refused, even where
 * the RFC would let a recipient choose. Pure.
 */
import type { Framing, Version } from './message.ts';

/** What the head says about framing. `null` where the field is absent. */
export interface FramingFacts {
  version: Version;
  /** Value of the only Content-Length field. */
  length: string | null;
  /** Value of the only Transfer-Encoding field. */
  coding: string | null;
}

/** The framing, or the sentence of the rule that is broken. */
export type FramingOutcome = Framing | string;

const NONE: Framing = Object.freeze({ kind: 'none' });
const CHUNKED: Framing = Object.freeze({ kind: 'chunked' });
const UNTIL_CLOSE: Framing = Object.freeze({ kind: 'until-close' });

/** RFC 9112 §6.3 rules 4 to 8, the same for both directions. `absent` is the answer when no field speaks. */
function byFields(facts: FramingFacts, absent: Framing): FramingOutcome {
  if (facts.coding !== null) {
    if (facts.length !== null) return 'RFC 9112 §6.3: both Content-Length and Transfer-Encoding';
    return coding(facts);
  }
  if (facts.length === null) return absent;
  const length = contentLength(facts.length);
  return length < 0 ? 'RFC 9110 §8.6: Content-Length is not one decimal number' : { kind: 'length', length };
}

/** Only `chunked`, once, in 1.1: every other coding would have to be understood, not relayed, to find the end. */
function coding(facts: FramingFacts): FramingOutcome {
  if (facts.version === '1.0') return 'RFC 9112 §6.1: Transfer-Encoding in an HTTP/1.0 message';
  const value = facts.coding ?? '';
  if (value !== 'chunked' && value.toLowerCase() !== 'chunked')
    return 'RFC 9112 §6.1: Transfer-Encoding is not exactly chunked';
  return CHUNKED;
}

/** 1*DIGIT up to 2^53-1, or -1. No sign, no list, no hex, no white space inside. */
export function contentLength(value: string): number {
  if (value.length === 0 || value.length > 16) return -1;
  let n = 0;
  for (let i = 0; i < value.length; i++) {
    const d = value.charCodeAt(i) - 48;
    if (d < 0 || d > 9) return -1;
    n = n * 10 + d;
  }
  return n > Number.MAX_SAFE_INTEGER ? -1 : n;
}

/** A request without framing fields has no body. */
export function requestFraming(method: string, facts: FramingFacts): FramingOutcome {
  const framing = byFields(facts, NONE);
  if (method !== 'CONNECT' || typeof framing === 'string') return framing;
  // RFC 9110 §9.3.6: content has no meaning here, and what follows CONNECT is the tunnel. WinINet sends a zero length.
  if (framing.kind === 'chunked' || (framing.kind === 'length' && framing.length > 0))
    return 'RFC 9110 §9.3.6: CONNECT with content';
  return NONE;
}

/** Response to `method`. The status tells first, the fields second. */
export function responseFraming(method: string, status: number, facts: FramingFacts): FramingOutcome {
  const framing = byFields(facts, UNTIL_CLOSE);
  if (typeof framing === 'string') return framing;
  // RFC 9110 §9.3.6: well-formed framing fields are ignored here; the tunnel starts behind the head.
  if (method === 'CONNECT' && status >= 200 && status < 300) return NONE;
  if (status < 200 || status === 204) {
    if (framing.kind === 'chunked') return `RFC 9112 §6.1: Transfer-Encoding in a ${status} response`;
    // RFC 9110 §8.6 forbids it too, but a zero says what everybody assumes anyway and is common on 204.
    if (framing.kind === 'length' && framing.length > 0)
      return `RFC 9110 §8.6: Content-Length above zero in a ${status} response`;
    return NONE;
  }
  if (status === 304) {
    if (framing.kind === 'chunked') return 'RFC 9112 §6.1: Transfer-Encoding in a 304 response';
    return NONE;
  }
  return method === 'HEAD' ? NONE : framing;
}
