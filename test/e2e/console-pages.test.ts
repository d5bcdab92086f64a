/**
 * The pages behind the list, in a real browser on a fake API: a request, a connection, the overview, the policy, the
 * trail; each judged by axe.
 */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Browser } from 'playwright-core';
import { axe, open, shot } from '../web/client/browser.ts';
import type { FakeApi } from '../web/client/fake-api.ts';
import { setStage } from '../web/client/stage.ts';
import type { Stage } from '../web/client/stage.ts';

describe('console client: the pages', { timeout: 280_000 }, () => {
  let stage: Stage;
  let browser: Browser;
  let api: FakeApi;

  before(async () => {
    stage = await setStage();
    ({ browser, api } = stage);
  });

  after(() => stage.strike());

  it('explains an exchange: sentence, headers, bodies, timing, decision, curl', async () => {
    const flow = api.flows.find(
      f => f.exchanges.length > 2 && f.exchanges[1]?.reqBytes !== 0 && f.exchanges[1]?.status !== null,
    );
    assert.ok(flow !== undefined);
    const { page, trouble, close } = await open(
      browser,
      `${api.origin}/exchanges/${flow.row.flow}/2?range=24h`,
    );
    await page
      .locator('.sentence')
      .getByText(flow.row.host ?? '')
      .waitFor();
    assert.match((await page.locator('.sentence').textContent()) ?? '', /inspected it by rule/);
    await axe(page, 'exchange, overview');
    await shot(page, stage.pictures, 'exchange');
    await page.getByRole('button', { name: 'Copy as curl' }).click();
    const curl = String(await page.evaluate('navigator.clipboard.readText()'));
    assert.match(curl, /^curl 'https:\/\//);
    assert.match(curl, /--header 'Authorization: Bearer \*\*\*'/);

    await page.getByRole('tab', { name: 'Request' }).click();
    assert.equal(await page.locator('.masked').count(), 2);
    await page.getByText('"owner": "chioma"').waitFor();
    await page.getByRole('button', { name: 'Hex' }).click();
    await page.getByText('00000000  7b 22').waitFor();
    await axe(page, 'exchange, request');
    await shot(page, stage.pictures, 'request');
    await page.getByRole('tab', { name: 'Connection' }).click();
    await page.getByText('TLS_AES_128_GCM_SHA256').waitFor();
    await axe(page, 'exchange, connection');
    await page.getByRole('button', { name: 'Later request of this connection' }).click();
    await page.waitForURL(new RegExp(`/exchanges/${flow.row.flow}/3`));
    await page.getByRole('button', { name: 'Open this connection' }).click();
    await page.getByRole('heading', { name: /^Connection/, level: 2 }).waitFor();
    await page.getByRole('heading', { name: `Requests (${flow.exchanges.length})` }).waitFor();
    await axe(page, 'flow');
    await shot(page, stage.pictures, 'connection');
    await close();
    assert.deepEqual(trouble, []);
  });

  it('draws where a connection broke, and says what to do', async () => {
    const flow = api.flows.find(f => f.row.fault === 'cert-expired');
    const { page, trouble, close } = await open(browser, `${api.origin}/flows/${flow?.row.flow}?full=1`);
    const note = page.getByRole('region', { name: 'Fault' });
    await note.getByText('has expired.').waitFor();
    await note.getByText('Tell the owner of the site.').waitFor();
    assert.match(
      (await page.locator('.leg-broken').textContent()) ?? '',
      /Sightglass to origin.*has expired/,
    );
    await axe(page, 'broken flow');
    await shot(page, stage.pictures, 'broken-connection');
    await page.goto(`${api.origin}/flows/2s-zzz`);
    await page.getByRole('alert').getByText('There is no such record.').waitFor();
    await axe(page, 'no such record');
    await close();
    assert.deepEqual(trouble, ['404']);
  });

  it('links every number of the overview to the list it counts', async () => {
    const { page, trouble, close } = await open(browser, `${api.origin}/overview`);
    const card = page.getByRole('link', { name: /^Blocked/ });
    await card.waitFor();
    const told = Number(((await card.locator('strong').textContent()) ?? '').replaceAll(/\D/g, ''));
    await page.getByText('Everything runs').waitFor();
    await axe(page, 'overview');
    await shot(page, stage.pictures, 'overview');
    await card.click();
    await page.waitForURL(/show=connections&q=verdict%3Ablock&range=24h/);
    await page
      .locator('.legend strong')
      .getByText(`${told.toLocaleString('en')} connection`)
      .waitFor();
    await close();
    assert.deepEqual(trouble, []);
  });

  it('shows the policy with the rule that was asked for, and why a newer one was refused', async () => {
    const { page, trouble, close } = await open(browser, `${api.origin}/policy#finance`);
    assert.match((await page.locator('.line-marked').textContent()) ?? '', /name: finance/);
    await axe(page, 'policy');
    await shot(page, stage.pictures, 'policy');
    api.policy = {
      ...api.policy,
      rejected: {
        time: new Date().toISOString(),
        message: 'unknown key "acton"',
        line: 12,
        column: 5,
        hint: 'Did you mean action?',
      },
    };
    await page.reload();
    await page.getByRole('alert').getByText('line 12, column 5').waitFor();
    await axe(page, 'policy, refused');
    api.policy = { ...api.policy, rejected: null };
    await page.getByRole('link', { name: 'Trail' }).click();
    await page.getByText('login.refused').waitFor();
    await axe(page, 'trail');
    await page.goto(`${api.origin}/nowhere`);
    await page.getByText('is no page of this console').waitFor();
    await axe(page, 'not found');
    await close();
    assert.deepEqual(trouble, []);
  });

  it('works on a phone, at 200 % and in the dark', async () => {
    const phone = await open(browser, `${api.origin}/traffic?show=connections&range=24h`, { phone: true });
    await phone.page.getByRole('row').nth(3).waitFor();
    assert.equal(
      await phone.page.evaluate('document.documentElement.scrollWidth'),
      390,
      'nothing is wider than the phone',
    );
    await axe(phone.page, 'phone, list');
    await shot(phone.page, stage.pictures, 'phone-list');
    await phone.page.getByRole('row').nth(2).click();
    await phone.page.locator('.picture').waitFor();
    assert.equal(await phone.page.evaluate('document.documentElement.scrollWidth'), 390);
    await axe(phone.page, 'phone, connection');
    await shot(phone.page, stage.pictures, 'phone-connection');
    await phone.page.getByRole('button', { name: 'Back to the list' }).click();
    await phone.page.getByRole('grid').waitFor();
    await phone.close();
    assert.deepEqual(phone.trouble, []);

    const zoomed = await open(browser, `${api.origin}/traffic?range=24h`, { zoomed: true });
    await zoomed.page.getByRole('row').nth(3).waitFor();
    for (const path of ['/traffic?range=24h', '/overview', '/policy', '/trail']) {
      await zoomed.page.goto(api.origin + path);
      await zoomed.page.locator('main h1').waitFor({ state: 'attached' });
      assert.equal(
        await zoomed.page.evaluate('document.documentElement.scrollWidth'),
        720,
        `${path} at 200 %`,
      );
    }
    await zoomed.close();

    const dark = await open(browser, `${api.origin}/traffic?show=connections&range=24h`, { dark: true });
    for (const [name, address] of Object.entries({
      list: '/traffic?show=connections&range=24h',
      overview: '/overview',
      policy: '/policy#finance',
      exchange: `/exchanges/${api.flows.find(f => f.exchanges.length > 0)?.row.flow}/1?range=24h`,
      broken: `/flows/${api.flows.find(f => f.row.fault === 'cert-expired')?.row.flow}?full=1`,
    })) {
      await dark.page.goto(api.origin + address);
      await dark.page.locator('main h1, .sentence').first().waitFor({ state: 'attached' });
      await dark.page.waitForLoadState('networkidle').catch(() => undefined);
      await axe(dark.page, `dark, ${name}`);
      await shot(dark.page, stage.pictures, `${name}-dark`);
    }
    await dark.page.getByRole('button', { name: /^Theme: automatic/ }).click();
    assert.equal(await dark.page.evaluate('getComputedStyle(document.documentElement).colorScheme'), 'light');
    await dark.page.reload();
    assert.equal(
      await dark.page.evaluate('document.documentElement.dataset.theme'),
      'light',
      'the choice lasts',
    );
    await dark.close();
    assert.deepEqual(dark.trouble, []);
  });
});
