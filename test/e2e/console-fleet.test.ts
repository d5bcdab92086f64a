/**
 * The console of a collector in a real browser: two proxies of the real product ship to a real PostgreSQL, an admin searches across
 * them and holds a day of the database, on a phone too. Judged by axe, looked at in pictures.
 */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { chromium, type Browser } from 'playwright-core';
import { makeCertificates } from '../audit/fleet/fleet-kill.ts';
import { CHROMIUM_PATH } from '../helpers/chromium.ts';
import { curl } from '../helpers/curl.ts';
import { startPostgres, type Postgres } from '../helpers/postgres.ts';
import { startProduct, type Product } from '../helpers/product.ts';
import { ARGS, axe, open, shot } from '../web/client/browser.ts';
import type { Opened } from '../web/client/browser.ts';

const ROOT = join(import.meta.dirname, '../..');
const PASSWORD = 'a long enough password 47';
const POLICY = 'version: 1\ndefault: block\nrules: []\n';

describe('console of a collector', { timeout: 280_000 }, () => {
  const dir = mkdtempSync(join(tmpdir(), 'sightglass-console-fleet-'));
  const file = (name: string): string => join(dir, name);
  const tls = (name: string): Record<string, string> => ({
    'fleet.name': name,
    'fleet.certificate': file(`${name}.crt`),
    'fleet.key': file(`${name}.key`),
    'fleet.ca': file('ca.crt'),
  });
  let postgres: Postgres;
  let collector: Product;
  const proxies: Product[] = [];
  let browser: Browser;
  let reader: Opened;
  const pictures = (): string => {
    const folder =
      process.env['UPDATE_SCREENSHOTS'] === '1' ? join(ROOT, 'docs/screenshots') : file('pictures');
    mkdirSync(folder, { recursive: true });
    return folder;
  };

  before(async () => {
    // The product serves the built client; the test command has built it by now, a single run of this file may not.
    execFileSync(process.execPath, ['scripts/build.mjs', '--if-stale'], { cwd: ROOT });
    makeCertificates(dir, ['collector', 'edge-1', 'edge-2']);
    postgres = await startPostgres();
    collector = await startProduct({
      flags: {
        ...tls('collector'),
        role: 'collector',
        'fleet.listen': '127.0.0.1:0',
        'audit.store': postgres.url,
        'audit.store-password-file': postgres.passwordFile,
      },
    });
    const listening = await said(collector, 'fleet.listening');
    for (const name of ['edge-1', 'edge-2'])
      proxies.push(
        await startProduct({
          workers: 1,
          policy: POLICY,
          flags: {
            ...tls(name),
            'fleet.collector': `https://127.0.0.1:${String(listening['port'])}`,
            'audit.store': 'none',
          },
        }),
      );
    for (const [i, proxy] of proxies.entries()) {
      await curl('--proxy', proxy.url, '--max-time', '10', `https://www${i + 1}.example.test/`);
      await curl('--proxy', proxy.url, '--max-time', '10', 'https://games.example.test/');
    }
    // Nothing is waited for in the browser that the database may not have yet.
    const shipped = async (): Promise<number> =>
      (await postgres.run(`SELECT FROM sightglass.flow WHERE host LIKE '%.example.test'`)).rows.length;
    for (const deadline = Date.now() + 30_000; (await shipped()) < 4;) {
      if (Date.now() > deadline) throw new Error('the rows of the proxies never came');
      await new Promise(resolve => setTimeout(resolve, 100));
    }
    browser = await chromium.launch({ executablePath: CHROMIUM_PATH, args: ARGS });
    reader = await open(browser, await link(collector));
  });

  after(async () => {
    await browser.close();
    for (const proxy of proxies) await proxy.cleanUp();
    await collector.cleanUp();
    await postgres.cleanUp();
    rmSync(dir, { recursive: true, force: true });
  });

  it('begins with the link that the collector printed, and finds the rows of all proxies', async () => {
    const { page } = reader;
    await page.getByLabel('Password', { exact: true }).fill(PASSWORD);
    await page.getByLabel('Password again').fill(PASSWORD);
    await page.getByRole('button', { name: 'Make the account' }).click();
    await page.getByRole('grid', { name: /Requests|Connections/ }).waitFor();
    const traffic = (query: string): string =>
      `${collector.console}/traffic?show=connections&q=${encodeURIComponent(query)}`;
    await page.goto(traffic('host:*.example.test'));
    await page.getByText('www1.example.test').first().waitFor();
    await page.getByText('www2.example.test').first().waitFor();
    await axe(page, 'collector, traffic');
    await shot(page, pictures(), 'fleet-traffic');
    await page.goto(traffic('proxy:edge-2 host:*.example.test'));
    await page.getByText('www2.example.test').first().waitFor();
    assert.equal(await page.getByText('www1.example.test').count(), 0);
    assert.deepEqual(reader.trouble, []);
  });

  it('shows the days of the database, and holds one', async () => {
    const { page } = reader;
    await page.getByRole('link', { name: 'Records' }).click();
    const day = page.getByRole('button', { name: /^Hold \d{4}-\d\d-\d\d$/ }).first();
    await day.waitFor();
    await day.click();
    await page.getByLabel('Why').fill('case 4711');
    await page.getByRole('button', { name: /^Hold (it|them)$/ }).click();
    await page.getByRole('heading', { name: 'Legal holds' }).waitFor();
    await page.getByText('case 4711').first().waitFor();
    await axe(page, 'collector, records');
    await shot(page, pictures(), 'fleet-records');
    const { rows } = await postgres.run('SELECT reason, lifted FROM sightglass.hold');
    assert.deepEqual(
      rows,
      [{ reason: 'case 4711', lifted: null }],
      'it binds every collector on the database',
    );
    await page.setViewportSize({ width: 390, height: 844 });
    await shot(page, pictures(), 'fleet-records-phone');
    assert.equal(await page.evaluate('document.documentElement.scrollWidth'), 390);
    await page.setViewportSize({ width: 1440, height: 900 });
    assert.deepEqual(reader.trouble, []);
  });
});

/** A line of the product's log, waited for. */
async function said(product: Product, event: string): Promise<Record<string, unknown>> {
  return until(
    () => product.log().find(l => l['event'] === event),
    () => `${event} was never told:\n${product.stderr()}`,
  );
}

/** The link that makes the first account; it is printed after the ready line. */
const link = (product: Product): Promise<string> =>
  until(
    () => product.setupLink ?? undefined,
    () => 'no link for the first account',
  );

async function until<T>(look: () => T | undefined, missing: () => string): Promise<T> {
  for (const deadline = Date.now() + 20_000; Date.now() < deadline;) {
    const found = look();
    if (found !== undefined) return found;
    await new Promise(resolve => setTimeout(resolve, 50));
  }
  throw new Error(missing());
}
