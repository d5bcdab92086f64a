/**
 * The control process: authority, policy store, recorder, supervisor and console, in the order in which they need each
 * other. It stands up completely or not at all: what cannot start leaves nothing running.
 *
 * It is the only holder of the CA key and the only writer of `control.db`. It never touches a client's or an origin's
 * byte; when it dies the workers go on (worker.ts) and the spool waits for the next one.
 */
import { mkdirSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { auditKeyDir, openAuditKey } from '../../ca/audit-key.ts';
import { openAuthority } from '../../ca/authority.ts';
import { keepCrl } from '../../ca/crl.ts';
import { appleRootProfile } from '../../ca/kits/apple.ts';
import { createIssuer } from '../../ca/issuer.ts';
import { findPassphrase } from '../../ca/passphrase.ts';
import { allocateProducer } from '../audit/producer.ts';
import { auditDir, spoolDir } from '../audit/recorder.ts';
import { retain } from '../audit/retention.ts';
import { signerOf } from '../audit/statement.ts';
import type { Signer } from '../audit/statement.ts';
import { copiesDir } from '../policy/sources.ts';
import { openPolicyStore } from '../policy/store.ts';
import { openPseudonyms } from './pseudonym-key.ts';
import { PolicyVersions, versionsDir } from '../policy/versions.ts';
import type { Settings } from '../settings/catalogue.ts';
import { entranceOf, ssoPlan } from './sso/plan.ts';
import { policyFileOf } from '../settings/policy-file.ts';
import { Accounts } from './accounts.ts';
import { openControlDb } from './control-db.ts';
import type { ControlDb } from './control-db.ts';
import { startConsole, type RowListener, type RunningConsole } from './console.ts';
import { Holds } from './holds.ts';
import { fleetPlan, storeSettings } from './fleet.ts';
import { createLog } from './log.ts';
import type { Log } from './log.ts';
import { dismissOrphans, holdDataDir, workersLeft } from './orphans.ts';
import { keepPac } from './pac.ts';
import { watchExpiry } from './policy-expiry.ts';
import { followPolicy, ListKeeper, listFetcher, prepareLists } from './policy-sources.ts';
import { recordVersions } from './policy-versions.ts';
import { startProbes } from './probes.ts';
import { serviceManager } from './service-manager.ts';
import { alertWays } from './alerts/ways.ts';
import { startStreams } from './streams/streams.ts';
import { startRecords } from './records.ts';
import { createSupervisor } from './supervisor.ts';
import { Trail } from './trail.ts';
import { signTrail } from './trail-chain.ts';
import { VERSION } from './version.ts';

export interface RunningControl {
  /** `host:port` of each proxy listener, as a client on this host would name it. */
  proxy: string[];
  /** URLs of the console. */
  console: string[];
  /** URLs of the metrics and health checks. */
  metrics: string[];
  /** One-time link that makes the first admin account; null when there is one already. */
  setupLink: string | null;
  /** Drains the workers, empties the spool, closes everything. */
  stop(): Promise<void>;
}

const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;

/** Starts the whole product. Rejects with a clear error and nothing left running when a part cannot start. */
export async function startControl(settings: Settings): Promise<RunningControl> {
  const dataDir = settings['data-dir'];
  const started = Date.now();
  // Before anything is opened: settings that contradict each other.
  const plan = fleetPlan(settings);
  ssoPlan(settings);
  const log = createLog(settings['log.level'], line => process.stderr.write(line));
  /** What was started, last first: the order in which it is ended. */
  const undo: (() => void | Promise<void>)[] = [];
  const unwind = async (): Promise<void> => {
    for (const step of undo.splice(0)) await step();
  };
  try {
    mkdirSync(dataDir, { recursive: true, mode: 0o700 });
    undo.unshift(holdDataDir(dataDir));
    // Before any worker: a key that cannot be used must end the start, not each worker.
    openPseudonyms(settings, Date.now());
    dismissOrphans(dataDir);

    const passphrase = findPassphrase(settings['ca.passphrase-file'], process.env)?.passphrase ?? null;
    const authority = openAuthority({ dir: join(dataDir, 'ca'), passphrase });
    const auditKey = openAuditKey(auditKeyDir(dataDir), passphrase);
    const signer = signerOf(auditKey.privateKey);
    const listeners = new Set<RowListener>();
    const recorder = startRecords(
      {
        dataDir,
        signingKey: auditKey.privateKey,
        witnessFile: settings['audit.witness-file'],
        onRows: (rows, dropped) => {
          for (const listener of listeners) listener(rows, dropped);
        },
        onEvent: event => log('info', event.name, event.detail),
      },
      plan,
    );
    undo.unshift(() => recorder.stop());
    const tell = (name: string, detail: Record<string, unknown>): void => {
      recorder.append({ kind: 'event', time: Date.now(), name, detail });
    };
    tell('service.started', {
      pid: process.pid,
      ca: authority.describe().sha256,
      created: authority.created,
    });

    const retention = setInterval(() => {
      keepWithinRetention(settings, signer, tell);
      forgetPastPeriod(settings, log);
    }, HOUR_MS);
    undo.unshift(() => {
      clearInterval(retention);
    });
    keepWithinRetention(settings, signer, tell);

    const policyFile = policyFileOf(settings);
    const lists = new ListKeeper({
      dir: copiesDir(join(dataDir, 'policy')),
      records: storeSettings(settings),
      fetch: listFetcher(settings),
      onEvent: tell,
    });
    undo.unshift(() => {
      lists.stop();
    });
    await prepareLists(lists, policyFile);
    const policy = await openPolicyStore({
      file: policyFile,
      cacheDir: join(dataDir, 'policy'),
      onEvent: tell,
    });
    undo.unshift(() => {
      policy.close();
    });
    await followPolicy(lists, policy);
    const expiry = watchExpiry(policy, tell);
    policy.on('applied', () => {
      expiry.look();
    });
    undo.unshift(() => {
      expiry.stop();
    });
    const versions = new PolicyVersions(versionsDir(dataDir), {
      onLost: (list, message) => {
        tell('policy.list-not-kept', { list, message });
      },
    });
    await recordVersions(policy, versions, tell);
    const db = openControlDb(dataDir);
    undo.unshift(() => {
      vouchForTrail(db, signer, tell);
      db.close();
    });
    const vouching = setInterval(() => {
      vouchForTrail(db, signer, tell);
    }, MINUTE_MS);
    undo.unshift(() => {
      clearInterval(vouching);
    });
    const streams = startStreams(
      {
        records: storeSettings(settings),
        file: settings['streams.file'] ?? join(dataDir, 'streams.yaml'),
        sender: { host: hostname(), version: VERSION },
        alerts: alertWays(settings),
      },
      tell,
    );
    undo.unshift(() => streams.stop());
    const accounts = new Accounts(db, {
      demand: settings['console.second-factor'],
      entrance: entranceOf(settings),
      place: settings['fleet.name'],
    });
    const setupUrl = settings['setup.url'];
    const crl = keepCrl(authority.trusted);
    const issuer = createIssuer({
      authority,
      crlUrl: setupUrl === null ? null : `${setupUrl}/ca.crl`,
      leafDays: settings['ca.leaf-days'],
      cacheSize: settings['limits.leaf-cache'],
      queueLimit: settings['limits.mint-queue'],
      onMint: event => {
        tell('ca.leaf', { ...event });
      },
    });

    let ownListeners: RunningConsole['listeners'] = settings['console.listen'];
    const pages = { profile: appleRootProfile(join(dataDir, 'ca'), started), next: authority.next !== null };
    const pac = await keepPac(policy, settings, tell, text => {
      supervisor.publishSetup({ ...pages, pac: text });
    });
    const supervisor = createSupervisor({
      settings,
      issuer,
      credentials: {
        required: settings['proxy.auth'] === 'basic',
        verify: (user, password, client) => accounts.verifyProxy(user, password, client),
      },
      snapshot: () => policy.snapshot(),
      authority: () => ({
        certificates: [...authority.ownPems],
        root: authority.rootPem,
        crl: crl.current().der,
      }),
      setup: () => ({ ...pages, pac: pac.current() }),
      ownListeners: () => ownListeners,
      allocateProducer: () => allocateProducer(spoolDir(dataDir)),
      othersLeave: () => workersLeft(dataDir),
      onEvent: tell,
    });
    policy.on('applied', snapshot => {
      supervisor.publish(snapshot);
    });
    const renewal = setInterval(() => {
      supervisor.publishCrl(crl.current().der);
    }, HOUR_MS);
    undo.unshift(() => {
      clearInterval(renewal);
    });
    // The listeners of this process first: workers must know their ports, which no flow may reach.
    const proxy: string[] = [];
    const web = await startConsole({
      settings,
      db,
      accounts,
      policy,
      lists,
      authority,
      recorder,
      supervisor,
      streams,
      evidenceKey: { signer, publicPem: auditKey.publicPem },
      listeners,
      proxy,
      started,
      log,
    });
    undo.unshift(() => web.close());
    const probes = await startProbes({ settings, issuer, policy, lists, authority, recorder, supervisor });
    undo.unshift(() => probes.close());
    ownListeners = [...web.listeners, ...probes.listeners];
    undo.unshift(() => supervisor.stop());
    const bound = plan.proxies ? await supervisor.start() : [];
    proxy.push(...bound.map(({ address, port }) => hostPortText(address, port)));
    const metrics = probes.listeners.map(({ host, port }) => `http://${hostPortText(host, port)}/metrics`);
    log('info', 'service.ready', { proxy, console: web.urls, metrics });
    return {
      proxy,
      console: web.urls,
      metrics,
      setupLink: web.setupLink,
      stop: async () => {
        tell('service.stopping', { pid: process.pid });
        await unwind();
      },
    };
  } catch (e) {
    await unwind();
    throw e;
  }
}

/** Workers turn their key by themselves; the file of a past period must not outlive it either. */
function forgetPastPeriod(settings: Settings, log: Log): void {
  try {
    openPseudonyms(settings, Date.now());
  } catch (error) {
    log('error', 'privacy.key', { message: error instanceof Error ? error.message : String(error) });
  }
}

/** Keeps the store within its limits. What cannot be done is told and tried again in an hour. */
function keepWithinRetention(
  settings: Settings,
  signer: Signer,
  tell: (name: string, detail: Record<string, unknown>) => void,
): void {
  try {
    // A store of holds that cannot be read keeps every day: better too much than a held day too few.
    const db = openControlDb(settings['data-dir']);
    try {
      const holds = new Holds(db, new Trail(db));
      retain({
        dir: auditDir(settings['data-dir']),
        days: settings['audit.retain-days'],
        maxBytes: settings['audit.retain-size'],
        held: day => holds.on(day) !== null,
        signer,
        onDrop: drop => {
          tell('audit.dropped', { ...drop });
        },
        now: Date.now(),
      });
    } finally {
      db.close();
    }
  } catch (e) {
    tell('audit.retention-failed', { message: e instanceof Error ? e.message : String(e) });
  }
}

/** Signs the lines of the trail that came in. A failure is told; the next minute tries again. */
function vouchForTrail(
  db: ControlDb,
  signer: Signer,
  tell: (name: string, detail: Record<string, unknown>) => void,
): void {
  try {
    signTrail(db, signer, Date.now());
  } catch (e) {
    tell('trail.checkpoint-failed', { message: e instanceof Error ? e.message : String(e) });
  }
}

/**
 * Runs the product until SIGTERM or SIGINT and returns when it has stopped. Prints the ready line that scripts wait for.
 * A second signal does not cut the drain short; SIGKILL does, and loses no record.
 */
export async function runControl(settings: Settings): Promise<void> {
  const running = await startControl(settings);
  const manager = serviceManager({
    env: process.env,
    pid: process.pid,
    onFailure: message => {
      process.stderr.write(`sightglass: systemd cannot be told: ${message}\n`);
    },
  });
  process.stdout.write(`ready proxy=${running.proxy.join(',')} console=${running.console.join(',')}\n`);
  if (running.setupLink !== null)
    process.stdout.write(
      `\nFirst start: make the admin account at\n  ${running.setupLink}\n(the link works once)\n`,
    );
  manager.ready(`serving at ${running.proxy.join(', ')}; console ${running.console.join(', ')}`);
  await new Promise<void>(resolve => {
    process.once('SIGTERM', () => {
      resolve();
    });
    process.once('SIGINT', () => {
      resolve();
    });
  });
  manager.stopping();
  await running.stop();
}

/** A wildcard address is no address to connect to: name the loopback one. */
function hostPortText(address: string, port: number): string {
  if (address === '::' || address === '0.0.0.0') return `127.0.0.1:${port}`;
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}
