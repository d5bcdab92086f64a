/** The newest rows of a committed batch for live views, oldest first, with the ids of the fleet's store. Pure. */
import { liveDetail } from '../live-ring.ts';
import { fleetFlowText } from '../store/ids.ts';
import { eventRow, exchangeRow, flowRow } from '../store/rows.ts';
import type { Written } from '../store/postgres/gather.ts';
import type { LiveRow } from '../store/store.ts';

/** At most `limit` rows; `dropped` older ones are left out. */
export function liveRows(
  proxy: number,
  name: string,
  written: readonly Written[],
  limit: number,
): { live: LiveRow[]; dropped: number } {
  const dropped = Math.max(0, written.length - limit);
  return { live: written.slice(dropped).map(row => liveRow(proxy, name, row)), dropped };
}

function liveRow(proxy: number, name: string, written: Written): LiveRow {
  switch (written.kind) {
    case 'exchange': {
      const flow = fleetFlowText(proxy, written.record.flow);
      const exchange = `${flow}.${written.record.n}`;
      return {
        kind: 'exchange',
        row: { ...exchangeRow(written.record, written.sni), flow, exchange, proxy: name },
        detail: liveDetail(written.record),
      };
    }
    case 'flow':
      return {
        kind: 'flow',
        row: { ...flowRow(written.record), flow: fleetFlowText(proxy, written.record.flow), proxy: name },
        record: { facts: written.record.facts },
      };
    case 'event':
      return { kind: 'event', row: { ...eventRow(written.record), proxy: name } };
  }
}
