/**
 * Export of a question's rows as an evidence bundle, the same files as `search --evidence` writes, in one zip. It is in the trail
 * before anything is made, and again when it ended, with how much left the house.
 *
 * Bounds: no more than EXPORT_MAX rows, the newest (the signed manifest says `limit`, and its `rows` whether it was reached); one
 * bundle at a time, others are told to wait. It is made on the disk and then sent piece by piece, as fast as the reader takes
 * it; a reader that goes away, and a log-out, ends it.
 */
import type { Router } from 'express';
import { isoTime } from '../../../src/audit/export/lines.ts';
import { API, EXPORT_MAX } from '../../contract.ts';
import { ApiFailure } from '../answer.ts';
import { requireCaller } from '../auth.ts';
import type { ConsoleDeps, EvidenceMade } from '../deps.ts';
import { questionOf } from '../question.ts';
import { attach } from './detail.ts';
import { put } from './export.ts';

/** Pieces between two looks at the session. */
const LOOK_EVERY = 64;

export function evidenceRoutes(router: Router, deps: ConsoleDeps, max = EXPORT_MAX): void {
  const now = deps.now ?? Date.now;
  let running = false;

  router.get(API.exportEvidence, async (req, res) => {
    const caller = requireCaller(req, deps.sessions, 'export');
    if (deps.evidence === undefined)
      throw new ApiFailure(
        'unavailable',
        'The records that this console searches were stored and signed by another machine.',
        'Make the bundle there: in its console, or with sightglass search --evidence.',
      );
    const time = now();
    const question = questionOf(req, caller, time);
    const until = question.until ?? time + 1;
    if (running)
      throw new ApiFailure('too-many', 'Another evidence bundle is being made.', 'Wait until it has ended.', {
        retryAfter: 30,
      });
    const user = caller.session.user.name;
    const write = (action: string, more: Record<string, unknown>): void =>
      deps.trail.append({
        user,
        address: caller.address,
        action,
        detail: { kind: question.kind, q: question.query.text, ...more },
      });
    const gone = new AbortController();
    const close = (): void => gone.abort();
    running = true;
    res.once('close', close);
    let made: EvidenceMade | null = null;
    let aborted = true;
    try {
      write('export.evidence', {
        since: question.since === undefined ? null : isoTime(question.since),
        until: isoTime(until),
      });
      try {
        made = await deps.evidence.make({ ...question, until, limit: max, by: user, now: time }, gone.signal);
        const stamp = new Date(time).toISOString().slice(0, 19).replaceAll(':', '');
        attach(res, `sightglass-evidence-${stamp}.zip`);
        res.status(200).type('application/zip');
        let pieces = 0;
        for (const piece of made.zip) {
          const out = ++pieces % LOOK_EVERY === 0 && deps.sessions.get(caller.token, false) === null;
          if (out) res.destroy();
          if (out || !(await put(res, piece))) return;
        }
        aborted = gone.signal.aborted;
        res.end();
      } catch (error) {
        if (gone.signal.aborted) return;
        throw told(error);
      } finally {
        write('export.ended', { format: 'evidence', rows: made?.rows ?? 0, aborted });
      }
    } finally {
      made?.done();
      res.off('close', close);
      running = false;
    }
  });
}

/** What hinders a bundle and carries a hint is for the reader. */
function told(error: unknown): unknown {
  const hint = error instanceof Error ? (error as { hint?: unknown }).hint : undefined;
  return error instanceof Error && !(error instanceof ApiFailure) && typeof hint === 'string'
    ? new ApiFailure('unavailable', error.message, hint)
    : error;
}
