/** Opening pages of the console in a test's browser: what goes wrong there is collected, axe judges, pictures are taken. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { AxeBuilder } from '@axe-core/playwright';
import type { Browser, Page } from 'playwright-core';

export const ARGS = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

export interface Opened {
  page: Page;
  /** Errors of scripts, dialogs, reports of the Content-Security-Policy; and, as three digits, refused requests. */
  trouble: string[];
  close: () => Promise<void>;
}

/** `zoomed`: what is left of a desktop window at 200 %. */
export async function open(
  browser: Browser,
  address: string,
  how: { phone?: boolean; dark?: boolean; zoomed?: boolean } = {},
): Promise<Opened> {
  const context = await browser.newContext({
    viewport:
      how.phone === true
        ? { width: 390, height: 844 }
        : how.zoomed === true
          ? { width: 720, height: 450 }
          : { width: 1440, height: 900 },
    colorScheme: how.dark === true ? 'dark' : 'light',
    reducedMotion: 'reduce',
    locale: 'en-GB',
    timezoneId: 'Europe/Amsterdam',
    permissions: ['clipboard-read', 'clipboard-write'],
    ...(how.phone === true ? { isMobile: true, hasTouch: true } : {}),
  });
  const trouble: string[] = [];
  await context.exposeFunction('tellViolation', (what: string) => trouble.push(`csp: ${what}`));
  await context.addInitScript(
    `addEventListener('securitypolicyviolation', e => tellViolation(e.violatedDirective + ' ' + e.blockedURI));`,
  );
  const page = await context.newPage();
  page.setDefaultTimeout(15_000);
  page.on('pageerror', error => trouble.push(`script: ${error.message}`));
  page.on('dialog', dialog => {
    trouble.push(`dialog: ${dialog.message()}`);
    void dialog.dismiss();
  });
  page.on('console', message => {
    if (message.type() !== 'error') return;
    const status = /status of (\d{3})/.exec(message.text())?.[1];
    trouble.push(status ?? `console: ${message.text()}`);
  });
  await page.goto(address);
  return { page, trouble, close: () => context.close() };
}

/** No violation of WCAG 2.2 A and AA, nor of what axe calls best practice. Of the like rows of a list the first few are judged. */
export async function axe(page: Page, what: string): Promise<void> {
  const { violations } = await new AxeBuilder({ page })
    .exclude('.grid-body [role=row]:nth-child(n+7)')
    .analyze();
  const told = violations.map(
    v => `${v.id}: ${v.nodes.map(n => `${n.html} ${n.failureSummary ?? ''}`).join('\n   ')}`,
  );
  assert.deepEqual(told, [], `axe, ${what}`);
}

export async function shot(page: Page, folder: string, name: string): Promise<void> {
  await page.screenshot({ path: join(folder, `${name}.png`), animations: 'disabled' });
}

/** DOM ids of the rendered rows, from the top. */
export async function rowIds(page: Page): Promise<string[]> {
  const rows = await page.evaluate<[number, string][]>(`
    [...document.querySelectorAll('.grid-body [role=row]')]
      .map(row => [Number(row.getAttribute('aria-rowindex')), row.id])
      .sort((a, b) => a[0] - b[0])
  `);
  return rows.map(([, id]) => id);
}
