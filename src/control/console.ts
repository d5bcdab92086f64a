/**
 * Stands the console up on the control process' own parts. The console itself knows only small interfaces
 * (web/server/deps.ts); this file says what is behind them, and puts the state of the whole service into words.
 */
import { X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Authority } from '../../ca/authority.ts';
import type { Status, WorkerStatus, PolicyRejection } from '../../web/contract.ts';
import { createConsole } from '../../web/server/app.ts';
import { problemsOf } from '../../web/server/policy-work.ts';
import type { PolicyWork } from '../../web/server/deps.ts';
import type { Records } from './records.ts';
import type { LiveRow } from '../audit/store/store.ts';
import { keptInGit } from '../policy/repository.ts';
import { copiesDir } from '../policy/sources.ts';
import type { PolicyStore } from '../policy/store.ts';
import { PolicyVersions, versionsDir } from '../policy/versions.ts';
import type { Settings } from '../settings/catalogue.ts';
import type { Accounts } from './accounts.ts';
import type { ControlDb } from './control-db.ts';
import { consoleAlerts } from './alerts/console-alerts.ts';
import { AlertShelf } from './alerts/shelf.ts';
import { Desk } from './desk.ts';
import { consoleEvidence, type EvidenceKey } from './evidence.ts';
import { keepsRecords, openAuditStore, storeSettings } from './fleet.ts';
import { openKeeping } from './keeping.ts';
import { ListTokens } from './list-tokens.ts';
import type { Log } from './log.ts';
import type { ListKeeper } from './policy-sources.ts';
import { Reveals } from './reveals.ts';
import { Sessions } from './sessions.ts';
import { consoleSso } from './sso/console-sso.ts';
import { ssoPlan } from './sso/plan.ts';
import { SsoProvider } from './sso/provider.ts';
import { SsoUsers } from './sso/users.ts';
import { streamsView, type Streams } from './streams/streams.ts';
import type { Supervisor } from './supervisor.ts';
import { Trail } from './trail.ts';
import { VERSION } from './version.ts';

export type RowListener = (rows: readonly LiveRow[], dropped: number) => void;

export interface ConsoleParts {
  settings: Settings;
  db: ControlDb;
  accounts: Accounts;
  policy: PolicyStore;
  /** Keeps fetched and learned lists. */
  lists: Pick<ListKeeper, 'look'>;
  authority: Authority;
  recorder: Records;
  supervisor: Supervisor;
  streams: Streams;
  /** Signs evidence bundles, of records that this machine signed as it stored them. */
  evidenceKey: EvidenceKey;
  /** Listeners for committed rows; the recorder calls all of them. */
  listeners: Set<RowListener>;
  /** Bound proxy addresses; filled when the workers listen. */
  proxy: string[];
  /** ms since epoch. */
  started: number;
  log: Log;
}

export interface RunningConsole {
  urls: string[];
  /** What it is bound to: no flow may lead there. */
  listeners: readonly { host: string; port: number }[];
  setupLink: string | null;
  close(): Promise<void>;
}

export async function startConsole(parts: ConsoleParts): Promise<RunningConsole> {
  const { settings, policy, authority } = parts;
  const plan = ssoPlan(settings);
  const store = openAuditStore(settings, { thread: true });
  let urls: string[] = [];
  let rejectedAt = Date.now();
  policy.on('rejected', () => {
    rejectedAt = Date.now();
  });
  // The recorder tells bytes; how long it has been behind is the time since it last was not.
  let caughtUp = Date.now();
  const lagClock = setInterval(() => {
    if (parts.recorder.stats().lagBytes === 0) caughtUp = Date.now();
  }, 500);
  lagClock.unref();
  const rejected = (): PolicyRejection | null => rejection(policy, rejectedAt);

  const folder = settings['parent.secrets'];
  const secrets = folder === null ? {} : { secrets: folder };
  const desk = new Desk({
    policyFile: policy.file,
    dataDir: settings['data-dir'],
    records: storeSettings(settings),
    ...secrets,
  });
  const policyWork: PolicyWork = {
    store: policy,
    versions: new PolicyVersions(versionsDir(settings['data-dir'])),
    desk,
    copies: copiesDir(join(settings['data-dir'], 'policy')),
    repository: () => keptInGit(policy.file, settings['policy.git']),
    refresh: list => parts.lists.look(true, list),
  };

  const web = createConsole({
    audit: store,
    accounts: parts.accounts,
    sessions: new Sessions(parts.db, parts.accounts),
    trail: new Trail(parts.db),
    reveals: new Reveals(parts.db, new Trail(parts.db), {
      secondPerson: settings['reveal.second-person'] === 'yes',
      wait: settings['reveal.wait'],
      open: settings['reveal.open'],
    }),
    ...(plan === null
      ? {}
      : {
          sso: consoleSso(
            new SsoProvider(plan),
            new SsoUsers(parts.db, parts.accounts),
            settings['sso.local-accounts'] === 'all',
          ),
        }),
    policy: {
      view: async () => ({
        version: policy.current().version,
        applied: new Date(policy.appliedAt()).toISOString(),
        text: policy.loaded().text,
        rejected: rejected(),
        problems: problemsOf(policy.problems()),
        newest: rejected() === null ? null : await readFile(policy.file, 'utf8').catch(() => null),
        inGit: (await policyWork.repository()) !== null,
      }),
    },
    policyWork,
    listTokens: new ListTokens(parts.db),
    streams: { view: () => streamsView(parts.streams.state()) },
    alerts: consoleAlerts(
      new AlertShelf(parts.db),
      parts.streams,
      parts.settings['alerts.mail-server'] !== null,
    ),
    ...(keepsRecords(settings)
      ? {
          evidence: consoleEvidence(settings, parts.evidenceKey),
          holds: openKeeping(settings, parts.db).holds,
        }
      : {}),
    authority: {
      certificate: format =>
        format === 'pem' ? authority.rootPem : new X509Certificate(authority.rootPem).raw,
    },
    deployment: {
      dir: join(settings['data-dir'], 'ca'),
      suggestions: () => {
        const setup = settings['setup.url'];
        const named = setup === null ? [] : [addressOf(setup)];
        return [...new Set([...named, ...parts.proxy])];
      },
    },
    status: async () => {
      const kept = await store.days();
      return describe(parts, urls, rejected(), {
        days: kept.length,
        flows: sum(kept.map(d => d.flows)),
        exchanges: sum(kept.map(d => d.exchanges)),
        bytes: sum(kept.map(d => d.bytes)),
        lagMs: parts.recorder.stats().lagBytes === 0 ? 0 : Date.now() - caughtUp,
      });
    },
    live: {
      subscribe: onRows => {
        parts.listeners.add(onRows);
        return () => parts.listeners.delete(onRows);
      },
    },
    hosts: [...settings['console.hosts'], ...(plan === null ? [] : [new URL(plan.consoleUrl).host])],
    version: VERSION,
    log: (message, error) => {
      parts.log('error', 'console.failed', {
        message,
        error: error instanceof Error ? error.message : String(error),
      });
    },
  });
  const bound = await web.listen(settings['console.listen']);
  urls = bound.map((_, i) => (i === 0 ? web.url() : `http://${bound[i]?.host ?? ''}:${bound[i]?.port ?? 0}`));
  return {
    urls,
    listeners: bound,
    setupLink: web.firstRunLink(),
    close: async () => {
      clearInterval(lagClock);
      await web.close();
      await desk.close();
      await store.close();
    },
  };
}

interface StoreTotals {
  days: number;
  flows: number;
  exchanges: number;
  bytes: number;
  lagMs: number;
}

function describe(
  parts: ConsoleParts,
  urls: string[],
  rejected: PolicyRejection | null,
  totals: StoreTotals,
): Status {
  const workers = parts.supervisor.workers();
  const stats = parts.recorder.stats();
  const ca = parts.authority.describe();
  const shipping = parts.recorder.shipping();
  const spoolError = workers.map(w => w.health?.spool.error ?? null).find(e => e !== null) ?? null;
  return {
    version: VERSION,
    started: new Date(parts.started).toISOString(),
    now: new Date().toISOString(),
    proxy: parts.proxy,
    console: urls,
    workers: workers.map((w): WorkerStatus => ({
      id: w.producer,
      pid: w.pid,
      state: w.health === null ? 'starting' : 'serving',
      connections: w.health?.counters.open ?? 0,
      flows: w.health?.counters.accepted ?? 0,
      restarts: w.restarts,
      rssBytes: w.health?.rss ?? 0,
    })),
    audit: {
      healthy: spoolError === null && stats.running && stats.failing === null,
      spoolBytes: stats.lagBytes,
      lagMs: totals.lagMs,
      flows: totals.flows,
      exchanges: totals.exchanges,
      storeBytes: totals.bytes,
      days: totals.days,
      problem: spoolError ?? stats.failing ?? (stats.running ? null : 'the recorder is not running'),
    },
    shipping:
      shipping === null
        ? null
        : {
            collector: parts.settings['fleet.collector'] ?? '',
            healthy: shipping.running && shipping.failing === null,
            waitingBytes: shipping.lagBytes,
            lagMs: shipping.lagMs ?? 0,
            problem: shipping.failing ?? (shipping.running ? null : 'the shipper is not running'),
          },
    policy: { version: parts.policy.current().version, rejected },
    ca: {
      subject: ca.subject,
      fingerprint: ca.sha256,
      notBefore: ca.notBefore,
      notAfter: ca.notAfter,
      keyType: ca.keyAlgorithm,
    },
  };
}

function rejection(policy: PolicyStore, at: number): PolicyRejection | null {
  const [first] = policy.problems();
  if (first === undefined) return null;
  return {
    time: new Date(at).toISOString(),
    message: first.message,
    line: first.line === 0 ? null : first.line,
    column: first.line === 0 ? null : first.column,
    hint: first.hint === '' ? null : first.hint,
  };
}

function sum(numbers: number[]): number {
  return numbers.reduce((a, b) => a + b, 0);
}

/** `host:port` of a setup URL; the port of its scheme where it names none. */
function addressOf(url: string): string {
  const { protocol, hostname, port } = new URL(url);
  return `${hostname}:${port === '' ? (protocol === 'https:' ? '443' : '80') : port}`;
}
