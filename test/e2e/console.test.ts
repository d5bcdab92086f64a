/**
 * The console on the real product: `sightglass demo` as a child, its set-up link, its traffic through the real proxy, and
 * Chromium as the reader. One journey from the first start to the log-out, as an auditor would walk it.
 */
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { after, before, describe, it } from 'node:test';
import { chromium } from 'playwright-core';
import type { Browser, Page } from 'playwright-core';
import { CHROMIUM_PATH } from '../helpers/chromium.ts';
import { ARGS, axe, open, rowIds, shot } from '../web/client/browser.ts';
import type { Opened } from '../web/client/browser.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const PASSWORD = 'plum orbit lantern 7';

describe('console on the demo', { timeout: 280_000 }, () => {
  const dir = mkdtempSync(join(tmpdir(), 'sightglass-console-e2e-'));
  let demo: ChildProcess;
  let setupLink = '';
  let browser: Browser;
  let reader: Opened;
  let page: Page;
  const home = (): string => new URL(setupLink).origin;
  const pictures = (): string => {
    const folder =
      process.env['UPDATE_SCREENSHOTS'] === '1' ? join(ROOT, 'docs/screenshots') : join(dir, 'pictures');
    mkdirSync(folder, { recursive: true });
    return folder;
  };

  before(async () => {
    // The product serves the built client; the test command has built it by now, a single run of this file may not.
    execFileSync(process.execPath, ['scripts/build.mjs', '--if-stale'], { cwd: ROOT });
    const listen = ['--proxy.listen', '127.0.0.1:0', '--console.listen', '127.0.0.1:0'];
    const args = ['demo', '--workers', '1', '--rate', '1', '--data-dir', join(dir, 'data'), ...listen];
    demo = spawn(process.execPath, ['--import', 'tsx', 'src/cli/main.ts', ...args], {
      cwd: ROOT,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    setupLink = await linkOf(demo);
    browser = await chromium.launch({ executablePath: CHROMIUM_PATH, args: ARGS });
    reader = await open(browser, setupLink);
    page = reader.page;
  });

  after(async () => {
    await browser.close();
    const ended = new Promise(done => demo.once('exit', done));
    demo.kill('SIGINT');
    await ended;
    rmSync(dir, { recursive: true, force: true });
  });

  /** Search as a reader does, and wait for the list. */
  const search = async (query: string): Promise<void> => {
    const box = page.getByLabel('Search traffic');
    await box.fill(query);
    await page.keyboard.press('Enter');
    await page.waitForURL(url => url.searchParams.get('q') === query);
  };

  it('begins with the link that the service printed', async () => {
    await page.getByLabel('Password', { exact: true }).fill(PASSWORD);
    await page.getByLabel('Password again').fill(PASSWORD);
    await page.getByRole('button', { name: 'Make the account' }).click();
    await page.getByRole('grid', { name: /Requests/ }).waitFor();
    await page.getByText('shop.demo.test').first().waitFor();
    await axe(page, 'requests');
    await shot(page, pictures(), 'demo-requests');
  });

  it('shows new traffic as it happens, without a reload', async () => {
    await page.getByRole('button', { name: 'Live' }).waitFor();
    const [newest] = await rowIds(page);
    await page.locator(`[aria-rowindex="2"]:not([id="${newest}"])`).waitFor();
  });

  it('finds a request by its parts, and shows its secret masked', async () => {
    await search('host:shop.demo.test path:token');
    await page.locator('.grid-body [role=row]').first().click();
    await page.locator('.sentence').waitFor();
    const text = String(await page.evaluate('document.body.innerText'));
    assert.match(text, /GET \/products\?q=valve&token=/);
    assert.doesNotMatch(text, /demo-secret/);
    await page.getByRole('heading', { name: 'Masked' }).waitFor();
    await page.getByText('1 × parameters of addresses').waitFor();
    await axe(page, 'masked');
    await page.getByRole('tab', { name: 'Request' }).click();
    await page.getByRole('rowheader', { name: 'host', exact: false }).first().waitFor();
    await page.keyboard.press('Escape');

    await search('header:cookie host:shop.demo.test');
    await page.locator('.grid-body [role=row]').first().click();
    await page.getByRole('tab', { name: 'Request' }).click();
    await page.locator('.masked').first().waitFor();
    assert.doesNotMatch(String(await page.evaluate('document.body.innerText')), /d3m0/);
    await page.keyboard.press('Escape');
  });

  it('reads a body as text, and downloads the very bytes that were hashed', async () => {
    await search('host:api.demo.test status:201');
    await page.locator('.grid-body [role=row]').first().click();
    await page.getByRole('tab', { name: 'Response' }).click();
    await page.getByLabel('Why do you need to see it?').fill('complaint of a customer');
    await page.getByRole('button', { name: 'Show the body' }).click();
    await page.getByText('"accepted"').waitFor();
    const digest = (await page.locator('.digest bdi').textContent()) ?? '';
    const download = page.waitForEvent('download');
    await page.getByRole('link', { name: 'Download' }).click();
    const bytes = readFileSync(await (await download).path());
    assert.equal(createHash('sha256').update(bytes).digest('hex'), digest);
    await axe(page, 'response with body');
    await shot(page, pictures(), 'demo-response');
    await page.getByRole('tab', { name: 'Overview' }).click();
    await page.keyboard.press('Escape');
  });

  it('draws a passed connection as unread, and leads to the rule that said so', async () => {
    await page.getByRole('button', { name: 'Connections' }).click();
    await search('host:bank.demo.test');
    await page.locator('.grid-body [role=row]').first().click();
    await page.locator('.leg-raw').first().waitFor();
    assert.equal(await page.locator('.leg-raw').count(), 2);
    await axe(page, 'passed connection');
    await shot(page, pictures(), 'demo-passthrough');
    await page.locator('.sentence').getByRole('link', { name: 'banking-stays-private' }).click();
    await page.locator('.line-marked').getByText('banking-stays-private').waitFor();
    await page.goBack();
  });

  it('leads from a connection to why it was decided so, rule by rule', async () => {
    await page.getByRole('link', { name: 'Why this rule and no other?' }).click();
    const told = page.getByRole('region', { name: 'Decision' });
    await told.locator('[aria-current=step]').getByText('banking-stays-private').waitFor();
    assert.equal(await page.getByLabel('Server name (SNI)').inputValue(), 'bank.demo.test');
    await axe(page, 'try it, from a connection');
    await page.goBack();
  });

  it('says where an expired certificate broke a connection', async () => {
    await page.goto(`${home()}/traffic?show=connections&q=fault%3Acert-expired`);
    await page.locator('.grid-body [role=row]').first().click();
    await page.getByRole('region', { name: 'Fault' }).getByText('has expired').waitFor();
    assert.match((await page.locator('.leg-broken').textContent()) ?? '', /^Sightglass to origin/);
    await shot(page, pictures(), 'demo-expired');
    await page.goto(`${home()}/traffic?q=colour%3Ared`);
    await page.locator('.query-error mark').waitFor();
    assert.equal(await page.locator('.query-error mark').textContent(), 'colour:');
  });

  it('counts, tells that the service is well, and hands out the authority', async () => {
    await page.goto(`${home()}/overview`);
    await page.getByText('Everything runs: 1 worker').waitFor();
    for (const name of ['Inspected', 'Passed through', 'Blocked', 'With a fault']) {
      const told = await page
        .getByRole('link', { name: new RegExp(`^${name}`) })
        .locator('strong')
        .textContent();
      assert.ok(Number(told?.replaceAll(/\D/g, '')) > 0, `${name}: ${told}`);
    }
    const download = page.waitForEvent('download');
    await page.getByRole('link', { name: 'Certificate (PEM)' }).click();
    assert.match(readFileSync(await (await download).path(), 'latin1'), /BEGIN CERTIFICATE/);
    await axe(page, 'overview');
    await shot(page, pictures(), 'demo-overview');
  });

  it('exports what the query finds, and remembers who looked at what', async () => {
    await page.goto(`${home()}/traffic?q=verdict%3Ablock`);
    await page.getByText('ads.tracker.demo.test').first().waitFor();
    await page.getByRole('button', { name: 'Export' }).click();
    const download = page.waitForEvent('download');
    await page.getByRole('link', { name: 'CSV' }).click();
    const lines = readFileSync(await (await download).path(), 'utf8')
      .trimEnd()
      .split(/\r?\n/);
    assert.match(lines[0] ?? '', /host/);
    assert.ok(
      lines.slice(1, -1).every(line => line.includes('no-trackers')),
      'nothing but blocked requests',
    );
    await page.goto(`${home()}/trail`);
    for (const action of ['setup.done', 'exchange.viewed', 'body.viewed', 'export.started'])
      await page.getByText(action).first().waitFor();
  });

  it('ends with a log-out that holds, and a log-in that refuses before it lets in', async () => {
    await page.getByRole('button', { name: 'admin' }).click();
    await page.getByRole('button', { name: 'Log out' }).click();
    await page.getByRole('heading', { name: 'Log in' }).waitFor();
    await page.goto(`${home()}/overview`);
    await page.getByRole('heading', { name: 'Log in' }).waitFor();
    await page.getByLabel('Name').fill('admin');
    await page.getByLabel('Password').fill('not the password');
    await page.getByRole('button', { name: 'Log in' }).click();
    await page.getByRole('alert').waitFor();
    await page.getByLabel('Password').fill(PASSWORD);
    await page.getByRole('button', { name: 'Log in' }).click();
    await page.getByText('Everything runs').waitFor();
    const other = reader.trouble.filter(entry => !/^4\d\d$/.test(entry));
    assert.deepEqual(
      other,
      [],
      'no script failed, no dialog opened, nothing broke the Content-Security-Policy',
    );
  });
});

/** The set-up link that the service prints, once the first round of sample traffic is through. */
async function linkOf(demo: ChildProcess): Promise<string> {
  assert.ok(demo.stdout !== null);
  let link = '';
  for await (const line of createInterface({ input: demo.stdout })) {
    link ||= /http:\S+\/setup#\S+/.exec(line)?.[0] ?? '';
    if (link !== '') break;
  }
  demo.stdout.resume();
  assert.notEqual(link, '', 'the demo ended without a set-up link');
  return link;
}
