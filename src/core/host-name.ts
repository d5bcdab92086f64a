/**
 * One canonical form for every host name, whatever it came from (SNI, CONNECT, Host, lists, policy).
 *
 * Lower case, no trailing dot, A-labels (UTS 46 through node:url), letters, digits, hyphen and underscore only.
 * Two spellings of a name must never meet two different rules, so everything that compares names compares the
 * result of this file. It does not promise that the name exists or that it may be dialled.
 */
import { domainToASCII, domainToUnicode } from 'node:url';
import ipaddr from 'ipaddr.js';

/** A name in canonical form, or an IP literal in its canonical text form. */
export type HostName =
  | { kind: 'name'; name: string }
  | { kind: 'ip'; name: string; family: 4 | 6 }
  | { kind: 'invalid'; reason: string };

/** RFC 1035 §2.3.4: 255 octets on the wire are 253 characters of text. */
const MAX_NAME = 253;
const MAX_LABEL = 63;
/** RFC 1123 labels; the underscore is no host character by RFC 952 yet common in real SNI. */
const LABEL = /^[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?$/;
/** An all-numeric last label is how WHATWG and inet_aton tell an address (decimal, octal, hex) from a name. */
const NUMERIC_LAST = /(?:^|\.)(?:\d+|0x[0-9a-f]*)$/;

const FORBIDDEN = /[\u0000-\u0020\u007f"#%/:<>?@[\\\]^`{|}]/;

/**
 * Canonicalise a host given as text. IPv6 may stand in brackets. Never throws.
 * Decimal, octal and hexadecimal spellings of IPv4 (`2130706433`, `0x7f.1`) are invalid: accepting them would
 * let an address pass rules written for its dotted form (requirement S4).
 */
export function canonicalHost(raw: string): HostName {
  if (raw === '') return { kind: 'invalid', reason: 'empty name' };
  if (raw.length > 1024) return { kind: 'invalid', reason: 'name longer than 253 characters' };
  const bare = raw.startsWith('[') && raw.endsWith(']') ? raw.slice(1, -1) : raw;
  if (bare.includes(':')) return canonicalIp6(bare);
  if (/^\d{1,3}(\.\d{1,3}){3}$/.test(bare)) {
    // Leading zeros are octal to some resolvers and decimal to others: refuse rather than choose.
    const octets = bare.split('.');
    if (octets.some(o => (o.length > 1 && o.startsWith('0')) || Number(o) > 255))
      return { kind: 'invalid', reason: 'ambiguous IPv4 address' };
    return { kind: 'ip', name: bare, family: 4 };
  }
  if (FORBIDDEN.test(bare)) return { kind: 'invalid', reason: 'character not allowed in a host name' };
  const undotted = bare.endsWith('.') ? bare.slice(0, -1) : bare;
  if (undotted === '') return { kind: 'invalid', reason: 'empty name' };
  // Most names on the wire are plain: skip the IDNA machinery (20 times slower) for them.
  const ascii =
    /^[a-zA-Z0-9._-]*$/.test(undotted) && !/xn--/i.test(undotted)
      ? undotted.toLowerCase()
      : domainToASCII(undotted).toLowerCase();
  if (ascii === '' || !soundALabels(ascii))
    return { kind: 'invalid', reason: 'not a valid internationalised name' };
  if (ascii.length > MAX_NAME) return { kind: 'invalid', reason: 'name longer than 253 characters' };
  if (NUMERIC_LAST.test(ascii)) return { kind: 'invalid', reason: 'numeric last label' };
  for (const label of ascii.split('.')) {
    if (label === '') return { kind: 'invalid', reason: 'empty label' };
    if (label.length > MAX_LABEL) return { kind: 'invalid', reason: 'label longer than 63 characters' };
    if (!LABEL.test(label)) return { kind: 'invalid', reason: 'character not allowed in a host name' };
  }
  return { kind: 'name', name: ascii };
}

/**
 * Whether every A-label (`xn--…`) says something that is written that way and no other. Node 20 refuses broken ones in
 * domainToASCII, Node 24 lets them through when the whole name is ASCII: there and back tells them apart on both.
 */
function soundALabels(ascii: string): boolean {
  if (!ascii.includes('xn--')) return true;
  const unicode = domainToUnicode(ascii);
  return !/(?:^|\.)xn--/.test(unicode) && domainToASCII(unicode) === ascii;
}

function canonicalIp6(text: string): HostName {
  if (text.includes('%')) return { kind: 'invalid', reason: 'IPv6 zone not allowed' };
  if (!ipaddr.IPv6.isValid(text)) return { kind: 'invalid', reason: 'not an IPv6 address' };
  return { kind: 'ip', name: ipaddr.IPv6.parse(text).toRFC5952String(), family: 6 };
}

/** `host:port` as CONNECT, settings and Host fields write it; the port of a missing one is `defaultPort`. */
export function splitHostPort(
  text: string,
  defaultPort: number | null,
): { host: string; port: number } | null {
  const m = /^(\[[^\]]*\]|[^:[\]]*)(?::(\d{1,5}))?$/.exec(text);
  if (m === null || m[1] === undefined || m[1] === '') return null;
  const port = m[2] === undefined ? defaultPort : Number(m[2]);
  if (port === null || port > 65535) return null;
  return { host: m[1], port };
}
