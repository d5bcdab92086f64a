/** What the routes of policy and lists share: the desk or a plain refusal, its errors as answers, problems as the client sees them. */
import { basename } from 'node:path';
import type { FileProblem } from '../../src/policy/load.ts';
import { unifiedDiff } from '../../src/policy/versions-diff.ts';
import type { PolicyFinding, PolicyProblem } from '../contract.ts';
import { ApiFailure } from './answer.ts';
import type { ConsoleDeps, PolicyWork } from './deps.ts';
import { DeskError } from './desk.ts';
import type { DeskJob, DeskProgress, DeskResult } from './desk.ts';
import { findingsOf } from './rule-notes.ts';

/** The policy to work on. Throws where the console has none. */
export function workOf({ policyWork }: ConsoleDeps): PolicyWork {
  if (policyWork !== undefined) return policyWork;
  throw new ApiFailure(
    'unavailable',
    'This console cannot work on the policy.',
    'Use `sightglass policy` on the machine of the service.',
  );
}

/** Have the desk do a job; what it refuses becomes the answer. */
export async function atDesk<J extends DeskJob>(
  work: PolicyWork,
  job: J,
  limit: number,
  more: { signal?: AbortSignal; onProgress?: (progress: DeskProgress) => void } = {},
): Promise<DeskResult[J['do']]> {
  try {
    return await work.desk.run(job, { limit, ...more });
  } catch (error) {
    throw failureOf(error);
  }
}

export function failureOf(error: unknown): unknown {
  if (!(error instanceof DeskError)) return error;
  const { code, message, hint } = error.refusal;
  return new ApiFailure(code, message, hint);
}

/** Problems without the folders of the machine they lie on. */
export function problemsOf(problems: readonly FileProblem[]): PolicyProblem[] {
  return problems.slice(0, MAX_PROBLEMS).map(p => ({
    file: basename(p.file),
    line: p.line > 0 ? p.line : null,
    column: p.line > 0 && p.column > 0 ? p.column : null,
    message: p.message,
    hint: p.hint === '' ? null : p.hint,
  }));
}

const MAX_PROBLEMS = 100;

export async function keptInGit(work: PolicyWork): Promise<boolean> {
  return (await work.repository()) !== null;
}

/** A difference of policies as a patch that git takes from the top of the repository. */
export async function policyPatch(work: PolicyWork, from: string, to: string): Promise<string> {
  const path = (await work.repository())?.path ?? basename(work.store.file);
  // As git does: a tab behind a name with spaces ends it for other readers of patches.
  const name = path.includes(' ') ? `${path}\t` : path;
  return unifiedDiff(from, to, `a/${name}`, `b/${name}`);
}

/** Where a repository decides what stands in the policy, the console does not. */
export async function refuseInGit(work: PolicyWork): Promise<void> {
  if (await keptInGit(work))
    throw new ApiFailure(
      'conflict',
      'The policy is kept in git, so the console does not write it.',
      'Download the patch and commit it there; the service takes up the file as soon as it changes. Where that repository has nothing to do with the policy, set policy.git to no.',
    );
}

/** How long to wait for a new version to be recorded before answering without its number. */
const RECORDED_MS = 2_000;

/** A file was written: take it up at once. Resolves to the number of the version in force, null when none is recorded yet. */
export async function takenUp({ store, versions }: PolicyWork): Promise<number | null> {
  await store.reload();
  const end = Date.now() + RECORDED_MS;
  for (;;) {
    const newest = await versions.newest();
    if (newest?.version === store.loaded().compiled.version) return newest.n;
    if (Date.now() > end) return null;
    await new Promise(resolve => setTimeout(resolve, 50));
  }
}

/** A look at a policy of a million names takes seconds; the pages do without it beyond this. */
const FINDINGS_LIMIT_MS = 20_000;
const known = new WeakMap<ReturnType<PolicyWork['store']['loaded']>, Promise<PolicyFinding[]>>();

/** What a look at the whole policy in force says: once for each version; empty when it cannot be had. */
export function findingsInForce(
  work: PolicyWork,
  now: number,
  log: ConsoleDeps['log'],
): Promise<PolicyFinding[]> {
  const loaded = work.store.loaded();
  const found =
    known.get(loaded) ??
    work.desk
      .run(
        { do: 'analyse', snapshot: work.store.snapshot(), positions: loaded.positions, now },
        { limit: FINDINGS_LIMIT_MS },
      )
      .then(findingsOf, (error: unknown) => {
        log?.('console: the policy cannot be looked over', error);
        known.delete(loaded);
        return [];
      });
  known.set(loaded, found);
  return found;
}
