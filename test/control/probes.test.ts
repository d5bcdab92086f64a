import assert from 'node:assert/strict';
import { test } from 'node:test';
import { emptyTally } from '../../src/control/tally.ts';
import type { WorkerHealth } from '../../src/control/messages.ts';
import { gather, obstacles, type ProbeParts } from '../../src/control/probes.ts';
import type { WorkerState } from '../../src/control/supervisor.ts';

const health = (spool: Partial<WorkerHealth['spool']> = {}): WorkerHealth => ({
  counters: {
    accepted: 3,
    open: 1,
    refused: 0,
    inspected: 0,
    passed: 0,
    blocked: 0,
    exchanges: 0,
    faults: 0,
  },
  tally: emptyTally(),
  policy: 'p',
  leafContexts: 2,
  rss: 10,
  cpuMs: 1500,
  loopDelayMs: 4,
  spool: { writing: true, error: null, queuedBytes: 0, shed: 0, ...spool },
});
const worker = (h: WorkerHealth | null): WorkerState => ({
  index: 0,
  pid: 1,
  producer: 1,
  started: 0,
  restarts: 0,
  health: h,
});
const recorder = (failing: string | null = null, running = true): ProbeParts['recorder'] => ({
  stats: () => ({ running, failing, lagBytes: 0, rowsPerSecond: 0, rows: 0, day: null }),
  shipping: () => null,
});
const supervisor = (...workers: WorkerState[]): ProbeParts['supervisor'] => ({
  workers: () => workers,
  totals: () => ({ tally: emptyTally(), accepted: 3, refused: 0, shed: 0 }),
});

void test('ready means: somebody serves, and what happens can be recorded', () => {
  const told = (s: ProbeParts['supervisor'], r: ProbeParts['recorder']): string[] =>
    obstacles({ supervisor: s, recorder: r });
  assert.deepEqual(told(supervisor(worker(health())), recorder()), []);
  assert.deepEqual(told(supervisor(), recorder()), ['no worker serves yet']);
  assert.deepEqual(told(supervisor(worker(null)), recorder()), ['no worker serves yet']);
  assert.deepEqual(told(supervisor(worker(health()), worker(null)), recorder()), [], 'one is enough');
  assert.match(
    told(supervisor(worker(health({ writing: false, error: 'ENOSPC' }))), recorder())[0] ?? '',
    /ENOSPC/,
  );
  assert.deepEqual(told(supervisor(worker(health())), recorder(null, false)), [
    'the recorder is not running',
  ]);
  assert.match(told(supervisor(worker(health())), recorder('database is locked'))[0] ?? '', /locked/);
});

void test('a worker that has not told yet has no figures', async () => {
  const state = await gather({
    supervisor: supervisor(worker(null), { ...worker(health()), index: 1 }),
    recorder: recorder(),
    issuer: { counts: () => ({ minted: 1, reused: 2, busy: 3, refused: 4, cached: 5, waiting: 6 }) },
    policy: { current: () => ({ version: 'v' }), appliedAt: () => 7, problems: () => [] },
    lists: { states: () => Promise.resolve([]) },
    authority: { describe: () => ({ notAfter: '2030-01-01T00:00:00.000Z' }) },
  } as unknown as ProbeParts);
  assert.deepEqual(
    state.workers.map(w => [w.index, w.cpuSeconds, w.loopDelaySeconds]),
    [[1, 1.5, 0.004]],
  );
  assert.deepEqual(state.leaves, { minted: 1, reused: 2, busy: 3, refused: 4 });
  assert.equal(state.authorityEnds, Date.UTC(2030, 0));
  assert.equal(state.policy.applied, 7);
});
