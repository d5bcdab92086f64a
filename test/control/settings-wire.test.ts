import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inNetworks } from '../../src/core/network.ts';
import { decodeSettings, encodeSettings } from '../../src/control/settings-wire.ts';
import { SETTING_NAMES } from '../../src/settings/catalogue.ts';
import { loadSettings } from '../../src/settings/load.ts';

test('settings arrive at a worker as they were checked, networks as networks', () => {
  const settings = loadSettings({
    env: { HOME: '/' },
    flags: {
      'egress.allow': '127.0.0.0/8,fd00::/8',
      'proxy.connect-ports': 'any',
      'origin.resolve': 'a.test=127.0.0.1',
      'proxy.realm': 'quotes " and \u2028 and ü',
    },
  });
  const arrived = decodeSettings(encodeSettings(settings));
  for (const name of SETTING_NAMES)
    assert.equal(JSON.stringify(arrived[name]), JSON.stringify(settings[name]), name);
  assert.equal(inNetworks('127.9.9.9', arrived['egress.allow']), true);
  assert.equal(inNetworks('fd12::1', arrived['egress.allow']), true);
  assert.equal(inNetworks('10.0.0.1', arrived['egress.allow']), false);
});
