/** Backup of the running product, a wiped data directory, restore: the same authority, the same records, and it goes on. */
import assert from 'node:assert/strict';
import { renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { curl } from '../helpers/curl.ts';
import { runCli, startProduct, type Product } from '../helpers/product.ts';

describe('backup and restore', () => {
  let product: Product;
  before(async () => {
    product = await startProduct({ workers: 1, policy: 'version: 1\ndefault: block\nrules: []\n' });
  });
  after(() => product.cleanUp());

  test('a backup taken under traffic, a wipe, a restore', async () => {
    const { dataDir, ca } = product;
    const passphrase = `${dataDir}-passphrase`;
    const file = `${dataDir}-backup.age`;
    const common = ['--passphrase-file', passphrase];
    writeFileSync(passphrase, 'plum orbit lantern\n', { mode: 0o600 });
    const ask = (n: number) => curl('--proxy', product.url, `http://host-${n}.test/`);
    for (let i = 0; i < 20; i++) await ask(i);
    await product.eventually('flows', '', rows => rows.length === 20);
    const traffic = (async () => {
      for (let i = 20; i < 60; i++) await ask(i);
    })();
    const made = await runCli('backup', '--data-dir', dataDir, '--out', file, ...common);
    assert.equal(made.code, 0, made.stderr);
    await traffic;
    const busy = await runCli('restore', file, '--data-dir', dataDir, ...common);
    assert.equal(busy.code, 1);
    assert.match(busy.stderr, /A service runs on/);
    await product.stop();

    renameSync(dataDir, `${dataDir}-wiped`);
    const verified = await runCli('restore', '--verify', file, ...common);
    assert.equal(verified.code, 0, verified.stderr);
    const restored = await runCli('restore', file, '--data-dir', dataDir, ...common);
    assert.equal(restored.code, 0, restored.stderr);
    product = await startProduct({ workers: 1, on: product });
    assert.equal(product.ca, ca, 'the same authority');
    await ask(60);
    const rows = await product.eventually('flows', '', found =>
      found.some(r => r['host'] === 'host-60.test'),
    );
    const hosts = rows.map(r => String(r['host']));
    assert.equal(new Set(hosts).size, hosts.length, 'nothing twice');
    for (let i = 0; i < 20; i++)
      assert.ok(hosts.includes(`host-${i}.test`), `host-${i} was there before the backup`);
    for (const path of [passphrase, file, `${dataDir}-wiped`]) rmSync(path, { recursive: true, force: true });
  });

  test('used wrongly', async () => {
    for (const args of [
      ['backup', '--out', join(product.dataDir, 'x')],
      ['backup', '--out', join(product.dataDir, 'x'), '--recipient', 'age1nonsense'],
      ['restore', join(product.dataDir, 'x')],
    ]) {
      const { code, stderr } = await runCli(...args, '--data-dir', product.dataDir);
      assert.equal(code, 2, stderr);
      assert.match(stderr, /hint: /);
    }
  });
});
