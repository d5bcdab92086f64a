import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, readdirSync, rmSync, unlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { loadPolicyFile } from '../../src/policy/load.ts';
import type { LearnedSource, UrlSource } from '../../src/policy/rule.ts';
import {
  copiesDir,
  copyFacts,
  copyName,
  isDue,
  pruneCopies,
  refreshUrl,
  signatureUrl,
  storeLearned,
} from '../../src/policy/sources.ts';
import type { Fetched } from '../../src/policy/sources-fetch.ts';
import { makeSigner } from '../helpers/minisign.ts';

const SOURCE: UrlSource = {
  kind: 'url',
  url: 'https://lists.test/l',
  refresh: 3_600_000,
  sha256: null,
  maxSize: 1_000_000,
  format: null,
  allowPublicSuffix: false,
};
const LEARNED: LearnedSource = {
  kind: 'learned',
  what: 'pinned',
  minClients: 5,
  within: 1000,
  refresh: 1000,
  allowPublicSuffix: false,
};

let dir: string;
beforeEach(() => {
  dir = join(mkdtempSync(join(tmpdir(), 'sightglass-sources-')), 'lists');
});
afterEach(() => {
  rmSync(join(dir, '..'), { recursive: true, force: true });
});

const served =
  (text: string, etag: string | null = '"1"') =>
  (): Promise<Fetched> =>
    Promise.resolve({ kind: 'new', body: Buffer.from(text), etag, lastModified: null });
const copy = (): string => readFileSync(join(dir, copyName(SOURCE)), 'utf8');

describe('a list from a URL', () => {
  it('is read in its own format and kept as plain patterns, with what is known about it', async () => {
    const result = await refreshUrl(SOURCE, dir, 0, served('0.0.0.0 ads.test\n0.0.0.0 b.test\n# x\n'));
    assert.equal(result.outcome, 'new');
    assert.deepEqual(copy().split('\n').sort(), ['', 'ads.test', 'b.test']);
    const facts = await copyFacts(dir, SOURCE);
    assert.deepEqual(
      [facts.format, facts.entries, facts.etag, facts.fetched, facts.failed],
      ['hosts', 2, '"1"', '1970-01-01T00:00:00.000Z', null],
    );
    let asked: unknown = null;
    const same = await refreshUrl(SOURCE, dir, 5000, (_s, known) => {
      asked = known.etag;
      return Promise.resolve({ kind: 'same' });
    });
    assert.equal(asked, '"1"');
    assert.equal(same.outcome, 'same');
    assert.equal(same.facts.checked, '1970-01-01T00:00:05.000Z');
    assert.equal(same.facts.fetched, '1970-01-01T00:00:00.000Z');
    assert.equal((await refreshUrl(SOURCE, dir, 6000, served('ads.test\nb.test\n', '"2"'))).outcome, 'same');
  });

  it('keeps the last good copy through every failure, and tells how often it failed', async () => {
    await refreshUrl(SOURCE, dir, 0, served('good.test\n'));
    const junk = Array.from({ length: 200 }, (_, i) =>
      i % 2 === 0 ? `h${i}.test` : `<p>not a name ${i}</p>`,
    );
    const cases: [() => Promise<Fetched>, RegExp][] = [
      [() => Promise.reject(new Error('it answers 500')), /it answers 500/],
      [served(''), /not recognised|no name/],
      [served('<html><body>log in</body></html>'), /not recognised/],
      [served('\0\x01binary'), /not text/],
      [served(`${junk.join('\n')}\n`), /100 of 200 lines are unusable, the first at 2/],
    ];
    for (const [i, [fetch, message]] of cases.entries()) {
      const result = await refreshUrl(SOURCE, dir, i + 1, fetch);
      assert.equal(result.outcome, 'failed');
      assert.match(result.facts.failed?.message ?? '', message);
      assert.equal(result.facts.failed?.tries, i + 1);
      assert.equal(copy(), 'good.test\n');
    }
    const again = await refreshUrl(SOURCE, dir, 99, () => Promise.resolve({ kind: 'same' }));
    assert.equal(again.facts.failed, null);
  });

  it('one bad line in a long list does not spoil it, and is counted', async () => {
    const lines = Array.from({ length: 5000 }, (_, i) => `h${i}.test`);
    lines[2500] = 'not a name';
    const { facts } = await refreshUrl(SOURCE, dir, 0, served(`${lines.join('\n')}\n`));
    assert.deepEqual([facts.entries, facts.rejected], [4999, 1]);
  });

  it('is taken only with its digest where one is given', async () => {
    const text = 'a.test\nb.test\n';
    const sha256 = createHash('sha256').update(text).digest('hex');
    const pinned = { ...SOURCE, sha256 };
    const other = await refreshUrl(pinned, dir, 0, served('c.test\nd.test\n'));
    assert.match(other.facts.failed?.message ?? '', /not the one in the policy/);
    assert.equal((await refreshUrl(pinned, dir, 1, served(text))).outcome, 'new');
  });

  it('"not modified" about a copy that is gone is no answer', async () => {
    await refreshUrl(SOURCE, dir, 0, served('a.test\n'));
    unlinkSync(join(dir, copyName(SOURCE)));
    let asked: unknown = 'unasked';
    const result = await refreshUrl(SOURCE, dir, 1, (_s, known) => {
      asked = known.etag;
      return Promise.resolve({ kind: 'same' });
    });
    assert.equal(asked, null, 'it is asked for without a validator');
    assert.equal(result.outcome, 'failed');
  });
});

describe('a list that must be signed', () => {
  const signer = makeSigner();
  const signed: UrlSource = {
    ...SOURCE,
    signed: { keys: [makeSigner().publicKey, signer.publicKey], at: null },
  };
  const LIST = 'a.test\nb.test\n';
  const at = (seconds: number): string => `timestamp:${seconds}\tfile:l`;
  const copyOf = (): string => readFileSync(join(dir, copyName(signed)), 'utf8');
  /** Serves a list, and the signature (null: none) where it is looked for. */
  const publisher =
    (list: string, signature: string | null) =>
    (what: { url: string; maxSize: number }): Promise<Fetched> => {
      if (what.url === SOURCE.url) return served(list)();
      assert.deepEqual([what.url, what.maxSize], [`${SOURCE.url}.minisig`, 10_240]);
      return signature === null ? Promise.reject(new Error('it answers 404 Not Found')) : served(signature)();
    };

  it('is taken with the signature of one of the keys, and tells who signed', async () => {
    for (const prehashed of [true, false]) {
      const good = signer.sign(LIST, { prehashed, comment: at(1000) });
      const { outcome, facts } = await refreshUrl(signed, dir, 0, publisher(LIST, good));
      assert.equal(outcome, prehashed ? 'new' : 'same');
      assert.equal(facts.signed?.comment, at(1000));
      assert.equal(facts.signedAt, 1000);
    }
    assert.notEqual(
      copyName(signed),
      copyName(SOURCE),
      'contents taken without a signature are another copy',
    );
  });

  it('keeps the last good copy when the signature is missing, bad, or of another list', async () => {
    await refreshUrl(
      signed,
      dir,
      0,
      publisher('good.test\n', signer.sign('good.test\n', { comment: at(1000) })),
    );
    const cases: [string | null, RegExp][] = [
      [null, /signature cannot be had: it answers 404/],
      ['<html>not found</html>', /signature cannot be used: it is no signature/],
      [signer.sign('good.test\n'), /does not fit the list/],
      [makeSigner().sign(LIST), /which the policy does not name/],
      [signer.sign(LIST).replace('timestamp:1', 'timestamp:2'), /trusted comment was changed/],
      [signer.sign(LIST, { comment: at(999) }), /signed 1970-01-01T00:16:39.000Z, before contents/],
    ];
    for (const [i, [signature, message]] of cases.entries()) {
      const { outcome, facts } = await refreshUrl(signed, dir, i + 1, publisher(LIST, signature));
      assert.equal(outcome, 'failed');
      assert.match(facts.failed?.message ?? '', message);
      assert.equal(facts.failed?.untrusted, true);
      assert.equal(facts.etag, '"1"', 'the validator stays that of the copy');
      assert.equal(copyOf(), 'good.test\n');
    }
    const network = await refreshUrl(signed, dir, 9, () => Promise.reject(new Error('no route')));
    assert.equal(network.facts.failed?.untrusted, undefined, 'a publisher who is away is no alarm by itself');
    const mended = await refreshUrl(
      signed,
      dir,
      10,
      publisher(LIST, signer.sign(LIST, { comment: at(1001) })),
    );
    assert.deepEqual([mended.outcome, mended.facts.failed, copyOf()], ['new', null, LIST]);
  });

  it('looks for the signature beside the list, its query kept, or where the policy says', () => {
    const url = 'https://lists.test/a/l.txt?token=1';
    assert.equal(signatureUrl({ ...signed, url }), 'https://lists.test/a/l.txt.minisig?token=1');
    const elsewhere = { keys: [], at: 'https://sigs.test/l' };
    assert.equal(signatureUrl({ ...signed, url, signed: elsewhere }), 'https://sigs.test/l');
  });
});

it('is due after its pause, after a failure sooner and then less and less often', async () => {
  const { facts } = await refreshUrl(SOURCE, dir, 0, served('a.test\n'));
  assert.equal(isDue(facts, 3_600_000, 3_599_999), false);
  assert.equal(isDue(facts, 3_600_000, 3_600_000), true);
  const failed = (tries: number) => ({
    ...facts,
    failed: { time: '1970-01-01T00:00:00.000Z', message: '', tries },
  });
  assert.equal(isDue(failed(1), 3_600_000, 59_999), false);
  assert.equal(isDue(failed(1), 3_600_000, 60_000), true);
  assert.equal(isDue(failed(3), 3_600_000, 200_000), false);
  assert.equal(isDue(failed(30), 3_600_000, 3_600_000), true, 'never later than its own pause');
  assert.equal(isDue({ ...facts, checked: null }, 1, 0), true);
});

it('a learned list is replaced whole, and what no policy names any more goes', async () => {
  const stored = await storeLearned(LEARNED, dir, 0, [{ name: 'a.test', match: 'exact' }]);
  assert.equal(stored.outcome, 'new');
  assert.equal((await storeLearned(LEARNED, dir, 1, [{ name: 'a.test', match: 'exact' }])).outcome, 'same');
  await refreshUrl(SOURCE, dir, 0, served('x.test\n'));
  writeFileSync(join(dir, 'left.txt.123.draft'), '');
  await pruneCopies(dir, [LEARNED]);
  assert.deepEqual(readdirSync(dir).sort(), [copyName(LEARNED), `${copyName(LEARNED)}.json`].sort());
  assert.notEqual(copyName(SOURCE), copyName({ ...SOURCE, url: 'https://lists.test/other' }));
  assert.equal(copyName(SOURCE), copyName({ ...SOURCE, refresh: 1 }), 'the pause is no part of what it is');
});

it('a policy reads the copy; without one it is refused, where it does not run it counts as empty', async () => {
  const home = join(dir, '..');
  const file = join(home, 'policy.yaml');
  writeFileSync(
    file,
    'version: 1\nlists: { l: { url: https://lists.test/l, refresh: 1h }, p: { learned: pinned } }\n',
  );
  const copies = copiesDir(home);
  const nowhere = await loadPolicyFile(file);
  assert.ok(nowhere.ok);
  assert.equal(nowhere.compiled.lists.get('l')?.set.size, 0);
  const early = await loadPolicyFile(file, { copies });
  assert.ok(!early.ok);
  assert.match(early.problems[0]?.message ?? '', /there is no copy of https:\/\/lists\.test\/l yet/);
  const source = nowhere.document.lists['l'];
  assert.ok(source?.kind === 'url');
  await refreshUrl(source, copies, 0, served('a.test\n'));
  const loaded = await loadPolicyFile(file, { copies });
  assert.ok(loaded.ok);
  assert.equal(loaded.compiled.lists.get('l')?.set.size, 1);
  assert.equal(loaded.compiled.lists.get('p')?.set.size, 0, 'nothing was learned yet');
  assert.ok(loaded.files.includes(join(copies, copyName(source))));
});
