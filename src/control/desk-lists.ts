/**
 * The jobs of the desk on lists: exports from policy and traffic, imports with their difference first. Parts of desk-work, with
 * the same ground to stand on: the modules that `sightglass lists` uses.
 */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { setImmediate as breathe } from 'node:timers/promises';
import { TRAFFIC_SETS } from '../../web/contract.ts';
import type { ImportPlan, ListExportParams } from '../../web/contract.ts';
import { DeskError } from '../../web/server/desk.ts';
import type { DeskJob, DeskProgress, DeskResult, ImportJob } from '../../web/server/desk.ts';
import { parseTime } from '../audit/query/time.ts';
import type { HistoryRange, WalkedFlow } from '../audit/store/history.ts';
import { loadSnapshot } from '../policy/compile.ts';
import { DomainSetBuilder } from '../policy/domain-set.ts';
import { Lessons } from '../policy/learned.ts';
import { entryOf } from '../policy/lists/entry.ts';
import type { ExportAction } from '../policy/lists/writer.ts';
import { addFileList } from '../policy/edit.ts';
import { exportList, ExportRefused } from '../policy/lists/export.ts';
import type { Selection } from '../policy/lists/export.ts';
import { importList, ImportRefused } from '../policy/lists/import.ts';
import { install, InstallRefused, planInstall } from '../policy/lists/install.ts';
import type { InstallPlan } from '../policy/lists/install.ts';
import { SeenHosts } from '../policy/lists/seen.ts';
import { selectFromPolicy, selectList } from '../policy/lists/select.ts';
import { patternText } from '../policy/pattern.ts';
import { readSetFile } from '../policy/set-file.ts';
import { PolicyVersions, versionsDir } from '../policy/versions.ts';
import type { DeskPlace } from './desk.ts';
import { withHistory } from './fleet.ts';
import type { StoreSettings } from './fleet.ts';

/** Told now and then while a job runs. */
export type Tell = (progress: DeskProgress) => void;

export const TELL_MS = 200;

export async function exportNames(
  { records }: DeskPlace,
  { snapshot, params, name, now }: Extract<DeskJob, { do: 'export' }>,
  tell: Tell,
): Promise<DeskResult['export']> {
  const traffic = TRAFFIC_SETS.includes(params.set);
  const selection =
    traffic && params.list === undefined
      ? await fromTraffic(records, params, now, tell)
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
  const action = exportAction(params.set);
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
  records: StoreSettings,
  params: ListExportParams,
  now: number,
  tell: Tell,
): Promise<Selection> {
  if (params.set === 'learned-pinned' || params.set === 'learned-broken')
    return fromLessons(records, params, now, tell);
  const learned = params.set === 'learned';
  const hosts = new SeenHosts({
    minClients: Number(params.minClients ?? (learned ? 5 : 1)),
    minFlows: Number(params.minFlows ?? 1),
    neverBlocked: learned,
  });
  const since = parseTime(params.since ?? '30d', now) ?? now - 30 * 86_400_000;
  const damaged = await throughFlows(records, { since, until: now }, tell, batch => {
    for (const { time, client, facts, verdict } of batch)
      hosts.add({
        time,
        client,
        sni: facts?.hello?.sni ?? null,
        host: facts?.host ?? null,
        verdict: verdict?.action ?? null,
      });
  });
  const { flows, beyond } = hosts.counts;
  const notes = [`${flows} flows looked at`];
  if (beyond > 0) notes.push(`${beyond} flows left out: more than a million names`);
  if (damaged > 0) notes.push(`the records of ${damaged} days cannot be read and are left out`);
  return { action: 'seen', entries: hosts.entries(), exceptions: [], notes };
}

/** The action that a set of names is written as. */
function exportAction(set: ListExportParams['set']): ExportAction {
  return set === 'deny' || set === 'allow' || set === 'passthrough' ? set : 'seen';
}

/** What learned lists of a policy would hold, with the thresholds that were asked for. */
async function fromLessons(
  records: StoreSettings,
  params: ListExportParams,
  now: number,
  tell: Tell,
): Promise<Selection> {
  const what = params.set === 'learned-pinned' ? 'pinned' : 'broken';
  const lessons = new Lessons(what);
  const since = parseTime(params.since ?? '30d', now) ?? now - 30 * 86_400_000;
  let flows = 0;
  const damaged = await throughFlows(records, { since, until: now }, tell, batch => {
    for (const flow of batch) lessons.add(flow);
    flows += batch.length;
  });
  const fewest = Number(params.minFlows ?? 1);
  const entries = lessons
    .result(Number(params.minClients ?? 5))
    .filter(l => l.flows >= fewest)
    .map(({ name, match, flows: n, clients }) => ({
      ...entryOf({ name, match }, null),
      source: `learned: ${what}`,
      comment: `${n} flows, ${clients} clients`,
    }));
  const notes = [`${flows} flows looked at`];
  if (lessons.beyond > 0) notes.push(`${lessons.beyond} flows left out: more than a million names`);
  if (damaged > 0) notes.push(`the records of ${damaged} days cannot be read and are left out`);
  return { action: 'seen', entries, exceptions: [], notes };
}

/** Go through recorded flows and tell how far that is. Resolves with the number of days that cannot be read. */
async function throughFlows(
  records: StoreSettings,
  range: HistoryRange,
  tell: Tell,
  take: (batch: WalkedFlow[]) => void,
): Promise<number> {
  let damaged = 0;
  let told = 0;
  let done = 0;
  await withHistory(records, async history => {
    for await (const batch of history.flows({ ...range, onProblem: () => damaged++ })) {
      take(batch);
      done += batch.length;
      if (Date.now() - told < TELL_MS) continue;
      told = Date.now();
      tell({ done, at: batch.at(-1)?.time ?? null });
      await breathe();
    }
  });
  return damaged;
}

export async function importNames(
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
    const none = { exceptionsLeft: 0, plan: null, exceptionsPlan: null, written: false };
    if (report.entries === 0 || choose) return { report, ...none };
    // A list of names to let through has no denies to be the exception of.
    const onlyLetsThrough = wanted.count === 0 && exceptions > 0 && job.exceptions === null;
    const how = { add: job.add, allowPublicSuffix: job.suffixes, breathe: () => Promise.resolve() };
    const plans = [await planInstall(policyFile, job.name, onlyLetsThrough ? excepted : wanted, how)];
    if (job.exceptions !== null) plans.push(await planInstall(policyFile, job.exceptions, excepted, how));
    const digest = digestOf(plans);
    const [shown = null, exceptionsPlan = null] = plans.map(plan => planOf(plan, digest));
    const exceptionsLeft = onlyLetsThrough || job.exceptions !== null ? 0 : exceptions;
    const told = { report, exceptionsLeft, plan: shown, exceptionsPlan };
    if (job.apply === null) return { ...told, written: false };
    if (job.apply.expect !== digest)
      throw new DeskError({
        code: 'conflict',
        message: 'The list or the file has changed since the difference was shown.',
        hint: 'Look at the difference again, then apply it.',
      });
    await announce(plans, dataDir, job);
    for (const plan of plans)
      await install(plan, `Imported by sightglass from ${job.file} (${report.format})`);
    return { ...told, written: true };
  } catch (e) {
    throw e instanceof ImportRefused || e instanceof InstallRefused ? refusal(e) : e;
  }
}

/** Leave word of author and comment for the version that the written lists make. */
async function announce(plans: readonly InstallPlan[], dataDir: string, job: ImportJob): Promise<void> {
  const [first] = plans;
  if (job.apply === null || first === undefined) return;
  let text = await readFile(first.policyFile, 'utf8');
  for (const plan of plans) {
    const path = relative(dirname(plan.policyFile), plan.file);
    if (!plan.known) text = addFileList(text, plan.name, path, plan.allowPublicSuffix) ?? text;
  }
  await new PolicyVersions(versionsDir(dataDir)).announce(text, {
    origin: 'console',
    author: job.apply.author,
    comment: job.apply.comment,
  });
}

/** What stands for exactly these changes. */
function digestOf(plans: readonly InstallPlan[]): string {
  const digest = createHash('sha256');
  for (const { file, before, added, removed, next } of plans) {
    digest.update(`${file}\n${before} ${added} ${removed}\n`);
    for (const p of next.patterns()) digest.update(`${patternText(p)}\n`);
  }
  return digest.digest('hex');
}

function planOf(plan: InstallPlan, digest: string): ImportPlan {
  const { name, known, before, added, removed, sample, duplicates, covered } = plan;
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
    digest,
  };
}

async function* pieces(bytes: Uint8Array): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += PIECE)
    yield Buffer.from(bytes.buffer, bytes.byteOffset + at, Math.min(PIECE, bytes.length - at));
}

const PIECE = 1 << 18;

/** Sentences of the command line as sentences of the console. */
export function refusal(e: { message: string; hint: string }): DeskError {
  const message = `${e.message.charAt(0).toUpperCase()}${e.message.slice(1)}${/[.!?]$/.test(e.message) ? '' : '.'}`;
  return new DeskError({ code: 'bad-request', message, hint: e.hint });
}
