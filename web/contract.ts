/**
 * The shapes that cross between console server and console client: one file, imported by both, importing nothing.
 *
 * Rows carry the field names of the machine-readable output (`search --format ndjson`), so what an auditor sees, what a
 * script reads and what the API says have one vocabulary. Every string may hold hostile bytes written by strangers: a
 * client shows them as text and nothing else. Times are ISO 8601 UTC, sizes bytes, durations ms, ids their text form.
 *
 * Wire habits: GET for reading, POST with a JSON body for change. A change needs the header `x-csrf-token` with
 * `Me.csrf` (log-in and set-up have no session yet and need `x-csrf-token: none`). Every answer that is no 2xx
 * carries `ApiError`. A 401 means the session has ended: ask `API.me` again.
 */

// ---------------------------------------------------------------------------------------------------- addresses

/** Every path of the API. `:id` is a text id (already safe in a path), `:side` is `req` or `res`. */
export const API = {
  me: '/api/me',
  setup: '/api/setup',
  login: '/api/login',
  logout: '/api/logout',
  search: '/api/search',
  exchange: '/api/exchange/:id',
  flow: '/api/flow/:id',
  body: '/api/exchange/:id/body/:side',
  preview: '/api/exchange/:id/preview/:side',
  histogram: '/api/histogram',
  facets: '/api/facets',
  export: '/api/export',
  live: '/api/live',
  status: '/api/status',
  policy: '/api/policy',
  ca: '/api/ca',
  trail: '/api/trail',
} as const;

export const CSRF_HEADER = 'x-csrf-token';

/**
 * Send it (any value) with requests that a page makes by itself (polling, refreshing a chart behind the live list): they
 * do not count as use, so an unattended screen logs out. `API.me`, `API.status` and an open live stream never count.
 */
export const BACKGROUND_HEADER = 'x-background';

// ---------------------------------------------------------------------------------------------------- errors

export const ERROR_CODES = [
  'bad-request',
  'bad-query',
  'set-up-needed',
  'set-up-refused',
  'log-in-refused',
  'log-in-locked',
  'signed-out',
  'not-allowed',
  'csrf',
  'wrong-host',
  'not-found',
  'too-large',
  'too-many',
  'unavailable',
  'internal',
] as const;
export type ErrorCode = (typeof ERROR_CODES)[number];

/** Body of every answer outside 2xx. */
export interface ApiError {
  error: {
    code: ErrorCode;
    /** One plain sentence: what happened. */
    message: string;
    /** One plain sentence: what to do about it. */
    hint: string;
    /** `bad-query`: offset in UTF-16 units of the query text where it stops making sense. */
    position?: number;
    /** `bad-query`: offset, exclusive, where the part that is meant ends. */
    end?: number;
    /** `log-in-locked`, `too-many`: seconds until another try makes sense. */
    retryAfter?: number;
  };
}

// ---------------------------------------------------------------------------------------------------- people

/** Roles a user may hold. `proxy` only lets a user through the proxy; it opens nothing in the console. */
export const ROLES = ['admin', 'policy-author', 'auditor', 'viewer', 'proxy'] as const;
export type Role = (typeof ROLES)[number];

/** What a signed-in person may do; the server decides, the client hides what would be refused. */
export const PERMISSIONS = ['search', 'detail', 'body', 'export', 'policy', 'status', 'trail'] as const;
export type Permission = (typeof PERMISSIONS)[number];

export const PERMISSIONS_OF: Readonly<Record<Role, readonly Permission[]>> = {
  admin: PERMISSIONS,
  auditor: PERMISSIONS,
  'policy-author': ['search', 'detail', 'policy', 'status'],
  viewer: ['search', 'detail', 'status'],
  proxy: [],
};

export interface Me {
  name: string;
  roles: Role[];
  can: Permission[];
  /** Send it back in `x-csrf-token` with every POST. */
  csrf: string;
  /** When the session ends whatever happens, and when it ends if nothing is asked until then. */
  expires: string;
  idleExpires: string;
}

/** GET /api/me. Always 200: which of the three first pages to show. */
export interface SessionAnswer {
  state: 'set-up-needed' | 'signed-out' | 'signed-in';
  /** Present exactly when `signed-in`. */
  me: Me | null;
  product: { name: string; version: string };
}

/** POST /api/setup: makes the first admin with the one-time token of the set-up link (fragment of `/setup#token`). */
export interface SetupRequest {
  token: string;
  name: string;
  password: string;
}

/** POST /api/login */
export interface LoginRequest {
  name: string;
  password: string;
}

/** Answer of set-up and log-in: a session exists now (cookie) and this is it. */
export interface LoginAnswer {
  me: Me;
}

/** Rules the forms may tell before the server does. */
export const PASSWORD_MIN = 12;
export const PASSWORD_MAX = 256;
/** Valid for RegExp and for a form's `pattern` attribute, where the hyphen must be escaped (flag `v`). */
export const USER_NAME_PATTERN = '^[A-Za-z0-9][A-Za-z0-9._@\\-]{0,63}$';

// ---------------------------------------------------------------------------------------------------- rows

export const ACTIONS = ['inspect', 'passthrough', 'block'] as const;
export type Action = (typeof ACTIONS)[number];

export const KINDS = ['exchanges', 'flows', 'events'] as const;
export type Kind = (typeof KINDS)[number];

/** One HTTP request with its response, as in `search --format ndjson`. */
export interface ExchangeRow {
  exchange: string;
  flow: string;
  time: string;
  client: string;
  user: string | null;
  method: string;
  scheme: 'http' | 'https';
  host: string;
  port: number;
  /** With query, secrets masked. */
  path: string;
  /** Null when no response head arrived. */
  status: number | null;
  protocol: string;
  reqBytes: number;
  resBytes: number;
  ms: number;
  verdict: Action;
  rule: string;
  policy: string;
  fault: string | null;
  /** Media type of the response without parameters, lower case, or null. */
  contentType: string | null;
  sni: string | null;
  /** Why the verdict fell, in one sentence. */
  reason: string;
}

/** One client connection: the ledger row, as in `search --flows --format ndjson`. */
export interface FlowRow {
  flow: string;
  time: string;
  client: string;
  user: string | null;
  /** Null when the connection ended before it asked for anything. */
  host: string | null;
  port: number | null;
  sni: string | null;
  /** Protocols the client offered. */
  alpn: string[];
  ja4: string | null;
  /** Null when the connection ended before a verdict. */
  verdict: Action | null;
  rule: string | null;
  policy: string | null;
  reason: string | null;
  bytesUp: number;
  bytesDown: number;
  ms: number;
  fault: string | null;
  exchanges: number;
}

/** Something that is no connection: a start, a policy change, a gap, an alarm. */
export interface EventRow {
  /** Dotted name, such as `policy.applied`. Events have no id. */
  event: string;
  time: string;
  detail: Record<string, unknown>;
}

export interface RowOf {
  exchanges: ExchangeRow;
  flows: FlowRow;
  events: EventRow;
}

// ---------------------------------------------------------------------------------------------------- search

/**
 * Parameters shared by search, histogram, facets, export and live (all optional, as URL parameters):
 * `kind` (default `exchanges`), `q` (query text), `since` and `until` (ISO 8601, or an age such as `15m`, `24h`, `7d`).
 */
export interface QueryParams {
  kind?: Kind;
  q?: string;
  since?: string;
  until?: string;
}

/** GET /api/search: `QueryParams` and `cursor` (from the page before), `limit` (1 to 500, default 100). Newest first. */
export interface SearchParams extends QueryParams {
  cursor?: string;
  limit?: number;
}

export interface SearchPage<K extends Kind = Kind> {
  kind: K;
  rows: RowOf[K][];
  /** Give it as `cursor` for the older rows that follow; null at the end. */
  next: string | null;
}

/**
 * GET /api/histogram: `QueryParams` and `buckets` (1 to 500, default 120). Without `since` it begins with the oldest
 * record. For events there is no chart: `buckets` is empty.
 */
export interface Histogram {
  since: string;
  until: string;
  /** Width of a bucket, ms. */
  step: number;
  /** Oldest first, one entry for every bucket, empty ones included. */
  buckets: HistogramBucket[];
  /** False when counting was cut short: there are at least as many. */
  exact: boolean;
}

export interface HistogramBucket {
  /** Start of the bucket. */
  time: string;
  inspect: number;
  passthrough: number;
  block: number;
  /** Connections that ended before a verdict. */
  none: number;
  /** How many of all these ended with a fault. */
  faults: number;
}

/** GET /api/facets: `QueryParams` and `fields` (comma-separated, default all of the kind), `top` (1 to 50, default 10). */
export interface Facets {
  facets: Facet[];
}

export const FACET_FIELDS: Readonly<Record<Kind, readonly string[]>> = {
  exchanges: ['host', 'client', 'user', 'method', 'status', 'type', 'verdict', 'rule', 'fault'],
  flows: ['host', 'client', 'user', 'verdict', 'rule', 'fault'],
  events: [],
};

export interface Facet {
  /** A field of the query language: `field:value` filters in, `-field:value` filters out. */
  field: string;
  /** Most frequent first. */
  values: { value: string; count: number }[];
  /** True when there are more values than shown. */
  more: boolean;
  /** False when counting was cut short: there are at least as many. */
  exact: boolean;
}

/** GET /api/export: `QueryParams` and `format`; an attachment. Whether it is whole stands in its last line. */
export const EXPORT_FORMATS = ['ndjson', 'csv'] as const;
export type ExportFormat = (typeof EXPORT_FORMATS)[number];
/** No export holds more rows; one that reached it says `truncated`. */
export const EXPORT_MAX = 100_000;

// ---------------------------------------------------------------------------------------------------- detail

/** What a fault code means, from the one catalogue, in sentences for people. */
export interface FaultInfo {
  code: string;
  side: 'client' | 'origin' | 'us';
  phase: string;
  summary: string;
  hint: string;
  /** The machine's words about this one case, or null. */
  detail: string | null;
}

export interface HeaderField {
  name: string;
  value: string;
  /** True when the value holds a mask in place of a secret. */
  masked: boolean;
}

export interface BodyInfo {
  /** Size of the whole body on the wire (content codings still on), and how much of it is kept. */
  size: number;
  kept: number;
  /** SHA-256 of the whole, hex; null when the body was not captured. */
  sha256: string | null;
  truncated: boolean;
  /** Why there is nothing to show, when there is nothing: `empty`, `not-captured` (policy), or null. */
  absent: 'empty' | 'not-captured' | null;
}

export interface MessageInfo {
  /** As on the wire, in order. */
  headers: HeaderField[];
  body: BodyInfo;
}

/** GET /api/exchange/:id */
export interface ExchangeDetail {
  row: ExchangeRow;
  request: MessageInfo;
  /** Null when no response head arrived. */
  response: MessageInfo | null;
  /** From request head complete to response head complete; null without a response. */
  wait: number | null;
  verdict: VerdictInfo;
  fault: FaultInfo | null;
  /** True when the exchange became a WebSocket or other upgrade. */
  upgraded: boolean;
  /** The connection it ran in; null when its row is gone. */
  flow: FlowDetail | null;
  /** Neighbours in the same flow. */
  previous: string | null;
  next: string | null;
}

export interface VerdictInfo {
  action: Action;
  rule: string;
  policy: string;
  reason: string;
  capture: string;
  block: string;
}

export interface TlsLegInfo {
  version: string;
  cipher: string;
  alpn: string | null;
  resumed: boolean;
}

export interface CertInfo {
  subject: string;
  issuer: string;
  names: string[];
  notBefore: string;
  notAfter: string;
  fingerprint: string;
  serial: string;
}

export interface HelloInfo {
  sni: string | null;
  rawSni: string | null;
  alpn: string[];
  versions: string[];
  /** IANA numbers. */
  ciphers: number[];
  groups: number[];
  ja3: string;
  ja4: string;
  ech: 'none' | 'grease-or-real' | 'inner';
  grease: boolean;
  size: number;
}

/** GET /api/flow/:id */
export interface FlowDetail {
  row: FlowRow;
  /** True while the connection is open: bytes, exchanges and TLS are not known yet. */
  open: boolean;
  clientPort: number;
  /** How the client reached us, and at which of our addresses; null when it never said what it wants. */
  ingress: string | null;
  listener: string | null;
  groups: string[];
  /** How the hello phase ended: `hello`, `not-tls`, `malformed`, `timed-out`, `none`; null before it. */
  outcome: string | null;
  hello: HelloInfo | null;
  verdict: VerdictInfo | null;
  fault: FaultInfo | null;
  originAddress: string | null;
  clientTls: TlsLegInfo | null;
  originTls: TlsLegInfo | null;
  originCert: CertInfo | null;
  /** Serial (hex) of the leaf shown to the client, or null. */
  leafSerial: string | null;
  /** The first exchanges of the flow, in order; `row.exchanges` says how many there are. Empty inside `ExchangeDetail`. */
  exchanges: ExchangeRow[];
}

/** GET /api/exchange/:id/preview/:side. The body as text, content codings taken off, within fixed bounds. */
export interface BodyPreview {
  /** Media type as the message claims, without parameters; null when it claims none. */
  contentType: string | null;
  /** Content codings that were taken off, outermost first. */
  codings: string[];
  /** The body as text; null when it is no text. At most `PREVIEW_MAX` bytes of it. */
  text: string | null;
  /** First bytes of the decoded body for a hex view, base64, at most `HEX_MAX` bytes. */
  head: string;
  /** Bytes of the decoded body that were looked at. */
  bytes: number;
  /** True when this is the whole body. */
  whole: boolean;
  /** Why it is not whole or not decoded, in a sentence; null when it is. */
  note: string | null;
}

export const PREVIEW_MAX = 1024 * 1024;
export const HEX_MAX = 16 * 1024;

// ---------------------------------------------------------------------------------------------------- live

/**
 * GET /api/live: `QueryParams` without times; `text/event-stream`. Every message has an event name and JSON data:
 * `ready` once, `rows` as they come, `beat` every 15 s when nothing else, `end` before the server closes the stream.
 * A stream that ended with `signed-out` must not be opened again before a log-in; otherwise open it again. A reader that
 * takes nothing for a minute is cut off without a word.
 */
export interface LiveMessages {
  ready: { kind: Kind };
  /** Oldest first. `dropped`: matching rows left out since the last message because they came too fast to show. */
  rows: { kind: Kind; rows: RowOf[Kind][]; dropped: number };
  beat: { time: string };
  end: { reason: 'signed-out' | 'stopping' };
}
export type LiveEvent = keyof LiveMessages;

// ---------------------------------------------------------------------------------------------------- state

/** GET /api/status */
export interface Status {
  version: string;
  started: string;
  now: string;
  /** Addresses that serve. */
  proxy: string[];
  console: string[];
  workers: WorkerStatus[];
  audit: {
    /** False while records cannot be written. */
    healthy: boolean;
    /** Bytes written by workers that the store does not hold yet, and how old the oldest of them is. */
    spoolBytes: number;
    lagMs: number;
    flows: number;
    exchanges: number;
    /** Bytes of all stored days. */
    storeBytes: number;
    days: number;
    /** The last thing that went wrong, or null. */
    problem: string | null;
  };
  policy: { version: string; rejected: PolicyRejection | null };
  ca: CaStatus | null;
}

export interface WorkerStatus {
  id: number;
  pid: number | null;
  state: 'starting' | 'serving' | 'draining' | 'dead';
  connections: number;
  /** Connections since its start. */
  flows: number;
  restarts: number;
  rssBytes: number;
}

export interface CaStatus {
  subject: string;
  fingerprint: string;
  notBefore: string;
  notAfter: string;
  keyType: string;
}

export interface PolicyRejection {
  time: string;
  message: string;
  /** 1-based; null when the whole document is meant. */
  line: number | null;
  column: number | null;
  hint: string | null;
}

/** GET /api/policy */
export interface PolicyView {
  version: string;
  /** When this version came into force. */
  applied: string;
  /** The document as written. */
  text: string;
  /** Why the newest document on disk is not in force; null when it is. */
  rejected: PolicyRejection | null;
}

/** GET /api/ca?format=pem|der: the root certificate to deploy, as an attachment. */
export const CA_FORMATS = ['pem', 'der'] as const;
export type CaFormat = (typeof CA_FORMATS)[number];

/** GET /api/trail?cursor=&limit=: what people did here, newest first. */
export interface TrailPage {
  rows: TrailRow[];
  next: string | null;
}

export interface TrailRow {
  id: number;
  time: string;
  /** User name; null when nobody was signed in. */
  user: string | null;
  address: string;
  /** Dotted name, such as `search`, `exchange.viewed`, `body.downloaded`, `login.refused`. */
  action: string;
  detail: Record<string, unknown>;
}
