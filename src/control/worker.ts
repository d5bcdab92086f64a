/**
 * Entry of a proxy worker: stands the data plane up behind real ports (spool, remote issuer, policy snapshots).
 * It lives here and not in `proxy` because the proxy room may know nothing of spool and control (import direction).
 *
 * It holds no CA key and no database. When the control process goes away it carries on with cached leaves and the last
 * policy, for at most ten minutes or until a new control process asks it to leave.
 */
import cluster from 'node:cluster';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { PseudonymousSink } from '../audit/pseudonym.ts';
import { officerKey } from '../audit/sealed-name.ts';
import { openSpool } from '../audit/spool.ts';
import type { AuditSink } from '../core/ports.ts';
import { loadSnapshot, type PolicySnapshot } from '../policy/compile.ts';
import { policySource } from '../policy/decide.ts';
import { readSetFile } from '../policy/set-file.ts';
import { createProxy } from '../proxy/proxy.ts';
import type { FromWorker, StartMessage, ToWorker, WorkerHealth } from './messages.ts';
import { announceWorker } from './orphans.ts';
import { ControlLink, remoteCredentials, remoteIssuer } from './remote.ts';
import { decodeSettings } from './settings-wire.ts';
import { countingSink, emptyTally } from './tally.ts';

const ORPHAN_MS = 10 * 60_000;
const HEALTH_MS = 2_000;

function send(message: FromWorker): boolean {
  // With a callback, a channel that breaks under the message is an answer; without one it is an uncaught error, and a
  // control process that was killed would take its workers along.
  return process.connected
    ? (process.send?.(message, undefined, undefined, () => undefined) ?? false)
    : false;
}

async function run(start: StartMessage, takeOver: () => void): Promise<void> {
  const settings = decodeSettings(start.settings);
  const dataDir = settings['data-dir'];
  const spool = openSpool({
    dir: join(dataDir, 'spool'),
    producer: start.producer,
    maxSpool: settings['audit.spool-max'],
    onFailure: settings['audit.onFailure'],
    durability: settings['audit.durability'],
  });
  const link = new ControlLink(send, settings['limits.mint-queue']);
  const policy = policySource(await loadSnapshot(start.snapshot, readSetFile));
  const tally = emptyTally();
  const proxy = createProxy({
    settings,
    producer: start.producer,
    authority: start.authority,
    setup: start.setup,
    ticketKeys: Buffer.from(start.ticketKeys),
    ownListeners: start.ownListeners,
    ports: {
      audit: written(start, countingSink(spool, tally)),
      issuer: remoteIssuer(link),
      credentials: remoteCredentials(link, settings['proxy.auth'] === 'basic'),
      policy,
    },
  });

  const loopDelay = monitorEventLoopDelay({ resolution: 10 });
  loopDelay.enable();
  const health = (): WorkerHealth => {
    const { user, system } = process.cpuUsage();
    const { writing, error, queuedBytes, shed } = spool.stats();
    return {
      counters: { ...proxy.counters },
      tally,
      policy: policy.version,
      leafContexts: proxy.leafContexts,
      rss: process.memoryUsage.rss(),
      cpuMs: (user + system) / 1000,
      // The sampler sleeps ten milliseconds between two looks and counts them in.
      loopDelayMs: Math.max(0, loopDelay.percentile(99) / 1e6 - 10),
      spool: { writing, error, queuedBytes, shed },
    };
  };
  const beat = setInterval(() => {
    spool.probe();
    link.expire(Date.now());
    send({ kind: 'health', health: health() });
    loopDelay.reset();
  }, HEALTH_MS);

  let leaving = false;
  let newest = 0;
  const leave = async (): Promise<void> => {
    if (leaving) return;
    leaving = true;
    await proxy.drain();
    clearInterval(beat);
    spool.close();
    process.exit(0);
  };

  process.on('message', (message: ToWorker) => {
    if (link.answer(message)) return;
    if (message.kind === 'drain') void leave();
    if (message.kind === 'policy') apply(message.snapshot);
    if (message.kind === 'crl') start.authority.crl = message.crl;
    if (message.kind === 'setup') Object.assign(start.setup, message.setup);
  });
  takeOver();
  // A policy may have come while the first one was being loaded. A list of revocations comes every hour.
  for (const message of inbox.splice(0)) {
    if (message.kind === 'policy') apply(message.snapshot);
    if (message.kind === 'setup') Object.assign(start.setup, message.setup);
  }

  /** Loads lists beside the running policy; of several that come fast the last one sent stays. */
  function apply(snapshot: PolicySnapshot): void {
    const turn = ++newest;
    loadSnapshot(snapshot, readSetFile, policy.current).then(
      next => {
        if (turn !== newest) return;
        policy.apply(next);
        void proxy.reconsider();
        send({ kind: 'health', health: health() });
      },
      (e: unknown) => send({ kind: 'policy-refused', version: snapshot.version, message: words(e) }),
    );
  }
  process.on('SIGTERM', () => void leave());
  // Ctrl-C reaches the whole process group; the control process decides when workers go.
  process.on('SIGINT', () => undefined);
  process.on('disconnect', () => {
    link.disconnect();
    setTimeout(() => void leave(), ORPHAN_MS).unref();
  });
  // node:cluster ends a worker whose primary is gone unless the parting was agreed on. We agree: a dead control process
  // must not end the connections of its workers (DESIGN §8).
  if (cluster.worker !== undefined) cluster.worker.exitedAfterDisconnect = true;

  announceWorker(dataDir);
  const addresses = await proxy.listen();
  send({ kind: 'health', health: health() });
  send({ kind: 'listening', addresses: addresses.map(a => ({ address: a.address, port: a.port })) });
}

/** The sink that records go to, under pseudonyms where settings want them. */
function written({ pseudonyms }: StartMessage, sink: AuditSink): AuditSink {
  if (pseudonyms === null) return sink;
  const { days, period, key, officer } = pseudonyms;
  return new PseudonymousSink(sink, pseudonyms, { days, period, key: Buffer.from(key) }, officerKey(officer));
}

function words(e: unknown): string {
  return e instanceof Error ? e.message : String(e);
}

/** Messages that came while the worker was still standing up. At most a handful of policy changes. */
const inbox: ToWorker[] = [];

process.once('message', (first: ToWorker) => {
  if (first.kind !== 'start') return;
  const keep = (message: ToWorker): void => {
    inbox.push(message);
  };
  process.on('message', keep);
  run(first, () => process.off('message', keep)).catch((e: unknown) => {
    const code = e instanceof Error && 'code' in e && typeof e.code === 'string' ? e.code : null;
    send({ kind: 'failed', message: words(e), code });
    setTimeout(() => process.exit(1), 100);
  });
});
send({ kind: 'hungry' });
