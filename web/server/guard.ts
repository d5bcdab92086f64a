/**
 * What every request passes before anything else looks at it: response headers that tie the browser's hands, the Host
 * allow-list, and the check that the request comes from our own pages.
 *
 * Host: a name that an attacker's DNS points at us (rebinding) must find nothing here. An IP literal cannot be rebound, so
 * the address a connection really arrived at is allowed as such, beside `localhost` and the names in the settings.
 * Origin: a page of another origin can send requests with our cookie only where SameSite fails; Fetch Metadata and Origin
 * refuse those, and a token in a header that no foreign page can set is wanted on top (auth.ts).
 */
import type { IncomingHttpHeaders } from 'node:http';
import type { RequestHandler } from 'express';
import { canonicalHost, splitHostPort } from '../../src/core/host-name.ts';
import { addressText } from '../../src/core/network.ts';
import { ApiFailure } from './answer.ts';

/** Policy of the pages. Styles set by script through the CSSOM are not inline styles and stay possible. */
const PAGE_CSP = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "font-src 'self'",
  "manifest-src 'self'",
  "frame-ancestors 'none'",
  "base-uri 'none'",
  "form-action 'self'",
  "require-trusted-types-for 'script'",
  "trusted-types 'none'",
].join('; ');

/** Data is never a document: if a browser is made to show it all the same, it can do nothing. */
export const DATA_CSP =
  "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'; sandbox";

export function guardHeaders(): RequestHandler {
  return (req, res, next) => {
    const data = req.path === '/api' || req.path.startsWith('/api/');
    res.set({
      'Content-Security-Policy': data ? DATA_CSP : PAGE_CSP,
      'X-Content-Type-Options': 'nosniff',
      'X-Frame-Options': 'DENY',
      'Referrer-Policy': 'no-referrer',
      'Cross-Origin-Opener-Policy': 'same-origin',
      'Cross-Origin-Resource-Policy': 'same-origin',
      'Cross-Origin-Embedder-Policy': 'require-corp',
      'Origin-Agent-Cluster': '?1',
      'Permissions-Policy': 'camera=(), geolocation=(), microphone=(), payment=(), usb=()',
      'X-DNS-Prefetch-Control': 'off',
    });
    if (data) res.set('Cache-Control', 'no-store');
    next();
  };
}

/** 421 for a Host that is none of ours. `hosts` are further names, canonical, optionally with a port. */
export function guardHost(hosts: readonly string[]): RequestHandler {
  const names = new Set(hosts.map(host => host.toLowerCase()));
  return (req, _res, next) => {
    if (hostAllowed(req.headers.host, req.socket.localAddress, names)) next();
    else
      next(
        new ApiFailure(
          'wrong-host',
          'This console does not answer to the name in the address bar.',
          'Use its IP address or localhost, or add the name to the setting console.hosts.',
        ),
      );
  };
}

/** Pure part of `guardHost`. */
export function hostAllowed(
  header: string | undefined,
  localAddress: string | undefined,
  names: ReadonlySet<string>,
): boolean {
  const split = splitHostPort(header ?? '', 0);
  if (split === null) return false;
  const host = canonicalHost(split.host);
  if (host.kind === 'invalid') return false;
  if (names.has(host.name) || names.has(`${host.name}:${split.port}`)) return true;
  if (host.kind === 'ip') return localAddress !== undefined && host.name === addressText(localAddress);
  return host.name === 'localhost';
}

/** 403 for a request that a page of another origin caused. */
export function guardOrigin(): RequestHandler {
  return (req, _res, next) => {
    if (originAllowed(req.method, req.headers)) next();
    else
      next(
        new ApiFailure(
          'csrf',
          'The request was caused by a page of another site and was refused.',
          'Open the console by its own address and try again.',
        ),
      );
  };
}

/**
 * Pure part of `guardOrigin`. Reading: whatever the browser says must not be another site. Changing: an Origin must be
 * ours. A client that sends neither header is no browser; the token check still stands before it.
 */
export function originAllowed(method: string, headers: IncomingHttpHeaders): boolean {
  const site = headers['sec-fetch-site'];
  const reading = method === 'GET' || method === 'HEAD';
  // `none`: typed, bookmarked or from another program; such a navigation only ever reads.
  if (site !== undefined && site !== 'same-origin' && !(reading && site === 'none')) return false;
  const { origin } = headers;
  if (origin === undefined) return true;
  // Behind a TLS front we see plain HTTP while the browser says https; host and port tell enough.
  return origin === `http://${headers.host}` || origin === `https://${headers.host}`;
}
