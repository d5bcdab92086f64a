import assert from 'node:assert/strict';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { copiesDir, copyFacts, copyName, isDue } from '../../src/policy/list-copies.ts';
import { loadPolicyFile } from '../../src/policy/load.ts';
import { parsePolicy } from '../../src/policy/parse.ts';
import type { UrlSource } from '../../src/policy/rule.ts';
import { refreshUrl } from '../../src/policy/sources.ts';
import type { Fetched } from '../../src/policy/sources-fetch.ts';
import { restoreVersion } from '../../src/policy/versions-restore.ts';
import type { Restored } from '../../src/policy/versions-restore.ts';
import { PolicyVersions, versionsDir } from '../../src/policy/versions.ts';
import { makeSigner } from '../helpers/minisign.ts';

const signer = makeSigner();
const POLICY = `version: 1
lists:
  f: { file: lists/f.txt }
  s: { file: lists/s.txt, signed-by: ${signer.publicKey} }
  u: { url: 'https://lists.test/u', refresh: 1h }
`;
const URL_LIST = ((): UrlSource => {
  const parsed = parsePolicy(POLICY);
  const source = parsed.ok ? parsed.document.lists['u'] : undefined;
  assert.ok(source?.kind === 'url');
  return source;
})();
const NOTE = { origin: 'rollback' as const, author: 'ada', comment: 'why' };

let dir: string;
let file: string;
let copies: string;
let versions: PolicyVersions;
let clock: number;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'sightglass-restore-'));
  mkdirSync(join(dir, 'lists'));
  file = join(dir, 'policy.yaml');
  copies = copiesDir(join(dir, 'policy'));
  versions = new PolicyVersions(versionsDir(dir));
  clock = 0;
});
afterEach(() => {
  rmSync(dir, { recursive: true, force: true });
});

const put = (name: string, text: string): void => writeFileSync(join(dir, name), text);
const get = (name: string): string => readFileSync(join(dir, name), 'utf8');
const served = (text: string) => (): Promise<Fetched> =>
  Promise.resolve({ kind: 'new', body: Buffer.from(text), etag: '"1"', lastModified: null });

/** Publish and write everything for an edition, and record it as a version. */
async function edition(word: string, policy = POLICY): Promise<void> {
  put('policy.yaml', policy);
  put('lists/f.txt', `# of ${word}\n${word}-f.test\n`);
  put('lists/s.txt', `${word}-s.test\n`);
  put('lists/s.txt.minisig', signer.sign(`${word}-s.test\n`));
  await refreshUrl(URL_LIST, copies, ++clock, served(`${word}-u.test\n`));
  await record();
}

async function record(): Promise<string> {
  const loaded = await loadPolicyFile(file, { copies });
  assert.ok(loaded.ok, JSON.stringify(loaded));
  await versions.record(loaded, ++clock);
  return loaded.compiled.version;
}

async function back(n: number, lists = true): Promise<Restored> {
  const place = { policyFile: file, copies, versions };
  const result = await restoreVersion(place, await versions.get(String(n)), NOTE, { lists, now: ++clock });
  assert.ok(result.ok, JSON.stringify(result));
  return result;
}

/** No draft is left anywhere. */
function tidy(): void {
  for (const folder of [dir, join(dir, 'lists'), copies, versionsDir(dir), join(versionsDir(dir), 'lists')])
    if (existsSync(folder))
      assert.deepEqual(
        readdirSync(folder).filter(n => n.endsWith('.draft')),
        [],
        folder,
      );
}

describe('going back to a version', () => {
  it('brings document and lists back exactly, comments and signatures too, as the same version', async () => {
    await edition('old');
    await edition('new', `${POLICY}rules:\n  - { name: r, action: block }\n`);
    const result = await back(1);
    assert.deepEqual(
      [result.written, result.restored, result.held, result.otherLists],
      [true, ['f', 's', 'u'], ['u'], []],
    );
    assert.equal(get('policy.yaml'), POLICY);
    assert.equal(get('lists/f.txt'), '# of old\nold-f.test\n');
    assert.equal(get('lists/s.txt'), 'old-s.test\n');
    assert.equal(readFileSync(join(copies, copyName(URL_LIST)), 'utf8'), 'old-u.test\n');
    assert.equal(await record(), (await versions.get('1')).version);
    const newest = await versions.newest();
    assert.deepEqual([newest?.n, newest?.origin, newest?.author], [3, 'rollback', 'ada']);
    tidy();
    const again = await back(1);
    assert.deepEqual([again.written, again.restored], [false, []]);
    // And forth again.
    assert.deepEqual((await back(2)).restored, ['f', 's', 'u']);
    assert.equal(await record(), (await versions.get('2')).version);
  });

  it('holds fetched lists there until somebody has them fetched, also against a look that was under way', async () => {
    await edition('old');
    await edition('new');
    const copy = (): string => readFileSync(join(copies, copyName(URL_LIST)), 'utf8');
    const late = await refreshUrl(URL_LIST, copies, ++clock, async () => {
      await back(1);
      return served('newer-u.test\n')();
    });
    assert.equal(late.outcome, 'same');
    assert.equal(copy(), 'old-u.test\n');
    const facts = await copyFacts(copies, URL_LIST);
    assert.deepEqual([facts.held?.n, facts.etag, facts.entries], [1, null, 1]);
    assert.equal(isDue(facts, 1, Number.MAX_SAFE_INTEGER), false);
    const failed = await refreshUrl(URL_LIST, copies, ++clock, () => Promise.reject(new Error('away')));
    assert.equal(failed.facts.held?.n, 1, 'a try that fails lets nothing go');
    const fetched = await refreshUrl(URL_LIST, copies, ++clock, served('newer-u.test\n'));
    assert.deepEqual([fetched.outcome, fetched.facts.held, copy()], ['new', null, 'newer-u.test\n']);
  });

  it('leaves lists as they are when asked to, and says which differ', async () => {
    await edition('old');
    await edition('new');
    const result = await back(1, false);
    assert.deepEqual([result.written, result.otherLists], [false, ['f', 's', 'u']]);
    assert.equal(get('lists/f.txt'), '# of new\nnew-f.test\n');
  });

  it('brings back a list whose file is gone', async () => {
    await edition('old');
    put('policy.yaml', 'version: 1\n');
    await record();
    rmSync(join(dir, 'lists'), { recursive: true });
    assert.deepEqual((await back(1)).otherLists, []);
    assert.equal(get('lists/f.txt'), '# of old\nold-f.test\n');
  });

  it('names lists whose contents are not kept any more', async () => {
    await edition('old');
    await edition('new');
    const kept = (await versions.get('1')).lists['f']?.kept?.sha256 ?? '';
    rmSync(join(versions.kept.dir, `${kept}.gz`));
    const result = await back(1);
    assert.deepEqual([result.restored, result.otherLists], [['s', 'u'], ['f']]);
    assert.equal(get('lists/f.txt'), '# of new\nnew-f.test\n');
  });

  it('puts nothing in place when contents are damaged or the version is not usable any more', async () => {
    await edition('old');
    await edition('new');
    const kept = (await versions.get('1')).lists['s']?.kept?.sha256 ?? '';
    writeFileSync(join(versions.kept.dir, `${kept}.gz`), 'junk');
    await assert.rejects(back(1), { name: 'VersionError', message: /the list s cannot be brought back/ });
    assert.equal(get('lists/f.txt'), '# of new\nnew-f.test\n');
    tidy();
    const wanted = { ...(await versions.get('2')), text: 'rules: 7\n' };
    const place = { policyFile: file, copies, versions };
    const refused = await restoreVersion(place, wanted, NOTE, { lists: true, now: 1 });
    assert.equal(refused.ok, false);
    assert.equal(get('policy.yaml'), POLICY);
    tidy();
  });
});
