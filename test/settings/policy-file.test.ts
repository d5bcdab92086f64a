import assert from 'node:assert/strict';
import { join } from 'node:path';
import { it } from 'node:test';
import { policyFileOf } from '../../src/settings/policy-file.ts';

it('the policy is the file that the settings name, else policy.yaml in the data directory', () => {
  const dataDir = join('var', 'data');
  assert.equal(policyFileOf({ 'policy.file': 'own.yaml', 'data-dir': dataDir }), 'own.yaml');
  assert.equal(policyFileOf({ 'policy.file': null, 'data-dir': dataDir }), join(dataDir, 'policy.yaml'));
});
