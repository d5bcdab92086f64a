/**
 * Debian's Chromium, headless, driven by playwright-core, with an empty profile in a home of its own. It trusts a given
 * root because that stands in the NSS database of that home (certutil of libnss3-tools), as an administrator would do
 * it: certificate errors are never ignored, so what it refuses a user's browser would refuse.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium } from 'playwright-core';
import type { BrowserContext, Page } from 'playwright-core';

export const CHROMIUM_PATH = process.env['SIGHTGLASS_TEST_CHROMIUM'] ?? '/usr/bin/chromium';

export interface ChromiumOptions {
  /** `http://127.0.0.1:8080`; without it connections are direct. */
  proxy?: string;
  credentials?: { username: string; password: string };
  /** Roots to trust, PEM. */
  roots?: readonly string[];
  viewport?: { width: number; height: number };
  colorScheme?: 'light' | 'dark';
}

export interface TestBrowser {
  context: BrowserContext;
  newPage: () => Promise<Page>;
  close: () => Promise<void>;
}

export async function launchChromium(options: ChromiumOptions = {}): Promise<TestBrowser> {
  const home = mkdtempSync(join(tmpdir(), 'sightglass-chromium-'));
  try {
    trust(home, options.roots ?? []);
    const context = await chromium.launchPersistentContext(join(home, 'profile'), {
      executablePath: CHROMIUM_PATH,
      headless: true,
      chromiumSandbox: false,
      viewport: options.viewport ?? { width: 1280, height: 800 },
      ...(options.colorScheme === undefined ? {} : { colorScheme: options.colorScheme }),
      env: {
        ...cleanEnvironment(),
        HOME: home,
        XDG_CONFIG_HOME: join(home, 'config'),
        XDG_CACHE_HOME: join(home, 'cache'),
      },
      args: [
        '--disable-gpu',
        '--disable-quic',
        '--no-first-run',
        '--disable-background-networking',
        '--disable-component-update',
        '--disable-sync',
        `--host-resolver-rules=${MAKER.map(name => `MAP ${name} ~NOTFOUND`).join(',')}`,
      ],
      ...(options.proxy === undefined
        ? {}
        : { proxy: { server: options.proxy, bypass: BYPASS, ...options.credentials } }),
    });
    return {
      context,
      newPage: () => context.newPage(),
      close: async () => {
        await context.close();
        rmSync(home, { recursive: true, force: true, maxRetries: 5 });
      },
    };
  } catch (error) {
    rmSync(home, { recursive: true, force: true, maxRetries: 5 });
    throw error;
  }
}

/**
 * Hosts of the browser's maker, which no switch keeps it from asking (time, updates, accounts). They pass by the proxy, so
 * a test can count what it sees, and do not resolve, so nothing leaves the machine.
 */
const MAKER = ['*.google.com', '*.googleapis.com', '*.gstatic.com'];
/** Loopback names do go through the proxy: origins under test live there. */
const BYPASS = ['<-loopback>', ...MAKER].join(',');

/** Chromium looks into `~/.local/share/pki/nssdb`, older ones into `~/.pki/nssdb`: the root goes into both. */
function trust(home: string, roots: readonly string[]): void {
  for (const folder of [join(home, '.pki', 'nssdb'), join(home, '.local', 'share', 'pki', 'nssdb')]) {
    mkdirSync(folder, { recursive: true });
    certutil(['-N', '-d', `sql:${folder}`, '--empty-password']);
    roots.forEach((pem, i) => {
      const file = join(home, `root-${i}.pem`);
      writeFileSync(file, pem);
      certutil(['-A', '-d', `sql:${folder}`, '-n', `test root ${i}`, '-t', 'C,,', '-i', file]);
    });
  }
}

function certutil(args: string[]): void {
  execFileSync('certutil', args, { stdio: ['ignore', 'pipe', 'pipe'] });
}

/** Proxy variables of the machine would lead the browser elsewhere. */
function cleanEnvironment(): Record<string, string> {
  return Object.fromEntries(
    Object.entries(process.env).filter(
      (entry): entry is [string, string] =>
        entry[1] !== undefined && !/_proxy$/i.test(entry[0]) && !entry[0].startsWith('XDG_'),
    ),
  );
}
