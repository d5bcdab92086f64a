/**
 * Stands the probe site up on the control process' own parts: where each metric comes from, and what "ready" means.
 *
 * Ready: a worker serves, the recorder runs and commits, and no worker is without a spool to write to. A policy that was
 * refused is no obstacle, the one before it is in force; nor is a list that could not be fetched. Both have metrics.
 */
import type { Authority } from '../../ca/authority.ts';
import type { CountingIssuer } from '../../ca/issuer.ts';
import type { Records } from './records.ts';
import type { PolicyStore } from '../policy/store.ts';
import type { Settings } from '../settings/catalogue.ts';
import { Exposition, type MetricsState } from './metrics.ts';
import type { ListKeeper } from './policy-sources.ts';
import { startProbeSite, type RunningProbeSite } from './probe-site.ts';
import type { Supervisor } from './supervisor.ts';
import { VERSION } from './version.ts';

export interface ProbeParts {
  settings: Settings;
  issuer: Pick<CountingIssuer, 'counts'>;
  policy: Pick<PolicyStore, 'current' | 'appliedAt' | 'problems'>;
  lists: Pick<ListKeeper, 'states'>;
  authority: Pick<Authority, 'describe'>;
  recorder: Pick<Records, 'stats' | 'shipping'>;
  supervisor: Pick<Supervisor, 'workers' | 'totals'>;
}

/** Opens what `metrics.listen` names; nothing when it names nothing. */
export function startProbes(parts: ProbeParts): Promise<RunningProbeSite> {
  return startProbeSite({
    listen: parts.settings['metrics.listen'],
    metrics: new Exposition(() => gather(parts)),
    obstacles: () => obstacles(parts),
  });
}

/** What keeps the service from doing its work, in sentences; empty when it is ready. */
export function obstacles({
  supervisor,
  recorder,
}: Pick<ProbeParts, 'supervisor'> & { recorder: Pick<Records, 'stats'> }): string[] {
  const workers = supervisor.workers();
  const stats = recorder.stats();
  const found: string[] = [];
  if (!workers.some(w => w.health !== null)) found.push('no worker serves yet');
  for (const { index, health } of workers)
    if (health !== null && !health.spool.writing)
      found.push(
        `worker ${index} cannot write its records: ${health.spool.error ?? 'the spool is at its bound'}`,
      );
  if (!stats.running) found.push('the recorder is not running');
  else if (stats.failing !== null) found.push(`the recorder cannot commit: ${stats.failing}`);
  return found;
}

/** The state of the service at one scrape. */
export async function gather(parts: ProbeParts): Promise<MetricsState> {
  const { minted, reused, busy, refused } = parts.issuer.counts();
  return {
    version: VERSION,
    ...parts.supervisor.totals(),
    workers: parts.supervisor.workers().flatMap(({ index, restarts, health }) =>
      health === null
        ? []
        : [
            {
              index,
              restarts,
              open: health.counters.open,
              leafContexts: health.leafContexts,
              residentBytes: health.rss,
              cpuSeconds: health.cpuMs / 1000,
              loopDelaySeconds: health.loopDelayMs / 1000,
              spoolWriting: health.spool.writing,
              spoolQueuedBytes: health.spool.queuedBytes,
            },
          ],
    ),
    recorder: parts.recorder.stats(),
    shipping: parts.recorder.shipping(),
    leaves: { minted, reused, busy, refused },
    policy: {
      version: parts.policy.current().version,
      rejected: parts.policy.problems().length > 0,
      applied: parts.policy.appliedAt(),
    },
    lists: (await parts.lists.states()).map(l => ({ name: l.name, age: l.age, alarm: l.alarm !== null })),
    authorityEnds: Date.parse(parts.authority.describe().notAfter),
    ready: obstacles(parts).length === 0,
  };
}
