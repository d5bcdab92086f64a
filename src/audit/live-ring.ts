/**
 * The newest rows of a batch for live views: a ring, so that a busy batch costs an assignment per row and only what is shown is
 * turned into rows. Bound: `size`; what is overwritten counts as dropped.
 */
import { eventRow, exchangeRow, flowRow } from './store/rows.ts';
import type { EventRecord, ExchangeRecord, FlowRecord } from '../core/records.ts';
import type { LiveDetail, LiveRow } from './store/store.ts';

type Shown =
  | { kind: 'exchange'; record: ExchangeRecord; sni: string | null }
  | { kind: 'flow'; record: FlowRecord }
  | { kind: 'event'; record: EventRecord };

export class LiveRing {
  private readonly size: number;
  private readonly ring: Shown[] = [];
  private count = 0;

  constructor(size: number) {
    this.size = size;
  }

  add(shown: Shown): void {
    if (this.size > 0) this.ring[this.count++ % this.size] = shown;
  }

  /** What came since the last call, oldest first, and how many rows before it were left out. Empties the ring. */
  take(): { live: LiveRow[]; dropped: number } {
    const dropped = Math.max(0, this.count - this.size);
    const live: LiveRow[] = [];
    for (let i = dropped; i < this.count; i++) {
      const shown = this.ring[i % this.size];
      if (shown !== undefined) live.push(liveRow(shown));
    }
    this.clear();
    return { live, dropped };
  }

  clear(): void {
    this.ring.length = 0;
    this.count = 0;
  }
}

function liveRow(shown: Shown): LiveRow {
  switch (shown.kind) {
    case 'exchange':
      return {
        kind: 'exchange',
        row: exchangeRow(shown.record, shown.sni),
        detail: liveDetail(shown.record),
      };
    case 'flow':
      return { kind: 'flow', row: flowRow(shown.record), record: { facts: shown.record.facts } };
    case 'event':
      return { kind: 'event', row: eventRow(shown.record) };
  }
}

/** What filters ask of an exchange beside its row. */
export const liveDetail = ({ wait, reqHeaders, resHeaders, req, res }: ExchangeRecord): LiveDetail => ({
  wait,
  reqHeaders,
  resHeaders,
  req,
  res,
});
