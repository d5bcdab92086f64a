/** The manual in a real browser on a fake API: as help over the search, and as pages; light, dark, on a phone; judged by axe. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Page } from 'playwright-core';
import { axe, open, shot } from '../web/client/browser.ts';
import { setStage } from '../web/client/stage.ts';
import type { Stage } from '../web/client/stage.ts';

describe('console client: the manual', { timeout: 180_000 }, () => {
  let stage: Stage;

  before(async () => {
    stage = await setStage();
  });

  after(() => stage.strike());

  it('helps at the search box, and an error leads to the section that explains it', async () => {
    const { api, browser } = stage;
    for (const how of [{}, { dark: true, phone: true }]) {
      const { page, trouble, close } = await open(browser, `${api.origin}/traffic`, how);
      await page.getByRole('button', { name: 'How to search' }).click();
      const help = page.getByRole('dialog', { name: 'Keys and search' });
      await help.getByRole('heading', { name: 'Putting terms together' }).waitFor();
      await axe(page, 'help');
      await help.getByRole('link', { name: 'Free text' }).click();
      await atTop(page, 'help-free-text');
      await shot(page, stage.pictures, 'phone' in how ? 'phone-help' : 'help');
      await page.keyboard.press('Escape');
      await help.waitFor({ state: 'detached' });

      const box = page.getByLabel('Search traffic');
      await box.fill('time:soon');
      await box.press('Enter');
      await page.getByRole('link', { name: 'How this is written' }).click();
      await atTop(page, 'help-times');
      await fits(page);
      await page.getByRole('button', { name: 'Close' }).click();
      assert.equal(await box.inputValue(), 'time:soon', 'the query is where it was');
      await close();
      assert.deepEqual([...new Set(trouble)], ['400'], 'nothing but the refused query');
    }
  });

  it('has a page for every document, with links between them', async () => {
    const { api, browser } = stage;
    for (const how of [{ dark: true }, { phone: true }]) {
      const { page, trouble, close } = await open(browser, `${api.origin}/help/query-language#fields`, how);
      await atTop(page, 'fields');
      await axe(page, 'manual');
      await fits(page);
      await shot(page, stage.pictures, 'phone' in how ? 'phone-manual' : 'manual-dark');
      const index = page.getByRole('navigation', { name: 'Manual' });
      await index.getByRole('link', { name: 'Audit store' }).click();
      await page.getByRole('heading', { level: 1, name: 'The audit store' }).waitFor();
      await page.getByRole('article').getByRole('link', { name: 'masking.md' }).first().click();
      await page.getByRole('heading', { level: 1, name: 'Masking' }).waitFor();
      assert.equal(new URL(page.url()).pathname, '/help/masking');
      assert.equal(await page.title(), 'Masking · Sightglass');
      for (const link of 'phone' in how ? await index.getByRole('link').all() : []) {
        await link.click();
        await page.getByRole('article').getByRole('heading', { level: 1 }).waitFor();
        assert.equal(await link.getAttribute('aria-current'), 'page');
        await fits(page);
      }
      await close();
      assert.deepEqual(trouble, []);
    }
  });
});

/** The reader is at a heading: it has the focus, and it stands in the upper part of the window or as far up as it goes. */
async function atTop(page: Page, id: string): Promise<void> {
  await page.locator(`[id="${id}"]:focus`).waitFor();
  const seen = await page.evaluate(
    `(() => { const { top, bottom } = document.getElementById(${JSON.stringify(id)}).getBoundingClientRect();
      return top >= 0 && bottom <= innerHeight; })()`,
  );
  assert.equal(seen, true, `${id} is in view`);
}

/** Nothing makes the window scroll sideways. */
async function fits(page: Page): Promise<void> {
  assert.equal(await page.evaluate('document.scrollingElement.scrollWidth > innerWidth'), false, page.url());
}
