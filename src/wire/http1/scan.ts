/**
 * One pass over the octets of a head or trailer section: checks every octet, finds every line, writes down where
 * the parts stand. No strings are made here; `head.ts` makes them from the marks once the head is whole.
 *
 * Only CRLF ends a line. A bare CR, a bare LF, a folded line and white space before the colon are refused, not
 * repaired (RFC 9112 §2.2 and §5 leave repairing open, and two parsers that repair differently are how requests
 * get smuggled).
 *
 * Lines are judged one after the other and only when their LF is there, so the outcome does not depend on how the
 * octets were cut into reads. Results stand in module variables, valid until the next call: the scanner is called
 * for every head of every connection and is not re-entrant, so it allocates nothing.
 */
import { COLON, CR, HTAB, LF, OCTETS, SP, TARGET, TOKEN, VALUE } from './octets.ts';

/** What the first line is. */
export type Shape = 'request' | 'response' | 'fields';

export type Outcome = 'complete' | 'partial' | 'broken' | 'oversize' | 'version';

/** How the last `scan` went. Offsets are those of the buffer that was scanned. */
export const found = {
  /** After `complete`: behind the blank line. After `partial`: start of the first line that is not whole. */
  next: 0,
  /** Field lines seen so far, those of the caller's `fieldsBefore` included. */
  fields: 0,
  /** After `broken`, `oversize`, `version`: the rule. */
  reason: '',
  /** Request line: end of method, end of target, minor version. Status line: status, start and end of reason, minor. */
  a: 0,
  b: 0,
  c: 0,
  minor: 1,
};

/** Four offsets a field: name start, name end, value start, value end. Grows to the largest `fields` limit in use. */
export let marks = new Int32Array(4 * 256);

let brokenAt = 0;

/**
 * Scan lines in `buf[from, end)`; `start` is where the head begins (for the size bound). With shape `request` or
 * `response` the line at `from` is the start line. `fieldsBefore` counts field lines of this head before `from`.
 */
export function scan(
  shape: Shape,
  buf: Buffer,
  start: number,
  from: number,
  end: number,
  fieldsBefore: number,
  maxSize: number,
  maxFields: number,
): Outcome {
  if (marks.length < 4 * maxFields) marks = new Int32Array(4 * maxFields);
  found.next = from;
  found.fields = fieldsBefore;
  let outcome: Outcome = 'complete';
  if (shape !== 'fields') {
    outcome = shape === 'request' ? requestLine(buf, from, end) : statusLine(buf, from, end);
    if (outcome === 'complete' && found.next - start > maxSize) return oversize(maxSize);
  }
  if (outcome === 'complete') outcome = fieldLines(buf, start, end, maxSize, maxFields);
  if (outcome === 'broken' || outcome === 'version') {
    // The line is judged when its end is here, and a line beyond the bound is too long whatever it holds.
    const lf = buf.indexOf(LF, brokenAt);
    if (lf === -1 || lf >= end) outcome = 'partial';
    else if (lf + 1 - start > maxSize) return oversize(maxSize);
  }
  if (outcome === 'partial' && end - start > maxSize) return oversize(maxSize);
  return outcome;
}

function broken(at: number, reason: string): Outcome {
  brokenAt = at;
  found.reason = reason;
  return 'broken';
}

function oversize(maxSize: number): Outcome {
  found.reason = `more than ${maxSize} octets`;
  return 'oversize';
}

/** method SP request-target SP HTTP-version CRLF (RFC 9112 §3); exactly one SP, nothing else, at each place. */
function requestLine(buf: Buffer, from: number, end: number): Outcome {
  let i = from;
  while (i < end && (OCTETS[buf[i]!]! & TOKEN) !== 0) i++;
  if (i >= end) return 'partial';
  if (i === from || buf[i] !== SP)
    return broken(i, 'RFC 9112 §3: the request line does not start with a method and one space');
  found.a = i;
  const target = ++i;
  while (i < end && (OCTETS[buf[i]!]! & TARGET) !== 0) i++;
  if (i >= end) return 'partial';
  if (i === target || buf[i] !== SP)
    return broken(i, 'RFC 9112 §3.2: octet not allowed in the request target, or no version behind it');
  found.b = i;
  return version(buf, i + 1, end, 'RFC 9112 §3: the request line does not end in one HTTP version');
}

const STATUS_LINE =
  'RFC 9112 §4: the status line is not HTTP/1.0 or HTTP/1.1, one space and three digits from 100 to 999';

/** HTTP-version SP status-code SP [ reason-phrase ] CRLF (RFC 9112 §4). */
function statusLine(buf: Buffer, from: number, end: number): Outcome {
  // "HTTP/1.1 200" is twelve octets; the one behind them decides. A shorter line is judged once it has ended.
  if (end - from < 13) {
    const lf = buf.indexOf(LF, from);
    return lf === -1 || lf >= end ? 'partial' : broken(from, STATUS_LINE);
  }
  const minor = buf[from + 7]! - 48;
  const d1 = buf[from + 9]! - 48;
  const d2 = buf[from + 10]! - 48;
  const d3 = buf[from + 11]! - 48;
  const digits = d1 >= 1 && d1 <= 9 && d2 >= 0 && d2 <= 9 && d3 >= 0 && d3 <= 9;
  if (!isVersion(buf, from) || buf[from + 5] !== 49 || minor > 1 || buf[from + 8] !== SP || !digits)
    return broken(from, STATUS_LINE);
  found.minor = minor;
  found.a = d1 * 100 + d2 * 10 + d3;
  let i = from + 12;
  // The SP before an absent reason is required of servers, and missing so often that every client takes it.
  if (buf[i] === SP) i++;
  else if (buf[i] !== CR) return broken(i, 'RFC 9112 §4: no space behind the status');
  found.b = i;
  while (i < end && (OCTETS[buf[i]!]! & VALUE) !== 0) i++;
  found.c = i;
  return lineEnd(buf, i, end, 'RFC 9112 §4: octet not allowed in the reason phrase');
}

function version(buf: Buffer, from: number, end: number, otherwise: string): Outcome {
  if (end - from < 8) {
    const lf = buf.indexOf(LF, from);
    return lf === -1 || lf >= end ? 'partial' : broken(from, otherwise);
  }
  if (!isVersion(buf, from)) return broken(from, otherwise);
  const outcome = lineEnd(buf, from + 8, end, otherwise);
  if (outcome !== 'complete') return outcome;
  if (buf[from + 5] !== 49 || buf[from + 7]! > 49) {
    brokenAt = from;
    found.reason = 'RFC 9112 §2.3: HTTP version is neither 1.0 nor 1.1';
    return 'version';
  }
  found.minor = buf[from + 7]! - 48;
  return 'complete';
}

/** `HTTP/` DIGIT `.` DIGIT, case-sensitive (RFC 9112 §2.3). */
function isVersion(buf: Buffer, i: number): boolean {
  return (
    buf[i] === 72 &&
    buf[i + 1] === 84 &&
    buf[i + 2] === 84 &&
    buf[i + 3] === 80 &&
    buf[i + 4] === 47 &&
    buf[i + 5]! >= 48 &&
    buf[i + 5]! <= 57 &&
    buf[i + 6] === 46 &&
    buf[i + 7]! >= 48 &&
    buf[i + 7]! <= 57
  );
}

/** CRLF at `i`: the line is whole. */
function lineEnd(buf: Buffer, i: number, end: number, otherwise: string): Outcome {
  if (i >= end) return 'partial';
  if (buf[i] !== CR) return broken(i, buf[i] === LF ? 'RFC 9112 §2.2: bare LF' : otherwise);
  if (i + 1 >= end) return 'partial';
  if (buf[i + 1] !== LF) return broken(i, 'RFC 9112 §2.2: bare CR');
  found.next = i + 2;
  return 'complete';
}

/** *( field-name ":" OWS field-value OWS CRLF ) CRLF (RFC 9112 §5), from `found.next` on. */
function fieldLines(buf: Buffer, start: number, end: number, maxSize: number, maxFields: number): Outcome {
  let i = found.next;
  let n = found.fields;
  const at = marks;
  for (;;) {
    if (i >= end) break;
    const nameStart = i;
    while (i < end && (OCTETS[buf[i]!]! & TOKEN) !== 0) i++;
    if (i >= end) break;
    if (buf[i] !== COLON || i === nameStart) {
      if (i !== nameStart || buf[i] !== CR) return broken(i, nameFault(buf, nameStart, i));
      if (i + 1 >= end) break;
      if (buf[i + 1] !== LF) return broken(i, 'RFC 9112 §2.2: bare CR');
      found.next = i + 2;
      if (i + 2 - start > maxSize) return oversize(maxSize);
      return 'complete';
    }
    const nameEnd = i++;
    while (i < end && (buf[i] === SP || buf[i] === HTAB)) i++;
    const valueStart = i;
    while (i < end && (OCTETS[buf[i]!]! & VALUE) !== 0) i++;
    if (i >= end) break;
    if (buf[i] !== CR)
      return broken(
        i,
        buf[i] === LF ? 'RFC 9112 §2.2: bare LF' : 'RFC 9110 §5.5: control octet in a field value',
      );
    if (i + 1 >= end) break;
    if (buf[i + 1] !== LF) return broken(i, 'RFC 9112 §2.2: bare CR');
    let valueEnd = i;
    while (valueEnd > valueStart && (buf[valueEnd - 1] === SP || buf[valueEnd - 1] === HTAB)) valueEnd--;
    i += 2;
    if (i - start > maxSize) return oversize(maxSize);
    if (n >= maxFields) {
      found.reason = `more than ${maxFields} fields`;
      return 'oversize';
    }
    const m = n * 4;
    at[m] = nameStart;
    at[m + 1] = nameEnd;
    at[m + 2] = valueStart;
    at[m + 3] = valueEnd;
    n++;
    found.next = i;
    found.fields = n;
  }
  return 'partial';
}

function nameFault(buf: Buffer, from: number, at: number): string {
  const c = buf[at];
  if (at === from && (c === SP || c === HTAB)) return 'RFC 9112 §5.2: folded line (obs-fold)';
  if (c === SP || c === HTAB) return 'RFC 9112 §5.1: white space before the colon';
  if (c === LF) return 'RFC 9112 §2.2: bare LF';
  if (c === COLON) return 'RFC 9112 §5: empty field name';
  return 'RFC 9110 §5.1: octet not allowed in a field name';
}
