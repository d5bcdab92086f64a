/**
 * The jobs of the desk, on the modules that the command line uses too: what the console shows and what `sightglass policy`
 * and `sightglass lists` print comes from the same code. Runs in a thread; synchronous stretches are fine here.
 */
import { join } from 'node:path';
import { setImmediate as breathe } from 'node:timers/promises';
import type { DeskJob, DeskResult } from '../../web/server/desk.ts';
import { analyse } from '../policy/analyse.ts';
import { loadSnapshot } from '../policy/compile.ts';
import { parsePolicy } from '../policy/parse.ts';
import { Replay } from '../policy/replay.ts';
import { requestAsks, RequestReplay } from '../policy/replay-requests.ts';
import { readSetFile } from '../policy/set-file.ts';
import { copiesDir } from '../policy/sources.ts';
import { policyChanges } from '../policy/versions-diff.ts';
import type { Compared } from '../policy/versions-diff.ts';
import { loadCandidate, replacePolicy } from '../policy/versions-file.ts';
import { listDeltas } from '../policy/versions-lists.ts';
import { restoreVersion } from '../policy/versions-restore.ts';
import { PolicyVersions, VersionError, versionsDir } from '../policy/versions.ts';
import { loadPolicyFile } from '../policy/load.ts';
import type { LoadedPolicy } from '../policy/load.ts';
import { secretFindings } from './secret-check.ts';
import { exportNames, importNames, refusal, TELL_MS } from './desk-lists.ts';
import type { Tell } from './desk-lists.ts';
import type { DeskPlace } from './desk.ts';
import { withHistory } from './fleet.ts';

/** Do one job. Rejects with DeskError when it cannot be done as asked. */
export async function doJob(place: DeskPlace, job: DeskJob, tell: Tell): Promise<unknown> {
  switch (job.do) {
    case 'check':
      return check(place, job);
    case 'replay':
      return replay(place, job, tell);
    case 'analyse':
      return analyseNow(place, job);
    case 'hits':
      return hits(place, job);
    case 'apply':
      return apply(place, job);
    case 'rollback':
      return rollback(place, job);
    case 'diff':
      return diff(place, job);
    case 'export':
      return exportNames(place, job, tell);
    case 'import':
      return importNames(place, job.bytes, job.params);
  }
}

async function analyseNow(
  place: DeskPlace,
  { snapshot, positions, now }: Extract<DeskJob, { do: 'analyse' }>,
): Promise<DeskResult['analyse']> {
  const compiled = await loadSnapshot(snapshot, readSetFile);
  return [
    ...analyse(compiled, positions, now),
    ...(await secretFindings(compiled.document, positions, secretsOf(place))),
  ];
}

/** Where the secrets of parents lie. */
const secretsOf = ({ secrets, dataDir }: DeskPlace): string => secrets ?? join(dataDir, 'secrets');

async function check(place: DeskPlace, job: Extract<DeskJob, { do: 'check' }>): Promise<DeskResult['check']> {
  const { policyFile, dataDir } = place;
  const candidate = await loadCandidate(policyFile, job.text, copiesOf(dataDir));
  if (!candidate.ok) return { version: null, problems: candidate.problems, changes: [], findings: [] };
  const before = parsePolicy(job.against);
  const now = comparedOf(candidate);
  // Lists are compared by the contents they have now on both sides: what changes is the document.
  const changes = before.ok
    ? policyChanges(
        { document: before.document, lists: await listsNow(policyFile, copiesOf(dataDir), now) },
        now,
      )
    : [];
  const { compiled, positions } = candidate;
  const findings = [
    ...analyse(compiled, positions, job.now),
    ...(await secretFindings(candidate.document, positions, secretsOf(place))),
  ];
  return { version: candidate.compiled.version, problems: [], changes, findings };
}

/** Copies of the lists that are fetched or learned. */
const copiesOf = (dataDir: string): string => copiesDir(join(dataDir, 'policy'));

function comparedOf(loaded: LoadedPolicy): Compared {
  const lists = [...loaded.compiled.lists].map(
    ([name, l]) => [name, { digest: l.digest, size: l.set.size }] as const,
  );
  return { document: loaded.document, lists: Object.fromEntries(lists) };
}

async function listsNow(policyFile: string, copies: string, fallback: Compared): Promise<Compared['lists']> {
  const loaded = await loadPolicyFile(policyFile, { copies, emptyWithoutCopy: true });
  return loaded.ok ? comparedOf(loaded).lists : fallback.lists;
}

async function replay(
  { policyFile, dataDir, records }: DeskPlace,
  { text, since, until, budget }: Extract<DeskJob, { do: 'replay' }>,
  tell: Tell,
): Promise<DeskResult['replay']> {
  const candidate = await loadCandidate(policyFile, text, copiesOf(dataDir));
  if (!candidate.ok) return { summary: null, requests: null, complete: true, problems: candidate.problems };
  const run = new Replay(candidate.compiled);
  const end = Date.now() + budget;
  let told = 0;
  let complete = true;
  const range = { since, until, onProblem: () => (complete = false) };
  /** False when the time is over. */
  const through = async <T extends { time: number }>(
    batches: AsyncIterable<T[]>,
    take: (one: T) => void,
  ): Promise<boolean> => {
    for await (const batch of batches) {
      for (const one of batch) take(one);
      const now = Date.now();
      if (now - told > TELL_MS) {
        told = now;
        tell({ done: run.flows + requests.requests, at: batch.at(-1)?.time ?? null });
        await breathe();
      }
      if (now > end) return false;
    }
    return true;
  };
  const asks = requestAsks(candidate.compiled);
  const requests = new RequestReplay(candidate.compiled);
  const which = asks.any ? 'all' : 'decided-apart';
  const { flows, inside } = await withHistory(records, async history => {
    const flows = await through(history.flows(range), flow => {
      run.add(flow);
    });
    const inside =
      flows &&
      (await through(history.requests({ ...range, which, contentType: asks.contentType }), request => {
        requests.add(request);
      }));
    return { flows, inside };
  });
  return {
    summary: run.summary(),
    requests: flows ? requests.summary() : null,
    complete: complete && inside,
    problems: [],
  };
}

function hits(
  { records }: DeskPlace,
  { since, until }: Extract<DeskJob, { do: 'hits' }>,
): Promise<DeskResult['hits']> {
  return withHistory(records, async history => {
    if (await history.isEmpty()) return null;
    const found = await history.ruleHits({ since, until, onProblem: () => undefined });
    return found.map(({ rule, action, flows, last }) => ({ rule, action, flows, last }));
  });
}

async function apply(
  { policyFile, dataDir }: DeskPlace,
  { text, note }: Extract<DeskJob, { do: 'apply' }>,
): Promise<DeskResult['apply']> {
  const result = await replacePolicy(policyFile, text, new PolicyVersions(versionsDir(dataDir)), note);
  if (!result.ok) return { written: false, version: null, problems: result.problems };
  return { written: result.written, version: result.loaded.compiled.version, problems: [] };
}

async function rollback(
  { policyFile, dataDir }: DeskPlace,
  { n, note, lists, now }: Extract<DeskJob, { do: 'rollback' }>,
): Promise<DeskResult['rollback']> {
  const versions = new PolicyVersions(versionsDir(dataDir));
  const place = { policyFile, copies: copiesOf(dataDir), versions };
  try {
    const result = await restoreVersion(place, await versions.get(String(n)), note, { lists, now });
    const none = { restored: [], held: [], otherLists: [] };
    if (!result.ok) return { written: false, version: null, problems: result.problems, ...none };
    const { written, restored, held, otherLists } = result;
    return { written, version: result.loaded.compiled.version, problems: [], restored, held, otherLists };
  } catch (e) {
    throw e instanceof VersionError ? refusal(e) : e;
  }
}

async function diff(
  { dataDir }: DeskPlace,
  { from, to }: Extract<DeskJob, { do: 'diff' }>,
): Promise<DeskResult['diff']> {
  const versions = new PolicyVersions(versionsDir(dataDir));
  const [a, b] = [await versions.get(String(from)), await versions.get(String(to))];
  const [before, after] = [parsePolicy(a.text), parsePolicy(b.text)];
  if (!before.ok || !after.ok) return [];
  return policyChanges(
    { document: before.document, lists: a.lists },
    { document: after.document, lists: b.lists },
    await listDeltas(versions.side(a), versions.side(b)),
  );
}
