/**
 * The days that are kept and the legal holds on them: seen by everybody who may see the trail, laid and lifted by admins with a
 * reason. A hold and its line in the trail are one transaction of the holds' own, so nothing is written here.
 */
import type { Request, Router } from 'express';
import { isoTime } from '../../../src/audit/export/lines.ts';
import { API, COMMENT_MAX } from '../../contract.ts';
import type { HoldRow, RecordsView } from '../../contract.ts';
import { ApiFailure, sendJson } from '../answer.ts';
import { requireCaller, requireCsrf } from '../auth.ts';
import type { ConsoleDeps, ConsoleHold, ConsoleRecords, HoldPerson } from '../deps.ts';

export function recordRoutes(router: Router, deps: ConsoleDeps): void {
  function enter(req: Request): { person: HoldPerson; holds: ConsoleRecords['holds'] } {
    const caller = requireCaller(req, deps.sessions, 'hold');
    requireCsrf(req, caller.token);
    if (deps.records === undefined)
      throw new ApiFailure(
        'unavailable',
        'The records that this console searches lie in no day files of its own, so no hold would keep them.',
        'Lay it where the day files are: sightglass audit hold.',
      );
    const { name } = caller.session.user;
    return { person: { user: name, address: caller.address, name }, holds: deps.records.holds };
  }

  router.get(API.records, async (req, res) => {
    requireCaller(req, deps.sessions, 'trail');
    const { records } = deps;
    if (records === undefined) {
      sendJson<RecordsView>(res, { days: null, holds: [] });
      return;
    }
    const days = await deps.audit.days();
    const holds = records.holds.list();
    sendJson<RecordsView>(res, {
      days: days.map(({ day, exchanges, flows, events, bytes }) => ({
        ...{ day, exchanges, flows, events, bytes, ...records.state(day) },
        holds: holds
          .filter(hold => hold.lifted === null && hold.first <= day && day <= hold.last)
          .map(hold => hold.id),
      })),
      holds: holds.map(rowOf),
    });
  });

  router.post(API.holds, (req, res) => {
    const { person, holds } = enter(req);
    const [first, last, reason] = [field(req, 'first'), field(req, 'last'), field(req, 'reason')];
    sendJson<HoldRow>(res, rowOf(told(() => holds.add(person, first, last, reason))));
  });

  router.post(API.holdRelease, (req, res) => {
    const { person, holds } = enter(req);
    const { id } = req.params;
    told(() => holds.lift(person, Number(id), field(req, 'reason')));
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
function told<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    const hint = error instanceof Error ? (error as { hint?: unknown }).hint : undefined;
    if (error instanceof Error && !(error instanceof ApiFailure) && typeof hint === 'string')
      throw new ApiFailure('bad-request', error.message, hint);
    throw error;
  }
}
