import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  CATALOGUE,
  SETTING_NAMES,
  defaultText,
  isSettingName,
  variableOf,
} from '../../src/settings/catalogue.ts';
import { loadSettings } from '../../src/settings/load.ts';

test('every setting has a name people can type, a sentence of help and a shown default', () => {
  for (const name of SETTING_NAMES) {
    assert.match(name, /^[a-z][A-Za-z-]*(\.[a-z][A-Za-z-]*)?$/);
    assert.match(CATALOGUE[name].help, /\.$/, name);
    assert.notEqual(defaultText(name), '', name);
  }
});

test('no two settings share an environment variable', () => {
  const variables = SETTING_NAMES.map(variableOf);
  assert.equal(new Set(variables).size, variables.length);
  assert.equal(variableOf('proxy.connect-ports'), 'SIGHTGLASS_PROXY_CONNECT_PORTS');
});

test('no setting is also the group of another, so that nesting in YAML is never ambiguous', () => {
  for (const name of SETTING_NAMES)
    assert.ok(!SETTING_NAMES.some(other => other.startsWith(`${name}.`)), name);
});

test('the defaults are acceptable and are the documented ones', () => {
  const settings = loadSettings({ env: { HOME: '/' } });
  assert.deepEqual(settings['proxy.listen'], [{ host: '::', port: 8080 }]);
  assert.deepEqual(settings['console.listen'], [{ host: '127.0.0.1', port: 9080 }]);
  assert.deepEqual(settings['proxy.connect-ports'], [443, 8443]);
  assert.deepEqual(settings['egress.allow'], []);
  assert.equal(settings['audit.onFailure'], 'block');
  assert.equal(settings['audit.spool-max'], 2 * 1024 ** 3);
  assert.equal(settings['policy.file'], null);
  assert.ok(settings.workers >= 1);
});

test('a name of Object.prototype is no setting', () => {
  assert.equal(isSettingName('constructor'), false);
  assert.equal(isSettingName('workers'), true);
});
