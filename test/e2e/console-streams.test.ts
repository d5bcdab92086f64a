/** Streams and alerts in a real browser on a fake API: empty with a next step, full with trouble said first, changed; judged by axe. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { axe, open, shot } from '../web/client/browser.ts';
import { setStage } from '../web/client/stage.ts';
import type { Stage } from '../web/client/stage.ts';

describe('console client: streams and alerts', { timeout: 180_000 }, () => {
  let stage: Stage;

  before(async () => {
    stage = await setStage();
  });

  after(() => stage.strike());

  it('shows what is sent, makes, tests and deletes alerts', async () => {
    const { api, browser } = stage;
    const { page, trouble, close } = await open(browser, `${api.origin}/streams`);
    await page.getByText('No streams yet').waitFor();
    await page.getByText('/var/lib/sightglass/streams.yaml').waitFor();
    await page.getByRole('tab', { name: 'Alerts' }).click();
    await page.getByText('No alerts yet').waitFor();
    await axe(page, 'alerts, empty');
    await page.getByRole('button', { name: 'Make an alert' }).click();
    await page.getByLabel('Name').fill('many failures');
    await page.getByLabel('Search').fill('status:>=500');
    await page.getByLabel('URL').fill('https://hooks.example.com/x');
    await axe(page, 'alert, form');
    await page.getByRole('button', { name: 'Save' }).click();
    await page.getByText('shown-once').waitFor();
    const [made] = api.streams.changes;
    assert.equal(made?.path, '/api/alerts');
    assert.deepEqual(made?.body, {
      ...{
        name: 'many failures',
        kind: 'exchanges',
        query: 'status:>=500',
        threshold: 10,
        windowMs: 300_000,
      },
      ...{ groupBy: 'none', coolDownMs: 3_600_000, enabled: true },
      deliver: [{ to: 'webhook', url: 'https://hooks.example.com/x' }],
    });

    api.streams.fill();
    await page.goto(`${api.origin}/streams?tab=alerts`);
    await page.getByText('Fired 3 times').waitFor();
    await page.getByRole('button', { name: 'Send a test' }).click();
    await page.getByText('Every receiver took the test.').waitFor();
    await axe(page, 'alerts');
    await shot(page, stage.pictures, 'alerts');
    await page.getByRole('button', { name: 'Delete' }).click();
    await page.getByRole('button', { name: 'Yes, delete it' }).click();
    await page.getByText('No alerts yet').waitFor();
    assert.deepEqual(
      api.streams.changes.slice(1).map(({ path }) => path),
      ['/api/alerts/7/test', '/api/alerts/7/remove'],
    );
    await page.getByRole('tab', { name: 'Streams', exact: true }).click();
    await page.getByText('4,711 rows wait').waitFor();
    await axe(page, 'streams');
    await shot(page, stage.pictures, 'streams');
    await close();
    assert.deepEqual(trouble, []);
  });

  it('fits a phone, in the dark, with hostile texts shown as text', async () => {
    const { api, browser } = stage;
    api.streams.fill();
    const { page, trouble, close } = await open(browser, `${api.origin}/streams`, {
      phone: true,
      dark: true,
    });
    await page.getByText('4,711 rows wait').waitFor();
    assert.equal(await page.evaluate('document.documentElement.scrollWidth'), 390);
    await axe(page, 'phone, dark, streams');
    await page.goto(`${api.origin}/streams?tab=alerts`);
    await page.getByText('Fired 3 times').waitFor();
    assert.equal(await page.evaluate('document.documentElement.scrollWidth'), 390);
    assert.equal(await page.locator('img[src="x"]').count(), 0);
    await page.getByRole('button', { name: 'Change', exact: true }).click();
    await page.getByLabel('Name').waitFor();
    assert.equal(await page.evaluate('document.documentElement.scrollWidth'), 390);
    await axe(page, 'phone, dark, alert form');
    await close();
    assert.deepEqual(trouble, []);
  });
});
