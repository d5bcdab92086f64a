/**
 * A policy author's day on the real product: `sightglass demo` as a child, built; what the rules did, why a host passes, what
 * a change would have done with the recorded traffic, the change in force and seen in new traffic, and the way back.
 */
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { after, before, describe, it } from 'node:test';
import { chromium } from 'playwright-core';
import type { Browser, Page } from 'playwright-core';
import { CHROMIUM_PATH } from '../helpers/chromium.ts';
import { ARGS, axe, open } from '../web/client/browser.ts';
import type { Opened } from '../web/client/browser.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const PASSWORD = 'plum orbit lantern 7';
const HOST = 'shop.demo.test';

describe('policy and lists on the demo', { timeout: 240_000 }, () => {
  const dir = mkdtempSync(join(tmpdir(), 'sightglass-policy-e2e-'));
  let demo: ChildProcess;
  let browser: Browser;
  let reader: Opened;
  let page: Page;
  let home = '';

  before(async () => {
    execFileSync(process.execPath, ['scripts/build.mjs', '--if-stale'], { cwd: ROOT });
    const listen = ['--proxy.listen', '127.0.0.1:0', '--console.listen', '127.0.0.1:0'];
    const args = ['demo', '--workers', '1', '--rate', '2', '--data-dir', join(dir, 'data'), ...listen];
    demo = spawn(process.execPath, ['dist/src/cli/main.js', ...args], {
      cwd: ROOT,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const link = await linkOf(demo);
    home = new URL(link).origin;
    browser = await chromium.launch({ executablePath: CHROMIUM_PATH, args: ARGS });
    reader = await open(browser, link);
    page = reader.page;
    await page.getByLabel('Password', { exact: true }).fill(PASSWORD);
    await page.getByLabel('Password again').fill(PASSWORD);
    await page.getByRole('button', { name: 'Make the account' }).click();
    await page.getByText(HOST).first().waitFor();
  });

  after(async () => {
    await browser.close();
    const ended = new Promise(done => demo.once('exit', done));
    demo.kill('SIGINT');
    await ended;
    rmSync(dir, { recursive: true, force: true });
  });

  it('counts what rules did, and explains why the bank is not decrypted', async () => {
    await page.goto(`${home}/policy?tab=rules`);
    const row = page.getByRole('row', { name: /no-trackers/ });
    await row.waitFor();
    await row.getByTitle('See these connections').click();
    await page.getByText('ads.tracker.demo.test').first().waitFor();
    await page.goto(`${home}/policy?tab=try`);
    await page.getByLabel('Server name (SNI)').fill('bank.demo.test');
    await page.getByRole('button', { name: 'Explain' }).click();
    const told = page.getByRole('region', { name: 'Decision' });
    await told.getByText('would be passed on undecrypted').waitFor();
    assert.match((await told.locator('[aria-current=step]').textContent()) ?? '', /banking-stays-private/);
    await axe(page, 'try it');
  });

  it('replays a change over the recorded traffic, applies it, and new traffic follows', async () => {
    await page.goto(`${home}/policy?tab=change`);
    const editor = page.getByLabel('Candidate document');
    const before = await editor.inputValue();
    const rule = `rules:\n  - name: shop-closed\n    when: { host: ${HOST} }\n    action: block\n`;
    const closed = before.replace(/^rules:\n/m, rule);
    await editor.fill(closed.replace('capture: headers', 'capture: flow'));
    await page.getByRole('button', { name: 'Check' }).click();
    await page.getByText(/rule "shop-closed": added at place 1/).waitFor();
    await page.getByRole('button', { name: 'Replay' }).click();
    const card = page.getByRole('region', { name: 'inspect to block' });
    await card.waitFor();
    assert.match((await card.getByRole('link', { name: new RegExp(HOST) }).textContent()) ?? '', /\d+$/);
    const manner = page.getByRole('region', { name: 'Records headers to flow' });
    await manner.getByRole('link', { name: /files\.demo\.test/ }).waitFor();
    await axe(page, 'replay');
    await page.getByRole('button', { name: 'Apply …' }).click();
    await page.getByLabel('Why').fill('The shop is closed');
    await page.getByRole('dialog').getByRole('button', { name: 'Apply' }).click();
    await page.getByText('In force now as version 2').waitFor();
    await page.goto(`${home}/traffic?show=connections&q=rule%3Ashop-closed`);
    await page
      .getByRole('row', { name: new RegExp(HOST) })
      .first()
      .waitFor();
  });

  it('goes back to the version before, and the history says who and why', async () => {
    await page.goto(`${home}/policy?tab=versions`);
    await page.getByText('The shop is closed').waitFor();
    await page.getByRole('button', { name: /Go back to this … version 1/ }).click();
    await page.getByLabel('Why').fill('It is open again');
    await page.getByRole('button', { name: 'Go back to version 1' }).click();
    await page.getByText('In force now as version 3').waitFor();
    await page.getByText('back to version 1: It is open again').waitFor();
    await page.getByText('Rolled back by admin').waitFor();
  });

  it('exports hosts that were seen, imports a list, and writes all of it into the trail', async () => {
    await page.goto(`${home}/lists?tab=export`);
    await page.getByLabel('Which names').selectOption('seen');
    await page.getByRole('button', { name: 'Preview' }).click();
    const download = page.waitForEvent('download');
    await page.getByRole('link', { name: 'Download' }).click();
    const names = readFileSync(await (await download).path(), 'utf8');
    assert.match(names, /^shop\.demo\.test$/m);
    await page.goto(`${home}/lists?tab=import`);
    await page.getByLabel('List as text').fill('0.0.0.0 ads.example\n0.0.0.0 more-ads.example\nnot a host\n');
    await page.getByLabel('Into the list').fill('imported-ads');
    await page.getByRole('button', { name: 'Show what would change' }).click();
    await page.getByText(/Read as hosts/).waitFor();
    await page.getByRole('button', { name: 'Write the list …' }).click();
    await page.getByLabel('Why').fill('From the network team');
    await page.getByRole('button', { name: 'Write it' }).click();
    await page.getByText('The list imported-ads is written').waitFor();
    await page.getByRole('tab', { name: 'Lists' }).click();
    await page.getByRole('heading', { name: 'imported-ads' }).waitFor();
    await page.goto(`${home}/trail`);
    for (const action of ['policy.applied', 'policy.rolled-back', 'list.exported', 'list.imported'])
      await page.getByText(action, { exact: true }).first().waitFor();
    assert.deepEqual(reader.trouble, []);
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
