import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { it } from 'node:test';
import type { TestContext } from 'node:test';
import { loadPolicyFile } from '../../src/policy/load.ts';
import type { ListCache } from '../../src/policy/load.ts';
import { openSignature } from '../../src/policy/signed-file.ts';
import { openPolicyStore } from '../../src/policy/store.ts';
import { makeSigner } from '../helpers/minisign.ts';

const signer = makeSigner();
const LIST = 'a.test\nb.test\n';

async function house(
  t: TestContext,
): Promise<{ dir: string; file: string; list: string; signature: string }> {
  const dir = await mkdtemp(join(tmpdir(), 'sightglass-signed-'));
  t.after(() => rm(dir, { recursive: true, force: true }));
  const file = join(dir, 'policy.yaml');
  await writeFile(file, `version: 1\nlists:\n  l: { file: l.txt, signed-by: ${signer.publicKey} }\n`);
  await writeFile(join(dir, 'l.txt'), LIST);
  return { dir, file, list: join(dir, 'l.txt'), signature: join(dir, 'l.txt.minisig') };
}

async function* chunks(text: string): AsyncGenerator<Buffer> {
  for (const byte of Buffer.from(text)) yield Buffer.of(byte);
}

it('hands the bytes on and judges what went through', async t => {
  const { signature } = await house(t);
  for (const prehashed of [true, false]) {
    await writeFile(signature, signer.sign(LIST, { prehashed }));
    for (const [text, refused] of [
      [LIST, null],
      [`${LIST}c.test\n`, /does not fit/],
    ] as const) {
      const check = await openSignature(signature, [signer.publicKey]);
      assert.ok(typeof check !== 'string');
      let seen = '';
      for await (const chunk of check.through(chunks(text))) seen += chunk.toString();
      assert.equal(seen, text);
      if (refused === null) assert.equal(check.refused(), null);
      else assert.match(check.refused() ?? '', refused);
    }
  }
});

it('says why there is no signature to check with', async t => {
  const { dir, signature } = await house(t);
  const why = async (path = signature): Promise<string> => {
    const opened = await openSignature(path, [signer.publicKey]);
    return typeof opened === 'string' ? opened : 'nothing';
  };
  assert.match(await why(), /there is no signature at/);
  await writeFile(signature, 'x'.repeat(20_000));
  assert.match(await why(), /larger than 10240 bytes/);
  await writeFile(signature, 'hello');
  assert.match(await why(), /no signature of minisign/);
  assert.match(await why(dir), /cannot be read/);
});

it('a list file without a good signature makes the policy be refused at its line; with one it loads', async t => {
  const { file, list, signature } = await house(t);
  const cache: ListCache = new Map();
  const problems = async (): Promise<string> => {
    const loaded = await loadPolicyFile(file, { cache });
    return loaded.ok ? '' : loaded.problems.map(p => `${p.line} ${p.message}`).join('\n');
  };
  assert.match(await problems(), /^3 list file .* is not trusted: there is no signature/);
  await writeFile(signature, signer.sign(LIST));
  assert.equal(await problems(), '');
  await writeFile(signature, makeSigner().sign(LIST));
  assert.match(
    await problems(),
    /which the policy does not name/,
    'a kept list does not hide a new signature',
  );
  await writeFile(signature, signer.sign(LIST));
  await writeFile(list, 'evil.test\n');
  assert.match(await problems(), /does not fit the list/);
});

it('the version in force stays while a list is not trusted, and the signature alone mends it', async t => {
  const { dir, file, list, signature } = await house(t);
  await writeFile(signature, signer.sign(LIST));
  const store = await openPolicyStore({ file, cacheDir: join(dir, 'cache'), pollMs: 60_000 });
  t.after(() => {
    store.close();
  });
  const names = (): number => store.current().lists.get('l')?.set.size ?? 0;
  await writeFile(list, `${LIST}c.test\n`);
  assert.equal(await store.reload(), false);
  assert.match(store.problems()[0]?.message ?? '', /not trusted/);
  assert.equal(names(), 2);
  await writeFile(signature, signer.sign(`${LIST}c.test\n`));
  assert.equal(await store.reload(), true);
  assert.equal(names(), 3);
});
