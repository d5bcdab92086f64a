/**
 * Set-up, log-in, log-out, and who am I. Every outcome lands in the trail before it is answered; passwords and tokens
 * land nowhere. Log-in and set-up always start a new session and end the one the browser came with.
 */
import type { Router } from 'express';
import { API, USER_NAME_PATTERN } from '../../contract.ts';
import type { LoginAnswer, LogoutAnswer, SessionAnswer } from '../../contract.ts';
import { ApiFailure, sendJson } from '../answer.ts';
import { addressOf, clearSessionCookies, findCaller, meOf, requireCsrf, requireSignedIn } from '../auth.ts';
import type { ConsoleDeps, ConsoleUser } from '../deps.ts';
import type { Door } from '../door.ts';
import { busyFailure, lockedFailure } from '../log-in-failures.ts';
import { bodyFields } from '../params.ts';

const NAME = new RegExp(USER_NAME_PATTERN);

export function accountRoutes(router: Router, deps: ConsoleDeps, door: Door): void {
  const { accounts, sessions, trail } = deps;

  router.get(API.me, (req, res) => {
    const caller = findCaller(req, sessions, false);
    sendJson<SessionAnswer>(res, {
      state: caller !== null ? 'signed-in' : accounts.needsSetup() ? 'set-up-needed' : 'signed-out',
      me: caller === null ? null : meOf(caller.token, caller.session),
      // The version helps nobody who is not signed in, but an attacker.
      product: { name: 'Sightglass', version: caller === null ? '' : deps.version },
      ways: { sso: deps.sso !== undefined, local: deps.sso?.localAccounts ?? true },
    });
  });

  router.post(API.setup, async (req, res) => {
    requireCsrf(req, null);
    const { token, name, password } = bodyFields(req, ['token', 'name', 'password']);
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
    sendJson<LoginAnswer>(res, { me: door.enter(req, res, user) });
  });

  router.post(API.login, async (req, res) => {
    requireCsrf(req, null);
    const { name, password, code } = bodyFields(req, ['name', 'password'], ['code']);
    if (accounts.needsSetup())
      throw new ApiFailure(
        'set-up-needed',
        'There is no admin yet.',
        'Open the set-up link that the service printed at its start.',
      );
    const address = addressOf(req);
    // People type their password into the name field: what cannot be a name is not written down.
    const typed = NAME.test(name.trim()) ? name.trim() : '(not a user name)';
    const result = await accounts.login(name, password, address, code);
    if (result.outcome !== 'ok')
      trail.append({ user: null, address, action: `login.${result.outcome}`, detail: { name: typed } });
    switch (result.outcome) {
      case 'ok':
        trail.append({
          user: result.user.name,
          address,
          action: 'login.done',
          ...(result.factor === null ? {} : { detail: { factor: result.factor } }),
        });
        sendJson<LoginAnswer>(res, { me: door.enter(req, res, result.user) });
        return;
      case 'locked':
        throw lockedFailure(result.waitMs);
      case 'code-needed':
        throw new ApiFailure(
          'code-needed',
          'This account asks for a code too.',
          'Type the one your app shows, or a recovery code.',
        );
      case 'wrong-code':
        throw new ApiFailure(
          'code-refused',
          'This code is wrong, or was used before.',
          'Wait for the next one, or use a recovery code.',
        );
      case 'no-console':
        throw new ApiFailure(
          'not-allowed',
          'This account may use the proxy but not the console.',
          'An admin can give you a role that opens the console.',
        );
      case 'busy':
        throw busyFailure();
      case 'refused':
        throw new ApiFailure(
          'log-in-refused',
          'User name or password is wrong.',
          'Check both and try again.',
        );
    }
  });

  router.post(API.logout, (req, res) => {
    const caller = requireSignedIn(req, sessions);
    requireCsrf(req, caller.token);
    door.leave(req);
    clearSessionCookies(res);
    trail.append({ user: caller.session.user.name, address: caller.address, action: 'logout' });
    sendJson<LogoutAnswer>(res, {
      provider: caller.session.user.sso ? (deps.sso?.logoutUrl() ?? null) : null,
    });
  });
}

/** An error by which accounts refuse something, told by its `code` and `hint`; others go on as they are. */
function refusalOf(error: unknown): Error & { code: string; hint: string } {
  if (error instanceof Error) {
    const { code, hint } = error as { code?: unknown; hint?: unknown };
    if (typeof code === 'string' && typeof hint === 'string')
      return error as Error & { code: string; hint: string };
    if (error.name === 'HashBusyError') throw busyFailure();
  }
  throw error;
}
