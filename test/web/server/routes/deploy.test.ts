import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { unzipSync } from 'fflate';
import { openAuthority } from '../../../../ca/authority.ts';
import { buildKit } from '../../../../ca/kits/kit.ts';
import { fixedProxy } from '../../../../ca/kits/plan.ts';
import { prepareNext } from '../../../../ca/rotation.ts';
import { API } from '../../../../web/contract.ts';
import type { DeployView } from '../../../../web/contract.ts';
import { errorOf, house } from '../harness.ts';
import type { House } from '../harness.ts';

async function deploying(
  t: TestContext,
): Promise<{ h: House; dir: string; root: Buffer; secrets: string[] }> {
  const base = mkdtempSync(join(tmpdir(), 'sightglass-deploy-'));
  t.after(() => rmSync(base, { recursive: true, force: true }));
  const dir = join(base, 'ca');
  const root = openAuthority({ dir }).certificateDer;
  const h = await house(t, { deps: { deployment: { dir, suggestions: () => ['proxy.example.com:8080'] } } });
  const secrets = readFileSync(join(dir, 'authority.key'), 'utf8')
    .split('\n')
    .filter(line => line.length > 20 && !line.startsWith('-'));
  return { h, dir, root, secrets };
}

test('roots and steps for whoever is signed in, for a stranger nothing', async t => {
  const { h, dir } = await deploying(t);
  assert.equal(errorOf(await h.ask(API.deploy)).code, 'signed-out');
  assert.equal(errorOf(await h.ask(API.deployKit)).code, 'signed-out');
  for (const role of ['auditor', 'policy-author', 'admin'] as const) {
    const person = await h.person(role, `x-${role}`);
    const view = (await person.get(`${API.deploy}?proxy=proxy.example.com:8080`)).json<DeployView>();
    assert.deepEqual([view.state, view.kind, view.roots.map(r => r.role)], ['steady', 'root', ['current']]);
    assert.deepEqual(view.suggestions, ['proxy.example.com:8080']);
    assert.ok(view.guides.some(guide => guide.id === 'windows-group-policy'));
  }
  prepareNext({ dir, passphrase: null });
  const admin = await h.person('admin', 'late');
  const view = (await admin.get(API.deploy)).json<DeployView>();
  assert.deepEqual(
    [view.state, view.roots.map(r => r.role)],
    ['overlap', ['current', 'next']],
    'without a restart',
  );
});

test('the kit is the one of the command line, a line in the trail, and holds no key', async t => {
  const { h, root, secrets } = await deploying(t);
  const admin = await h.person('admin');
  const answer = await admin.get(
    `${API.deployKit}?proxy=proxy.example.com:8080&bypass=*.a.example,%20b.example`,
  );
  assert.equal(answer.headers['content-disposition'], 'attachment; filename="sightglass-kit.zip"');
  const files = unzipSync(new Uint8Array(answer.body));
  const kit = buildKit({
    roots: [{ certificate: root, role: 'current' }],
    proxy: fixedProxy('proxy.example.com:8080', ['*.a.example', 'b.example']),
    time: h.clock.now,
  });
  assert.deepEqual(
    Object.keys(files),
    kit.map(file => `sightglass-kit/${file.path}`),
  );
  for (const file of kit)
    assert.ok(file.data.equals(Buffer.from(files[`sightglass-kit/${file.path}`] ?? [])), file.path);
  for (const secret of secrets) for (const file of kit) assert.ok(!file.data.includes(secret), file.path);
  assert.deepEqual(
    h.trail.page(null, 1).rows.map(row => [row.action, row.user, row.detail]),
    [['kit.downloaded', 'admin', { proxy: 'fixed' }]],
  );
});

test('a choice that is none is told, and so is an authority that cannot be read', async t => {
  const { h, dir } = await deploying(t);
  const admin = await h.person('admin');
  const refused = async (query: string): Promise<string> => {
    const { code, message } = errorOf(await admin.get(`${API.deploy}?${query}`));
    assert.equal(code, 'bad-request');
    return message;
  };
  assert.match(await refused('proxy=nowhere'), /no address of a proxy/);
  assert.match(await refused('pac=file:///x'), /no URL of a PAC file/);
  assert.match(await refused('proxy=a.example:1&pac=http://a.example/x'), /Either an address or a PAC file/);
  assert.match(await refused('proxy=a.example:1&bypass=%27;x'), /beside the proxy/);
  rmSync(join(dir, 'authority.crt'));
  const { code, message } = errorOf(await admin.get(API.deploy));
  assert.equal(code, 'unavailable');
  assert.ok(!message.includes(dir));
});

test('a console without a deployment has no such address', async t => {
  const h = await house(t);
  assert.equal(errorOf(await h.ask(API.deploy)).code, 'signed-out');
  const admin = await h.person('admin');
  assert.equal(errorOf(await admin.get(API.deploy)).code, 'not-found');
});
