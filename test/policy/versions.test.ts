import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { PolicyVersions, versionsDir } from '../../src/policy/versions.ts';
import { policyOf } from './facts.ts';

const text = (rule: string): string =>
  `version: 1\ndefault: block\nrules:\n  - { name: ${rule}, action: inspect }\n`;
const policy = (rule: string) => ({ text: text(rule), compiled: policyOf(text(rule)) });

let dir: string;
beforeEach(() => {
  dir = join(mkdtempSync(join(tmpdir(), 'sightglass-versions-')), 'versions');
});
afterEach(() => {
  rmSync(join(dir, '..'), { recursive: true, force: true });
});

describe('policy versions', () => {
  it('records each policy once, with number, digest of its lists and what changed', async () => {
    const versions = new PolicyVersions(dir);
    const first = await versions.record(policy('one'), 1000);
    assert.equal(first?.n, 1);
    assert.equal(first.origin, 'first');
    assert.equal(first.time, '1970-01-01T00:00:01.000Z');
    assert.equal(first.version, policy('one').compiled.version);
    assert.equal(await versions.record(policy('one'), 2000), null, 'a restart is no new version');
    const second = await versions.record(policy('two'), 3000);
    assert.deepEqual(second?.previous, { n: 1, version: first.version });
    assert.deepEqual(second.changes, [
      'rule "one": removed',
      'rule "two": added at place 1, inspect (headers)',
    ]);
    assert.equal(second.author, null);
    // An earlier policy that comes back is a version of its own.
    const third = await versions.record(policy('one'), 4000);
    assert.equal(third?.n, 3);
    assert.deepEqual(
      (await versions.list()).map(v => [v.n, v.version === first.version]),
      [
        [3, true],
        [2, false],
        [1, true],
      ],
    );
    assert.equal((await versions.get('2')).text, text('two'));
    assert.equal((await versions.get(first.version)).n, 3);
    assert.equal((await versions.newest())?.n, 3);
  });

  it('takes up author and comment of the one who announced the text, and of nobody else', async () => {
    const versions = new PolicyVersions(dir);
    await versions.record(policy('one'), 0);
    await versions.announce(text('three'), { origin: 'rollback', author: 'ada', comment: 'why' });
    const other = await versions.record(policy('two'), 1);
    assert.equal(other?.author, null);
    assert.equal(other.origin, 'file');
    const announced = await versions.record(policy('three'), 2);
    assert.equal(announced?.author, 'ada');
    assert.equal(announced.comment, 'why');
    assert.equal(announced.origin, 'rollback');
    await versions.record(policy('one'), 3);
    const again = await versions.record(policy('three'), 4);
    assert.equal(again?.author, null, 'a note is used once');
  });

  it('never writes a version again, keeps it private and notices tampering', async () => {
    const versions = new PolicyVersions(dir);
    await versions.record(policy('one'), 0);
    const [name = ''] = readdirSync(dir);
    const path = join(dir, name);
    assert.equal(statSync(path).mode & 0o777, 0o600);
    writeFileSync(path, readFileSync(path, 'utf8').replace('inspect }', 'passthrough }'));
    await assert.rejects(versions.get('1'), /is damaged/);
    assert.deepEqual(await versions.list(), []);
    const next = await versions.record(policy('two'), 1);
    assert.equal(next?.n, 2, 'a damaged file keeps its number');
    assert.ok(existsSync(path));
  });

  it('records in the order of the calls', async () => {
    const versions = new PolicyVersions(dir);
    await Promise.all(['a', 'b', 'c', 'd'].map((r, i) => versions.record(policy(r), i)));
    assert.deepEqual(
      (await versions.list()).map(v => v.n),
      [4, 3, 2, 1],
    );
  });

  it('lets the oldest go at either bound, never the newest', async () => {
    const few = new PolicyVersions(dir, { versions: 2 });
    for (const [i, r] of ['a', 'b', 'c'].entries()) await few.record(policy(r), i);
    assert.deepEqual(
      (await few.list()).map(v => v.n),
      [3, 2],
    );
    const small = new PolicyVersions(dir, { bytes: 1 });
    await small.record(policy('d'), 9);
    assert.deepEqual(
      (await small.list()).map(v => v.n),
      [4],
    );
  });

  it('says what there is when asked for what there is not', async () => {
    const versions = new PolicyVersions(dir);
    assert.deepEqual(await versions.list(), []);
    await assert.rejects(versions.get('1'), /there is no version "1"/);
    await versions.record(policy('one'), 0);
    await assert.rejects(versions.get('7'), (e: Error & { hint?: string }) =>
      /from 1 to 1/.test(e.hint ?? ''),
    );
  });

  it('lies beside the compiled lists', () => {
    assert.equal(versionsDir('/data'), join('/data', 'policy', 'versions'));
  });
});
