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
  /** GET: the reader's own second factor; POST: put it into an app, confirm it, other recovery codes, away with it. */
  secondFactor: '/api/second-factor',
  secondFactorBegin: '/api/second-factor/begin',
  secondFactorConfirm: '/api/second-factor/confirm',
  secondFactorRecovery: '/api/second-factor/recovery',
  secondFactorRemove: '/api/second-factor/remove',
  people: '/api/people',
  /** POST: take the second factor of somebody who lost it away. */
  peopleReset: '/api/people/second-factor/reset',
  search: '/api/search',
  exchange: '/api/exchange/:id',
  flow: '/api/flow/:id',
  body: '/api/exchange/:id/body/:side',
  preview: '/api/exchange/:id/preview/:side',
  /** GET: requests for bodies; POST: state a reason for bodies of an exchange, of a question, agree or refuse. */
  reveals: '/api/reveals',
  revealExport: '/api/reveals/export',
  revealDecide: '/api/reveals/:id/decide',
  /** One exchange with its bodies as a HAR file. */
  har: '/api/exchange/:id/har',
  histogram: '/api/histogram',
  facets: '/api/facets',
  export: '/api/export',
  /** The rows of a question with their proofs, as a zip that `sightglass audit verify --file` takes. */
  exportEvidence: '/api/export/evidence',
  live: '/api/live',
  status: '/api/status',
  policy: '/api/policy',
  policyRules: '/api/policy/rules',
  policyExplain: '/api/policy/explain',
  policyVersions: '/api/policy/versions',
  policyDiff: '/api/policy/diff',
  /** POST: look at a candidate, replay it, put it in force, go back to a version. */
  policyCheck: '/api/policy/check',
  policyReplay: '/api/policy/replay',
  policyApply: '/api/policy/apply',
  policyRollback: '/api/policy/rollback',
  /** GET: how far a task is; POST to `taskStop` ends it. */
  task: '/api/task/:id',
  taskStop: '/api/task/:id/stop',
  lists: '/api/lists',
  listEntries: '/api/lists/entries',
  listExport: '/api/lists/export',
  listPreview: '/api/lists/preview',
  /** POST: the bytes of a list. */
  listImport: '/api/lists/import',
  /** POST: have a fetched or learned list refreshed now. */
  listFetch: '/api/lists/fetch',
  /** Tokens of devices that poll lists. GET all, POST makes one; POST to `listTokenRevoke` shuts one. */
  listTokens: '/api/lists/tokens',
  listTokenRevoke: '/api/lists/tokens/revoke',
  streams: '/api/streams',
  /** GET: all rules; POST: make one. */
  alerts: '/api/alerts',
  /** POST: change it, delete it, send a test. */
  alert: '/api/alerts/:id',
  alertRemove: '/api/alerts/:id/remove',
  alertTest: '/api/alerts/:id/test',
  ca: '/api/ca',
  deploy: '/api/deploy',
  deployKit: '/api/deploy/kit',
  trail: '/api/trail',
  /** The days that are kept, and the legal holds. */
  records: '/api/records',
  /** POST: lay a hold; lift one. */
  holds: '/api/holds',
  holdRelease: '/api/holds/:id/release',
} as const;

/** Where a browser goes to log in at the provider, and is sent back to. No API: a failure leads to `/login?sso=WORD`. */
export const SSO = { start: '/sso/start', callback: '/sso/callback' } as const;
export const SSO_FAILURES = [
  'away',
  'denied',
  'failed',
  'stale',
  'no-role',
  'bad-name',
  'name-taken',
  'shut',
] as const;
export type SsoFailure = (typeof SSO_FAILURES)[number];

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
  'code-needed',
  'code-refused',
  'enrol-needed',
  'reason-needed',
  'signed-out',
  'not-allowed',
  'csrf',
  'wrong-host',
  'not-found',
  'conflict',
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
    /** `bad-query`: section of the query language's page that explains it. */
    section?: string;
    /** `log-in-locked`, `too-many`: seconds until another try makes sense. */
    retryAfter?: number;
  };
}

// ---------------------------------------------------------------------------------------------------- people

/** Roles a user may hold. `proxy` only lets a user through the proxy; it opens nothing in the console. */
export const ROLES = ['admin', 'policy-author', 'auditor', 'viewer', 'proxy'] as const;
export type Role = (typeof ROLES)[number];

/** What a signed-in person may do; the server decides, the client hides what would be refused. */
export const PERMISSIONS = [
  'search',
  'detail',
  'body',
  'export',
  'policy',
  'policy-edit',
  'status',
  'trail',
  'hold',
  'people',
] as const;
export type Permission = (typeof PERMISSIONS)[number];

export const PERMISSIONS_OF: Readonly<Record<Role, readonly Permission[]>> = {
  admin: PERMISSIONS,
  auditor: ['search', 'detail', 'body', 'export', 'policy', 'status', 'trail'],
  'policy-author': ['search', 'detail', 'policy', 'policy-edit', 'status'],
  viewer: ['search', 'detail', 'status'],
  proxy: [],
};

export interface Me {
  name: string;
  roles: Role[];
  /** Nothing while `enrol`. */
  can: Permission[];
  /** A role demands a second factor and there is none yet: everything else is refused (`enrol-needed`) before. */
  enrol: boolean;
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
  /** How people log in: at the provider, with a local account, or (`local` false) with one local account in an emergency. */
  ways: { sso: boolean; local: boolean };
}

/** Answer of POST /api/logout: where to go to log out at the provider too, or null. */
export interface LogoutAnswer {
  provider: string | null;
}

/** POST /api/setup: makes the first admin with the one-time token of the set-up link (fragment of `/setup#token`). */
export interface SetupRequest {
  token: string;
  name: string;
  password: string;
}

/** POST /api/login. `code` after the answer `code-needed`: of the app, or a recovery code. */
export interface LoginRequest {
  name: string;
  password: string;
  code?: string;
}

/** Answer of set-up and log-in: a session exists now (cookie) and this is it. */
export interface LoginAnswer {
  me: Me;
}

/** GET /api/second-factor */
export interface SecondFactorView {
  /** Since when codes are asked for; null when none are. */
  since: string | null;
  /** Recovery codes that were not used yet. */
  recoveryLeft: number;
  /** A role of the reader demands it. */
  demanded: boolean;
  /** The reader comes by single sign-on, whose provider looks after that. */
  sso: boolean;
}

/** POST /api/second-factor/begin */
export interface SecondFactorBeginRequest {
  password: string;
}

/** The secret for the app, as text and as what the QR code holds; void after ten minutes unless it is confirmed. */
export interface SecondFactorBegun {
  secret: string;
  uri: string;
}

/** POST /api/second-factor/confirm, /recovery and /remove */
export interface CodeRequest {
  code: string;
}

/** Answer of `confirm` (with a new session: every other one has ended) and `recovery`. The codes are told this once. */
export interface RecoveryCodes {
  me: Me;
  codes: string[];
}
export const RECOVERY_CODES = 10;

/** GET /api/people, `people`. */
export interface PeopleView {
  people: PersonRow[];
  /** Roles that demand a second factor. */
  demand: Role[];
}

export interface PersonRow {
  name: string;
  roles: Role[];
  groups: string[];
  disabled: boolean;
  created: string;
  lastLogin: string | null;
  /** As in SecondFactorView. */
  secondFactor: string | null;
  sso: boolean;
}

/** POST /api/people/second-factor/reset, `people`. */
export interface SecondFactorResetRequest {
  name: string;
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
  /** Masking profile under which it was recorded; null where nothing was inspected, or it is not known any more. */
  mask: string | null;
  /** TLS profile that was offered to the origin; null like `mask`, and for plain HTTP. */
  tlsProfile: string | null;
  /** Parent group; null for straight to the origin. */
  parent: string | null;
  /** What was masked, `where:what=count` with spaces between; null where nothing was, or it is not known any more. */
  masked: string | null;
  /** Machine that recorded it; null where that is not known. */
  proxy: string | null;
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
  /** As in ExchangeRow. */
  mask: string | null;
  tlsProfile: string | null;
  parent: string | null;
  /** Machine that recorded it; null where that is not known. */
  proxy: string | null;
}

/** Something that is no connection: a start, a policy change, a gap, an alarm. */
export interface EventRow {
  /** Dotted name, such as `policy.applied`. Events have no id. */
  event: string;
  time: string;
  detail: Record<string, unknown>;
  /** Machine that recorded it; null where that is not known. */
  proxy: string | null;
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
  /** Only of a page that took too long to fill: everything newer than this was searched. `next` goes on from there. */
  reached?: string;
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
  /** False when counting was cut short: there are at least as many. Asked again it goes on where it was. */
  exact: boolean;
  /** Only when not exact: everything stored since then is counted. */
  reached?: string;
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
  exchanges: ['host', 'client', 'user', 'method', 'status', 'type', 'verdict', 'rule', 'fault', 'proxy'],
  flows: ['host', 'client', 'user', 'verdict', 'rule', 'fault', 'proxy'],
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

/**
 * GET /api/export: `QueryParams` and `format`; an attachment. Whether it is whole stands in the last line of ndjson and csv,
 * and in `_sightglass` of a HAR; the trail tells it for every format. HAR needs the permission `body` too,
 * and `reveal`, the number of an open reveal, whose question is the one that is exported.
 */
export const EXPORT_FORMATS = ['ndjson', 'csv', 'har', 'ecs', 'ocsf', 'cef', 'squid', 'w3c'] as const;
export type ExportFormat = (typeof EXPORT_FORMATS)[number];
/** Which rows a format can hold. */
export const EXPORT_KINDS: Readonly<Record<ExportFormat, readonly Kind[]>> = {
  ndjson: KINDS,
  csv: KINDS,
  har: ['exchanges'],
  ecs: KINDS,
  ocsf: KINDS,
  cef: KINDS,
  squid: ['exchanges', 'flows'],
  w3c: ['exchanges'],
};
/** No export holds more rows; one that reached it says `truncated`, and in the manifest of an evidence bundle `limit`. */
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

/**
 * POST /api/reveals, `body`: why a body has to be seen. Bodies are shown after that only (`reason-needed`), for a while, to who
 * asked; where a second person is wanted, after somebody else agreed.
 */
export interface RevealRequest {
  exchange: string;
  side: RevealSide;
  reason: string;
  /** Number of a case. */
  case?: string;
}
export const REVEAL_SIDES = ['req', 'res', 'both'] as const;
export type RevealSide = (typeof REVEAL_SIDES)[number];

/** POST /api/reveals/export with `QueryParams` of requests: the same for an export with bodies (`reveal` of GET /api/export). */
export interface RevealExportRequest {
  reason: string;
  case?: string;
}

/** POST /api/reveals/:id/decide, never by who asked. */
export interface RevealDecideRequest {
  decision: 'approve' | 'deny';
}

export interface RevealsView {
  /** Somebody else has to agree. */
  secondPerson: boolean;
  /** The reader's own, newest first. */
  own: RevealRow[];
  /** Those of others that wait for a decision. */
  waiting: RevealRow[];
}

export interface RevealRow {
  id: number;
  user: string;
  what:
    { exchange: string; side: RevealSide; host: string } | { q: string; since: string | null; until: string };
  reason: string;
  case: string;
  created: string;
  state: 'open' | 'waiting' | 'denied' | 'ended';
  decidedBy: string | null;
  /** End of waiting, or of being open. */
  until: string;
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
  /** SHA-256 of the whole, hex; null when the body was not captured, or something in it was masked. */
  sha256: string | null;
  truncated: boolean;
  /** Why there is nothing to show, when there is nothing: `empty`, `not-captured` (policy), `withheld` (masking), or null. */
  absent: 'empty' | 'not-captured' | 'withheld' | null;
  /**
   * `raw`: as on the wire; `masked`; `decoded`: masked and without its content coding. Why it was withheld: `coding`
   * (unknown), `size` (decodes to too much), `binary` (cannot be read), `broken` (does not decode).
   */
  form: 'raw' | 'masked' | 'decoded' | 'coding' | 'size' | 'binary' | 'broken';
}

/** One line of what was masked; `where` is `path`, `req-head`, `res-head`, `req-body` or `res-body`. */
export interface MaskedItem {
  where: string;
  /** A detector, a set of national numbers, `pattern:<name>`, `cut`, or `originals` where a rule keeps them. */
  what: string;
  count: number;
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
  /** What was masked before it was recorded. */
  masked: MaskedItem[];
  /** Which bodies are open to the reader now, after a stated reason. */
  revealed: { req: boolean; res: boolean };
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
  /** As in the rows. */
  mask: string | null;
  tlsProfile: string | null;
  parent: string | null;
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
  /** Records on their way to a collector; null on a machine that ships none. */
  shipping: {
    collector: string;
    healthy: boolean;
    /** Bytes that the collector has not committed yet, and how long the oldest of them waits. */
    waitingBytes: number;
    lagMs: number;
    problem: string | null;
  } | null;
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
  /** The document in force, as written. */
  text: string;
  /** Why the newest document on disk is not in force; null when it is. */
  rejected: PolicyRejection | null;
  /** All problems of the newest files; empty or absent when they are in force. */
  problems?: PolicyProblem[];
  /** The newest document on disk when it was rejected, else null or absent. */
  newest?: string | null;
  /** True when the policy file lies in a git repository: then the console proposes and never writes. */
  inGit?: boolean;
}

export interface PolicyProblem {
  /** Name of the file, without its folder. */
  file: string;
  /** 1-based; null when the whole file is meant. */
  line: number | null;
  column: number | null;
  message: string;
  hint: string | null;
}

/** GET /api/policy/rules?since=30d: the rules in force, in order, with what they did. */
export interface RulesView {
  version: string;
  /** Begin of the time in which hits were counted. */
  since: string;
  rules: RuleRow[];
  /** Default, doubt, and rules of earlier policies that decided in this time. */
  others: OtherHits[];
  /** False when hits could not be counted (no records, or it took too long): all of them are null then. */
  counted: boolean;
}

export interface RuleRow {
  name: string;
  /** Line in the document, 1-based. */
  line: number | null;
  action: Action;
  /** Its conditions in one line; null when it matches every connection. */
  when: string | null;
  capture: string;
  block: string;
  owner: string | null;
  reason: string | null;
  expires: string | null;
  /** Percent of clients; null for all. */
  rollout: number | null;
  /** Flows that it decided; null when not counted. */
  hits: number | null;
  /** Time of the last one. */
  last: string | null;
  notes: RuleNote[];
}

export const NOTE_KINDS = [
  'expired',
  'expires-soon',
  'shadowed',
  'contradictory',
  'overlap',
  'never-matches',
  'unused',
  'originals',
  'parent-secret',
  'unused-list',
  'empty-list',
] as const;

/** What a look at the whole policy says about a rule or a list. */
export interface RuleNote {
  kind: (typeof NOTE_KINDS)[number];
  /** `warning`: very likely not meant so. `note`: worth knowing. */
  severity: 'warning' | 'note';
  /** One sentence, and another that says what to do; the latter may be empty. */
  text: string;
  hint: string;
}

/** The same with its place. */
export interface PolicyFinding extends RuleNote {
  rule: string | null;
  list: string | null;
  /** 1-based; null when it has no line. */
  line: number | null;
}

export interface OtherHits {
  rule: string;
  /** `default` and `doubt:…` belong to the policy in force; others are names that only earlier versions had. */
  known: boolean;
  hits: number;
  last: string;
}

/**
 * GET /api/policy/explain: `sni`, `host`, `port` (443), `client` (127.0.0.1), `user`, `group` (comma-separated), `at`
 * (now). At least one of `sni` and `host`.
 */
export interface ExplainParams {
  sni?: string;
  host?: string;
  port?: string;
  client?: string;
  user?: string;
  group?: string;
  at?: string;
  /** Id of a flow or an exchange: its recorded facts are decided, whatever the others say. */
  record?: string;
}

export interface ExplainView {
  verdict: Action;
  rule: string;
  reason: string;
  policy: string;
  capture: string;
  block: string;
  /** Condition of doubt that was met, whether or not it decided. */
  doubt: string | null;
  /** Names and addresses that the rules ran on, the deciding one first. */
  names: string[];
  /** Every rule before the deciding one, in order, with why it did not match. */
  skipped: { rule: string; why: string }[];
  /** Conditions of the rule that decided, in one line; null when it has none or no rule decided. */
  when: string | null;
  /** Names of rules behind the deciding one, which were not asked; the first of them, and how many there are. */
  after: string[];
  afterCount: number;
  /** How the record that was asked about was decided then; null for a made-up connection. */
  recorded: { id: string; verdict: Action; rule: string; policy: string } | null;
  /** What was decided upon. */
  asked: { sni: string | null; host: string; port: number; client: string; user: string | null; at: string };
}

/** GET /api/policy/versions?limit=: newest first. */
export interface VersionsView {
  versions: VersionRow[];
  /** Number of the version in force; null when it was not recorded. */
  current: number | null;
}

export const VERSION_ORIGINS = ['first', 'file', 'rollback', 'apply', 'console'] as const;
export interface VersionRow {
  n: number;
  version: string;
  time: string;
  origin: (typeof VERSION_ORIGINS)[number];
  /** Null when the file was edited by hand. */
  author: string | null;
  comment: string | null;
  /** What changed against the version before, in words. */
  changes: string[];
}

/** GET /api/policy/diff?from=&to=: numbers of versions. */
export interface DiffView {
  from: string;
  to: string;
  changes: string[];
  /** Unified diff; empty when the documents are equal. */
  diff: string;
}

/** POST /api/policy/check, `policy-edit` not needed: nothing is written. */
export interface CandidateRequest {
  text: string;
}

export interface CheckView {
  ok: boolean;
  /** Version it would have; null when it cannot be used. */
  version: string | null;
  problems: PolicyProblem[];
  /** Against the policy in force, in words and as a unified diff. */
  changes: string[];
  diff: string;
  /** What a look at the whole candidate says: hidden, contradictory, expired rules, idle lists. */
  findings: PolicyFinding[];
  inGit: boolean;
}

/** POST /api/policy/replay: starts a task whose result is a `ReplayView`. */
export interface ReplayRequest extends CandidateRequest {
  since: (typeof REPLAY_SPANS)[number];
}
export const REPLAY_SPANS = ['24h', '7d', '30d'] as const;

export interface TaskStarted {
  task: string;
}

/** GET /api/task/:id. A task is kept for ten minutes after its end, for the person who started it. */
export interface TaskView {
  state: 'running' | 'done' | 'failed';
  /** Flows looked at until now, and the time of the last one. */
  done: number;
  at: string | null;
  /** Present when `done`. */
  replay: ReplayView | null;
  /** Present when `failed`. */
  error: ApiError['error'] | null;
}

export interface ReplayView {
  policy: string;
  since: string;
  flows: number;
  undecided: number;
  unchanged: number;
  changed: number;
  otherManner: number;
  /** What these are, most first; a connection that changes in two ways stands under both. */
  manners: MannerView[];
  /** Connections of plain HTTP whose requests are judged one by one, below. */
  byRequests: number;
  /** Connections that would be inspected and whose requests nobody recorded: rules on requests say nothing of them. */
  requestsUnknown: number;
  /** Connections that would be inspected and whose origin nobody asked then: rules on its certificate say nothing of them. */
  originUnknown: number;
  from: string | null;
  to: string | null;
  changes: ReplayChange[];
  hits: { rule: string; flows: number }[];
  /** What rules on requests would do with recorded requests; null when the time was over before. */
  requests: RequestReplayView | null;
  /** False when the time for a replay was over before all flows were seen. */
  complete: boolean;
}

/** What is counted of everything that changes in the same way. */
export interface AffectedView {
  hosts: number;
  users: number;
  clients: number;
  topHosts: CountedValue[];
  topUsers: CountedValue[];
  topClients: CountedValue[];
  topRules: { from: string; to: string; flows: number }[];
  exact: boolean;
}

export interface ReplayChange extends AffectedView {
  from: Action;
  to: Action;
  flows: number;
}

/** The same verdict, carried out in another manner: one key of a rule from what to what. */
export interface MannerView extends AffectedView {
  what: 'capture' | 'mask' | 'tls' | 'parent' | 'block';
  /** Null: of `parent`, straight to the origin. */
  from: string | null;
  to: string | null;
  /** Connections, or requests inside a `RequestReplayView`. */
  count: number;
}

/** As `ReplayView`, of requests. */
export interface RequestReplayView {
  requests: number;
  changed: number;
  otherManner: number;
  manners: MannerView[];
  changes: RequestChange[];
  hits: { rule: string; flows: number }[];
  /** Requests that could not be judged, by why. */
  left: { withFlow: number; undecided: number; masked: number; flowGone: number };
}

/** The counts of `top…` are requests. */
export interface RequestChange extends ReplayChange {
  requests: number;
  /** Method and path. */
  topRequests: CountedValue[];
}

export interface CountedValue {
  value: string;
  flows: number;
}

/** POST /api/policy/apply. `base` is the version that was in force when the author began. */
export interface ApplyRequest extends CandidateRequest {
  comment: string;
  base: string;
}

/** POST /api/policy/rollback. The lists come back with the document, unless `lists` is `keep`. */
export interface RollbackRequest {
  n: number;
  comment: string;
  base: string;
  lists?: 'keep';
}

export interface ApplyAnswer {
  /** False when `problems` stand in the way, or the file held this very text already. */
  written: boolean;
  version: string | null;
  /** Number of the version that came into force; null while it is not recorded yet. */
  n: number | null;
  problems: PolicyProblem[];
}

export interface RollbackAnswer extends ApplyAnswer {
  /** Lists whose contents were put back; `held`: those of them that are not refreshed until somebody fetches them. */
  restored: string[];
  held: string[];
  /** Lists whose contents are others than they were in that version. */
  otherLists: string[];
}

/** Longest policy document the console takes, bytes. */
export const POLICY_MAX = 4 * 1024 * 1024;
export const COMMENT_MAX = 500;

// ---------------------------------------------------------------------------------------------------- lists

/** GET /api/lists */
export interface ListsView {
  version: string;
  lists: ListRow[];
  formats: ListFormat[];
  importers: { format: string; about: string }[];
  inGit: boolean;
}

export interface ListRow {
  name: string;
  /** `file`, `inline`, … */
  source: string;
  /** File or address as written in the policy; null for lists that have neither. */
  file: string | null;
  /** Lists that are fetched or learned: how their copy is; null for others. */
  copy: ListCopy | null;
  /** What a look at the whole policy says about it. */
  notes: RuleNote[];
  entries: number;
  /** Size and time of change of its file. */
  bytes: number | null;
  modified: string | null;
  /** Names of the rules that use it. */
  rules: string[];
  allowPublicSuffix: boolean;
  /** Whether it has to be signed. */
  signed: boolean;
  /** What is wrong with it now. The entries above are those in force. */
  problems: PolicyProblem[];
}

export interface ListCopy {
  /** When its contents came, and when they were last found to be current. */
  fetched: string | null;
  checked: string | null;
  /** Pause between two looks, ms; overdue when the last one is more than two pauses ago. */
  refresh: number;
  overdue: boolean;
  /** Why the last try failed; the last good copy counts on. */
  failed: { time: string; message: string } | null;
  /** What its publisher serves now has not the digest or signature that the policy asks for. */
  untrusted: boolean;
  /** Who signed these contents, and what they say about them. */
  signature: { key: string; comment: string } | null;
  /** Put back by a rollback to version `n`; not refreshed until somebody has it fetched. */
  held: { n: number; since: string } | null;
}

/** POST /api/lists/fetch, `policy-edit`: a held list is let go with it. */
export interface ListFetchRequest {
  list: string;
}

export interface ListFetchAnswer {
  list: string;
  copy: ListCopy;
}

/** GET /api/lists/tokens, `policy-edit`. */
export interface ListTokensView {
  tokens: ListTokenRow[];
}

export interface ListTokenRow {
  name: string;
  created: string;
  /** Last use, to the minute; null when it was never used. */
  used: string | null;
}

/** POST /api/lists/tokens and /api/lists/tokens/revoke. */
export interface ListTokenRequest {
  name: string;
}

/** The token is told this once. */
export interface ListTokenMade {
  name: string;
  token: string;
}

/** A format that lists can be written in, and what its consumer can express. */
export interface ListFormat {
  format: string;
  about: string;
  /** Kinds of names it can say exactly, in words. */
  says: string;
  sets: ListSet[];
  exceptions: string;
  precedence: string;
}

/** GET /api/lists/entries?list=&find=: the first entries that contain a text. */
export interface ListEntriesView {
  list: string;
  entries: string[];
  /** Entries that contain the text, of all. */
  found: number;
  total: number;
}

/**
 * What may be exported: what the policy refuses, inspects or passes on; hosts seen in traffic; hosts seen by many clients
 * and never blocked; hosts whose clients accept no other certificate; hosts whose own certificate never holds.
 */
export const LIST_SETS = [
  'deny',
  'allow',
  'passthrough',
  'seen',
  'learned',
  'learned-pinned',
  'learned-broken',
] as const;
export type ListSet = (typeof LIST_SETS)[number];

/** Sets that are made of traffic, not of the policy. */
export const TRAFFIC_SETS: readonly ListSet[] = ['seen', 'learned', 'learned-pinned', 'learned-broken'];

/**
 * GET /api/lists/preview and /api/lists/export: `set`, `format`, `list` (one list instead of what the rules say),
 * `narrow` (`yes`: write smaller forms), `since` (seen, learned; 30d), `minClients`, `minFlows`, `proxy` (pac); `export`
 * also `file`, the name of one of the files.
 */
export interface ListExportParams {
  set: ListSet;
  format: string;
  list?: string;
  narrow?: 'yes';
  since?: string;
  minClients?: string;
  minFlows?: string;
  proxy?: string;
  file?: string;
}

export interface ListPreview {
  format: string;
  files: { name: string; head: string[]; lines: number; bytes: number }[];
  written: number;
  exceptions: number;
  duplicates: number;
  covered: number;
  withheld: ExportCases;
  narrowed: ExportCases;
  notes: string[];
}

export interface ExportCases {
  total: number;
  reasons: { reason: string; count: number }[];
  first: { pattern: string; reason: string }[];
}

/**
 * POST /api/lists/import with the bytes of the list as `application/octet-stream`; as URL parameters `name`, `file` (name of
 * the file, told in the list), `format` (default: told from the content), `bare` (`exact`, `both`), `mode` (`replace`,
 * `add`), `suffixes` (`yes`: wildcards over public suffixes), `category` (comma-separated, of an archive), `exceptions` (name of
 * another list, which takes the entries that say "let through").
 * Without `expect` nothing is written; with `expect` (the `digest` of the plan that was shown) and `comment` it is.
 */
export interface ListImportParams {
  name: string;
  file?: string;
  format?: string;
  bare?: 'exact' | 'both';
  mode?: 'replace' | 'add';
  suffixes?: 'yes';
  category?: string;
  exceptions?: string;
  expect?: string;
  comment?: string;
}

export interface ImportView {
  format: string;
  detected: boolean;
  bytes: number;
  entries: number;
  ignored: number;
  rejected: number;
  reasons: { reason: string; count: number }[];
  rejects: { file: string | null; line: number; reason: string; text: string }[];
  categories: { name: string; entries: number }[];
  /** Entries that say "let through" in a list that otherwise denies; they are left out. */
  exceptionsLeft: number;
  /** What would change; null when there is nothing usable in it, or a category must be chosen first. */
  plan: ImportPlan | null;
  /** The same for the list of the exceptions, where one was named; `digest` of `plan` speaks for both. */
  exceptionsPlan: ImportPlan | null;
  /** True when the list was written. */
  written: boolean;
}

export interface ImportPlan {
  name: string;
  /** File that is written, as the policy would name it. */
  file: string;
  /** Whether the policy names the list already; else it is added to the policy. */
  known: boolean;
  before: number;
  after: number;
  added: number;
  removed: number;
  /** First changes, as `+ pattern` and `- pattern`. */
  sample: string[];
  duplicates: number;
  covered: number;
  digest: string;
}

/** Largest list the console takes, bytes; longer ones go through the command line. */
export const IMPORT_MAX = 16 * 1024 * 1024;

// ---------------------------------------------------------------------------------------------------- streams

/** GET /api/streams: where records are sent besides the store, and how far each stream is. */
export interface StreamsView {
  /** Path of the document that names them. */
  file: string;
  /** Why the newest document is not in force; null when it is. */
  problem: string | null;
  streams: StreamRow[];
}

export interface StreamRow {
  name: string;
  to: string;
  target: string;
  format: string;
  state: 'waiting' | 'sending' | 'failing';
  /** Rows behind its cursor, and for how long it has been behind. */
  lagRows: number;
  lagMs: number;
  sent: number;
  /** Rows that retention deleted before they were sent. */
  dropped: number;
  /** Rows that the receiver will never take. */
  refused: number;
  lastSent: string | null;
  error: string | null;
  /** When it is tried again. */
  nextTry: string | null;
}

export const ALERT_GROUPS = ['none', 'host', 'user', 'client'] as const;
export type AlertGroup = (typeof ALERT_GROUPS)[number];
export type AlertDelivery =
  { to: 'webhook'; url: string } | { to: 'mail'; address: string } | { to: 'stream'; stream: string };

/** Body of POST /api/alerts and /api/alerts/:id: fires when `threshold` rows lie within `windowMs`. */
export interface AlertRule {
  name: string;
  kind: Kind;
  query: string;
  threshold: number;
  windowMs: number;
  groupBy: AlertGroup;
  /** After firing a group is quiet for so long. */
  coolDownMs: number;
  deliver: AlertDelivery[];
  enabled: boolean;
}

export interface AlertRow {
  id: number;
  rule: AlertRule;
  fired: number;
  lastFired: string | null;
  /** Notices on their way, and given up. */
  pending: number;
  failed: number;
  lastError: string | null;
}

/** GET /api/alerts. */
export interface AlertsView {
  alerts: AlertRow[];
  /** Whether a mail server is set. */
  mail: boolean;
  /** Streams that alerts can go by. */
  streams: string[];
}

/** Answer to POST /api/alerts. The secret signs its webhooks and is shown this once. */
export interface AlertAdded {
  id: number;
  secret: string;
}

/** Answer to POST /api/alerts/:id/test: null when every receiver took it. */
export interface AlertTested {
  error: string | null;
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

/**
 * GET /api/deploy?proxy=HOST:PORT&bypass=A,B or ?pac=URL: the roots to deploy and the steps of every platform, for this way to
 * the proxy (neither: trust alone). GET /api/deploy/kit with the same parameters: the kit, a zip. For whoever is signed in.
 */
export interface DeployParams {
  proxy?: string;
  /** Names beside the proxy, comma list. */
  bypass?: string;
  pac?: string;
}

export interface DeployView {
  /** `subordinate`: clients trust the root of an enterprise CA above us. */
  kind: 'root' | 'subordinate';
  state: 'steady' | 'requested' | 'overlap' | 'switched';
  roots: DeployRoot[];
  /** Roots that clients shall forget; the kit removes them. */
  retired: DeployRoot[];
  /** Addresses that clients may know the proxy by, best first. */
  suggestions: string[];
  guides: DeployGuide[];
}

export interface DeployRoot {
  role: 'current' | 'next' | 'previous' | 'retired';
  subject: string;
  /** Lower-case hex. */
  sha256: string;
  sha1: string;
  notBefore: string;
  notAfter: string;
}

export interface DeployStep {
  text: string;
  command?: string;
}

/** The same texts that stand in the kit. */
export interface DeployGuide {
  id: string;
  title: string;
  about: string;
  install: readonly DeployStep[];
  verify: readonly DeployStep[];
  remove: readonly DeployStep[];
  notes: readonly string[];
  proven: string;
}

// ---------------------------------------------------------------------------------------------------- records

/** GET /api/records, `trail`. Holds that were lifted stay in the list. */
export interface RecordsView {
  /** Newest first; null where this machine keeps no records. */
  days: DayRow[] | null;
  /** Newest first. */
  holds: HoldRow[];
}

export interface DayRow {
  /** `2026-11-20`, UTC, by time of recording. */
  day: string;
  exchanges: number;
  flows: number;
  events: number;
  bytes: number;
  /** Signed as a whole; it is not written any more. */
  sealed: boolean;
  /** Put back from an archive: stays until it is detached. */
  attached: boolean;
  /** Numbers of the holds that keep it. */
  holds: number[];
}

export interface HoldRow {
  id: number;
  /** First and last day, inclusive. */
  first: string;
  last: string;
  reason: string;
  by: string;
  created: string;
  /** Null while it holds. */
  lifted: string | null;
  liftedBy: string | null;
}

/** POST /api/holds, `hold`. Answers the hold. */
export interface HoldRequest {
  first: string;
  last: string;
  reason: string;
}

/** POST /api/holds/:id/release, `hold`. */
export interface HoldReleaseRequest {
  reason: string;
}
