/**
 * What carries the records of this machine: the recorder of day files, the one of a fleet, or both on one spool. For the rest of the
 * control process they are one recorder, whose state is the worse of the two.
 */
import { startRecorder } from '../audit/recorder.ts';
import type { Recorder, RecorderOptions, RecorderStats } from '../audit/recorder.ts';
import type { LiveRow } from '../audit/store/store.ts';
import type { FleetPlan } from './fleet.ts';

export interface Records extends Recorder {
  /** State of what ships to a collector, null without one. */
  shipping(): RecorderStats | null;
}

/** Start what the plan asks for. `onRows` gets the rows of the store that this machine searches. */
export function startRecords(options: Omit<RecorderOptions, 'fleet' | 'shared'>, plan: FleetPlan): Records {
  const { mode, name } = plan;
  const fleet = mode === null ? null : { mode, name, shared: plan.local };
  if (fleet === null) return { ...startRecorder(named(options, name)), shipping: () => null };
  const { onRows: _, ...silent } = options;
  if (!plan.local) {
    const ships = fleet.mode.kind === 'ship';
    const recorder = startRecorder({ ...(ships ? silent : options), fleet });
    return { ...recorder, shipping: () => (ships ? recorder.stats() : null) };
  }
  const local = startRecorder({ ...named(options, name), shared: true });
  const shipper = startRecorder({ ...silent, fleet });
  return {
    append: event => {
      local.append(event);
    },
    stats: () => {
      const own = local.stats();
      const far = shipper.stats();
      return {
        ...own,
        running: own.running && far.running,
        failing: own.failing ?? (far.failing === null ? null : `shipping to the collector: ${far.failing}`),
      };
    },
    shipping: () => shipper.stats(),
    async stop() {
      await Promise.all([local.stop(), shipper.stop()]);
    },
  };
}

/** Live rows of this machine's own recorder tell its name, as its store does. */
function named<O extends Pick<RecorderOptions, 'onRows'>>(options: O, proxy: string): O {
  const { onRows } = options;
  if (onRows === undefined) return options;
  return {
    ...options,
    onRows: (rows: LiveRow[], dropped: number) =>
      onRows(
        rows.map(live => ({ ...live, row: { ...live.row, proxy } }) as LiveRow),
        dropped,
      ),
  };
}
