/**
 * The jobs of the desk, on the modules that the command line uses too: what the console shows and what `sightglass policy`
 * and `sightglass lists` print comes from the same code. Runs in a thread; synchronous stretches are fine here.
 */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { setImmediate as breathe } from 'node:timers/promises';
import type { ImportPlan, ListExportParams } from '../../web/contract.ts';
import { DeskError } from '../../web/server/desk.ts';
import type { DeskJob, DeskProgress, DeskResult, ImportJob } from '../../web/server/desk.ts';
import { auditDir } from '../audit/recorder.ts';
import { parseTime } from '../audit/query/time.ts';
import { countRuleHits, walkFlows } from '../audit/store/flow-walk.ts';
import { walkRequests } from '../audit/store/request-walk.ts';
import { listDays } from '../audit/store/schema.ts';
import { analyse } from '../policy/analyse.ts';
import { loadSnapshot } from '../policy/compile.ts';
import { DomainSetBuilder } from '../policy/domain-set.ts';
import { addFileList } from '../policy/edit.ts';
import { exportList, ExportRefused } from '../policy/lists/export.ts';
import type { Selection } from '../policy/lists/export.ts';
import { importList, ImportRefused } from '../policy/lists/import.ts';
import { install, InstallRefused, planInstall } from '../policy/lists/install.ts';
import type { InstallPlan } from '../policy/lists/install.ts';
import { SeenHosts } from '../policy/lists/seen.ts';
import { selectFromPolicy, selectList } from '../policy/lists/select.ts';
import { patternText } from '../policy/pattern.ts';
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
import type { DeskPlace } from './desk.ts';

type Tell = (progress: DeskProgress) => void;

/** Do one job. Rejects with DeskError when it cannot be done as asked. */
export async function doJob(place: DeskPlace, job: DeskJob, tell: Tell): Promise<unknown> {
  switch (job.do) {
    case 'check':
      return check(place, job);
    case 'replay':
      return replay(place, job, tell);
    case 'analyse':
      return analyse(await loadSnapshot(job.snapshot, readSetFile), job.positions, job.now);
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

async function check(
  { policyFile, dataDir }: DeskPlace,
  job: Extract<DeskJob, { do: 'check' }>,
): Promise<DeskResult['check']> {
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
  const findings = analyse(candidate.compiled, candidate.positions, job.now);
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
  { policyFile, dataDir }: DeskPlace,
  { text, since, until, budget }: Extract<DeskJob, { do: 'replay' }>,
  tell: Tell,
): Promise<DeskResult['replay']> {
  const candidate = await loadCandidate(policyFile, text, copiesOf(dataDir));
  if (!candidate.ok) return { summary: null, requests: null, complete: true, problems: candidate.problems };
  const run = new Replay(candidate.compiled);
  const end = Date.now() + budget;
  let told = 0;
  let complete = true;
  const range = { dir: auditDir(dataDir), since, until, onProblem: () => (complete = false) };
  /** False when the time is over. */
  const through = async <T extends { time: number }>(
    batches: Iterable<T[]>,
    take: (one: T) => void,
  ): Promise<boolean> => {
    for (const batch of batches) {
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
  const flows = await through(walkFlows(range), flow => {
    run.add(flow);
  });
  const inside =
    flows &&
    (await through(walkRequests({ ...range, which, contentType: asks.contentType }), request => {
      requests.add(request);
    }));
  return {
    summary: run.summary(),
    requests: flows ? requests.summary() : null,
    complete: complete && inside,
    problems: [],
  };
}

const TELL_MS = 200;

function hits(
  { dataDir }: DeskPlace,
  { since, until }: Extract<DeskJob, { do: 'hits' }>,
): DeskResult['hits'] {
  const dir = auditDir(dataDir);
  if (listDays(dir).length === 0) return null;
  return countRuleHits({ dir, since, until, onProblem: () => undefined }).map(
    ({ rule, action, flows, last }) => ({
      rule,
      action,
      flows,
      last,
    }),
  );
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

async function exportNames(
  { dataDir }: DeskPlace,
  { snapshot, params, name, now }: Extract<DeskJob, { do: 'export' }>,
  tell: Tell,
): Promise<DeskResult['export']> {
  const traffic = params.set === 'seen' || params.set === 'learned';
  const selection =
    traffic && params.list === undefined
      ? await fromTraffic(dataDir, params, now, tell)
      : await fromPolicy(snapshot, params, now);
  try {
    const { files, ...report } = exportList(params.format, selection, {
      name,
      generated: new Date(now).toISOString(),
      policy: traffic ? null : snapshot.version,
      proxy: params.proxy ?? null,
      narrow: params.narrow === 'yes',
    });
    return {
      report,
      files: files.map(file => {
        const lines = [...file.lines];
        return { name: file.name, text: lines.map(line => `${line}\n`).join(''), lines: lines.length };
      }),
    };
  } catch (e) {
    throw e instanceof ExportRefused ? refusal(e) : e;
  }
}

async function fromPolicy(
  snapshot: Extract<DeskJob, { do: 'export' }>['snapshot'],
  params: ListExportParams,
  now: number,
): Promise<Selection> {
  const policy = await loadSnapshot(snapshot, readSetFile);
  const action = params.set === 'seen' || params.set === 'learned' ? 'seen' : params.set;
  if (params.list === undefined) return selectFromPolicy(policy, action === 'seen' ? 'allow' : action, now);
  const selection = selectList(policy, params.list, action);
  if (selection !== null) return selection;
  throw new DeskError({
    code: 'not-found',
    message: `The policy has no list "${params.list}".`,
    hint: 'Reload the page; the policy may have changed.',
  });
}

async function fromTraffic(
  dataDir: string,
  params: ListExportParams,
  now: number,
  tell: Tell,
): Promise<Selection> {
  const learned = params.set === 'learned';
  const hosts = new SeenHosts({
    minClients: Number(params.minClients ?? (learned ? 5 : 1)),
    minFlows: Number(params.minFlows ?? 1),
    neverBlocked: learned,
  });
  const since = parseTime(params.since ?? '30d', now) ?? now - 30 * 86_400_000;
  let damaged = 0;
  let told = 0;
  for (const batch of walkFlows({ dir: auditDir(dataDir), since, until: now, onProblem: () => damaged++ })) {
    for (const { time, client, facts, verdict } of batch)
      hosts.add({
        time,
        client,
        sni: facts?.hello?.sni ?? null,
        host: facts?.host ?? null,
        verdict: verdict?.action ?? null,
      });
    if (Date.now() - told < TELL_MS) continue;
    told = Date.now();
    tell({ done: hosts.counts.flows, at: batch.at(-1)?.time ?? null });
    await breathe();
  }
  const { flows, beyond } = hosts.counts;
  const notes = [`${flows} flows looked at`];
  if (beyond > 0) notes.push(`${beyond} flows left out: more than a million names`);
  if (damaged > 0) notes.push(`the records of ${damaged} days cannot be read and are left out`);
  return { action: 'seen', entries: hosts.entries(), exceptions: [], notes };
}

async function importNames(
  { policyFile, dataDir }: DeskPlace,
  bytes: Uint8Array,
  job: ImportJob,
): Promise<DeskResult['import']> {
  const wanted = new DomainSetBuilder();
  const excepted = new DomainSetBuilder();
  let exceptions = 0;
  try {
    const report = await importList(
      pieces(bytes),
      e => {
        if (e.action === null || e.action === 'deny') wanted.add(e);
        else {
          exceptions++;
          excepted.add(e);
        }
      },
      {
        format: job.format,
        bare: job.bare,
        allowPublicSuffix: job.suffixes,
        categories: job.categories === null ? null : new Set(job.categories),
      },
    );
    const choose = Object.keys(report.categories).length > 1 && job.categories === null;
    if (report.entries === 0 || choose) return { report, exceptionsLeft: 0, plan: null, written: false };
    // A list of names to let through has no denies to be the exception of.
    const onlyLetsThrough = wanted.count === 0 && exceptions > 0;
    const plan = await planInstall(policyFile, job.name, onlyLetsThrough ? excepted : wanted, {
      add: job.add,
      allowPublicSuffix: job.suffixes,
      breathe: () => Promise.resolve(),
    });
    const shown = planOf(plan);
    const exceptionsLeft = onlyLetsThrough ? 0 : exceptions;
    if (job.apply === null) return { report, exceptionsLeft, plan: shown, written: false };
    if (job.apply.expect !== shown.digest)
      throw new DeskError({
        code: 'conflict',
        message: 'The list or the file has changed since the difference was shown.',
        hint: 'Look at the difference again, then apply it.',
      });
    await announce(plan, dataDir, job);
    await install(plan, `Imported by sightglass from ${job.file} (${report.format})`);
    return { report, exceptionsLeft, plan: shown, written: true };
  } catch (e) {
    throw e instanceof ImportRefused || e instanceof InstallRefused ? refusal(e) : e;
  }
}

/** Leave word of author and comment for the version that the written list makes. */
async function announce(plan: InstallPlan, dataDir: string, job: ImportJob): Promise<void> {
  if (job.apply === null) return;
  const text = await readFile(plan.policyFile, 'utf8');
  const path = relative(dirname(plan.policyFile), plan.file);
  const after = plan.known ? text : addFileList(text, plan.name, path, plan.allowPublicSuffix);
  await new PolicyVersions(versionsDir(dataDir)).announce(after ?? text, {
    origin: 'console',
    author: job.apply.author,
    comment: job.apply.comment,
  });
}

function planOf(plan: InstallPlan): ImportPlan {
  const { name, known, before, added, removed, sample, duplicates, covered } = plan;
  const digest = createHash('sha256').update(`${plan.file}\n${before} ${added} ${removed}\n`);
  for (const p of plan.next.patterns()) digest.update(`${patternText(p)}\n`);
  return {
    name,
    file: join(relative(dirname(plan.policyFile), plan.file)),
    known,
    before,
    after: plan.next.size,
    added,
    removed,
    sample,
    duplicates,
    covered,
    digest: digest.digest('hex'),
  };
}

async function* pieces(bytes: Uint8Array): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += PIECE)
    yield Buffer.from(bytes.buffer, bytes.byteOffset + at, Math.min(PIECE, bytes.length - at));
}

const PIECE = 1 << 18;

/** Sentences of the command line as sentences of the console. */
function refusal(e: { message: string; hint: string }): DeskError {
  const message = `${e.message.charAt(0).toUpperCase()}${e.message.slice(1)}${/[.!?]$/.test(e.message) ? '' : '.'}`;
  return new DeskError({ code: 'bad-request', message, hint: e.hint });
}
