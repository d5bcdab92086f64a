/** A reason before a body, a second person, and the files that hold bodies, in a real browser on a fake API; judged by axe. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { axe, open, shot } from '../web/client/browser.ts';
import { setStage } from '../web/client/stage.ts';
import type { Stage } from '../web/client/stage.ts';

describe('console client: reveals', { timeout: 180_000 }, () => {
  let stage: Stage;
  let exchange = '';

  before(async () => {
    stage = await setStage(200);
    const flow = stage.api.flows.find(f => f.exchanges[0]?.status === 200 && f.exchanges[0].resBytes > 0);
    assert.ok(flow !== undefined);
    exchange = `/exchanges/${flow.row.flow}/1?range=24h`;
    stage.api.reveals.wanted = true;
  });

  after(() => stage.strike());

  it('shows a body after a reason, and takes one before a HAR file', async () => {
    const { api, browser } = stage;
    const { page, trouble, close } = await open(browser, `${api.origin}${exchange}`);
    await page.getByRole('tab', { name: 'Response' }).click();
    await page.getByLabel('Why do you need to see it?').waitFor();
    assert.equal(await page.getByRole('link', { name: 'Download' }).count(), 0);
    await axe(page, 'body, reason');
    await shot(page, stage.pictures, 'reveal');
    await page.getByLabel('Why do you need to see it?').fill('complaint of the customer');
    await page.getByLabel('Case number').fill('4711');
    await page.getByRole('button', { name: 'Show the body' }).click();
    await page.getByRole('group', { name: 'Show the body as' }).waitFor();
    await page.getByRole('link', { name: 'Download' }).waitFor();
    await page.getByRole('button', { name: 'Save as HAR' }).click();
    await page.getByRole('heading', { name: 'Save as HAR' }).waitFor();
    await axe(page, 'HAR, reason');
    await page.getByRole('button', { name: 'Cancel' }).click();
    await page.getByRole('heading', { name: 'Save as HAR' }).waitFor({ state: 'detached' });
    await close();
    assert.deepEqual(trouble, []);
  });

  it('waits for a second person, and opens by itself; an export waits on the page', async () => {
    const { api, browser } = stage;
    api.reveals.view = { secondPerson: true, own: [], waiting: [] };
    const { page, trouble, close } = await open(browser, `${api.origin}${exchange}`, { dark: true });
    await page.getByRole('tab', { name: 'Response' }).click();
    await page.getByLabel('Why do you need to see it?').fill('complaint of the customer');
    await page.getByRole('button', { name: 'Show the body' }).click();
    await page.getByText('Somebody else has to agree').waitFor();
    await axe(page, 'body, waiting');
    api.reveals.agree();
    await page.getByRole('group', { name: 'Show the body as' }).waitFor();
    await page.goto(`${api.origin}/traffic`);
    await page.getByRole('button', { name: 'Export' }).click();
    await page.getByRole('button', { name: /^HAR/ }).click();
    await page.getByLabel('Why do you need to see it?').fill('complaint of the customer');
    await page.getByRole('button', { name: 'Download' }).click();
    await page.getByRole('dialog').getByRole('link', { name: 'Reveals' }).click();
    await page.getByText('export with bodies of').waitFor();
    api.reveals.agree();
    await page.getByRole('link', { name: 'Download the HAR file' }).waitFor();
    await axe(page, 'reveals, own');
    await close();
    assert.deepEqual(trouble, []);
  });

  it('lists what waits for the reader, hostile reasons as text, and decides it; a phone too', async () => {
    const { api, browser } = stage;
    api.reveals.view = { secondPerson: true, own: [], waiting: [] };
    api.reveals.fill();
    const { page, trouble, close } = await open(browser, `${api.origin}/reveals`, { phone: true });
    await page.getByText('complaint').waitFor();
    assert.equal(await page.locator('img[src="x"]').count(), 0);
    assert.equal(await page.evaluate('document.documentElement.scrollWidth'), 390);
    await axe(page, 'phone, reveals, waiting');
    await shot(page, stage.pictures, 'reveals-phone');
    await page.getByRole('button', { name: 'Agree to request 7' }).click();
    await page.getByText('Nothing waits.').waitFor();
    await axe(page, 'phone, reveals, empty');
    await close();
    assert.deepEqual(trouble, []);
  });
});
