/**
 * What the rest of the house may ask of the store of records. Everything is asynchronous: the embedded driver may work in
 * a thread of its own, and a driver for a database server has no other choice. Times are ms since epoch, durations
 * ms, sizes bytes. Every string may hold hostile bytes.
 *
 * Newest first always means newest in order of ingestion, which is the order in which exchanges ended.
 */
import type { BodyFacts, FlowOpenRecord, FlowRecord } from '../../core/records.ts';
import type { Kind, Query } from '../query/ast.ts';

/** One exchange as lists show it. Names are those of the command line contract (DESIGN §10). */
export interface ExchangeRow {
  exchange: string;
  flow: string;
  time: number;
  client: string;
  user: string | null;
  method: string;
  scheme: 'http' | 'https';
  host: string;
  port: number;
  path: string;
  status: number | null;
  protocol: string;
  reqBytes: number;
  resBytes: number;
  ms: number;
  verdict: string;
  rule: string;
  policy: string;
  fault: string | null;
  reason: string;
  sni: string | null;
  contentType: string | null;
  /** Masking profile that was in force; null where nothing was inspected, or the row is older than the column. */
  mask: string | null;
  /** What was offered to the origin; null like `mask`, and for plain HTTP. */
  tlsProfile: string | null;
  /** Parent group; null for straight. */
  parent: string | null;
  /** What was masked, as core/masking writes it; null where nothing was, or the row is older than the column. */
  masked: string | null;
  /** Machine that recorded it (`fleet.name`); absent where nobody named it, such as in a day file looked at by itself. */
  proxy?: string;
}

/** One flow of the ledger. */
export interface FlowRow {
  flow: string;
  time: number;
  client: string;
  user: string | null;
  host: string | null;
  port: number | null;
  sni: string | null;
  /** What the client offered; null without a ClientHello. */
  alpn: string[] | null;
  ja4: string | null;
  verdict: string | null;
  rule: string | null;
  policy: string | null;
  reason: string | null;
  bytesUp: number;
  bytesDown: number;
  ms: number;
  fault: string | null;
  exchanges: number;
  /** As in ExchangeRow. */
  mask: string | null;
  tlsProfile: string | null;
  parent: string | null;
  /** As in ExchangeRow. */
  proxy?: string;
}

export interface EventRow {
  time: number;
  event: string;
  detail: Record<string, unknown>;
  /** As in ExchangeRow. */
  proxy?: string;
}

export interface RowOf {
  exchanges: ExchangeRow;
  flows: FlowRow;
  events: EventRow;
}

/** One exchange with everything that was recorded of it. */
export interface ExchangeDetail extends ExchangeRow {
  n: number;
  wait: number | null;
  capture: string;
  /** How its block was told, or would have been. */
  block: string;
  faultDetail: string | null;
  upgraded: boolean;
  /** Head fields, one `name: value\r\n` each, exactly as recorded. */
  reqHeaders: string;
  resHeaders: string;
  req: BodyFacts;
  res: BodyFacts;
}

/** One flow with everything that was recorded of it. */
export interface FlowDetail {
  /** Null while the flow is open. */
  row: FlowRow | null;
  open: boolean;
  /** Facts, verdict, both TLS legs, certificate … as the worker left them. An open flow has its start only. */
  record: FlowRecord | FlowOpenRecord;
  /** Oldest first, at most `exchangeLimit`. */
  exchanges: ExchangeRow[];
  moreExchanges: boolean;
}

export interface SearchOptions<K extends Kind> {
  kind: K;
  /** Start of the row's time, inclusive, ms. */
  since?: number;
  /** End, exclusive. */
  until?: number;
  /** Rows in a page, 1 … 10,000; 50 when not given. */
  limit?: number;
  /** `next` of the page before. */
  before?: string;
  /** Time to spend, ms; then the page says how far it got. Without one it is searched to the end. */
  budget?: number;
  /** Given up: what was not begun is left. */
  signal?: AbortSignal;
}

export interface Page<K extends Kind> {
  rows: RowOf[K][];
  /** Cursor of the following (older) page; null when there is none. Stays valid while rows arrive. */
  next: string | null;
  /** Time down to which was searched when the budget ran out before the page was full, ms; absent when the page is complete. */
  reached?: number | null;
}

export interface CountOptions {
  kind: Kind;
  since?: number;
  until?: number;
  /** Time to spend, ms; then the count is a lower bound. Asked again it goes on where it was. */
  budget?: number;
  signal?: AbortSignal;
}

export interface Count {
  count: number;
  /** False when the budget ran out: there are at least `count`. */
  exact: boolean;
  /** From this time of ingestion on everything is counted, ms; null when not even the newest day was. Absent when exact. */
  reached?: number | null;
}

export interface HistogramOptions {
  kind: 'exchanges' | 'flows';
  since: number;
  until: number;
  /** Number of bars, 1 … 1000. */
  buckets: number;
  budget?: number;
  signal?: AbortSignal;
}

export interface Bucket {
  /** Start of the bar. */
  time: number;
  inspect: number;
  passthrough: number;
  block: number;
  /** Flows that never reached a verdict. */
  none: number;
  /** Rows with a fault, whatever the verdict. */
  faults: number;
}

export interface Histogram {
  buckets: Bucket[];
  exact: boolean;
  /** As in Count. */
  reached?: number | null;
}

/** Fields whose values can be counted. */
export const FACETS = [
  'host',
  'sni',
  'client',
  'user',
  'method',
  'status',
  'type',
  'verdict',
  'rule',
  'policy',
  'fault',
  'scheme',
  'port',
  'protocol',
  'mask',
  'tlsprofile',
  'parent',
  'proxy',
] as const;
export type FacetField = (typeof FACETS)[number];

export interface FacetOptions extends CountOptions {
  kind: 'exchanges' | 'flows';
  field: FacetField;
  limit?: number;
}

export interface Facets {
  /** Most frequent first. `value` is null for rows without one. */
  values: { value: string | number | null; count: number; bytes: number }[];
  exact: boolean;
  /** As in Count. */
  reached?: number | null;
}

export interface StoredBody {
  data: Buffer;
  facts: BodyFacts;
  /** Media type and content coding as the head of that side said, or null. */
  contentType: string | null;
  contentEncoding: string | null;
}

/** What waits in a spool for the store. */
export interface SpoolLag {
  segments: number;
  bytes: number;
  /** Of them not in the store yet. */
  lagBytes: number;
}

/** One day of records. */
export interface DayStats {
  /** `2026-11-20`, UTC. */
  day: string;
  exchanges: number;
  flows: number;
  events: number;
  /** Bytes on the disk. */
  bytes: number;
  /** Signed as a whole; it is not written any more. */
  sealed: boolean;
  /** Put back from an archive: stays until it is detached. */
  attached: boolean;
  /** First and last time of ingestion order; null when empty. */
  from: number | null;
  to: number | null;
}

/** One row of the feed, with what else is known of it where that was asked for. */
export type FedRow =
  | { kind: 'exchange'; row: ExchangeRow; detail: ExchangeDetail | null; bodies: FedBodies | null }
  | { kind: 'flow'; row: FlowRow; record: FlowRecord | null }
  | { kind: 'event'; row: EventRow };

export interface FedBodies {
  req: StoredBody | null;
  res: StoredBody | null;
}

export interface FeedOptions {
  /** `next` of the page before; null begins with the oldest row there is, `end` behind the newest. */
  after: string | null;
  /** Rows in a page at most, all kinds together, 1 … 10,000. */
  limit: number;
  kinds: readonly Kind[];
  /** How much comes beside each row: nothing, heads and the whole flow record, or captured bodies too. */
  detail: 'none' | 'heads' | 'bodies';
}

export interface FeedPage {
  /** In the order in which each kind was taken in; a row is in exactly one page. */
  rows: FedRow[];
  /** Cursor behind these rows. Every driver has its own form; it survives restarts. */
  next: string;
  /** Rows behind `next`, by day; the first day is that of `next`. Days without any are left out. */
  waiting: { day: string; rows: number }[];
  /** All days that can be read, oldest first. A day that had rows waiting and is not among them was deleted. */
  days: string[];
}

export interface AuditStore {
  search<K extends Kind>(query: Query, options: SearchOptions<K>): Promise<Page<K>>;
  count(query: Query, options: CountOptions): Promise<Count>;
  histogram(query: Query, options: HistogramOptions): Promise<Histogram>;
  facets(query: Query, options: FacetOptions): Promise<Facets>;
  /** By text id (`flow.n`); null when there is none. */
  exchange(id: string): Promise<ExchangeDetail | null>;
  /** By text id; open flows too. */
  flow(id: string, exchangeLimit?: number): Promise<FlowDetail | null>;
  body(exchange: string, side: 'req' | 'res'): Promise<StoredBody | null>;
  days(): Promise<DayStats[]>;
  /** How far the store is behind a spool of this machine, by the folder of its segments. */
  spoolLag(spoolDir: string): Promise<SpoolLag>;
  /** Rows in the order they came, for streams and alerts. Rows of a kind that is not asked for are passed over. */
  feed(options: FeedOptions): Promise<FeedPage>;
  close(): Promise<void>;
}

/** Rows that just came in, for live views and filters; with what else is known of them, where somebody has it. */
export type LiveRow =
  | { kind: 'exchange'; row: ExchangeRow; detail?: LiveDetail | null; bodies?: FedBodies | null }
  | { kind: 'flow'; row: FlowRow; record?: Pick<FlowRecord, 'facts'> | null }
  | { kind: 'event'; row: EventRow };

/** What a query can ask of an exchange beside its row. */
export type LiveDetail = Pick<ExchangeDetail, 'wait' | 'reqHeaders' | 'resHeaders' | 'req' | 'res'>;
