/**
 * How the console answers: JSON that nothing caches, and failures as `ApiError`. A failure that was not foreseen is told
 * to the log in full and to the browser as "internal", without stack, path or message.
 */
import type { ErrorRequestHandler, Response } from 'express';
import type { ApiError, ErrorCode } from '../contract.ts';

/** A failure to be told to the caller. Thrown by handlers, turned into an answer by `failureHandler`. */
export class ApiFailure extends Error {
  override readonly name = 'ApiFailure';
  readonly code: ErrorCode;
  readonly hint: string;
  /** `bad-query`: where in the query text, end exclusive. */
  readonly position: number | undefined;
  readonly end: number | undefined;
  /** `bad-query`: section of the query language's page that explains it. */
  readonly section: string | undefined;
  /** Seconds. */
  readonly retryAfter: number | undefined;

  constructor(
    code: ErrorCode,
    message: string,
    hint: string,
    more: { position?: number; end?: number; section?: string; retryAfter?: number } = {},
  ) {
    super(message);
    this.code = code;
    this.hint = hint;
    this.position = more.position;
    this.end = more.end;
    this.section = more.section;
    this.retryAfter = more.retryAfter;
  }
}

const STATUS: Readonly<Record<ErrorCode, number>> = {
  'bad-request': 400,
  'bad-query': 400,
  'set-up-needed': 403,
  'set-up-refused': 403,
  'log-in-refused': 401,
  'log-in-locked': 429,
  'code-needed': 401,
  'code-refused': 401,
  'enrol-needed': 403,
  'reason-needed': 403,
  'signed-out': 401,
  'not-allowed': 403,
  csrf: 403,
  'wrong-host': 421,
  'not-found': 404,
  conflict: 409,
  'too-large': 413,
  'too-many': 429,
  unavailable: 503,
  internal: 500,
};

/** Answer 200 with JSON. The type parameter says which contract shape it is. */
export function sendJson<T>(res: Response, value: T): void {
  res.status(200).set('Cache-Control', 'no-store').type('application/json').send(JSON.stringify(value));
}

/** Answer with a failure, unless an answer has begun: then only the broken connection can tell. */
export function sendFailure(res: Response, failure: ApiFailure): void {
  if (res.headersSent) {
    res.destroy();
    return;
  }
  const body: ApiError = {
    error: {
      code: failure.code,
      message: failure.message,
      hint: failure.hint,
      ...(failure.position === undefined ? {} : { position: failure.position }),
      ...(failure.end === undefined ? {} : { end: failure.end }),
      ...(failure.section === undefined ? {} : { section: failure.section }),
      ...(failure.retryAfter === undefined ? {} : { retryAfter: failure.retryAfter }),
    },
  };
  if (failure.retryAfter !== undefined) res.set('Retry-After', String(failure.retryAfter));
  res.removeHeader('Content-Disposition');
  res
    .status(STATUS[failure.code])
    .set('Cache-Control', 'no-store')
    .type('application/json')
    .send(JSON.stringify(body));
}

/** The last handler of the chain. */
export function failureHandler(log: (message: string, error: unknown) => void): ErrorRequestHandler {
  return (error: unknown, req, res, _next) => {
    const failure = known(error);
    if (failure === null) log(`console: ${req.method} ${req.path} failed`, error);
    sendFailure(
      res,
      failure ??
        new ApiFailure(
          'internal',
          'Something went wrong in the console.',
          'Try again; if it stays, the log of the service has the details.',
        ),
    );
  };
}

/** What express and its body reader throw has a status and a type; everything else is unforeseen. */
function known(error: unknown): ApiFailure | null {
  if (error instanceof ApiFailure) return error;
  if (!(error instanceof Error)) return null;
  const { status, type } = error as { status?: unknown; type?: unknown };
  if (type === 'entity.too.large')
    return new ApiFailure('too-large', 'The request is larger than allowed.', 'Send less at once.');
  if (typeof status === 'number' && status >= 400 && status < 500)
    return new ApiFailure('bad-request', 'The request is not understood.', 'Reload the page.');
  return null;
}
