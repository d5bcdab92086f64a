/** An exported row made anew from the canonical texts that prove it: what an export says of a row can then be compared with it. Pure. */
import { exchangeIdText, flowIdText } from '../../core/records.ts';
import { LANE_FIELDS, WHAT_FIELDS } from '../canon.ts';
import { digestOf, readCanonical } from '../chain.ts';
import { fleetExchangeText, fleetFlowText } from '../store/ids.ts';
import { shownExchange, shownFlow } from '../store/shown.ts';
import type { Kind } from '../query/ast.ts';
import type { ExchangeColumns, FlowColumns } from '../store/shown.ts';
import type { ExchangeRow, FlowRow, RowOf } from '../store/store.ts';
import type { Field } from '../chain.ts';

/** Canonical texts of the parts that a row's columns come from. */
export type Parts = Readonly<Record<string, string>>;

/** Place of each part's digest among a row's fields; the machine is the last, which only rows of a fleet have. */
const PARTS = {
  exchanges: { word: 'exchange', places: { who: 8, what: 9, url: 10, proxy: 18 } },
  flows: { word: 'flow', places: { who: 6, lane: 7, proxy: 12 } },
  events: { word: 'event', places: { proxy: 3 } },
} as const;

/** The row that text and parts say; null when they do not belong together or are no row of this kind. */
export function rowOfTexts<K extends Kind>(kind: K, text: string, parts: Parts): RowOf[K] | null {
  const { word, places } = PARTS[kind];
  const row = readCanonical(text);
  if (row?.kind !== word) return null;
  const part: Record<string, readonly Field[]> = {};
  for (const [name, place] of Object.entries<number>(places)) {
    const of = parts[name];
    const field = row.fields[place];
    if (name === 'proxy' && field === undefined) continue;
    const read = of === undefined ? null : readCanonical(of);
    if (of === undefined || read?.kind !== name || typeof field !== 'object' || field?.hex !== digestOf(of))
      return null;
    part[name] = read.fields;
  }
  const f = row.fields;
  switch (kind) {
    case 'exchanges':
      return exchangeOf(f, part) as RowOf[K];
    case 'flows':
      return flowOf(f, part) as RowOf[K];
    default:
      if (typeof f[2] !== 'string') return null;
      return {
        ...{ time: f[0], event: f[1], detail: JSON.parse(f[2]) as object },
        ...nameOf(machineOf(part)),
      } as RowOf[K];
  }
}

const named = (names: readonly string[], fields: readonly Field[] | undefined): Record<string, Field> =>
  Object.fromEntries(names.map((name, i) => [name, fields?.[i] ?? null]));

function exchangeOf(f: readonly Field[], part: Record<string, readonly Field[]>): ExchangeRow {
  const [flow = 0, n = 0, time, us, , up, down] = f as number[];
  const columns = { flow, n, time, us, up, down, ...clientOf(part), path: part['url']?.[1] };
  const what = named(WHAT_FIELDS, part['what']);
  const machine = machineOf(part);
  const ids =
    machine === null
      ? { exchange: exchangeIdText(flow, n), flow: flowIdText(flow) }
      : { exchange: fleetExchangeText(machine.id, flow, n), flow: fleetFlowText(machine.id, flow) };
  const row = shownExchange(ids, { ...what, ...columns } as unknown as ExchangeColumns);
  return { ...row, ...nameOf(machine) };
}

function flowOf(f: readonly Field[], part: Record<string, readonly Field[]>): FlowRow {
  const [flow = 0, time, us, up, down, exchanges] = f as number[];
  const columns = { flow, time, us, up, down, exchanges, ...clientOf(part) };
  const lane = named(LANE_FIELDS, part['lane']);
  const machine = machineOf(part);
  const id = machine === null ? flowIdText(flow) : fleetFlowText(machine.id, flow);
  return { ...shownFlow(id, { ...lane, ...columns } as unknown as FlowColumns), ...nameOf(machine) };
}

/** The machine of a fleet's row; null on a row of a day file. */
function machineOf(part: Record<string, readonly Field[]>): { id: number; name: string } | null {
  const [id, name] = part['proxy'] ?? [];
  return typeof id === 'number' && typeof name === 'string' ? { id, name } : null;
}

const nameOf = (machine: { name: string } | null): { proxy?: string } =>
  machine === null ? {} : { proxy: machine.name };

const clientOf = (part: Record<string, readonly Field[]>): Record<'client' | 'user', Field> => ({
  client: part['who']?.[0] ?? null,
  user: part['who']?.[2] ?? null,
});
