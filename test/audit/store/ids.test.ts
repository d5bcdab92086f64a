/** Ids of one machine and of a fleet are told apart and come back. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  fleetExchangeText,
  fleetFlowText,
  flowRefText,
  parseExchangeRef,
  parseFlowRef,
} from '../../../src/audit/store/ids.ts';
import { flowId } from '../sample.ts';

test('an id of the fleet carries the number of its proxy', () => {
  const flow = flowId(3, 46);
  assert.equal(fleetFlowText(40, flow), '14-3-1a');
  assert.equal(fleetExchangeText(40, flow, 7), '14-3-1a.7');
  for (const text of ['14-3-1a', '3-1a']) {
    const ref = parseFlowRef(text);
    assert.ok(ref !== null);
    assert.equal(ref.flow, flow);
    assert.equal(flowRefText(ref), text);
  }
  assert.deepEqual(parseExchangeRef('14-3-1a.7'), { proxy: 40, flow, n: 7 });
  assert.deepEqual(parseExchangeRef('3-1a.7'), { proxy: null, flow, n: 7 });
});

test('what is no id is none', () => {
  for (const text of [
    '',
    '3',
    '3-1a.',
    '3-1a.0',
    '0-3-1a.1',
    '1-2-3-4.1',
    '3-1a.1x',
    'zzzzzz-1-1.1',
    '3-1A.1',
  ])
    assert.equal(parseExchangeRef(text), null, text);
  for (const text of ['', '3', '0-3-1a', '1-2-3-4', '3-1a.7']) assert.equal(parseFlowRef(text), null, text);
});
