/**
 * The second factor of the person who asks: put it into an app, confirm it, other recovery codes, away with it. Each wants
 * a proof that it is still the person who logged in: the password to begin, a code for everything after. Wrong ones count
 * towards the lock of the account. Secrets and codes are in answers only, never in the trail.
 */
import type { Request, Router } from 'express';
import { API } from '../../contract.ts';
import type { RecoveryCodes, SecondFactorBegun, SecondFactorView } from '../../contract.ts';
import { ApiFailure, sendJson } from '../answer.ts';
import { meOf, requireCsrf, requireSignedIn } from '../auth.ts';
import type { Caller } from '../auth.ts';
import type { ConsoleDeps, ConsoleProof } from '../deps.ts';
import type { Door } from '../door.ts';
import { lockedFailure, busyFailure } from '../log-in-failures.ts';
import { bodyFields } from '../params.ts';

export function secondFactorRoutes(router: Router, deps: ConsoleDeps, door: Door): void {
  const { accounts, sessions, trail } = deps;
  const { secondFactors } = accounts;

  function write({ session, address }: Caller, action: string): void {
    trail.append({ user: session.user.name, address, action: `second-factor.${action}` });
  }

  function changing(req: Request): Caller {
    const caller = requireSignedIn(req, sessions);
    requireCsrf(req, caller.token);
    return caller;
  }

  function proven(caller: Caller, proof: ConsoleProof, wrong: ApiFailure): void {
    if (proof.outcome === 'ok') return;
    write(caller, proof.outcome);
    if (proof.outcome === 'locked') throw lockedFailure(proof.waitMs);
    throw proof.outcome === 'busy' ? busyFailure() : wrong;
  }

  /** Caller whose code is right, which is used up by that. */
  function withCode(req: Request): Caller {
    const caller = changing(req);
    const { code } = bodyFields(req, ['code']);
    proven(caller, accounts.proveCode(caller.session.user.name, code), WRONG_CODE);
    return caller;
  }

  router.get(API.secondFactor, (req, res) => {
    const { name } = requireSignedIn(req, sessions).session.user;
    const person = accounts.get(name);
    const since = person?.secondFactor ?? null;
    sendJson<SecondFactorView>(res, {
      since: since === null ? null : new Date(since).toISOString(),
      recoveryLeft: secondFactors.recoveryLeft(name),
      demanded: person?.roles.some(role => accounts.demand.includes(role)) ?? false,
      sso: person?.sso ?? false,
    });
  });

  router.post(API.secondFactorBegin, async (req, res) => {
    const caller = changing(req);
    const { name } = caller.session.user;
    const { password } = bodyFields(req, ['password']);
    proven(
      caller,
      await accounts.provePassword(name, password, caller.address),
      new ApiFailure('log-in-refused', 'The password is wrong.', 'Try again.'),
    );
    write(caller, 'begun');
    const begun = secondFactors.begin(name);
    if (begun === null)
      throw new ApiFailure(
        'conflict',
        'This account has a second factor already.',
        'Take it away first, with a code of it.',
      );
    sendJson<SecondFactorBegun>(res, begun);
  });

  router.post(API.secondFactorConfirm, (req, res) => {
    const caller = changing(req);
    const { name } = caller.session.user;
    const { code } = bodyFields(req, ['code']);
    const codes = secondFactors.confirm(name, code.replace(/\s/g, ''));
    if (codes === null) {
      write(caller, 'refused');
      throw new ApiFailure(
        'code-refused',
        'This code does not fit.',
        'Look whether the clock of your telephone is right; after ten minutes begin again.',
      );
    }
    write(caller, 'on');
    const user = accounts.get(name);
    if (user === null) throw WRONG_CODE;
    sendJson<RecoveryCodes>(res, { me: door.enter(req, res, user), codes });
  });

  router.post(API.secondFactorRecovery, (req, res) => {
    const caller = withCode(req);
    write(caller, 'recovery-renewed');
    const codes = secondFactors.renewRecovery(caller.session.user.name);
    sendJson<RecoveryCodes>(res, { me: meOf(caller.token, caller.session), codes });
  });

  router.post(API.secondFactorRemove, (req, res) => {
    const caller = withCode(req);
    const { name } = caller.session.user;
    write(caller, 'off');
    secondFactors.remove(name);
    const user = accounts.get(name);
    if (user === null) throw WRONG_CODE;
    sendJson(res, { me: door.enter(req, res, user) });
  });
}

const WRONG_CODE = new ApiFailure(
  'code-refused',
  'This code is wrong, or was used before.',
  'Wait for the next one, or use a recovery code.',
);
