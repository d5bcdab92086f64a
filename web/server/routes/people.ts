/** Who may open this console, and what becomes of a second factor that was lost. Users are made by `sightglass user`. */
import type { Router } from 'express';
import { API } from '../../contract.ts';
import type { PeopleView } from '../../contract.ts';
import { ApiFailure, sendJson } from '../answer.ts';
import { requireCaller, requireCsrf } from '../auth.ts';
import type { ConsoleDeps } from '../deps.ts';
import { bodyFields } from '../params.ts';

export function peopleRoutes(router: Router, { accounts, sessions, trail }: ConsoleDeps): void {
  router.get(API.people, (req, res) => {
    requireCaller(req, sessions, 'people');
    const iso = (time: number | null): string | null => (time === null ? null : new Date(time).toISOString());
    sendJson<PeopleView>(res, {
      people: accounts
        .list()
        .map(({ name, roles, groups, disabled, created, lastLogin, secondFactor, sso }) => ({
          ...{ name, roles, groups, disabled, sso },
          created: new Date(created).toISOString(),
          lastLogin: iso(lastLogin),
          secondFactor: iso(secondFactor),
        })),
      demand: [...accounts.demand],
    });
  });

  router.post(API.peopleReset, (req, res) => {
    const caller = requireCaller(req, sessions, 'people');
    requireCsrf(req, caller.token);
    const { name } = bodyFields(req, ['name']);
    const user = caller.session.user.name;
    if (name === user)
      throw new ApiFailure(
        'bad-request',
        'You cannot reset your own second factor here.',
        'Take it away with a code of it, or use `sightglass user reset-second-factor NAME`.',
      );
    if ((accounts.get(name)?.secondFactor ?? null) === null)
      throw new ApiFailure('not-found', 'This person has no second factor.', 'Reload the page.');
    trail.append({ user, address: caller.address, action: 'second-factor.reset', detail: { name } });
    accounts.secondFactors.remove(name);
    sendJson(res, {});
  });
}
