/** kill -9 of collector, proxy and database in turn: zero lost, zero double, and the chain fits. SIGHTGLASS_TEST_FLEET_ROUNDS sets the rounds. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fleetKill } from './fleet-kill.ts';

const ROUNDS = Number(process.env['SIGHTGLASS_TEST_FLEET_ROUNDS'] ?? 4);

test('nothing acknowledged is missing and nothing is there twice, whatever is killed', async t => {
  const result = await fleetKill(ROUNDS, 20261120);
  assert.equal(result.missing, 0);
  assert.equal(result.twice, 0);
  assert.deepEqual(result.findings, [], 'the chain fits');
  assert.ok(result.verified >= result.stored + result.flows, 'every row is in it');
  assert.ok(result.acknowledged > 100, 'the workers had time to write');
  assert.ok(result.deadFlows > 0, 'some flows were open when their worker died');
  assert.ok(result.kills.collector > 0 && result.kills.shipper > 0 && result.kills.database > 0);
  t.diagnostic(JSON.stringify(result));
});
