/** The Deploy page on the real product: roots during an overlap, the choice of the way, the kit, the steps; judged by axe. */
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { unzipSync } from 'fflate';
import { chromium } from 'playwright-core';
import type { Browser, Page } from 'playwright-core';
import { CHROMIUM_PATH } from '../helpers/chromium.ts';
import { startProduct, type Product } from '../helpers/product.ts';
import { until } from './scene.ts';
import { ARGS, axe, open, shot } from '../web/client/browser.ts';

const PASSWORD = 'plum orbit lantern 7';

describe('console: deploy', { timeout: 200_000 }, () => {
  let product: Product;
  let browser: Browser;
  let pictures: string;

  before(async () => {
    product = await startProduct({ workers: 1, flags: { 'setup.url': 'http://proxy.example.com:8080' } });
    browser = await chromium.launch({ executablePath: CHROMIUM_PATH, args: ARGS });
    pictures =
      process.env['UPDATE_SCREENSHOTS'] === '1'
        ? resolve(import.meta.dirname, '../../docs/screenshots')
        : join(product.dataDir, 'pictures');
    mkdirSync(pictures, { recursive: true });
  });
  after(async () => {
    await browser.close();
    await product.cleanUp();
  });

  const noSidewaysScroll = async (page: Page): Promise<void> =>
    assert.equal(await page.evaluate('document.documentElement.scrollWidth - innerWidth'), 0);

  it('roots, the way, the kit and the steps', async () => {
    const { page, trouble, close } = await open(
      browser,
      await until('the set-up link', () => product.setupLink),
    );
    await page.getByLabel('Password', { exact: true }).fill(PASSWORD);
    await page.getByLabel('Password again').fill(PASSWORD);
    await page.getByRole('button', { name: 'Make the account' }).click();
    await page.getByRole('link', { name: 'Deploy' }).click();
    await page.getByRole('heading', { name: 'Root to trust' }).waitFor();
    await page.getByText('One authority signs, and no other is prepared.').waitFor();
    assert.equal(await page.getByLabel('Address of the proxy').inputValue(), 'proxy.example.com:8080');
    await axe(page, 'deploy, first look');

    await page.getByRole('button', { name: 'Show the steps for this' }).click();
    const download = page.waitForEvent('download');
    await page.getByRole('link', { name: 'Download the kit (zip)' }).click();
    const files = unzipSync(new Uint8Array(readFileSync(await (await download).path())));
    const policies = files['sightglass-kit/linux/chromium-policies.json'] ?? new Uint8Array();
    assert.match(Buffer.from(policies).toString(), /"ProxyServer": "proxy\.example\.com:8080"/);
    await page.getByText('Windows: group policy').click();
    const importing = page.locator('.guide[open] code', { hasText: 'Import-GPO' }).first();
    await importing.waitFor();
    const id = /BackupId '([^']+)'/.exec((await importing.textContent()) ?? '')?.[1] ?? '-';
    assert.ok(
      Object.keys(files).some(path => path.includes(`{${id}}/Backup.xml`)),
      'the page names what is in the kit',
    );
    await axe(page, 'deploy, a guide open');
    await shot(page, pictures, 'deploy');

    // A rotation that begins on the command line shows without a restart.
    assert.equal((await product.cli('ca', 'rotate')).code, 0);
    await page.reload();
    await page.getByRole('heading', { name: 'Roots to trust' }).waitFor();
    await page.getByText('will sign after the switch').waitFor();
    await page.getByRole('button', { name: 'PAC file' }).click();
    await page.getByLabel('URL of the PAC file').fill('ftp://nowhere/');
    await page.getByRole('button', { name: 'Show the steps for this' }).click();
    await page.getByText('is no URL of a PAC file').waitFor();
    await page.getByLabel('URL of the PAC file').fill('http://proxy.example.com:8080/proxy.pac');
    await page.getByRole('button', { name: 'Show the steps for this' }).click();
    await page.getByRole('link', { name: 'Download the kit (zip)' }).waitFor();
    await page.emulateMedia({ colorScheme: 'dark' });
    await axe(page, 'deploy, dark');
    await shot(page, pictures, 'deploy-dark');
    await page.setViewportSize({ width: 390, height: 844 });
    await page.locator('summary', { hasText: /^Linux$/ }).click();
    await noSidewaysScroll(page);
    await axe(page, 'deploy, phone');
    await page.locator('summary', { hasText: /^Linux$/ }).scrollIntoViewIfNeeded();
    await shot(page, pictures, 'phone-deploy');
    await close();
    assert.deepEqual(
      trouble.filter(line => line !== '400'),
      [],
    );
  });
});
