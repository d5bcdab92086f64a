/** The setup page in Debian's Chromium: what it says about a device is what is so, with and without proxy and trust. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { launchChromium, type ChromiumOptions } from '../helpers/chromium.ts';
import { startProxy, type TestProxy } from '../helpers/proxy.ts';

describe('the setup page', () => {
  let proxy: TestProxy;
  before(async () => {
    proxy = await startProxy({ setup: { pac: '', next: true } });
  });
  after(() => proxy.stop());

  /** What the page says once it has said everything, and what the browser complained about. */
  async function visit(
    options: ChromiumOptions,
    url = `http://127.0.0.1:${proxy.port}/`,
  ): Promise<Record<string, string>> {
    const browser = await launchChromium(options);
    try {
      const page: Page = await browser.newPage();
      const refused: string[] = [];
      page.on('console', message => {
        if (/Content Security Policy/.test(message.text())) refused.push(message.text());
      });
      await page.goto(url);
      const last = options.proxy === undefined ? '#trusts' : '#next';
      const expected = options.proxy === undefined ? 'unknown' : 'asking';
      await page.waitForSelector(
        expected === 'unknown' ? `${last}[data-state=unknown]` : `${last}:not([data-state=asking])`,
      );
      assert.deepEqual(refused, []);
      const said: Record<string, string> = {};
      for (const id of ['uses', 'trusts', 'next'])
        said[id] = (await page.getAttribute(`#${id}`, 'data-state')) ?? '';
      return said;
    } finally {
      await browser.close();
    }
  }

  const through = (): ChromiumOptions => ({ proxy: `http://127.0.0.1:${proxy.port}` });

  it('without the proxy: neither is claimed', async () => {
    assert.deepEqual(await visit({ roots: [proxy.ca] }), { uses: 'no', trusts: 'unknown', next: 'asking' });
  });

  it('with the proxy and without the root: it uses it and does not trust it', async () => {
    const before = proxy.audit.flows.length;
    assert.deepEqual(await visit(through(), 'http://check.sightglass.internal/'), {
      uses: 'yes',
      trusts: 'no',
      next: 'no',
    });
    const refused = proxy.audit.flows.slice(before).filter(flow => flow.fault === 'client-rejected-leaf');
    assert.ok(refused.length >= 2, 'each root was refused on the record');
    for (const flow of refused) assert.ok(flow.leafSerial !== null && flow.facts?.hello?.ja4 !== undefined);
  });

  it('with the proxy and the present root: only the one that follows is missing; with both, nothing is', async () => {
    const site = 'http://check.sightglass.internal/';
    const both = [proxy.ca, readFileSync(join(proxy.dataDir, 'ca/next.crt'), 'utf8')];
    assert.deepEqual(await visit({ ...through(), roots: [proxy.ca] }, site), {
      uses: 'yes',
      trusts: 'yes',
      next: 'no',
    });
    const before = proxy.audit.flows.length;
    const whole = { uses: 'yes', trusts: 'yes', next: 'yes' };
    assert.deepEqual(await visit({ ...through(), roots: both }, site), whole);
    assert.deepEqual(await visit({ ...through(), roots: both }, 'https://check.sightglass.internal/'), whole);
    const accepted = proxy.audit.flows
      .slice(before)
      .filter(f => f.leafSerial !== null && f.fault === null && f.verdict === null);
    assert.ok(accepted.length >= 4, `${accepted.length}`);
  });
});
