/**
 * The days that are kept and the legal holds on them: seen by everybody who may see the trail, laid and lifted by admins with a
 * reason. Whoever keeps the holds writes the trail too, so nothing is written here.
 */
import type { Request, Router } from 'express';
import { isoTime } from '../../../src/audit/export/lines.ts';
import { API, COMMENT_MAX } from '../../contract.ts';
import type { HoldRow, RecordsView } from '../../contract.ts';
import { ApiFailure, sendJson } from '../answer.ts';
import { requireCaller, requireCsrf } from '../auth.ts';
import type { ConsoleDeps, ConsoleHold, ConsoleHolds, HoldPerson } from '../deps.ts';

export function recordRoutes(router: Router, deps: ConsoleDeps): void {
  function enter(req: Request): { person: HoldPerson; holds: ConsoleHolds } {
    const caller = requireCaller(req, deps.sessions, 'hold');
    requireCsrf(req, caller.token);
    if (deps.holds === undefined)
      throw new ApiFailure(
        'unavailable',
        'This machine keeps no records, so a hold would keep nothing.',
        'Lay it on the machine that keeps them, such as the collector.',
      );
    const { name } = caller.session.user;
    return { person: { user: name, address: caller.address, name }, holds: deps.holds };
  }

  router.get(API.records, async (req, res) => {
    requireCaller(req, deps.sessions, 'trail');
    if (deps.holds === undefined) {
      sendJson<RecordsView>(res, { days: null, holds: [] });
      return;
    }
    const [days, holds] = [await deps.audit.days(), await deps.holds.list()];
    sendJson<RecordsView>(res, {
      days: days.map(({ from: _from, to: _to, ...day }) => ({
        ...day,
        holds: holds
          .filter(hold => hold.lifted === null && hold.first <= day.day && day.day <= hold.last)
          .map(hold => hold.id),
      })),
      holds: holds.map(rowOf),
    });
  });

  router.post(API.holds, async (req, res) => {
    const { person, holds } = enter(req);
    const [first, last, reason] = [field(req, 'first'), field(req, 'last'), field(req, 'reason')];
    sendJson<HoldRow>(res, rowOf(await told(() => holds.add(person, first, last, reason))));
  });

  router.post(API.holdRelease, async (req, res) => {
    const { person, holds } = enter(req);
    const { id } = req.params;
    await told(() => holds.lift(person, Number(id), field(req, 'reason')));
    sendJson(res, {});
  });
}

const rowOf = (hold: ConsoleHold): HoldRow => ({
  ...hold,
  created: isoTime(hold.created),
  lifted: hold.lifted === null ? null : isoTime(hold.lifted),
});

/** A text of the body. Throws when there is none, or too much. */
function field(req: Request, name: string): string {
  const value = (req.body as Record<string, unknown> | undefined)?.[name];
  if (typeof value === 'string' && value.length <= COMMENT_MAX) return value;
  throw new ApiFailure(
    'bad-request',
    `The field "${name}" is missing or too long.`,
    `Write a text of at most ${COMMENT_MAX} characters.`,
  );
}

/** What the holds refuse is the caller's business, with the reason and the hint. */
async function told<T>(work: () => T | Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const hint = error instanceof Error ? (error as { hint?: unknown }).hint : undefined;
    if (error instanceof Error && !(error instanceof ApiFailure) && typeof hint === 'string')
      throw new ApiFailure('bad-request', error.message, hint);
    throw error;
  }
}
