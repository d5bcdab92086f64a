/** Greetings and answers come back; what is none is refused. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CodecError } from '../../../src/audit/bytes.ts';
import {
  decodeAnswer,
  decodeArrival,
  encodeAnswer,
  encodeArrival,
} from '../../../src/audit/fleet/protocol.ts';
import type { Answer } from '../../../src/audit/fleet/intake.ts';

test('greetings and answers come back', () => {
  const arrival = { segments: ['00000001-00000002.seg'], producers: [1, 7] };
  assert.deepEqual(decodeArrival(encodeArrival(arrival)), arrival);
  const taken: Answer = {
    kind: 'taken',
    segments: new Map([['00000001-00000002.seg', { at: 5, done: true, bad: false }]]),
  };
  assert.deepEqual(decodeAnswer(encodeAnswer(taken)), taken);
  assert.deepEqual(decodeAnswer(encodeAnswer({ kind: 'prelude' })), { kind: 'prelude' });
});

test('what is none is refused', () => {
  for (const text of [
    '',
    'null',
    '[]',
    '{}',
    '{"segments":["x"],"producers":[]}',
    '{"segments":[],"producers":[-1]}',
  ])
    assert.throws(() => decodeArrival(text), CodecError, text);
  for (const text of [
    '',
    'null',
    '{"kind":"taken"}',
    '{"kind":"taken","segments":[["../x",1,true,false]]}',
    '{"kind":"other"}',
  ])
    assert.throws(() => decodeAnswer(text), CodecError, text);
});
