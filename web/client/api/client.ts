/**
 * Every call the console makes, typed by the contract. Failures are always `ApiFailure`; an answer that never came is
 * reported to `link`, a session that ended to whoever registered with `onSignedOut`. It retries nothing by itself:
 * when to ask again is the hooks' business.
 */
import { API, CSRF_HEADER } from '../../contract.ts';
import type {
  BodyPreview,
  CaFormat,
  ExchangeDetail,
  ExportFormat,
  Facets,
  FlowDetail,
  Histogram,
  Kind,
  LoginAnswer,
  LoginRequest,
  PolicyView,
  QueryParams,
  SearchPage,
  SearchParams,
  SessionAnswer,
  SetupRequest,
  Status,
  TrailPage,
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

async function ask<T>(method: 'GET' | 'POST', url: string, body?: unknown, signal?: AbortSignal): Promise<T> {
  let response: Response;
  try {
    response = await fetch(url, {
      method,
      credentials: 'same-origin',
      redirect: 'error',
      headers: {
        accept: 'application/json',
        ...(method === 'POST' ? { 'content-type': 'application/json', [CSRF_HEADER]: csrf } : {}),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
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
  logout: () => ask<unknown>('POST', API.logout, {}),
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
  trail: (cursor: string | null, signal?: AbortSignal) =>
    get<TrailPage>(API.trail + params({ cursor: cursor ?? '', limit: 100 }), signal),
};

/** Addresses that the browser itself opens: downloads and the live stream. */
export const addresses = {
  body: (id: string, side: 'req' | 'res'): string => withSide(API.body, id, side),
  export: (query: QueryParams, format: ExportFormat): string => API.export + params({ ...query, format }),
  ca: (format: CaFormat): string => API.ca + params({ format }),
  live: (query: { kind: Kind; q: string }): string => API.live + params(query),
};

link.probeWith(() => api.session());
