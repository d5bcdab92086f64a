/**
 * The console's client in a real browser, on a fake API: what a reader does, what they see, and that nothing captured
 * ever runs. Every page is judged by axe in both themes; pictures of each go to a throw-away folder, or to
 * docs/screenshots when UPDATE_SCREENSHOTS=1.
 */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { gzipSync } from 'node:zlib';
import { chromium } from 'playwright-core';
import type { Browser, Page } from 'playwright-core';
import { build } from 'vite';
import { CHROMIUM_PATH } from '../helpers/chromium.ts';
import { FakeApi, PASSWORD, TOKEN } from '../web/client/fake-api.ts';
import { ARGS, axe, open, rowIds, shot } from '../web/client/browser.ts';
import { hostileFlow, HOSTILE } from '../web/client/hostile.ts';
import { bodies } from '../web/client/fake-state.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const SCRIPT_BUDGET = 250 * 1024;

describe('console client', { timeout: 240_000 }, () => {
  let dir = '';
  let browser: Browser;
  let api: FakeApi;

  before(async () => {
    dir = mkdtempSync(join(tmpdir(), 'sightglass-client-'));
    await build({
      root: join(ROOT, 'web/client'),
      configFile: join(ROOT, 'vite.config.ts'),
      logLevel: 'error',
      build: { outDir: join(dir, 'client') },
    });
    api = await new FakeApi(join(dir, 'client'), 1500).open();
    browser = await chromium.launch({ executablePath: CHROMIUM_PATH, args: ARGS });
  });

  after(async () => {
    await browser.close();
    await api.close();
    rmSync(dir, { recursive: true, force: true });
  });

  /** Where pictures go. */
  const pictures = (): string => {
    const folder =
      process.env['UPDATE_SCREENSHOTS'] === '1' ? join(ROOT, 'docs/screenshots') : join(dir, 'pictures');
    mkdirSync(folder, { recursive: true });
    return folder;
  };

  it('is small, and its page holds no inline script or style', () => {
    const assets = join(dir, 'client/assets');
    const script = readdirSync(assets)
      .filter(name => name.endsWith('.js'))
      .reduce((sum, name) => sum + gzipSync(readFileSync(join(assets, name))).length, 0);
    assert.ok(script > 0 && script <= SCRIPT_BUDGET, `${script} bytes of script, gzip`);
    const page = readFileSync(join(dir, 'client/index.html'), 'utf8');
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
    await shot(page, pictures(), 'set-up');
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
    await shot(page, pictures(), 'log-in');
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
    const middle = page.getByRole('row').nth(15);
    const [id, box] = [await middle.getAttribute('id'), await middle.boundingBox()];
    api.happen(3);
    await page.getByRole('button', { name: '3 new connections' }).waitFor();
    const same = page.locator(`[id="${id}"]`);
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
    await shot(page, pictures(), 'query-error');
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
    await shot(page, pictures(), 'refine');
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
    await shot(page, pictures(), 'exchange');
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
    await shot(page, pictures(), 'request');
    await page.getByRole('tab', { name: 'Connection' }).click();
    await page.getByText('TLS_AES_128_GCM_SHA256').waitFor();
    await axe(page, 'exchange, connection');
    await page.getByRole('button', { name: 'Later request of this connection' }).click();
    await page.waitForURL(new RegExp(`/exchanges/${flow.row.flow}/3`));
    await page.getByRole('button', { name: 'Open this connection' }).click();
    await page.getByRole('heading', { name: /^Connection/, level: 2 }).waitFor();
    await page.getByRole('heading', { name: `Requests (${flow.exchanges.length})` }).waitFor();
    await axe(page, 'flow');
    await shot(page, pictures(), 'connection');
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
    await shot(page, pictures(), 'broken-connection');
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
    await shot(page, pictures(), 'overview');
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
    await shot(page, pictures(), 'policy');
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
    await page.goto(`${api.origin}/trail`);
    await page.getByText('login.refused').waitFor();
    await axe(page, 'trail');
    await page.goto(`${api.origin}/nowhere`);
    await page.getByText('is no page of this console').waitFor();
    await axe(page, 'not found');
    await close();
    assert.deepEqual(trouble, []);
  });

  it('says what to do when nothing is found, when it is slow, and when it fails', async () => {
    const { page, trouble, close } = await open(
      browser,
      `${api.origin}/traffic?since=2020-01-01&until=2020-01-02`,
    );
    await page.getByText("curl --proxy 'http://127.0.0.1:8080'").waitFor();
    await axe(page, 'empty');
    await shot(page, pictures(), 'empty');
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
    api.mood.failing = false;
    await page.getByRole('button', { name: 'Try again' }).first().click();
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
    await shot(page, pictures(), 'server-away');
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

  it('works on a phone and in the dark', async () => {
    const phone = await open(browser, `${api.origin}/traffic?show=connections&range=24h`, { phone: true });
    await phone.page.getByRole('row').nth(3).waitFor();
    assert.equal(
      await phone.page.evaluate('document.documentElement.scrollWidth'),
      390,
      'nothing is wider than the phone',
    );
    await axe(phone.page, 'phone, list');
    await shot(phone.page, pictures(), 'phone-list');
    await phone.page.getByRole('row').nth(2).click();
    await phone.page.locator('.picture').waitFor();
    assert.equal(await phone.page.evaluate('document.documentElement.scrollWidth'), 390);
    await axe(phone.page, 'phone, connection');
    await shot(phone.page, pictures(), 'phone-connection');
    await phone.page.getByRole('button', { name: 'Back to the list' }).click();
    await phone.page.getByRole('grid').waitFor();
    await phone.close();
    assert.deepEqual(phone.trouble, []);

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
      await shot(dark.page, pictures(), `${name}-dark`);
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

async function scrollTo(page: Page, top: number): Promise<void> {
  await page.evaluate(`document.querySelector('.grid').scrollTo(0, ${top})`);
}

async function exportLink(page: Page, name: string): Promise<string> {
  await page.getByRole('button', { name: 'Export' }).click();
  return (await page.getByRole('link', { name }).getAttribute('href')) ?? '';
}
