import assert from 'node:assert/strict';
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, it } from 'node:test';
import type { TestContext } from 'node:test';
import { draftBeside, replaceWhole, writeDraft } from '../../src/policy/whole-file.ts';

function folder(t: TestContext): string {
  const dir = mkdtempSync(join(tmpdir(), 'sightglass-whole-'));
  t.after(() => {
    rmSync(dir, { recursive: true, force: true });
  });
  return dir;
}
const modeOf = (file: string): string => (statSync(file).mode & 0o777).toString(8);

describe('a file that is written whole', () => {
  it('takes its place with every piece, and keeps the mode of what stood there', async t => {
    const file = join(folder(t), 'list.txt');
    await replaceWhole(file, ['one\n'], 0o644);
    assert.equal(modeOf(file), '644');
    chmodSync(file, 0o640);
    const long = Array.from({ length: 60_000 }, (_, i) => `name-${i}.example.test\n`);
    await replaceWhole(file, long);
    assert.equal(readFileSync(file, 'utf8'), long.join(''));
    assert.equal(modeOf(file), '640');
    assert.deepEqual(readdirSync(dirname(file)), ['list.txt']);
  });

  it('is nobody else’s to read unless its writer says so, and may be empty', async t => {
    const file = join(folder(t), 'note.json');
    await replaceWhole(file, []);
    assert.deepEqual([readFileSync(file, 'utf8'), modeOf(file)], ['', '600']);
  });

  it('stays as it was when its pieces end in an error or it cannot be replaced; no draft is left', async t => {
    const dir = folder(t);
    const file = join(dir, 'list.txt');
    writeFileSync(file, 'old\n');
    const broken = function* (): Generator<string> {
      yield 'x'.repeat(300_000);
      throw new Error('the source broke off');
    };
    await assert.rejects(replaceWhole(file, broken()), /broke off/);
    assert.equal(readFileSync(file, 'utf8'), 'old\n');
    mkdirSync(join(dir, 'taken', 'by'), { recursive: true });
    await assert.rejects(replaceWhole(join(dir, 'taken'), ['x']), /EISDIR|ENOTEMPTY|EEXIST/);
    assert.deepEqual(readdirSync(dir).sort(), ['list.txt', 'taken']);
  });
});

it('a draft lies hidden beside its target, under a name of its own', async t => {
  const file = join(folder(t), 'policy.yaml');
  assert.notEqual(draftBeside(file), draftBeside(file));
  const draft = await writeDraft(file, ['a', 'b']);
  assert.match(draft.slice(dirname(file).length), /^\/\.policy\.yaml\.[0-9a-f]{12}\.draft$/);
  assert.equal(readFileSync(draft, 'utf8'), 'ab');
  assert.throws(() => statSync(file), { code: 'ENOENT' });
});
