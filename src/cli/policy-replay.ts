/**
 * `sightglass policy replay | hits`: what a candidate policy would have done with recorded flows, and how often the rules of
 * the policy in force decided. Both ask the records where the settings say, with or without a running proxy; progress
 * goes to standard error, so that standard output stays data.
 */
import { setImmediate as breathe } from 'node:timers/promises';
import { Command } from 'commander';
import { isoTime, jsonLine, visible } from '../audit/export/lines.ts';
import { parseTime, TIME_HINT } from '../audit/query/time.ts';
import type { AuditHistory, HistoryRange, RuleHits } from '../audit/store/history.ts';
import { recordsPlace, STORE_SETTINGS, withHistory } from '../control/fleet.ts';
import type { StoreSettings } from '../control/fleet.ts';
import { KEPT_ELSEWHERE } from '../control/keeping.ts';
import { loadPolicyFile, problemText } from '../policy/load.ts';
import type { LoadedPolicy } from '../policy/load.ts';
import { Replay } from '../policy/replay.ts';
import { requestAsks, RequestReplay } from '../policy/replay-requests.ts';
import type { RequestChange, RequestSummary } from '../policy/replay-requests.ts';
import { copiesDir } from '../policy/sources.ts';
import type { Change, ReplaySummary } from '../policy/replay.ts';
import type { MannerChange } from '../policy/replay-manner.ts';
import type { AffectedCounts, Counted } from '../policy/tally.ts';
import { loadSettings } from '../settings/load.ts';
import { addSettingsFlags } from './settings-flags.ts';
import { policyFileOf } from '../settings/policy-file.ts';
import { addProgress, Progress } from './progress.ts';
import type { ProgressOptions } from './progress.ts';
import { UsageError } from './usage-error.ts';
import { join } from 'node:path';

interface RangeOptions {
  since: string;
  until?: string;
  json?: boolean;
}

export function replayCommand(): Command {
  const command = new Command('replay')
    .description(
      'Tell what a candidate policy would have done with recorded traffic: which flows would change.',
    )
    .argument('<FILE>', 'the candidate policy; its lists lie relative to it')
    .option('--since <TIME>', 'flows from this time on: 15m, 7d, 2026-11-20', '7d')
    .option('--until <TIME>', 'flows before this time')
    .option('--json', 'print it as JSON')
    .allowExcessArguments(false);
  const input = addSettingsFlags(addProgress(command), STORE_SETTINGS);
  return command.action(async (file: string, options: RangeOptions & ProgressOptions) => {
    const settings = loadSettings(input());
    const now = Date.now();
    const range = rangeOf(options, now);
    const summed = await withRecords(settings, async history => {
      const candidate = await good(file, copiesDir(join(settings['data-dir'], 'policy')));
      if (candidate === null) return null;
      return summariesOf(history, range, candidate, new Progress(options), now);
    });
    if (summed === null) return;
    const { summary, inside } = summed;
    if (options.json === true) console.log(jsonLine({ ...withTimes(summary), requests: inside }));
    else console.log([replayText(summary, file), ...requestText(inside, summary)].join('\n'));
  });
}

/** What a candidate would have done with the flows of a time, and with the requests in them. */
async function summariesOf(
  history: AuditHistory,
  range: HistoryRange,
  { compiled }: LoadedPolicy,
  progress: Progress,
  now: number,
): Promise<{ summary: ReplaySummary; inside: RequestSummary }> {
  const { until = now } = range;
  const run = new Replay(compiled);
  await progressing(history.flows(range), until, 'flows', progress, batch => {
    for (const flow of batch) run.add(flow);
  });
  const asks = requestAsks(compiled);
  const requests = new RequestReplay(compiled);
  const which = asks.any ? 'all' : 'decided-apart';
  const walked = history.requests({ ...range, which, contentType: asks.contentType });
  await progressing(walked, until, 'requests', progress, batch => {
    for (const request of batch) requests.add(request);
  });
  return { summary: run.summary(), inside: requests.summary() };
}

/** Walk through records, oldest first. */
async function progressing<T extends { time: number }>(
  batches: AsyncIterable<T[]>,
  until: number,
  unit: 'flows' | 'requests',
  progress: Progress,
  take: (batch: T[]) => void,
): Promise<void> {
  let done = 0;
  let first: number | null = null;
  for await (const batch of batches) {
    take(batch);
    done += batch.length;
    const time = batch.at(-1)?.time ?? until;
    first ??= batch[0]?.time ?? time;
    progress.tell({ at: isoTime(time).slice(0, 19), done, unit, share: (time - first) / (until - first) });
    // Others have their turn between batches.
    await breathe();
  }
  progress.end();
}

/** Times as people and scripts read them. */
function withTimes(summary: ReplaySummary): Record<string, unknown> {
  return {
    ...summary,
    from: summary.from === null ? null : isoTime(summary.from),
    to: summary.to === null ? null : isoTime(summary.to),
  };
}

function replayText(s: ReplaySummary, file: string): string {
  const span =
    s.from === null || s.to === null
      ? 'no flows in this time'
      : `${isoTime(s.from).slice(0, 19)} to ${isoTime(s.to).slice(0, 19)}`;
  const lines = [
    `${file} (version ${s.policy}) against ${s.flows} flows, ${span}`,
    `  would change  ${s.changed}`,
    `  unchanged     ${s.unchanged}${s.otherManner === 0 ? '' : `, ${s.otherManner} of them recorded, told or led otherwise`}`,
  ];
  if (s.undecided > 0) lines.push(`  left out      ${s.undecided} that ended before a decision`);
  if (s.byRequests > 0)
    lines.push(`  by request    ${s.byRequests} of plain HTTP, whose requests are told below`);
  if (s.originUnknown > 0)
    lines.push(
      `  not known     what rules on the origin say of ${s.originUnknown} flows that would be inspected: nobody saw its certificate then`,
    );
  for (const change of s.changes) lines.push('', ...changeText(change));
  for (const manner of s.manners) lines.push('', ...mannerText(manner, 'flows'));
  return [...lines, ...idleText(s.hits)].join('\n');
}

/** What rules on requests would change, and what nobody can tell of them. Nothing when no such rule is concerned. */
function requestText(s: RequestSummary, flows: ReplaySummary): string[] {
  const { withFlow, undecided, masked, flowGone } = s.left;
  const left: [number, string][] = [
    [withFlow, 'in flows that would not be inspected: they share what becomes of the flow'],
    [undecided, 'refused or given up before any rule was asked'],
    [masked, 'whose path is masked in the record'],
    [flowGone, 'whose flow is not in the records'],
  ];
  const lines = left.filter(([n]) => n > 0).map(([n, why]) => `  left out      ${n} ${why}`);
  if (flows.requestsUnknown > 0)
    lines.push(
      `  not known     the requests in ${flows.requestsUnknown} flows that would be inspected: they were not, or none of them was kept`,
    );
  if (s.requests === 0 && lines.length === 0) return [];
  const manner = s.otherManner === 0 ? '' : `, ${s.otherManner} of them recorded, masked or told otherwise`;
  return [
    '',
    `rules on requests against ${s.requests} recorded requests`,
    `  would change  ${s.changed}`,
    `  unchanged     ${s.requests - s.changed}${manner}`,
    ...lines,
    ...s.changes.flatMap(change => ['', ...requestChangeText(change)]),
    ...s.manners.flatMap(manner => ['', ...mannerText(manner, 'requests')]),
    ...idleText(s.hits),
  ];
}

function requestChangeText(c: RequestChange): string[] {
  return [
    `${c.from} → ${c.to}: ${c.requests} requests in ${c.exact ? '' : 'at least '}${c.flows} flows, ${sumText(c)}`,
    ...rulesText(c),
    ...topText('requests', c.topRequests),
    ...whoText(c),
  ];
}

const SHOWN = 10;

function changeText(c: Change): string[] {
  const about = c.exact ? '' : 'at least ';
  return [`${c.from} → ${c.to}: ${c.flows} flows, ${about}${sumText(c)}`, ...rulesText(c), ...whoText(c)];
}

/** How people call the keys of a rule that say how its action is carried out. */
const MANNER_WORDS: Record<MannerChange['what'], string> = {
  capture: 'records',
  mask: 'masks',
  tls: 'offers TLS',
  parent: 'goes through',
  block: 'told by',
};

/** The same verdict, carried out otherwise. */
function mannerText(c: MannerChange, unit: 'flows' | 'requests'): string[] {
  const value = (v: string | null): string => v ?? (c.what === 'parent' ? 'no parent' : 'none');
  return [
    `same verdict, ${MANNER_WORDS[c.what]} ${visible(value(c.from))} → ${visible(value(c.to))}: ${c.count} ${unit}, ${c.exact ? '' : 'at least '}${sumText(c)}`,
    ...rulesText(c),
    ...whoText(c),
  ];
}

const sumText = (c: AffectedCounts): string =>
  `${c.hosts} hosts, ${c.clients} clients${c.users === 0 ? '' : `, ${c.users} users`}`;

const rulesText = (c: AffectedCounts): string[] =>
  c.topRules.slice(0, SHOWN).map(r => counted(r.flows, `${r.from} → ${r.to}`));

const whoText = (c: AffectedCounts): string[] => [
  ...topText('hosts', c.topHosts),
  ...topText('users', c.topUsers),
  ...topText('clients', c.topClients),
];

const counted = (n: number, what: string): string => `  ${String(n).padStart(8)}  ${visible(what)}`;

function topText(title: string, values: readonly Counted[]): string[] {
  if (values.length === 0) return [];
  const more = values.length > SHOWN ? ['            and more'] : [];
  return [`  ${title}`, ...values.slice(0, SHOWN).map(v => counted(v.flows, v.value)), ...more];
}

function idleText(hits: readonly { rule: string; flows: number }[]): string[] {
  const idle = hits.filter(h => h.flows === 0).map(h => h.rule);
  return idle.length === 0 ? [] : ['', `rules that would decide nothing: ${visible(idle.join(', '))}`];
}

export function hitsCommand(): Command {
  const command = new Command('hits')
    .description('How many flows each rule decided, and when last; rules that decided nothing are told too.')
    .option('--since <TIME>', 'flows from this time on: 24h, 30d, 2026-11-20', '30d')
    .option('--until <TIME>', 'flows before this time')
    .option('--json', 'print it as JSON')
    .allowExcessArguments(false);
  const input = addSettingsFlags(command, [...STORE_SETTINGS, 'policy.file']);
  return command.action(async (options: RangeOptions) => {
    const settings = loadSettings(input());
    const dataDir = settings['data-dir'];
    const range = rangeOf(options, Date.now());
    const file = policyFileOf(settings);
    const hits = await withRecords(settings, history => history.ruleHits(range));
    const policy = await good(file, copiesDir(join(dataDir, 'policy')));
    if (policy === null) return;
    const rows = hitRows(policy, hits);
    if (options.json === true) {
      console.log(
        jsonLine({
          policy: policy.compiled.version,
          since: range.since === undefined ? null : isoTime(range.since),
          rules: rows.map(r => ({ ...r, last: r.last === null ? null : isoTime(r.last) })),
        }),
      );
      return;
    }
    const width = Math.min(40, Math.max(4, ...rows.map(r => r.rule.length)));
    console.log(`${'RULE'.padEnd(width)}  ${'FLOWS'.padStart(9)}  LAST`);
    for (const r of rows)
      console.log(
        `${visible(r.rule).padEnd(width)}  ${String(r.flows).padStart(9)}  ${r.last === null ? 'never' : isoTime(r.last).slice(0, 19)}${r.inPolicy ? '' : '  (no rule of the policy now)'}`,
      );
  });
}

interface HitRow {
  rule: string;
  /** Null for a name that stands for several actions over time. */
  action: string | null;
  flows: number;
  /** ms since epoch. */
  last: number | null;
  /** False for rules of earlier policies. */
  inPolicy: boolean;
}

/** Rules of the policy in their order, default and doubt, then names that only earlier policies knew. */
function hitRows(policy: LoadedPolicy, hits: readonly RuleHits[]): HitRow[] {
  const byRule = new Map<string, HitRow>();
  const put = (rule: string, action: string | null): HitRow => {
    const row: HitRow = { rule, action, flows: 0, last: null, inPolicy: true };
    byRule.set(rule, row);
    return row;
  };
  for (const { rule } of policy.compiled.rules) put(rule.name, rule.action);
  put('default', policy.document.default.action);
  for (const h of hits) {
    let row = byRule.get(h.rule);
    if (row === undefined) {
      row = put(h.rule, h.action);
      row.inPolicy = h.rule.startsWith('doubt:');
    }
    row.flows += h.flows;
    row.last = Math.max(row.last ?? 0, h.last);
    if (row.action !== h.action) row.action = null;
  }
  return [...byRule.values()];
}

/** Ask the records, where there are any. */
function withRecords<T>(settings: StoreSettings, work: (history: AuditHistory) => Promise<T>): Promise<T> {
  return withHistory(settings, async history => {
    if (!(await history.isEmpty())) return work(history);
    throw settings['audit.store'] === 'none' && settings['audit.store-read'] === null
      ? new UsageError(KEPT_ELSEWHERE.message, KEPT_ELSEWHERE.hint, 1)
      : new UsageError(
          `there are no records in ${recordsPlace(settings)}`,
          'Name the data directory of the proxy with --data-dir, or the database with --audit.store-read.',
          1,
        );
  });
}

function rangeOf(options: RangeOptions, now: number): HistoryRange {
  const time = (flag: string, text: string): number => {
    const at = parseTime(text, now);
    if (at === null) throw new UsageError(`--${flag} "${text}" is no time`, TIME_HINT);
    return at;
  };
  return {
    since: time('since', options.since),
    ...(options.until === undefined ? {} : { until: time('until', options.until) }),
    onProblem: (day, message) => {
      console.error(`note: the records of ${day} cannot be read and are left out: ${message}`);
    },
  };
}

/** A policy that can be used, or null after its problems were told. */
async function good(file: string, copies: string): Promise<LoadedPolicy | null> {
  const loaded = await loadPolicyFile(file, { copies, emptyWithoutCopy: true });
  if (loaded.ok) return loaded;
  for (const p of loaded.problems) console.error(problemText(p));
  process.exitCode = 1;
  return null;
}
