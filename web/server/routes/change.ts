/**
 * Changing the policy: look at a candidate, replay it over recorded traffic, put it in force, go back to a version. Every
 * change needs its permission, the token of the session, a comment, and the version its author began from; it lands
 * in the trail before it is made and again with what became of it. Where the policy is kept in git nothing is written.
 */
import { createHash } from 'node:crypto';
import type { Request, Router } from 'express';
import { parseTime } from '../../../src/audit/query/time.ts';
import { API, COMMENT_MAX, POLICY_MAX, REPLAY_SPANS } from '../../contract.ts';
import type {
  ApplyAnswer,
  CheckView,
  Permission,
  PolicyProblem,
  ReplayView,
  RollbackAnswer,
  TaskStarted,
  TaskView,
} from '../../contract.ts';
import { ApiFailure, sendJson } from '../answer.ts';
import { requireCaller, requireCsrf } from '../auth.ts';
import type { Caller } from '../auth.ts';
import { largeJson } from '../body.ts';
import type { ConsoleDeps, PolicyWork } from '../deps.ts';
import type { DeskResult } from '../desk.ts';
import { atDesk, keptInGit, policyPatch, problemsOf, refuseInGit, takenUp, workOf } from '../policy-work.ts';
import { findingsOf } from '../rule-notes.ts';
import { Tasks } from '../tasks.ts';
import { versionByNumber } from './policy.ts';

const CHECK_LIMIT_MS = 60_000;
const REPLAY_BUDGET_MS = 120_000;
const APPLY_LIMIT_MS = 60_000;
const ROLLBACK_LIMIT_MS = 120_000;

export function changeRoutes(router: Router, deps: ConsoleDeps): void {
  const { sessions, trail } = deps;
  const now = deps.now ?? Date.now;
  const tasks = new Tasks(now);

  function enter(req: Request, permission: Permission): Caller {
    const caller = requireCaller(req, sessions, permission);
    requireCsrf(req, caller.token);
    return caller;
  }

  function write(caller: Caller, action: string, detail: Record<string, unknown>): void {
    trail.append({ user: caller.session.user.name, address: caller.address, action, detail });
  }

  router.post(API.policyCheck, async (req, res) => {
    const caller = enter(req, 'policy');
    const { text } = candidateOf(await largeJson(req));
    const work = workOf(deps);
    const { text: inForce } = work.store.loaded();
    const found = await atDesk(work, { do: 'check', text, against: inForce, now: now() }, CHECK_LIMIT_MS);
    write(caller, 'policy.checked', {
      version: found.version,
      problems: found.problems.length,
      sha256: sha256(text),
    });
    sendJson<CheckView>(res, {
      ok: found.problems.length === 0,
      version: found.version,
      problems: problemsOf(found.problems),
      changes: found.changes,
      diff: await policyPatch(work, inForce, text),
      findings: findingsOf(found.findings),
      inGit: await keptInGit(work),
    });
  });

  router.post(API.policyReplay, async (req, res) => {
    const caller = enter(req, 'policy');
    const body = await largeJson(req);
    const { text } = candidateOf(body);
    const span = REPLAY_SPANS.find(s => s === body['since']);
    if (span === undefined)
      throw new ApiFailure('bad-request', `"since" is one of ${REPLAY_SPANS.join(', ')}.`, 'Choose a time.');
    const work = workOf(deps);
    const until = now();
    const since = parseTime(span, until) ?? 0;
    write(caller, 'policy.replayed', { since: span, sha256: sha256(text) });
    const id = tasks.start(caller.session.user.name, (signal, onProgress) =>
      atDesk(
        work,
        { do: 'replay', text, since, until, budget: REPLAY_BUDGET_MS },
        REPLAY_BUDGET_MS + CHECK_LIMIT_MS,
        { signal, onProgress },
      ).then(result => replayView(result, since)),
    );
    sendJson<TaskStarted>(res, { task: id });
  });

  router.get(API.task, (req, res) => {
    const caller = requireCaller(req, sessions, 'policy');
    sendJson<TaskView>(res, tasks.view(String(req.params['id']), caller.session.user.name));
  });

  router.post(API.taskStop, (req, res) => {
    const caller = enter(req, 'policy');
    tasks.stop(String(req.params['id']), caller.session.user.name);
    sendJson(res, {});
  });

  router.post(API.policyApply, async (req, res) => {
    const caller = enter(req, 'policy-edit');
    const body = await largeJson(req);
    const { text } = candidateOf(body);
    const comment = commentOf(body);
    const work = workOf(deps);
    await refuseInGit(work);
    refuseOtherBase(work, body['base']);
    write(caller, 'policy.apply', { comment, sha256: sha256(text), base: body['base'] });
    const done = await atDesk(
      work,
      { do: 'apply', text, note: { origin: 'console', author: caller.session.user.name, comment } },
      APPLY_LIMIT_MS,
    );
    sendJson<ApplyAnswer>(res, await inForce(work, caller, 'policy.applied', done));
  });

  router.post(API.policyRollback, async (req, res) => {
    const caller = enter(req, 'policy-edit');
    const body = (req.body ?? {}) as Record<string, unknown>;
    const comment = commentOf(body);
    const n = body['n'];
    if (typeof n !== 'number' || !Number.isSafeInteger(n) || n < 1)
      throw new ApiFailure('bad-request', 'The version is missing.', 'Choose one.');
    const work = workOf(deps);
    await refuseInGit(work);
    refuseOtherBase(work, body['base']);
    await versionByNumber(work.versions, String(n));
    const lists = body['lists'] !== 'keep';
    write(caller, 'policy.rollback', { to: n, comment, base: body['base'], lists: lists ? 'back' : 'kept' });
    const note = {
      origin: 'rollback' as const,
      author: caller.session.user.name,
      comment: `back to version ${n}: ${comment}`.slice(0, COMMENT_MAX),
    };
    const done = await atDesk(work, { do: 'rollback', n, note, lists, now: now() }, ROLLBACK_LIMIT_MS);
    const { restored, held, otherLists } = done;
    sendJson<RollbackAnswer>(res, {
      ...(await inForce(work, caller, 'policy.rolled-back', done)),
      restored,
      held,
      otherLists,
    });
  });

  /** The file is written: take it up at once, write down what became of it, and tell. */
  async function inForce(
    work: PolicyWork,
    caller: Caller,
    action: string,
    done: DeskResult['apply'],
  ): Promise<ApplyAnswer> {
    const n = done.written ? await takenUp(work) : null;
    write(caller, done.problems.length === 0 ? action : 'policy.apply-refused', {
      version: done.version,
      n,
      written: done.written,
      problems: done.problems.length,
    });
    return {
      written: done.written,
      version: done.version,
      n,
      problems: problemsOf(done.problems),
    };
  }
}

function candidateOf(body: Record<string, unknown>): { text: string } {
  const { text } = body;
  if (typeof text !== 'string' || text.trim() === '')
    throw new ApiFailure('bad-request', 'The document is empty.', 'Write or paste a policy.');
  if (Buffer.byteLength(text) > POLICY_MAX)
    throw new ApiFailure(
      'too-large',
      'The document is larger than the console takes.',
      'Move long lists into files of their own.',
    );
  return { text };
}

function commentOf(body: Record<string, unknown>): string {
  const { comment } = body;
  const text = typeof comment === 'string' ? comment.trim().replace(/\s+/g, ' ') : '';
  if (text === '' || text.length > COMMENT_MAX)
    throw new ApiFailure(
      'bad-request',
      text === '' ? 'The comment is missing.' : `The comment is longer than ${COMMENT_MAX} characters.`,
      'Say in a sentence why; it stands in the history.',
    );
  return text;
}

/** What an author has not seen is not overwritten. */
function refuseOtherBase({ store }: PolicyWork, base: unknown): void {
  if (base === store.loaded().compiled.version) return;
  throw new ApiFailure(
    'conflict',
    'Another version of the policy came into force meanwhile.',
    'Look at what changed, then apply yours again on top of it.',
  );
}

function replayView(
  { summary, requests, complete, problems }: DeskResult['replay'],
  since: number,
): ReplayView {
  if (summary === null)
    throw new ApiFailure('bad-request', firstProblem(problemsOf(problems)), 'Check the document first.');
  const { recorded: _, from, to, ...rest } = summary;
  return {
    ...rest,
    requests,
    since: new Date(since).toISOString(),
    from: from === null ? null : new Date(from).toISOString(),
    to: to === null ? null : new Date(to).toISOString(),
    complete,
  };
}

function firstProblem([first]: PolicyProblem[]): string {
  if (first === undefined) return 'The document cannot be used.';
  return `The document cannot be used: ${first.line === null ? '' : `line ${first.line}: `}${first.message}`;
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
