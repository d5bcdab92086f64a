/**
 * The console's client when things go wrong, in a real browser on a fake API: nothing found, slow, failing, server gone,
 * session over, and text written by attackers in every field.
 */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Browser } from 'playwright-core';
import { API } from '../../web/contract.ts';
import { axe, open, shot } from '../web/client/browser.ts';
import { PASSWORD } from '../web/client/fake-api.ts';
import type { FakeApi } from '../web/client/fake-api.ts';
import { bodies } from '../web/client/fake-state.ts';
import { HOSTILE, hostileFlow } from '../web/client/hostile.ts';
import { setStage } from '../web/client/stage.ts';
import type { Stage } from '../web/client/stage.ts';

describe('console client: adversity', { timeout: 280_000 }, () => {
  let stage: Stage;
  let browser: Browser;
  let api: FakeApi;

  before(async () => {
    stage = await setStage();
    ({ browser, api } = stage);
  });

  after(() => stage.strike());

  it('says what to do when nothing is found, when it is slow, and when it fails', async () => {
    const { page, trouble, close } = await open(
      browser,
      `${api.origin}/traffic?since=2020-01-01&until=2020-01-02`,
    );
    await page.getByText("curl --proxy 'http://127.0.0.1:8080'").waitFor();
    await axe(page, 'empty');
    await shot(page, stage.pictures, 'empty');
    await page.getByRole('button', { name: 'Look at the last 30 days' }).click();
    await page.waitForURL(/range=30d/);
    await page.getByRole('row').nth(3).waitFor();
    api.mood.delay = 600;
    await page.getByLabel('Search traffic').fill('host:www.example.com');
    await page.keyboard.press('Enter');
    await page.getByRole('status').getByText('Loading rows').waitFor();
    api.mood.delay = 0;
    await page.getByText('/news/2026/quarter-results').first().waitFor();
    api.mood.failing = true;
    await page.reload();
    await page.getByRole('alert').getByText('The store does not answer now.').waitFor();
    await axe(page, 'failed');
    // Pressed while it fails: until then nothing but the button asks for the rows. Their answer is held, and by the time it
    // is given the store is well.
    api.mood.delay = 600;
    const asked = page.waitForRequest(request => new URL(request.url()).pathname === API.search);
    await page.getByRole('button', { name: 'Try again' }).first().click();
    await asked;
    api.mood.failing = false;
    api.mood.delay = 0;
    await page.getByText('/news/2026/quarter-results').first().waitFor();
    await close();
    assert.ok(
      trouble.every(entry => entry === '503'),
      trouble.join(),
    );
  });

  it('survives a server that goes away, and keeps what was typed', async () => {
    const { page, close } = await open(browser, `${api.origin}/traffic?range=24h`);
    await page.getByRole('row').nth(3).waitFor();
    await page.getByLabel('Search traffic').fill('half a quer');
    await api.close();
    await page.getByText('The console server does not answer.').waitFor();
    await axe(page, 'server away');
    await shot(page, stage.pictures, 'server-away');
    assert.ok((await page.getByRole('row').count()) > 3, 'what was on screen is still there');
    await api.open();
    await page.getByRole('button', { name: 'Try now' }).click();
    await page.getByText('The console server does not answer.').waitFor({ state: 'detached' });
    assert.equal(await page.getByLabel('Search traffic').inputValue(), 'half a quer');
    await page.getByRole('button', { name: 'Live' }).waitFor();
    const [made] = api.happen(1).filter(flow => flow.exchanges.length > 0);
    if (made !== undefined) await page.locator(`[id="row-${made.row.flow}.1"]`).waitFor();
    await close();
  });

  it('asks to log in again when the session ends, and is back at the same place after it', async () => {
    const { page, trouble, close } = await open(browser, `${api.origin}/traffic?range=24h&refine=on`);
    await page.getByRole('row').nth(3).waitFor();
    await page.getByLabel('Search traffic').fill('half a quer');
    const address = page.url();
    api.endSession();
    await page.getByRole('heading', { name: 'Log in again' }).waitFor();
    assert.equal(await page.getByRole('grid').isVisible(), false, 'nothing captured is left on screen');
    await axe(page, 'session ended');
    await page.getByLabel('Name').fill('alice.auditor');
    await page.getByLabel('Password').fill(PASSWORD);
    await page.getByRole('button', { name: 'Log in' }).click();
    await page.getByRole('row').nth(3).waitFor();
    assert.equal(page.url(), address);
    assert.equal(await page.getByLabel('Search traffic').inputValue(), 'half a quer');
    await page.getByRole('button', { name: 'Live' }).waitFor();
    await close();
    assert.ok(
      trouble.every(entry => entry === '401'),
      trouble.join(),
    );
  });

  it('stays small while thousands of rows stream in', async () => {
    const { page, trouble, close } = await open(browser, `${api.origin}/traffic?show=connections`);
    await page.getByRole('button', { name: 'Live' }).waitFor();
    let last = '';
    for (let burst = 0; burst < 40; burst++) last = api.happen(100).at(-1)?.row.flow ?? '';
    await page.locator(`[id="row-${last}"]`).waitFor();
    assert.ok((await page.getByRole('row').count()) < 90, 'rows out of sight leave the document');
    const loaded = /([\d,]+) loaded/.exec((await page.locator('.list-foot').textContent()) ?? '')?.[1] ?? '';
    assert.ok(Number(loaded.replace(',', '')) <= 2000, `${loaded} rows are kept`);
    await close();
    assert.deepEqual(trouble, []);
  });

  it('never runs what strangers wrote, wherever they wrote it', async () => {
    const flows = HOSTILE.map((text, at) => hostileFlow(text, at));
    flows.forEach(flow => api.add(flow));
    for (const [at, text] of HOSTILE.entries()) bodies.set(`${flows[at]?.row.flow}.1 res`, text);
    const { page, trouble, close } = await open(
      browser,
      `${api.origin}/traffic?q=${encodeURIComponent('client:203.0.113.66')}`,
    );
    await page
      .getByRole('row')
      .nth(HOSTILE.length - 2)
      .waitFor();
    await page.goto(`${api.origin}/traffic?range=15m&refine=on`);
    await page.getByRole('row').nth(5).waitFor();
    for (const flow of flows) {
      await page.goto(`${api.origin}/exchanges/${flow.row.flow}/1?range=15m`);
      await page.locator('.sentence').waitFor();
      for (const tab of ['Request', 'Response', 'Connection', 'Overview'])
        await page.getByRole('tab', { name: tab }).click();
      await page.goto(`${api.origin}/flows/${flow.row.flow}?show=connections&range=15m`);
      await page.locator('.picture').waitFor();
    }
    await page.goto(`${api.origin}/overview`);
    await page.locator('.top-card li').first().waitFor();
    const raw = String(await page.evaluate('document.body.textContent'));
    assert.doesNotMatch(raw, /[\u202a-\u202e\u2066-\u2069]/, 'bidi controls never reach the document');
    assert.equal(await page.evaluate('window.__ran'), undefined);
    await close();
    assert.deepEqual(trouble, []);
  });
});
