/** Days and holds in a real browser on a fake API: empty, held, released; both themes, a phone; judged by axe. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { PERMISSIONS } from '../../web/contract.ts';
import { axe, open, shot } from '../web/client/browser.ts';
import { setStage } from '../web/client/stage.ts';
import type { Stage } from '../web/client/stage.ts';

describe('console client: records and holds', { timeout: 180_000 }, () => {
  let stage: Stage;

  before(async () => {
    stage = await setStage(50);
  });

  after(() => stage.strike());

  it('holds and releases days with a reason', async () => {
    const { api, browser } = stage;
    const { page, trouble, close } = await open(browser, `${api.origin}/records`);
    await page.getByText('No days yet').waitFor();
    await page.getByText('No legal holds').waitFor();
    await axe(page, 'records, empty');
    api.records.fill();
    await page.goto(`${api.origin}/traffic`);
    await page.getByRole('button', { name: 'Export' }).click();
    const link = page.getByRole('link', { name: 'Evidence bundle (.zip)' });
    assert.match((await link.getAttribute('href')) ?? '', /^\/api\/export\/evidence\?kind=exchanges/);
    await page.getByRole('link', { name: 'Records' }).click();
    await page.getByText('sealed, attached').waitFor();
    await axe(page, 'records');
    await shot(page, stage.pictures, 'records');
    await page.getByRole('button', { name: 'Hold 2026-11-19' }).click();
    await page.getByLabel('Last day').fill('2026-11-20');
    await page.getByLabel('Why').fill('case 4712');
    await axe(page, 'hold, form');
    await page.getByRole('button', { name: 'Hold them' }).click();
    await page.getByRole('heading', { name: '2026-11-19 to 2026-11-20' }).waitFor();
    await page.getByRole('button', { name: 'Release hold 1' }).click();
    await page.getByLabel('Why').fill('closed');
    await page.getByRole('button', { name: 'Release it' }).click();
    await page.getByText('lifted by alice.auditor').first().waitFor();
    assert.deepEqual(api.records.changes, [
      { path: '/api/holds', body: { first: '2026-11-19', last: '2026-11-20', reason: 'case 4712' } },
      { path: '/api/holds/1/release', body: { reason: 'closed' } },
    ]);
    await close();
    assert.deepEqual(trouble, []);
  });

  it('fits a phone, in the dark, shows hostile texts as text and nothing to press to who may not', async () => {
    const { api, browser } = stage;
    api.records.fill();
    api.can = PERMISSIONS.filter(permission => permission !== 'hold');
    const { page, trouble, close } = await open(browser, `${api.origin}/records`, {
      phone: true,
      dark: true,
    });
    await page.getByRole('heading', { name: 'Legal holds' }).waitFor();
    assert.equal(await page.evaluate('document.documentElement.scrollWidth'), 390);
    assert.equal(await page.locator('img[src="x"]').count(), 0);
    assert.equal(await page.getByRole('button', { name: /Hold|Release/ }).count(), 0);
    await axe(page, 'phone, dark, records');
    api.records.view = { days: null, holds: [] };
    await page.reload();
    await page.getByText('No records are kept here').waitFor();
    await axe(page, 'phone, dark, no day files');
    await close();
    assert.deepEqual(trouble, []);
  });
});
