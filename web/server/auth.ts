/**
 * Who asks: cookie to session, session to permissions, and the token that proves that our own page asks.
 *
 * The cookie is HttpOnly, SameSite=Strict and a session cookie; behind a TLS front, which the browser's Origin tells
 * of, it is Secure under a `__Host-` name. The CSRF token is derived from the session token by HMAC, so nothing
 * more is stored and it changes with every log-in.
 */
import { createHmac, timingSafeEqual } from 'node:crypto';
import type { Request, Response } from 'express';
import { BACKGROUND_HEADER, CSRF_HEADER, PERMISSIONS_OF } from '../contract.ts';
import type { Me, Permission } from '../contract.ts';
import { addressText } from '../../src/core/network.ts';
import { ApiFailure } from './answer.ts';
import type { ConsoleSession, ConsoleSessions } from './deps.ts';

const COOKIE = 'sightglass';
const SECURE_COOKIE = '__Host-sightglass';

/** A signed-in caller. */
export interface Caller {
  token: string;
  session: ConsoleSession;
  address: string;
  can: ReadonlySet<Permission>;
}

/** Address of the peer in canonical text. Forwarded headers are not believed: anyone can write them. */
export function addressOf(req: Request): string {
  return addressText(req.socket.remoteAddress ?? '');
}

/** The caller, or null when nobody is signed in. `use` false: the request does not keep the session alive. */
export function findCaller(req: Request, sessions: ConsoleSessions, use = true): Caller | null {
  const touch = use && req.headers[BACKGROUND_HEADER] === undefined;
  for (const token of sessionTokens(req)) {
    const session = sessions.get(token, touch);
    if (session !== null)
      return { token, session, address: addressOf(req), can: new Set(permissionsOf(session)) };
  }
  return null;
}

/** Whoever is signed in, even if a second factor is still due: for that, and for log-out. Throws `signed-out`. */
export function requireSignedIn(req: Request, sessions: ConsoleSessions, use = true): Caller {
  const caller = findCaller(req, sessions, use);
  if (caller === null)
    throw new ApiFailure('signed-out', 'You are not logged in, or your session has ended.', 'Log in again.');
  return caller;
}

/** The caller, who must hold `permission` if one is named. Throws `signed-out`, `enrol-needed` or `not-allowed`. */
export function requireCaller(
  req: Request,
  sessions: ConsoleSessions,
  permission: Permission | null,
  use = true,
): Caller {
  const caller = requireSignedIn(req, sessions, use);
  if (caller.session.user.enrol)
    throw new ApiFailure(
      'enrol-needed',
      'Your role demands a second factor, and you have none yet.',
      'Reload the page: it shows how to set it up.',
    );
  if (permission !== null && !caller.can.has(permission))
    throw new ApiFailure(
      'not-allowed',
      'Your role does not allow this.',
      'An admin can give you another role.',
    );
  return caller;
}

/** 403 unless the request carries the token of its session (`none` where there is no session yet). */
export function requireCsrf(req: Request, sessionToken: string | null): void {
  const wanted = Buffer.from(sessionToken === null ? 'none' : csrfOf(sessionToken));
  const given = Buffer.from(String(req.headers[CSRF_HEADER] ?? ''));
  if (wanted.length !== given.length || !timingSafeEqual(wanted, given))
    throw new ApiFailure('csrf', 'The request does not carry the token of this session.', 'Reload the page.');
}

/** What a page may know about its own session. */
export function meOf(token: string, session: ConsoleSession): Me {
  return {
    name: session.user.name,
    roles: session.user.roles,
    can: permissionsOf(session),
    enrol: session.user.enrol,
    csrf: csrfOf(token),
    expires: new Date(session.expires).toISOString(),
    idleExpires: new Date(session.idleExpires).toISOString(),
  };
}

/** `secure` where it is known; the browser's Origin tells otherwise. */
export function setSessionCookie(req: Request, res: Response, token: string, secure = overTls(req)): void {
  res.append(
    'Set-Cookie',
    `${secure ? SECURE_COOKIE : COOKIE}=${token}; Path=/; HttpOnly; SameSite=Strict${secure ? '; Secure' : ''}`,
  );
}

export function clearSessionCookies(res: Response): void {
  for (const name of [COOKIE, SECURE_COOKIE])
    res.append(
      'Set-Cookie',
      `${name}=; Path=/; HttpOnly; SameSite=Strict; Max-Age=0${name === SECURE_COOKIE ? '; Secure' : ''}`,
    );
}

/** Session tokens a request presents, the stronger cookie first. At most four are looked at. */
export function sessionTokens(req: Request): string[] {
  return cookiesOf(req)
    .filter(([name]) => name === COOKIE || name === SECURE_COOKIE)
    .sort(([a], [b]) => Number(b === SECURE_COOKIE) - Number(a === SECURE_COOKIE))
    .slice(0, 4)
    .map(([, token]) => token);
}

/** The first cookie of a name, or null. */
export function cookieValue(req: Request, name: string): string | null {
  return cookiesOf(req).find(([given]) => given === name)?.[1] ?? null;
}

function cookiesOf(req: Request): [string, string][] {
  return (req.headers.cookie ?? '').split(';').flatMap((part): [string, string][] => {
    const at = part.indexOf('=');
    return at > 0 ? [[part.slice(0, at).trim(), part.slice(at + 1).trim()]] : [];
  });
}

function overTls(req: Request): boolean {
  return req.headers.origin?.startsWith('https://') ?? false;
}

function permissionsOf(session: ConsoleSession): Permission[] {
  if (session.user.enrol) return [];
  return [...new Set(session.user.roles.flatMap(role => PERMISSIONS_OF[role]))];
}

function csrfOf(token: string): string {
  return createHmac('sha256', token).update('csrf').digest('base64url');
}
