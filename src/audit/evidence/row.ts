/** An exported row made anew from the canonical texts that prove it: what an export says of a row can then be compared with it. Pure. */
import { exchangeIdText, flowIdText } from '../../core/records.ts';
import { LANE_FIELDS, WHAT_FIELDS } from '../canon.ts';
import { digestOf, readCanonical } from '../chain.ts';
import type { Kind } from '../query/ast.ts';
import type { RowOf } from '../store/store.ts';
import type { Field } from '../chain.ts';

/** Canonical texts of the parts that a row's columns come from. */
export type Parts = Readonly<Record<string, string>>;

/** Place of each part's digest among a row's fields. */
const PARTS = {
  exchanges: { word: 'exchange', places: { who: 8, what: 9, url: 10 } },
  flows: { word: 'flow', places: { who: 6, lane: 7 } },
  events: { word: 'event', places: {} },
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
      return { time: f[0], event: f[1], detail: JSON.parse(f[2]) as object } as RowOf[K];
  }
}

const named = (names: readonly string[], fields: readonly Field[] | undefined): Record<string, Field> =>
  Object.fromEntries(names.map((name, i) => [name, fields?.[i] ?? null]));

function exchangeOf(f: readonly Field[], part: Record<string, readonly Field[]>): unknown {
  const what = named(WHAT_FIELDS, part['what']);
  const [flow, n, time, us, , up, down] = f as number[];
  return {
    exchange: exchangeIdText(flow ?? 0, n ?? 0),
    flow: flowIdText(flow ?? 0),
    time,
    client: part['who']?.[0],
    user: part['who']?.[2] ?? null,
    method: what['method'],
    scheme: what['scheme'],
    host: what['host'],
    port: what['port'],
    path: part['url']?.[1],
    status: what['status'],
    protocol: what['protocol'],
    reqBytes: up,
    resBytes: down,
    ms: (us ?? 0) / 1000,
    verdict: what['action'],
    rule: what['rule'],
    policy: what['policy'],
    fault: what['fault'],
    reason: what['reason'],
    sni: what['sni'],
    contentType: what['type'],
    mask: what['mask'],
    tlsProfile: what['tls'],
    parent: what['parent'],
    masked: what['masked'],
  };
}

function flowOf(f: readonly Field[], part: Record<string, readonly Field[]>): unknown {
  const lane = named(LANE_FIELDS, part['lane']);
  const [flow, time, us, up, down, exchanges] = f as number[];
  const { alpn } = lane;
  return {
    flow: flowIdText(flow ?? 0),
    time,
    client: part['who']?.[0],
    user: part['who']?.[2] ?? null,
    host: lane['host'],
    port: lane['port'],
    sni: lane['sni'],
    alpn: typeof alpn === 'string' ? (alpn === '' ? [] : alpn.split(',')) : null,
    ja4: lane['ja4'],
    verdict: lane['action'],
    rule: lane['rule'],
    policy: lane['policy'],
    reason: lane['reason'],
    bytesUp: up,
    bytesDown: down,
    ms: (us ?? 0) / 1000,
    fault: lane['fault'],
    exchanges,
    mask: lane['mask'],
    tlsProfile: lane['tls'],
    parent: lane['parent'],
  };
}
