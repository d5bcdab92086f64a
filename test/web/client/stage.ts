/**
 * What the browser tests of the client stand on: the client as built now, a fake API that serves it, and a browser.
 * Pictures go to a throw-away folder, or to docs/screenshots when UPDATE_SCREENSHOTS=1.
 */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { chromium } from 'playwright-core';
import type { Browser } from 'playwright-core';
import { build } from 'vite';
import { CHROMIUM_PATH } from '../../helpers/chromium.ts';
import { ARGS } from './browser.ts';
import { FakeApi } from './fake-api.ts';

const ROOT = resolve(import.meta.dirname, '../../..');

export interface Stage {
  /** Folder of the built client. */
  clientDir: string;
  api: FakeApi;
  browser: Browser;
  /** Folder for pictures. */
  pictures: string;
  strike: () => Promise<void>;
}

/** Build, serve, launch. `flows` is how much traffic the last day had. */
export async function setStage(flows = 1500): Promise<Stage> {
  const dir = mkdtempSync(join(tmpdir(), 'sightglass-client-'));
  const clientDir = join(dir, 'client');
  await build({ configFile: join(ROOT, 'vite.config.ts'), logLevel: 'error', build: { outDir: clientDir } });
  const api = await new FakeApi(clientDir, flows).open();
  const browser = await chromium.launch({ executablePath: CHROMIUM_PATH, args: ARGS });
  const pictures =
    process.env['UPDATE_SCREENSHOTS'] === '1' ? join(ROOT, 'docs/screenshots') : join(dir, 'pictures');
  mkdirSync(pictures, { recursive: true });
  return {
    clientDir,
    api,
    browser,
    pictures,
    strike: async () => {
      await browser.close();
      await api.close();
      rmSync(dir, { recursive: true, force: true });
    },
  };
}
