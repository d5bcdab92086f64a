/**
 * The scene of the tests that hurt the product: nginx as origin under a throw-away authority, the options that make the
 * product trust it, and the two questions asked afterwards: is everything answered accounted for, are the files sound?
 */
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { startNginx, type NginxOrigin } from '../helpers/nginx.ts';
import type { Product, ProductOptions, Row } from '../helpers/product.ts';
import { makeTestCa, type TestCa } from '../helpers/tls-authority.ts';
import type { Load } from './load.ts';

const NAMES = ['www.test', 'cold-0.test', 'cold-1.test', 'pass.test'];
const POLICY = `
version: 1
default: block
rules:
  - { name: private, when: { host: pass.test }, action: passthrough, reason: Private }
  - { name: audited, when: { host: [www.test, cold-0.test, cold-1.test] }, action: inspect, capture: headers, reason: Audited }
`;

export interface Scene {
  ca: TestCa;
  nginx: NginxOrigin;
  /** For `startProduct`: our policy, our origin, and these settings. */
  options: (flags?: Record<string, string | string[]>) => ProductOptions;
  /** For `through` and `startLoad`. */
  target: (
    product: Product,
    host?: string,
  ) => { proxyPort: () => number; ca: string; host: string; port: number };
  close: () => Promise<void>;
}

export async function openScene(): Promise<Scene> {
  const ca = makeTestCa();
  const nginx = await startNginx({ ca, names: NAMES });
  return {
    ca,
    nginx,
    options: (flags = {}) => ({
      policy: POLICY,
      flags: {
        'origin.trust': 'none',
        'origin.extra-ca': ca.caFile,
        'origin.resolve': NAMES.map(name => `${name}=127.0.0.1`),
        ...flags,
      },
    }),
    target: (product, host = 'www.test') => ({
      proxyPort: () => product.port,
      ca: host === 'pass.test' ? ca.caPem : product.ca,
      host,
      port: nginx.ec,
    }),
    close: async () => {
      await nginx.stop();
      ca.remove();
    },
  };
}

export const pause = (ms: number): Promise<void> => new Promise(resolve => setTimeout(resolve, ms));

/** Waits until `condition` gives something; fails after fifteen seconds with `what`. */
export async function until<T>(
  what: string,
  condition: () => T | null | undefined | false,
): Promise<NonNullable<T>> {
  for (const deadline = Date.now() + 15_000; Date.now() < deadline; await pause(10)) {
    const found = condition();
    if (found !== null && found !== undefined && found !== false) return found;
  }
  throw new Error(`waited in vain for ${what}`);
}

/** Every answered id has its one row, no row is there twice, and every exchange belongs to a flow of the ledger. */
export async function accountedFor(product: Product, load: Load): Promise<{ rows: Row[]; flows: Row[] }> {
  const want = new Set(load.answered);
  const idOf = (row: Row): string => /\?id=([\d-]+)$/.exec(String(row['path']))?.[1] ?? '';
  const complete = (rows: Row[]): boolean => {
    const have = new Set(rows.filter(r => r['status'] === 200).map(idOf));
    return [...want].every(id => have.has(id));
  };
  const rows = await product.eventually('search', '', complete);
  const ids = rows.map(idOf).filter(id => id !== '');
  assert.equal(new Set(ids).size, ids.length, 'an exchange is there twice');
  const named = new Set(rows.map(r => r['flow']));
  const flows = await product.eventually('flows', '', all => {
    const have = new Set(all.map(f => f['flow']));
    return [...named].every(flow => have.has(flow));
  });
  const flowIds = flows.map(f => f['flow']);
  assert.equal(new Set(flowIds).size, flowIds.length, 'a flow is there twice');
  return { rows, flows };
}

/** Asks SQLite itself about every file of a product that has stopped. */
export function assertSound(product: Product): void {
  const audit = join(product.dataDir, 'audit');
  const files = readdirSync(audit)
    .filter(name => name.endsWith('.db'))
    .map(name => join(audit, name));
  assert.ok(files.length > 0);
  for (const file of [...files, join(product.dataDir, 'control.db')]) {
    const db = new Database(file, { readonly: true });
    try {
      assert.equal(db.pragma('integrity_check', { simple: true }), 'ok', file);
    } finally {
      db.close();
    }
  }
}
