/**
 * Reasons for looking at bodies: state one, see what waits, agree or refuse. Whoever may read bodies may also decide on the
 * requests of others. The trail is written where a reveal changes, in the same transaction.
 */
import type { Request, Router } from 'express';
import { API, REVEAL_SIDES } from '../../contract.ts';
import type { RevealRow, RevealsView } from '../../contract.ts';
import { ApiFailure, sendJson } from '../answer.ts';
import { requireCaller, requireCsrf } from '../auth.ts';
import type { ConsoleDeps, ConsoleReveal } from '../deps.ts';
import { bodyFields, notFound } from '../params.ts';
import { questionOf } from '../question.ts';

export function revealRoutes(router: Router, deps: ConsoleDeps): void {
  const { audit, reveals, sessions } = deps;
  const now = deps.now ?? Date.now;

  function entering(req: Request): { user: string; address: string } {
    const caller = requireCaller(req, sessions, 'body');
    if (req.method !== 'GET') requireCsrf(req, caller.token);
    return { user: caller.session.user.name, address: caller.address };
  }

  router.get(API.reveals, (req, res) => {
    const { own, waiting } = reveals.list(entering(req).user);
    sendJson<RevealsView>(res, {
      secondPerson: reveals.secondPerson,
      own: own.map(rowOf),
      waiting: waiting.map(rowOf),
    });
  });

  router.post(API.reveals, async (req, res) => {
    const who = entering(req);
    const {
      exchange,
      side: given,
      reason,
      case: number,
    } = bodyFields(req, ['exchange', 'side', 'reason'], ['case']);
    const side = REVEAL_SIDES.find(known => known === given);
    const found = side === undefined ? null : await audit.exchange(exchange);
    if (side === undefined || found === null) throw notFound();
    const what = { exchange, side, host: found.host };
    sendJson<RevealRow>(res, rowOf(told(() => reveals.ask(who, what, reason, number))));
  });

  router.post(API.revealExport, (req, res) => {
    const who = entering(req);
    const caller = requireCaller(req, sessions, 'export');
    const { reason, case: number } = bodyFields(req, ['reason'], ['case']);
    const time = now();
    const { kind, query, since = null, until = time + 1 } = questionOf(req, caller, time);
    if (kind !== 'exchanges')
      throw new ApiFailure(
        'bad-request',
        'Only requests have bodies.',
        'Look at requests, then export them.',
      );
    const what = { q: query.text, since, until };
    sendJson<RevealRow>(res, rowOf(told(() => reveals.ask(who, what, reason, number))));
  });

  router.post(API.revealDecide, (req, res) => {
    const who = entering(req);
    const id: unknown = req.params['id'];
    const { decision } = bodyFields(req, ['decision']);
    if (typeof id !== 'string' || !/^\d{1,9}$/.test(id) || !['approve', 'deny'].includes(decision))
      throw notFound();
    sendJson<RevealRow>(res, rowOf(told(() => reveals.decide(who, Number(id), decision === 'approve'))));
  });
}

/** Refusals of the book become answers. */
function told(act: () => ConsoleReveal): ConsoleReveal {
  try {
    return act();
  } catch (error) {
    const hint = error instanceof Error ? (error as { hint?: unknown }).hint : undefined;
    if (!(error instanceof Error) || error instanceof ApiFailure || typeof hint !== 'string') throw error;
    throw new ApiFailure('bad-request', error.message, hint);
  }
}

function rowOf({ created, until, what, ...reveal }: ConsoleReveal): RevealRow {
  const iso = (time: number): string => new Date(time).toISOString();
  return {
    ...reveal,
    created: iso(created),
    until: iso(until),
    what:
      'q' in what
        ? { q: what.q, since: what.since === null ? null : iso(what.since), until: iso(what.until) }
        : what,
  };
}
