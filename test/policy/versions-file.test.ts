import assert from 'node:assert/strict';
import {
  chmodSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { loadCandidate, replacePolicy } from '../../src/policy/versions-file.ts';
import { PolicyVersions } from '../../src/policy/versions.ts';

let dir: string;
let file: string;
let versions: PolicyVersions;
const note = { origin: 'apply' as const, author: 'ada', comment: null };
const GOOD = 'version: 1\nlists: { l: { file: lists/l.txt } }\n';

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'sightglass-file-'));
  file = join(dir, 'policy.yaml');
  mkdirSync(join(dir, 'lists'));
  writeFileSync(join(dir, 'lists', 'l.txt'), 'a.test\n');
  writeFileSync(file, 'version: 1\n');
  chmodSync(file, 0o640);
  versions = new PolicyVersions(join(dir, 'versions'));
});
afterEach(() => {
  rmSync(dir, { recursive: true, force: true });
});

describe('replacing the policy file', () => {
  it('checks the text where it will stand, keeps the mode and leaves no draft', async () => {
    const result = await replacePolicy(file, GOOD, versions, note);
    assert.ok(result.ok);
    assert.equal(result.written, true);
    assert.equal(result.loaded.compiled.lists.get('l')?.set.size, 1);
    assert.deepEqual(result.loaded.files, [file, join(dir, 'lists', 'l.txt')]);
    assert.equal(readFileSync(file, 'utf8'), GOOD);
    assert.equal(statSync(file).mode & 0o777, 0o640);
    assert.deepEqual(readdirSync(dir).sort(), ['lists', 'policy.yaml', 'versions']);
    const again = await replacePolicy(file, GOOD, versions, note);
    assert.equal(again.ok && again.written, false);
  });

  it('puts nothing in place that cannot be used, and names the policy file in its problems', async () => {
    const result = await replacePolicy(file, 'version: 1\nrulez: []\n', versions, note);
    assert.ok(!result.ok);
    assert.equal(result.problems[0]?.file, file);
    assert.equal(readFileSync(file, 'utf8'), 'version: 1\n');
    assert.deepEqual(readdirSync(dir).sort(), ['lists', 'policy.yaml']);
  });

  it('writes what a symbolic link points at', async () => {
    const link = join(dir, 'link.yaml');
    symlinkSync(file, link);
    await replacePolicy(link, GOOD, versions, note);
    assert.ok(lstatSync(link).isSymbolicLink());
    assert.equal(readFileSync(file, 'utf8'), GOOD);
  });
});

it('a candidate is loaded without touching anything', async () => {
  const loaded = await loadCandidate(file, GOOD);
  assert.ok(loaded.ok);
  assert.equal(readFileSync(file, 'utf8'), 'version: 1\n');
  assert.deepEqual(readdirSync(dir).sort(), ['lists', 'policy.yaml']);
});
