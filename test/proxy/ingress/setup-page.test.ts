import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, it } from 'node:test';
import { platformOf, setupCsp, setupPage } from '../../../src/proxy/ingress/setup-page.ts';
import type { SetupPage } from '../../../src/proxy/ingress/setup-page.ts';

const PAGE: SetupPage = {
  address: 'proxy.test:8080',
  fingerprint: 'AA:BB',
  client: '10.0.0.1',
  agent: null,
  check: 'check.test',
  next: false,
  profile: true,
};

describe('setup page', () => {
  it('offers first what the visiting platform wants, and the others too', () => {
    for (const [agent, platform, file] of [
      ['Mozilla/5.0 (Windows NT 10.0; Win64; x64) Chrome/156', 'windows', '/ca.crt'],
      ['Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X)', 'apple', '/ca.mobileconfig'],
      ['Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7)', 'apple', '/ca.mobileconfig'],
      ['Mozilla/5.0 (Linux; Android 16) Chrome/156 Mobile', 'android', '/ca.crt'],
      ['Mozilla/5.0 (X11; Linux x86_64) Firefox/153', 'linux', '/ca.pem'],
      ['curl/8.5', 'linux', '/ca.pem'],
      [null, 'linux', '/ca.pem'],
    ] as const) {
      assert.equal(platformOf(agent), platform);
      const html = setupPage({ ...PAGE, agent });
      assert.equal(/<a href="(\/ca\.[a-z]+)">/.exec(html)?.[1], file, String(agent));
      for (const any of ['/ca.crt', '/ca.pem', '/ca.mobileconfig']) assert.ok(html.includes(`"${any}"`));
    }
    assert.ok(!setupPage({ ...PAGE, profile: false }).includes('mobileconfig'));
  });

  it('its one script is the one that the policy names, and hostile texts stay texts', () => {
    const evil = '"><script>alert(1)</script>';
    const html = setupPage({
      ...PAGE,
      address: evil,
      client: evil,
      check: evil,
      fingerprint: evil,
      agent: evil,
    });
    const scripts = [...html.matchAll(/<script>([\s\S]*?)<\/script>/g)].map(m => m[1] ?? '');
    assert.equal(scripts.length, 1);
    const hash = createHash('sha256')
      .update(scripts[0] ?? '')
      .digest('base64');
    const csp = setupCsp('check.test');
    assert.ok(csp.includes(`script-src 'sha256-${hash}';`));
    assert.ok(csp.startsWith("default-src 'none'"));
    assert.ok(csp.includes('connect-src http://check.test https://check.test https://next.check.test;'));
  });
});
