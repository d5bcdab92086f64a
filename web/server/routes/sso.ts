/**
 * Single sign-on: two addresses that a browser goes to, `/sso/start` and `/sso/callback`, which the provider sends it back to.
 * They lie beside the API because the second one is always caused by a page of another site.
 *
 * What belongs together is in a cookie that is signed, lives ten minutes and binds the answer to the browser that
 * asked (no log-in by a link of somebody else); so nothing is held here that strangers could fill. Whatever goes
 * wrong leads back to the log-in page with a word that it explains. In the trail like every log-in.
 */
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import type { Express, Request, Response } from 'express';
import { SSO } from '../../contract.ts';
import type { SsoFailure } from '../../contract.ts';
import { addressOf, cookieValue } from '../auth.ts';
import type { ConsoleDeps, ConsoleSso, ConsoleSsoTicket } from '../deps.ts';
import type { Door } from '../door.ts';

const LIFE_MS = 10 * 60_000;

export function ssoRoutes(app: Express, deps: ConsoleDeps, door: Door): void {
  const { sso, trail } = deps;
  if (sso === undefined) return;
  const now = deps.now ?? Date.now;
  const key = randomBytes(32);
  const secure = sso.consoleUrl.startsWith('https:');
  const cookie = secure ? '__Host-sightglass-sso' : 'sightglass-sso';
  const attributes = `Path=/; HttpOnly; SameSite=Lax${secure ? '; Secure' : ''}`;

  const sign = (text: string): string => createHmac('sha256', key).update(text).digest('base64url');

  function seal(ticket: ConsoleSsoTicket): string {
    const text = Buffer.from(JSON.stringify({ ...ticket, until: now() + LIFE_MS })).toString('base64url');
    return `${text}.${sign(text)}`;
  }

  function unseal(sealed: string): ConsoleSsoTicket | null {
    const [text = '', mark = ''] = sealed.split('.', 2);
    const [given, right] = [Buffer.from(mark), Buffer.from(sign(text))];
    if (given.length !== right.length || !timingSafeEqual(given, right)) return null;
    const ticket = JSON.parse(Buffer.from(text, 'base64url').toString()) as ConsoleSsoTicket & {
      until: number;
    };
    return ticket.until > now() ? ticket : null;
  }

  function back(res: Response, failure: SsoFailure): void {
    res.redirect(303, `/login?sso=${failure}`);
  }

  app.get(SSO.start, async (req, res) => {
    res.set('Cache-Control', 'no-store');
    // The provider sends browsers back to one address; who came by another one has to begin there. Asked once: a front
    // that rewrites Host would lead round in circles.
    if (
      `${secure ? 'https' : 'http'}://${req.headers.host}` !== sso.consoleUrl &&
      req.query['again'] === undefined
    ) {
      res.redirect(303, `${sso.consoleUrl}${SSO.start}?again=1`);
      return;
    }
    const begun = await sso.begin();
    if ('refused' in begun) {
      refuse(req, begun, null);
      back(res, 'away');
      return;
    }
    res.append('Set-Cookie', `${cookie}=${seal(begun.ticket)}; ${attributes}; Max-Age=${LIFE_MS / 1000}`);
    res.redirect(303, begun.url);
  });

  app.get(SSO.callback, async (req, res) => {
    res.set('Cache-Control', 'no-store');
    res.append('Set-Cookie', `${cookie}=; ${attributes}; Max-Age=0`);
    const ticket = unseal(cookieValue(req, cookie) ?? '');
    if (ticket === null) {
      back(res, 'stale');
      return;
    }
    const at = req.originalUrl.indexOf('?');
    const result = await sso.finish(at < 0 ? '' : req.originalUrl.slice(at), ticket);
    if ('refused' in result) {
      refuse(req, result, result.name ?? null);
      back(res, result.refused);
      return;
    }
    const { user } = result;
    trail.append({
      user: user.name,
      address: addressOf(req),
      action: 'login.done',
      detail: { factor: 'sso' },
    });
    door.enter(req, res, user, secure);
    // The session cookie is strict, so the page that this leads to comes without it; what that page then asks has it.
    res.redirect(303, '/');
  });

  function refuse(req: Request, { refused, reason }: SsoRefused, name: string | null): void {
    trail.append({
      user: null,
      address: addressOf(req),
      action: 'login.refused',
      detail: {
        factor: 'sso',
        why: refused,
        ...(name === null ? {} : { name }),
        ...(reason === undefined ? {} : { reason }),
      },
    });
  }
}

type SsoRefused = Extract<Awaited<ReturnType<ConsoleSso['finish']>>, { refused: SsoFailure }>;
