/**
 * The console's client in a real browser, on a fake API: getting in, and everything a reader does with the list of
 * traffic by mouse and by keyboard.
 */
import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { gzipSync } from 'node:zlib';
import type { Browser, Page } from 'playwright-core';
import { axe, open, rowIds, shot } from '../web/client/browser.ts';
import { PASSWORD, TOKEN } from '../web/client/fake-api.ts';
import type { FakeApi } from '../web/client/fake-api.ts';
import { setStage } from '../web/client/stage.ts';
import type { Stage } from '../web/client/stage.ts';

const SCRIPT_BUDGET = 250 * 1024;

describe('console client: the list', { timeout: 280_000 }, () => {
  let stage: Stage;
  let browser: Browser;
  let api: FakeApi;

  before(async () => {
    stage = await setStage();
    ({ browser, api } = stage);
  });

  after(() => stage.strike());

  it('is small, and its page holds no inline script or style', () => {
    const assets = join(stage.clientDir, 'assets');
    const script = readdirSync(assets)
      .filter(name => name.endsWith('.js'))
      .reduce((sum, name) => sum + gzipSync(readFileSync(join(assets, name))).length, 0);
    assert.ok(script > 0 && script <= SCRIPT_BUDGET, `${script} bytes of script, gzip`);
    const page = readFileSync(join(stage.clientDir, 'index.html'), 'utf8');
    assert.doesNotMatch(page, /<style|<script(?![^>]*\bsrc=)|\sstyle=|\son[a-z]+=|javascript:|data:/i);
  });

  it('makes the first account with the one-time link, and takes the token out of the address', async () => {
    api.mood.state = 'set-up-needed';
    const { page, trouble, close } = await open(browser, `${api.origin}/setup#wrong`);
    await page.getByLabel('Password', { exact: true }).fill('short');
    await page.getByText('7 more characters are needed').waitFor();
    assert.equal(new URL(page.url()).hash, '');
    await axe(page, 'set-up');
    await page.getByLabel('Password', { exact: true }).fill('plum orbit lantern 7');
    await page.getByText('Strong.').waitFor();
    await page.getByLabel('Password again').fill('plum orbit lantern');
    await page.getByText('The two passwords differ').waitFor();
    await page.getByLabel('Password again').fill('plum orbit lantern 7');
    await page.getByRole('button', { name: 'Make the account' }).click();
    await page.getByRole('alert').getByText('not valid any more').waitFor();
    await shot(page, stage.pictures, 'set-up');
    await page.getByLabel('Set-up token').fill(TOKEN);
    await page.getByRole('button', { name: 'Make the account' }).click();
    await page.getByRole('grid').waitFor();
    await close();
    assert.deepEqual(trouble, ['403']);
  });

  it('logs in with clear refusals, and comes to the address that was asked for', async () => {
    api.mood.state = 'signed-out';
    const { page, trouble, close } = await open(browser, `${api.origin}/traffic?show=connections&range=24h`);
    await page.getByLabel('Name').fill('alice');
    await page.getByLabel('Password').fill('wrong');
    await page.getByRole('button', { name: 'Log in' }).click();
    await page.getByRole('alert').getByText('Name or password is wrong.').waitFor();
    await axe(page, 'log-in');
    await shot(page, stage.pictures, 'log-in');
    api.mood.locked = true;
    await page.getByLabel('Password').fill('wrong again');
    await page.getByRole('button', { name: 'Log in' }).click();
    await page
      .getByRole('alert')
      .getByText(/Try again in \d+ seconds/)
      .waitFor();
    assert.equal(await page.getByRole('button', { name: 'Log in' }).isDisabled(), true);
    api.mood.locked = false;
    await page.reload();
    await page.getByLabel('Name').fill('alice');
    await page.getByLabel('Password').fill(PASSWORD);
    await page.getByRole('button', { name: 'Log in' }).click();
    await page.getByRole('grid', { name: /Connections/ }).waitFor();
    assert.match(page.url(), /show=connections&range=24h$/);
    await close();
    assert.deepEqual(trouble, ['403', '429']);
  });

  it('lists traffic page by page in a bounded window, and a link reproduces the view', async () => {
    const { page, trouble, close } = await open(browser, `${api.origin}/traffic?range=24h`);
    await page.getByRole('row').nth(5).waitFor();
    const pages = (): number =>
      api.asked.filter(url => url.startsWith('/api/search') && url.includes('cursor')).length;
    const before = pages();
    const grid = page.getByRole('grid');
    for (const loaded of [200, 300, 400]) {
      await scrollTo(page, 1e6);
      await page.getByText(`${loaded} loaded`).waitFor();
    }
    assert.ok(pages() > before, 'older rows were fetched on the way');
    assert.ok((await page.getByRole('row').count()) < 90, 'only rows in sight are in the document');
    assert.equal(await grid.getAttribute('aria-rowcount'), '-1');

    await page.getByRole('button', { name: 'Connections' }).click();
    await page.getByLabel('Search traffic').fill('verdict:block');
    await page.keyboard.press('Enter');
    await page.getByRole('button', { name: '7d' }).click();
    await page.getByText('casino.example').first().waitFor();
    await page.waitForURL(/show=connections&q=verdict%3Ablock&range=7d/);
    const ids = await rowIds(page);
    const second = await open(browser, page.url());
    await second.page.getByText('casino.example').first().waitFor();
    assert.deepEqual(await rowIds(second.page), ids);
    await page.goBack();
    await page.waitForURL(/range=24h/);
    await second.close();
    await close();
    assert.deepEqual(trouble, []);
  });

  it('follows the tail at the top, holds rows back elsewhere, and pauses', async () => {
    const { page, trouble, close } = await open(browser, `${api.origin}/traffic?show=connections`);
    await page.getByRole('button', { name: 'Live' }).waitFor();
    const [made] = api.happen(1);
    await page.locator(`[id="row-${made?.row.flow}"]`).waitFor();
    assert.equal((await rowIds(page))[0], `row-${made?.row.flow}`, 'the newest row is on top');

    await scrollTo(page, 700);
    const id = await page.locator('[aria-rowindex="30"]').getAttribute('id');
    const same = page.locator(`[id="${id}"]`);
    const box = await same.boundingBox();
    api.happen(3);
    await page.getByRole('button', { name: '3 new connections' }).waitFor();
    assert.deepEqual(await same.boundingBox(), box, 'nothing moved');
    await axe(page, 'live tail, scrolled');
    await page.getByRole('button', { name: '3 new connections' }).click();
    await page.getByRole('button', { name: '3 new connections' }).waitFor({ state: 'detached' });
    assert.equal(await page.evaluate('document.querySelector(".grid").scrollTop'), 0);

    await page.getByRole('button', { name: 'Live' }).click();
    await page.waitForURL(/live=off/);
    api.happen(2);
    await page.getByRole('button', { name: '2 new connections' }).waitFor();
    await page.getByRole('button', { name: 'Paused' }).click();
    await page.getByRole('button', { name: '2 new connections' }).waitFor({ state: 'detached' });
    await close();
    assert.deepEqual(trouble, []);
  });

  it('searches with completion, tells where a query is wrong, and filters from any value', async () => {
    const { page, trouble, close } = await open(browser, `${api.origin}/traffic?range=24h`);
    await page.getByRole('row').nth(3).waitFor();
    await page.keyboard.press('/');
    await page.keyboard.type('verd');
    await page.getByRole('option', { name: /verdict:/ }).waitFor();
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('Enter');
    const box = page.getByLabel('Search traffic');
    assert.equal(await box.inputValue(), 'verdict:');
    await page.keyboard.type('inspect OR (status:5xx');
    await page.keyboard.press('Enter');
    const error = page.locator('.query-error');
    await error.getByText('This parenthesis is never closed.').waitFor();
    assert.equal(await error.locator('mark').textContent(), '(');
    await axe(page, 'query error');
    await shot(page, stage.pictures, 'query-error');
    assert.equal(await box.inputValue(), 'verdict:inspect OR (status:5xx', 'what was typed is still there');

    await box.fill('');
    await page.keyboard.press('Enter');
    const host = page.locator('.grid-body .cell-host').nth(2);
    const name = (await host.textContent()) ?? '';
    await host.hover();
    await page.getByRole('button', { name: `Show only host ${name}` }).click();
    await page.waitForURL(url => url.searchParams.get('q') === `host:${name}`);
    await page.locator('.grid-body .cell-host').nth(2).hover();
    await page.getByRole('button', { name: `Hide host ${name}` }).click();
    await page.waitForURL(url => url.searchParams.get('q') === `-host:${name}`);

    await page.getByRole('button', { name: 'Refine' }).click();
    await page.getByRole('complementary').getByRole('button', { name: /^POST/ }).click();
    await page.waitForURL(url => url.searchParams.get('q') === `-host:${name} method:POST`);
    await page.getByRole('row').nth(2).waitFor();
    await axe(page, 'refine');
    await shot(page, stage.pictures, 'refine');
    const href = await exportLink(page, 'CSV');
    assert.match(href, /format=csv/);
    assert.match(
      href,
      new RegExp(`q=${encodeURIComponent(`-host:${name} method:POST`).replaceAll('%20', '\\+')}`),
    );
    await close();
    assert.ok(
      trouble.every(entry => entry === '400'),
      trouble.join(),
    );
  });

  it('zooms by dragging over the histogram, and with the keyboard', async () => {
    const { page, trouble, close } = await open(browser, `${api.origin}/traffic?range=24h`);
    const plot = page.getByRole('slider');
    const area = await plot.boundingBox();
    assert.ok(area !== null);
    await page.mouse.move(area.x + area.width * 0.5, area.y + 30);
    await page.mouse.down();
    await page.mouse.move(area.x + area.width * 0.75, area.y + 30, { steps: 4 });
    await page.mouse.up();
    await page.waitForURL(/since=.*until=/);
    const params = new URL(page.url()).searchParams;
    const hours = (Date.parse(params.get('until') ?? '') - Date.parse(params.get('since') ?? '')) / 3_600_000;
    assert.ok(hours > 5.5 && hours < 6.7, `a quarter of the day, ${hours} hours`);
    await plot.focus();
    await page.keyboard.press('End');
    await page.keyboard.press('Enter');
    await page.waitForURL(url => url.searchParams.get('since') !== params.get('since'));
    await page.getByRole('button', { name: 'Back to the last hour' }).click();
    await page.waitForURL(url => url.search === '');
    await close();
    assert.deepEqual(trouble, []);
  });

  it('works by keyboard alone', async () => {
    const { page, trouble, close } = await open(browser, `${api.origin}/traffic?range=24h&live=off`);
    await page.getByRole('row').nth(3).waitFor();
    const [first, second, third] = await rowIds(page);
    await page.keyboard.press('j');
    await page.keyboard.press('j');
    assert.equal(await page.getByRole('grid').getAttribute('aria-activedescendant'), second);
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: /^Request/, level: 2 }).waitFor();
    const path = (id: string | undefined): string =>
      `/exchanges/${id?.replace('row-', '').replace('.', '/')}`;
    assert.equal(new URL(page.url()).pathname, path(second));
    await page.keyboard.press('j');
    await page.waitForURL(url => url.pathname === path(third));
    await page.keyboard.press('Escape');
    await page.waitForURL(/\/traffic/);
    assert.equal(await page.evaluate('document.activeElement.getAttribute("role")'), 'grid');
    await page.keyboard.press('Home');
    for (let i = 0; i < 4; i++) await page.keyboard.press('ArrowRight');
    assert.match((await page.getByRole('grid').getAttribute('aria-activedescendant')) ?? '', /^cell-.*-3$/);
    assert.ok(
      (await page.getByRole('grid').getAttribute('aria-activedescendant'))?.includes(first?.slice(4) ?? '?'),
    );
    await page.keyboard.press('+');
    await page.waitForURL(/q=host%3A/);
    await page.keyboard.press('?');
    await page.getByRole('dialog', { name: 'Keys and search' }).waitFor();
    await axe(page, 'help');
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    await close();
    assert.deepEqual(trouble, []);
  });
});

async function scrollTo(page: Page, top: number): Promise<void> {
  await page.evaluate(`document.querySelector('.grid').scrollTo(0, ${top})`);
}

async function exportLink(page: Page, name: string): Promise<string> {
  await page.getByRole('button', { name: 'Export' }).click();
  return (await page.getByRole('link', { name }).getAttribute('href')) ?? '';
}
