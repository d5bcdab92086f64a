/**
 * The four forms of a request target (RFC 9112 §3.2) and the authority in it and in Host. Syntax only: whether the
 * name exists, is canonical or may be asked for is for `core/host-name` and the policy.
 *
 * Octets were checked by the scanner. Userinfo is refused (RFC 9110 §4.2.4): `a@b` is how one URL shows two hosts.
 */
import { HOST, OCTETS } from './octets.ts';

export type TargetForm = 'origin' | 'absolute' | 'authority' | 'asterisk';

/** The form that `method` may have `target` in, or null when it is none. */
export function targetForm(method: string, target: string): TargetForm | null {
  if (method === 'CONNECT') return isAuthority(target, true) ? 'authority' : null;
  if (target.charCodeAt(0) === 47) return 'origin';
  if (target === '*') return method === 'OPTIONS' ? 'asterisk' : null;
  return splitAbsolute(target) === null ? null : 'absolute';
}

export interface AbsoluteTarget {
  scheme: 'http' | 'https';
  /** `host` or `host:port`, valid as a Host value. */
  authority: string;
  /** Path and query for origin-form; `/` when the target has no path; `*` never (RFC 9112 §3.2.4 is the caller's). */
  path: string;
}

/**
 * Take an absolute-form target apart: ("http" / "https") "://" authority [path] [?query]; null when it is none. Other
 * schemes are refused: nothing here can relay them, and to an origin that reads `ws://b/` by its authority a request
 * with `Host: a` is one for b.
 */
export function splitAbsolute(target: string): AbsoluteTarget | null {
  const colon = target.indexOf('://');
  if (colon !== 4 && colon !== 5) return null;
  const scheme = target.slice(0, colon).toLowerCase();
  if (scheme !== 'http' && scheme !== 'https') return null;
  const from = colon + 3;
  let to = from;
  while (to < target.length) {
    const c = target.charCodeAt(to);
    if (c === 47 || c === 63) break;
    to++;
  }
  const authority = target.slice(from, to);
  if (!isAuthority(authority, false)) return null;
  const rest = target.slice(to);
  const path = rest === '' ? '/' : rest.charCodeAt(0) === 63 ? `/${rest}` : rest;
  return { scheme, authority, path };
}

/** uri-host [ ":" port ], not empty; `portNeeded` for CONNECT. A bare colon without digits is refused. */
export function isAuthority(text: string, portNeeded: boolean): boolean {
  let i = 0;
  if (text.charCodeAt(0) === 91) {
    i = text.indexOf(']') + 1;
    if (i < 4 || !allOfIp6(text, 1, i - 1)) return false;
  } else {
    while (i < text.length && (OCTETS[text.charCodeAt(i)]! & HOST) !== 0) i++;
    if (i === 0) return false;
  }
  if (i === text.length) return !portNeeded;
  const digits = text.length - i - 1;
  if (text.charCodeAt(i) !== 58 || digits < 1 || digits > 5) return false;
  let port = 0;
  for (i++; i < text.length; i++) {
    const d = text.charCodeAt(i) - 48;
    if (!(d >= 0 && d <= 9)) return false;
    port = port * 10 + d;
  }
  return port <= 65535;
}

/** Hex digits, colons and the dots of an embedded IPv4 address. No zone (RFC 6874 is for user interfaces). */
function allOfIp6(text: string, from: number, to: number): boolean {
  for (let i = from; i < to; i++) {
    const c = text.charCodeAt(i);
    const hex = (c >= 48 && c <= 57) || ((c | 32) >= 97 && (c | 32) <= 102);
    if (!hex && c !== 58 && c !== 46) return false;
  }
  return true;
}
