/**
 * Forks the workers, answers their questions, restarts the ones that die and drains them at the end.
 *
 * The listening sockets are shared (SCHED_NONE): every worker accepts for itself, no connection is handed over.
 * Restart: at once the first time, then with doubling delay up to 30 s; a minute of health resets it. A port that is
 * taken while no worker is left to hold it is asked for again at each restart: never another one.
 */
import cluster, { type Worker } from 'node:cluster';
import { randomBytes } from 'node:crypto';
import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Fault } from '../core/faults.ts';
import type { CredentialCheck, LeafIssuer } from '../core/ports.ts';
import type { PolicySnapshot } from '../policy/compile.ts';
import type { Settings } from '../settings/catalogue.ts';
import { fixPorts } from './fixed-ports.ts';
import { openPseudonyms } from './pseudonym-key.ts';
import type { FromWorker, StartMessage, ToWorker, WorkerHealth } from './messages.ts';
import { encodeSettings } from './settings-wire.ts';
import { added, emptyTally, type TallyCounts } from './tally.ts';

export interface SupervisorOptions {
  settings: Settings;
  issuer: LeafIssuer;
  credentials: CredentialCheck;
  snapshot(): PolicySnapshot;
  /** Asked at each start of a worker. */
  authority: () => StartMessage['authority'];
  /** Asked at each start of a worker. */
  setup: () => StartMessage['setup'];
  /** Listeners of this product that no flow may reach, asked at each start of a worker. */
  ownListeners: () => readonly { host: string; port: number }[];
  allocateProducer(): number;
  onEvent(name: string, detail: Record<string, unknown>): void;
  /** Whether workers of an earlier control process were asked to leave and have not left yet. */
  othersLeave(): boolean;
  /** Settles port 0; fixPorts by default. */
  fixPorts?: typeof fixPorts;
}

export interface WorkerState {
  /** Its place, from 0; a worker that is restarted keeps it. */
  index: number;
  pid: number;
  producer: number;
  /** ms since epoch. */
  started: number;
  restarts: number;
  health: WorkerHealth | null;
}

/** Totals over all workers of this start, those that died included (up to their last health beat). */
export interface Totals {
  tally: TallyCounts;
  accepted: number;
  refused: number;
  /** Records that a full queue shed. */
  shed: number;
}

export interface Supervisor {
  /** Resolves with the bound addresses when every worker listens; rejects when one cannot. */
  start(): Promise<{ address: string; port: number }[]>;
  /** Sends the policy in force to all workers. */
  publish(snapshot: PolicySnapshot): void;
  /** Sends the revocation list (DER) to all workers. */
  publishCrl(crl: Uint8Array): void;
  /** Sends the texts of the setup site to all workers. */
  publishSetup(setup: StartMessage['setup']): void;
  workers(): WorkerState[];
  totals(): Totals;
  /** Drains all workers. A worker that does not leave within `timeout.drain` and a little is killed. */
  stop(): Promise<void>;
}

const HEALTHY_MS = 60_000;
const MAX_DELAY_MS = 30_000;
/** How often the first worker tries to listen when what is in its way can be avoided or is leaving. */
const PORT_TRIES = 5;
const LEAVING_MS = 1_000;

interface Slot {
  worker: Worker;
  state: WorkerState;
}

export function createSupervisor(options: SupervisorOptions): Supervisor {
  const { settings } = options;
  const settle = options.fixPorts ?? fixPorts;
  const slots = new Map<number, Slot>();
  const ticketKeys = randomBytes(48);
  /** What workers get, with the ports that were settled at the start. */
  let encoded = encodeSettings(settings);
  /** After the start: from then on a worker that cannot listen is tried again rather than told to who starts us. */
  let serving = false;
  let stopping = false;
  let gone: Totals = { tally: emptyTally(), accepted: 0, refused: 0, shed: 0 };

  cluster.schedulingPolicy = cluster.SCHED_NONE;
  cluster.setupPrimary({
    exec: fileURLToPath(new URL(`./worker${extname(import.meta.url)}`, import.meta.url)),
    args: [],
    serialization: 'advanced',
    silent: false,
  });

  function fork(index: number, restarts: number): Promise<{ address: string; port: number }[]> {
    const producer = options.allocateProducer();
    const worker = cluster.fork();
    const state: WorkerState = {
      index,
      pid: worker.process.pid ?? 0,
      producer,
      started: Date.now(),
      restarts,
      health: null,
    };
    slots.set(index, { worker, state });
    let listened = false;
    let failure: Error | null = null;
    return new Promise((resolve, reject) => {
      worker.on('message', (message: FromWorker) => {
        switch (message.kind) {
          case 'hungry':
            tell(worker, {
              kind: 'start',
              settings: encoded,
              snapshot: options.snapshot(),
              authority: options.authority(),
              setup: options.setup(),
              producer,
              ticketKeys,
              pseudonyms: openPseudonyms(settings, Date.now()),
              ownListeners: options.ownListeners(),
            });
            break;
          case 'listening':
            listened = true;
            options.onEvent('worker.started', { pid: state.pid, producer, restarts });
            resolve(message.addresses);
            break;
          case 'failed':
            // Told when it is gone. With its code the command line knows what to advise.
            failure = Object.assign(new Error(message.message), { code: message.code ?? undefined });
            break;
          case 'health':
            state.health = message.health;
            break;
          case 'policy-refused':
            options.onEvent('policy.worker-refused', {
              pid: state.pid,
              version: message.version,
              message: message.message,
            });
            break;
          case 'leaf':
            answerLeaf(worker, message.id, options.issuer.issue(message.ask));
            break;
          case 'credentials':
            answerCredentials(
              worker,
              message.id,
              options.credentials.verify(message.user, message.password, message.client),
            );
            break;
        }
      });
      worker.on('exit', (code, signal) => {
        slots.delete(index);
        reject(failure ?? new Error(`worker ended before it listened (${signal ?? `exit ${code}`})`));
        gone = withHealth(gone, state.health);
        if (stopping) return;
        options.onEvent('worker.died', { pid: state.pid, producer, code, signal });
        if (!serving && !listened) return;
        const healthy = Date.now() - state.started > HEALTHY_MS;
        const next = healthy ? 1 : restarts + 1;
        const delay = next === 1 ? 0 : Math.min(MAX_DELAY_MS, 250 * 2 ** next);
        setTimeout(() => {
          if (!stopping) fork(index, next).catch(() => undefined); // its exit event schedules the next try
        }, delay);
      });
    });
  }

  /**
   * The first worker. Where any free port will do, one that was taken in between is no reason to fail; nor is a named one that
   * workers of an earlier control process are about to let go.
   */
  async function forkFirst(triesLeft = PORT_TRIES - 1): Promise<{ address: string; port: number }[]> {
    const wanted = settings['proxy.listen'];
    encoded = encodeSettings({ ...settings, 'proxy.listen': await settle(wanted) });
    try {
      return await fork(0, 0);
    } catch (e) {
      const taken = (e as NodeJS.ErrnoException).code === 'EADDRINUSE';
      const leaving = options.othersLeave();
      if (!taken || triesLeft === 0 || (!leaving && wanted.every(at => at.port !== 0))) throw e;
      if (leaving) await new Promise(resolve => setTimeout(resolve, LEAVING_MS));
      return forkFirst(triesLeft - 1);
    }
  }

  return {
    async start() {
      // One after the other, so that a port that is taken is told once.
      const bound = await forkFirst();
      await Promise.all(Array.from({ length: settings['workers'] - 1 }, (_, i) => fork(i + 1, 0)));
      serving = true;
      return bound;
    },
    publish(snapshot) {
      for (const { worker } of slots.values()) tell(worker, { kind: 'policy', snapshot });
    },
    publishCrl(crl) {
      for (const { worker } of slots.values()) tell(worker, { kind: 'crl', crl });
    },
    publishSetup(setup) {
      for (const { worker } of slots.values()) tell(worker, { kind: 'setup', setup });
    },
    workers: () => [...slots.values()].map(s => s.state),
    totals: () => [...slots.values()].reduce((sum, slot) => withHealth(sum, slot.state.health), gone),
    async stop() {
      stopping = true;
      const grace = settings['timeout.drain'] + 3_000;
      await Promise.all([...slots.values()].map(({ worker }) => drained(worker, grace)));
    },
  };
}

function withHealth(sum: Totals, health: WorkerHealth | null): Totals {
  if (health === null) return sum;
  return {
    tally: added(sum.tally, health.tally),
    accepted: sum.accepted + health.counters.accepted,
    refused: sum.refused + health.counters.refused,
    shed: sum.shed + health.spool.shed,
  };
}

function tell(worker: Worker, message: ToWorker): void {
  // The callback makes a channel that breaks under the message (a worker killed just now) no uncaught error; its exit
  // event does the rest.
  if (worker.isConnected()) worker.send(message, undefined, undefined, () => undefined);
}

function answerLeaf(worker: Worker, id: number, issued: ReturnType<LeafIssuer['issue']>): void {
  issued.then(
    leaf => {
      tell(worker, { kind: 'leaf', id, leaf });
    },
    (e: unknown) => {
      const fault =
        e instanceof Fault ? e : new Fault('mint-refused', e instanceof Error ? e.message : String(e));
      tell(worker, { kind: 'refused', id, code: fault.code, detail: fault.detail });
    },
  );
}

function answerCredentials(worker: Worker, id: number, checked: ReturnType<CredentialCheck['verify']>): void {
  checked.then(
    answer => {
      tell(worker, {
        kind: 'credentials',
        id,
        outcome: answer.outcome,
        groups: answer.outcome === 'ok' ? answer.groups : [],
      });
    },
    () => {
      tell(worker, { kind: 'credentials', id, outcome: 'unavailable', groups: [] });
    },
  );
}

function drained(worker: Worker, grace: number): Promise<void> {
  return new Promise(resolve => {
    const killer = setTimeout(() => worker.process.kill('SIGKILL'), grace);
    worker.on('exit', () => {
      clearTimeout(killer);
      resolve();
    });
    if (worker.isDead()) {
      clearTimeout(killer);
      resolve();
    } else if (worker.isConnected()) tell(worker, { kind: 'drain' });
    else worker.process.kill('SIGTERM');
  });
}
