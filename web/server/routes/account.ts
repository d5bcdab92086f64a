/**
 * Set-up, log-in, log-out, and who am I. Every outcome lands in the trail before it is answered; passwords and tokens
 * land nowhere. Log-in and set-up always start a new session and end the one the browser came with.
 */
import type { Request, Response, Router } from 'express';
import { API, USER_NAME_PATTERN } from '../../contract.ts';
import type { LoginAnswer, SessionAnswer } from '../../contract.ts';
import { ApiFailure, sendJson } from '../answer.ts';
import {
  addressOf,
  clearSessionCookies,
  findCaller,
  meOf,
  requireCaller,
  requireCsrf,
  sessionTokens,
  setSessionCookie,
} from '../auth.ts';
import type { ConsoleDeps, ConsoleUser } from '../deps.ts';
import type { LiveHub } from '../live.ts';

const NAME = new RegExp(USER_NAME_PATTERN);

export function accountRoutes(router: Router, deps: ConsoleDeps, live: LiveHub): void {
  const { accounts, sessions, trail } = deps;

  router.get(API.me, (req, res) => {
    const caller = findCaller(req, sessions, false);
    sendJson<SessionAnswer>(res, {
      state: caller !== null ? 'signed-in' : accounts.needsSetup() ? 'set-up-needed' : 'signed-out',
      me: caller === null ? null : meOf(caller.token, caller.session),
      // The version helps nobody who is not signed in, but an attacker.
      product: { name: 'Sightglass', version: caller === null ? '' : deps.version },
    });
  });

  router.post(API.setup, async (req, res) => {
    requireCsrf(req, null);
    const { token, name, password } = fields(req, ['token', 'name', 'password']);
    const address = addressOf(req);
    let user: ConsoleUser;
    try {
      user = await accounts.redeemSetup(token, name, password);
    } catch (error) {
      const refusal = refusalOf(error);
      trail.append({ user: null, address, action: 'setup.refused', detail: { reason: refusal.code } });
      throw refusal.code === 'set-up-refused'
        ? new ApiFailure('set-up-refused', refusal.message, refusal.hint)
        : new ApiFailure('bad-request', refusal.message, refusal.hint);
    }
    trail.append({ user: user.name, address, action: 'setup.done', detail: { roles: user.roles } });
    startSession(req, res, user);
  });

  router.post(API.login, async (req, res) => {
    requireCsrf(req, null);
    const { name, password } = fields(req, ['name', 'password']);
    if (accounts.needsSetup())
      throw new ApiFailure(
        'set-up-needed',
        'There is no admin yet.',
        'Open the set-up link that the service printed at its start.',
      );
    const address = addressOf(req);
    // People type their password into the name field: what cannot be a name is not written down.
    const typed = NAME.test(name.trim()) ? name.trim() : '(not a user name)';
    const result = await accounts.login(name, password, address);
    if (result.outcome !== 'ok')
      trail.append({ user: null, address, action: `login.${result.outcome}`, detail: { name: typed } });
    switch (result.outcome) {
      case 'ok':
        trail.append({ user: result.user.name, address, action: 'login.done' });
        startSession(req, res, result.user);
        return;
      case 'locked':
        throw new ApiFailure(
          'log-in-locked',
          'Too many failed log-ins. Further tries are refused for a while.',
          'Wait, or let an admin run `sightglass user enable NAME`.',
          { retryAfter: Math.ceil(result.waitMs / 1000) },
        );
      case 'no-console':
        throw new ApiFailure(
          'not-allowed',
          'This account may use the proxy but not the console.',
          'An admin can give you a role that opens the console.',
        );
      case 'busy':
        throw new ApiFailure(
          'too-many',
          'Too many people log in at this moment.',
          'Try again in a few seconds.',
          {
            retryAfter: 5,
          },
        );
      case 'refused':
        throw new ApiFailure(
          'log-in-refused',
          'User name or password is wrong.',
          'Check both and try again.',
        );
    }
  });

  router.post(API.logout, (req, res) => {
    const caller = requireCaller(req, sessions, null);
    requireCsrf(req, caller.token);
    endSessions(req);
    clearSessionCookies(res);
    trail.append({ user: caller.session.user.name, address: caller.address, action: 'logout' });
    sendJson(res, {});
  });

  function startSession(req: Request, res: Response, user: ConsoleUser): void {
    endSessions(req);
    const { token, session } = sessions.create(user, addressOf(req));
    setSessionCookie(req, res, token);
    sendJson<LoginAnswer>(res, { me: meOf(token, session) });
  }

  function endSessions(req: Request): void {
    for (const token of sessionTokens(req)) {
      const session = sessions.get(token, false);
      if (session !== null) live.endSession(session.id);
      sessions.end(token);
    }
  }
}

/** String fields of a JSON body; anything else is a 400. */
function fields<K extends string>(req: Request, names: readonly K[]): Record<K, string> {
  const body = req.body as unknown;
  const out = {} as Record<K, string>;
  for (const name of names) {
    const value =
      typeof body === 'object' && body !== null && Object.hasOwn(body, name)
        ? (body as Record<string, unknown>)[name]
        : undefined;
    if (typeof value !== 'string' || value.length > 1000)
      throw new ApiFailure(
        'bad-request',
        `The field "${name}" is missing or no text.`,
        'Fill in the form again.',
      );
    out[name] = value;
  }
  return out;
}

/** An error by which accounts refuse something, told by its `code` and `hint`; others go on as they are. */
function refusalOf(error: unknown): Error & { code: string; hint: string } {
  if (error instanceof Error) {
    const { code, hint } = error as { code?: unknown; hint?: unknown };
    if (typeof code === 'string' && typeof hint === 'string')
      return error as Error & { code: string; hint: string };
    if (error.name === 'HashBusyError')
      throw new ApiFailure(
        'too-many',
        'Too many people log in at this moment.',
        'Try again in a few seconds.',
        {
          retryAfter: 5,
        },
      );
  }
  throw error;
}
