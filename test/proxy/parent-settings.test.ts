/** Secrets lie in the folder of the settings, by default below the data directory. */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { parentsOf } from '../../src/proxy/parent-settings.ts';
import { createResolver } from '../../src/proxy/resolve.ts';
import { loadSettings } from '../../src/settings/load.ts';
import { startParent } from '../helpers/parent.ts';

test('a secret is looked for where the settings say, without a word below the data directory', async t => {
  const dir = mkdtempSync(join(tmpdir(), 'sightglass-parents-'));
  const parent = await startParent();
  t.after(async () => {
    rmSync(dir, { recursive: true, force: true });
    await parent.stop();
  });
  for (const [folder, flags] of [
    ['secrets', {}],
    ['elsewhere', { 'parent.secrets': join(dir, 'elsewhere') }],
  ] as const) {
    mkdirSync(join(dir, folder));
    writeFileSync(join(dir, folder, 'corp'), `ada:${folder}\n`);
    const parents = parentsOf(loadSettings({ flags: { 'data-dir': dir, ...flags } }), {
      resolve: createResolver(),
      rules: () => ({ allow: [], ownListeners: [] }),
      ownCas: new Set(),
    });
    const way = { group: 'g', via: [`127.0.0.1:${parent.port}`], login: 'corp' };
    const options = { onCancellable: () => undefined, patience: 2000, client: '10.0.0.1' };
    const { socket, login } = await parents.dial(way, 'www.test', 80, options);
    socket.destroy();
    assert.deepEqual(login, {
      name: 'corp',
      value: `Basic ${Buffer.from(`ada:${folder}`).toString('base64')}`,
    });
  }
});
