import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ERROR_CODES } from '../../../web/contract.ts';
import type { ApiError } from '../../../web/contract.ts';
import { ApiFailure, failureHandler, sendFailure } from '../../../web/server/answer.ts';

/** As much of an express response as a failure needs. */
function response(headersSent = false) {
  const seen = { status: 0, headers: {} as Record<string, string>, body: '', destroyed: false };
  const res = {
    headersSent,
    status: (status: number) => ((seen.status = status), res),
    set: (name: string, value: string) => ((seen.headers[name] = value), res),
    removeHeader: () => undefined,
    type: (value: string) => ((seen.headers['Content-Type'] = value), res),
    send: (body: string) => ((seen.body = body), res),
    destroy: () => (seen.destroyed = true),
  };
  return { res: res as unknown as Parameters<typeof sendFailure>[0], seen };
}

test('every code has a status of its own class and the contract’s shape', () => {
  for (const code of ERROR_CODES) {
    const { res, seen } = response();
    sendFailure(res, new ApiFailure(code, 'what', 'do this', { retryAfter: 7, position: 1, end: 2 }));
    assert.ok(seen.status >= 400 && seen.status < 600, code);
    assert.deepEqual((JSON.parse(seen.body) as ApiError).error, {
      code,
      message: 'what',
      hint: 'do this',
      position: 1,
      end: 2,
      retryAfter: 7,
    });
    assert.equal(seen.headers['Retry-After'], '7');
    assert.equal(seen.headers['Cache-Control'], 'no-store');
  }
});

test('an answer under way is broken off, never patched', () => {
  const { res, seen } = response(true);
  sendFailure(res, new ApiFailure('internal', 'a', 'b'));
  assert.deepEqual([seen.destroyed, seen.body], [true, '']);
});

test('foreign errors become internal and go to the log, whatever they claim', () => {
  for (const error of [
    new Error('/etc/secret'),
    'text',
    null,
    Object.assign(new Error('x /etc/secret'), { status: 500 }),
    Object.assign(new Error('SQLITE_FULL /etc/secret'), { code: 'SQLITE_FULL' }),
  ]) {
    const logged: unknown[] = [];
    const { res, seen } = response();
    const handle = failureHandler((_message, e) => logged.push(e));
    void handle(error, { method: 'GET', path: '/api/x' } as never, res as never, () => undefined);
    assert.equal(seen.status, 500);
    assert.doesNotMatch(seen.body, /secret/);
    assert.deepEqual(logged, [error]);
  }
});
