import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { FLOWS_PER_PRODUCER, exchangeIdText, flowIdText, parseFlowId } from '../../src/core/records.ts';

test('a flow id survives its text form, up to the largest there is', () => {
  const id = fc
    .tuple(fc.integer({ min: 0, max: 2 ** 26 - 1 }), fc.integer({ min: 0, max: FLOWS_PER_PRODUCER - 1 }))
    .map(([producer, counter]) => producer * FLOWS_PER_PRODUCER + counter);
  fc.assert(
    fc.property(id, flow => {
      assert.equal(parseFlowId(flowIdText(flow)), flow);
    }),
    { seed: 2 },
  );
  const largest = 2 ** 53 - 1;
  assert.equal(parseFlowId(flowIdText(largest)), largest);
});

test('text that is no flow id is refused', () => {
  for (const text of [
    '',
    '-',
    '1',
    '1-',
    '-1',
    '1-2-3',
    '1.2',
    'A-1',
    '1-zzzzzzz',
    'zzzzzz-0',
    '1-zzzzzz',
    ' 1-1',
  ])
    assert.equal(parseFlowId(text), null, text);
});

test('an exchange is named after its flow', () => {
  assert.equal(exchangeIdText(FLOWS_PER_PRODUCER * 35 + 36, 2), 'z-10.2');
});
