/** What can go wrong between client and server, as one error type that every page knows how to show. */
import type { ApiError, ErrorCode } from '../../contract.ts';

/** `unreachable`: no answer at all, or one that is not from the console (a proxy's page, an empty 502). */
export type FailureCode = ErrorCode | 'unreachable';

export class ApiFailure extends Error {
  override readonly name = 'ApiFailure';
  readonly code: FailureCode;
  readonly hint: string;
  /** Offset in the query text, for `bad-query`. */
  readonly position: number | null;
  /** Offset, exclusive, where the part that is meant ends. */
  readonly end: number | null;
  /** Section of the query language's page that explains it, for `bad-query`. */
  readonly section: string | null;
  /** Seconds until another try makes sense. */
  readonly retryAfter: number | null;

  constructor(
    code: FailureCode,
    message: string,
    hint: string,
    more: { position?: number; end?: number; section?: string; retryAfter?: number } = {},
  ) {
    super(message);
    this.code = code;
    this.hint = hint;
    this.position = more.position ?? null;
    this.end = more.end ?? null;
    this.section = more.section ?? null;
    this.retryAfter = more.retryAfter ?? null;
  }
}

export function unreachable(): ApiFailure {
  return new ApiFailure(
    'unreachable',
    'The console server does not answer.',
    'It may be restarting. The page asks again by itself; what you typed stays.',
  );
}

/** The failure that an answer outside 2xx tells. `body` is the parsed JSON, or null when there was none. */
export function failureFrom(status: number, body: unknown): ApiFailure {
  if (isApiError(body)) {
    const { code, message, hint, ...more } = body.error;
    return new ApiFailure(code, message, hint, more);
  }
  if (status === 401) return new ApiFailure('signed-out', 'You are signed out.', 'Log in again.');
  return unreachable();
}

function isApiError(body: unknown): body is ApiError {
  if (typeof body !== 'object' || body === null || !('error' in body)) return false;
  const error = body.error;
  return (
    typeof error === 'object' &&
    error !== null &&
    'code' in error &&
    typeof error.code === 'string' &&
    'message' in error &&
    typeof error.message === 'string'
  );
}
