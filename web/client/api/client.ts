/**
 * Every call the console makes, typed by the contract. Failures are always `ApiFailure`; an answer that never came is
 * reported to `link`, a session that ended to whoever registered with `onSignedOut`. It retries nothing by itself:
 * when to ask again is the hooks' business.
 */
import { API, BACKGROUND_HEADER, CSRF_HEADER } from '../../contract.ts';
import type {
  AlertAdded,
  AlertRule,
  AlertsView,
  AlertTested,
  ApplyAnswer,
  ApplyRequest,
  BodyPreview,
  CaFormat,
  CheckView,
  DeployParams,
  DeployView,
  DiffView,
  ExchangeDetail,
  ExplainParams,
  ExplainView,
  ExportFormat,
  Facets,
  FlowDetail,
  Histogram,
  HoldReleaseRequest,
  HoldRequest,
  HoldRow,
  ImportView,
  Kind,
  ListEntriesView,
  ListExportParams,
  ListFetchAnswer,
  ListImportParams,
  ListPreview,
  ListsView,
  ListTokenMade,
  ListTokensView,
  LoginAnswer,
  LoginRequest,
  LogoutAnswer,
  PeopleView,
  PolicyView,
  QueryParams,
  RecordsView,
  RecoveryCodes,
  ReplayRequest,
  RevealDecideRequest,
  RevealExportRequest,
  RevealRequest,
  RevealRow,
  RevealsView,
  RollbackAnswer,
  RollbackRequest,
  RulesView,
  SearchPage,
  SearchParams,
  SecondFactorBegun,
  SecondFactorView,
  SessionAnswer,
  SetupRequest,
  Status,
  TaskStarted,
  TaskView,
  StreamsView,
  TrailPage,
  VersionsView,
} from '../../contract.ts';
import { failureFrom, unreachable } from './failure.ts';
import { link } from './link.ts';

let csrf = 'none';
let signedOut: () => void = () => undefined;

/** The token that changes need; `none` without a session. */
export function setToken(token: string | null): void {
  csrf = token ?? 'none';
}

/** Called when an answer says that the session is over. */
export function onSignedOut(tell: () => void): void {
  signedOut = tell;
}

/** `body` is sent as JSON, or as it is when it is bytes. */
async function ask<T>(
  method: 'GET' | 'POST',
  url: string,
  body?: unknown,
  signal?: AbortSignal,
  more: Record<string, string> = {},
): Promise<T> {
  const bytes = body instanceof Blob;
  let response: Response;
  try {
    response = await fetch(url, {
      method,
      credentials: 'same-origin',
      redirect: 'error',
      headers: {
        accept: 'application/json',
        ...(method === 'POST'
          ? { 'content-type': bytes ? 'application/octet-stream' : 'application/json', [CSRF_HEADER]: csrf }
          : {}),
        ...more,
      },
      ...(body === undefined ? {} : { body: bytes ? body : JSON.stringify(body) }),
      ...(signal === undefined ? {} : { signal }),
    });
  } catch (error) {
    if (signal?.aborted === true) throw error;
    link.failed();
    throw unreachable();
  }
  const json: unknown = await response.json().catch(() => null);
  if (signal?.aborted === true) throw new DOMException('aborted', 'AbortError');
  if (response.ok && json !== null) {
    link.answered();
    return json as T;
  }
  const failure = failureFrom(response.status, json);
  if (failure.code === 'unreachable') link.failed();
  else link.answered();
  if (failure.code === 'signed-out') signedOut();
  throw failure;
}

const get = <T>(url: string, signal?: AbortSignal): Promise<T> => ask<T>('GET', url, undefined, signal);

/** Parameters as a query string; absent and empty ones are left out. */
function params(values: object): string {
  const out = new URLSearchParams();
  for (const [name, value] of Object.entries(values) as [string, unknown][]) {
    if (typeof value === 'string' && value !== '') out.set(name, value);
    else if (typeof value === 'number') out.set(name, String(value));
  }
  const text = out.toString();
  return text === '' ? '' : `?${text}`;
}

const withId = (path: string, id: string): string => path.replace(':id', encodeURIComponent(id));
const withSide = (path: string, id: string, side: 'req' | 'res'): string =>
  withId(path, id).replace(':side', side);

export const api = {
  session: (signal?: AbortSignal) => get<SessionAnswer>(API.me, signal),
  setup: (request: SetupRequest) => ask<LoginAnswer>('POST', API.setup, request),
  login: (request: LoginRequest) => ask<LoginAnswer>('POST', API.login, request),
  logout: () => ask<LogoutAnswer>('POST', API.logout, {}),
  secondFactor: (signal?: AbortSignal) => get<SecondFactorView>(API.secondFactor, signal),
  beginSecondFactor: (password: string) =>
    ask<SecondFactorBegun>('POST', API.secondFactorBegin, { password }),
  confirmSecondFactor: (code: string) => ask<RecoveryCodes>('POST', API.secondFactorConfirm, { code }),
  renewRecoveryCodes: (code: string) => ask<RecoveryCodes>('POST', API.secondFactorRecovery, { code }),
  removeSecondFactor: (code: string) => ask<LoginAnswer>('POST', API.secondFactorRemove, { code }),
  people: (signal?: AbortSignal) => get<PeopleView>(API.people, signal),
  resetSecondFactor: (name: string) => ask<unknown>('POST', API.peopleReset, { name }),
  search: <K extends Kind>(query: SearchParams & { kind: K }, signal?: AbortSignal) =>
    get<SearchPage<K>>(API.search + params(query), signal),
  histogram: (query: QueryParams, buckets: number, signal?: AbortSignal) =>
    get<Histogram>(API.histogram + params({ ...query, buckets }), signal),
  facets: (query: QueryParams, fields: readonly string[], top: number, signal?: AbortSignal) =>
    get<Facets>(API.facets + params({ ...query, fields: fields.join(','), top }), signal),
  exchange: (id: string, signal?: AbortSignal) => get<ExchangeDetail>(withId(API.exchange, id), signal),
  flow: (id: string, signal?: AbortSignal) => get<FlowDetail>(withId(API.flow, id), signal),
  preview: (id: string, side: 'req' | 'res', signal?: AbortSignal) =>
    get<BodyPreview>(withSide(API.preview, id, side), signal),
  status: (signal?: AbortSignal) => get<Status>(API.status, signal),
  policy: (signal?: AbortSignal) => get<PolicyView>(API.policy, signal),
  rules: (since: string, signal?: AbortSignal) => get<RulesView>(API.policyRules + params({ since }), signal),
  explain: (about: ExplainParams, signal?: AbortSignal) =>
    get<ExplainView>(API.policyExplain + params(about), signal),
  versions: (signal?: AbortSignal) => get<VersionsView>(API.policyVersions + params({ limit: 200 }), signal),
  diff: (from: number, to: number, signal?: AbortSignal) =>
    get<DiffView>(API.policyDiff + params({ from, to }), signal),
  check: (text: string) => ask<CheckView>('POST', API.policyCheck, { text }),
  replay: (request: ReplayRequest) => ask<TaskStarted>('POST', API.policyReplay, request),
  task: (id: string, signal?: AbortSignal) =>
    ask<TaskView>('GET', withId(API.task, id), undefined, signal, { [BACKGROUND_HEADER]: '1' }),
  stopTask: (id: string) => ask<unknown>('POST', withId(API.taskStop, id), {}),
  apply: (request: ApplyRequest) => ask<ApplyAnswer>('POST', API.policyApply, request),
  rollback: (request: RollbackRequest) => ask<RollbackAnswer>('POST', API.policyRollback, request),
  lists: (signal?: AbortSignal) => get<ListsView>(API.lists, signal),
  listEntries: (list: string, find: string, signal?: AbortSignal) =>
    get<ListEntriesView>(API.listEntries + params({ list, find }), signal),
  listPreview: (about: ListExportParams, signal?: AbortSignal) =>
    get<ListPreview>(API.listPreview + params(about), signal),
  listImport: (about: ListImportParams, bytes: Blob) =>
    ask<ImportView>('POST', API.listImport + params(about), bytes),
  listFetch: (list: string) => ask<ListFetchAnswer>('POST', API.listFetch, { list }),
  listTokens: (signal?: AbortSignal) => get<ListTokensView>(API.listTokens, signal),
  makeListToken: (name: string) => ask<ListTokenMade>('POST', API.listTokens, { name }),
  revokeListToken: (name: string) => ask<unknown>('POST', API.listTokenRevoke, { name }),
  deploy: (about: DeployParams, signal?: AbortSignal) => get<DeployView>(API.deploy + params(about), signal),
  streams: (signal?: AbortSignal) =>
    ask<StreamsView>('GET', API.streams, undefined, signal, { [BACKGROUND_HEADER]: '1' }),
  alerts: (signal?: AbortSignal) => get<AlertsView>(API.alerts, signal),
  alertAdd: (rule: AlertRule) => ask<AlertAdded>('POST', API.alerts, rule),
  alertChange: (id: number, rule: AlertRule) => ask<unknown>('POST', withId(API.alert, String(id)), rule),
  alertRemove: (id: number) => ask<unknown>('POST', withId(API.alertRemove, String(id)), {}),
  alertTest: (id: number) => ask<AlertTested>('POST', withId(API.alertTest, String(id)), {}),
  reveals: (signal?: AbortSignal) =>
    ask<RevealsView>('GET', API.reveals, undefined, signal, { [BACKGROUND_HEADER]: '1' }),
  reveal: (request: RevealRequest) => ask<RevealRow>('POST', API.reveals, request),
  revealExport: (query: QueryParams, request: RevealExportRequest) =>
    ask<RevealRow>('POST', API.revealExport + params(query), request),
  decideReveal: (id: number, request: RevealDecideRequest) =>
    ask<RevealRow>('POST', withId(API.revealDecide, String(id)), request),
  records: (signal?: AbortSignal) => get<RecordsView>(API.records, signal),
  hold: (request: HoldRequest) => ask<HoldRow>('POST', API.holds, request),
  holdRelease: (id: number, request: HoldReleaseRequest) =>
    ask<unknown>('POST', withId(API.holdRelease, String(id)), request),
  trail: (cursor: string | null, signal?: AbortSignal) =>
    get<TrailPage>(API.trail + params({ cursor: cursor ?? '', limit: 100 }), signal),
};

/** Addresses that the browser itself opens: downloads and the live stream. */
export const addresses = {
  body: (id: string, side: 'req' | 'res'): string => withSide(API.body, id, side),
  har: (id: string): string => withId(API.har, id),
  evidence: (query: QueryParams): string => API.exportEvidence + params(query),
  revealedExport: (reveal: number): string => API.export + params({ format: 'har', reveal }),
  export: (query: QueryParams, format: ExportFormat): string => API.export + params({ ...query, format }),
  listExport: (about: ListExportParams): string => API.listExport + params(about),
  ca: (format: CaFormat): string => API.ca + params({ format }),
  deployKit: (about: DeployParams): string => API.deployKit + params(about),
  live: (query: { kind: Kind; q: string }): string => API.live + params(query),
};

link.probeWith(() => api.session());
