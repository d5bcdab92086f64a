import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Request } from 'express';
import { ApiFailure } from '../../../web/server/answer.ts';
import {
  choiceParam,
  countParam,
  exchangeIdParam,
  flowIdParam,
  textParam,
} from '../../../web/server/params.ts';

const asked = (query: Record<string, unknown>, params: Record<string, string> = {}) =>
  ({ query, params }) as unknown as Request;
const refusedAs = (code: string) => (error: unknown) => error instanceof ApiFailure && error.code === code;

test('text, numbers and words within their bounds', () => {
  assert.equal(textParam(asked({ q: 'a' }), 'q'), 'a');
  assert.equal(textParam(asked({ q: '' }), 'q'), null);
  assert.equal(textParam(asked({}), 'q'), null);
  assert.throws(() => textParam(asked({ q: ['a', 'b'] }), 'q'), refusedAs('bad-request'));
  assert.throws(() => textParam(asked({ q: 'abc' }), 'q', 2), refusedAs('bad-request'));
  assert.equal(countParam(asked({}), 'n', 5, 1, 9), 5);
  assert.equal(countParam(asked({ n: '9' }), 'n', 5, 1, 9), 9);
  for (const n of ['0', '10', '-1', '1.5', '1e1', ' 1', '0x1', 'NaN', '99999999999'])
    assert.throws(() => countParam(asked({ n }), 'n', 5, 1, 9), refusedAs('bad-request'), n);
  assert.equal(choiceParam(asked({ f: 'csv' }), 'f', ['ndjson', 'csv'], 'ndjson'), 'csv');
  assert.throws(
    () => choiceParam(asked({ f: 'toString' }), 'f', ['ndjson', 'csv'], 'ndjson'),
    refusedAs('bad-request'),
  );
});

test('ids: only what the records themselves would write', () => {
  assert.deepEqual(exchangeIdParam(asked({}, { id: '1z-2.30' })), { id: '1z-2.30', flow: '1z-2', n: 30 });
  assert.equal(flowIdParam(asked({}, { id: '1z-2' })), '1z-2');
  // A fleet's store puts the number of the proxy in front.
  assert.deepEqual(exchangeIdParam(asked({}, { id: '4-1z-2.30' })), {
    id: '4-1z-2.30',
    flow: '4-1z-2',
    n: 30,
  });
  assert.equal(flowIdParam(asked({}, { id: '4-1z-2' })), '4-1z-2');
  for (const id of [
    '',
    '1-1',
    '1-1.',
    '1-1.0',
    '1-1.01',
    '1-1.1.1',
    'A-1.1',
    '1-1.1 ',
    '../1-1.1',
    '1-1.9999999999',
  ])
    assert.throws(() => exchangeIdParam(asked({}, { id })), refusedAs('not-found'), id);
  for (const id of ['', '1', '1-', '-1', '1-1.1', 'zzzzzz-1', '1-1\n', '0-1-1', '1-1-1-1'])
    assert.throws(() => flowIdParam(asked({}, { id })), refusedAs('not-found'), id);
});
