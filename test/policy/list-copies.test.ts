import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, readdirSync, rmSync, unlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, it } from 'node:test';
import {
  copyFacts,
  copyName,
  holdCopy,
  isDue,
  pruneCopies,
  replaceCopy,
  wasHeld,
  writeNote,
} from '../../src/policy/list-copies.ts';
import type { LearnedSource } from '../../src/policy/rule.ts';

const SOURCE: LearnedSource = {
  kind: 'learned',
  what: 'seen',
  minClients: 5,
  within: 1000,
  refresh: 1000,
  allowPublicSuffix: false,
};
const HELD = { n: 3, since: '2026-11-20T12:00:00.000Z' };

let dir: string;
beforeEach(() => {
  dir = join(mkdtempSync(join(tmpdir(), 'sightglass-copies-')), 'lists');
});
afterEach(() => {
  rmSync(join(dir, '..'), { recursive: true, force: true });
});

it('writes a copy only when it is another, whole, and leaves no draft', async () => {
  const [a, b] = [
    { name: 'a.test', match: 'exact' as const },
    { name: 'b.test', match: 'both' as const },
  ];
  assert.equal(await replaceCopy(dir, SOURCE, [a, b]), true);
  assert.equal(await replaceCopy(dir, SOURCE, [a, b]), false);
  assert.equal(readFileSync(join(dir, copyName(SOURCE)), 'utf8'), 'a.test\n.b.test\n');
  assert.deepEqual(readdirSync(dir), [copyName(SOURCE)]);
});

it('knows nothing of a copy that is gone but why the last try failed', async () => {
  const none = await copyFacts(dir, SOURCE);
  assert.deepEqual([none.fetched, none.held, none.failed], [null, null, null]);
  const failed = { time: HELD.since, message: 'away', tries: 2 };
  await writeNote(dir, SOURCE, { ...none, etag: '"1"', fetched: HELD.since, failed });
  const gone = await copyFacts(dir, SOURCE);
  assert.deepEqual([gone.etag, gone.fetched, gone.failed], [null, null, failed]);
  await replaceCopy(dir, SOURCE, []);
  assert.equal((await copyFacts(dir, SOURCE)).etag, '"1"');
});

it('a held copy is not due, is told from one that was held before, and loses its validators', async () => {
  await replaceCopy(dir, SOURCE, []);
  const before = { ...(await copyFacts(dir, SOURCE)), etag: '"1"', signedAt: 7, checked: HELD.since };
  await writeNote(dir, SOURCE, before);
  assert.equal(await wasHeld(dir, SOURCE, before), null);
  await holdCopy(dir, SOURCE, HELD, 12);
  const held = await copyFacts(dir, SOURCE);
  assert.deepEqual(
    [held.held, held.etag, held.entries, held.signedAt, held.checked],
    [HELD, null, 12, 7, HELD.since],
  );
  assert.equal(isDue(held, 1, Number.MAX_SAFE_INTEGER), false);
  assert.deepEqual((await wasHeld(dir, SOURCE, before))?.held, HELD);
  assert.equal(await wasHeld(dir, SOURCE, held), null);
});

it('clears away what belongs to no list', async () => {
  await replaceCopy(dir, SOURCE, []);
  const other = { ...SOURCE, minClients: 6 };
  await replaceCopy(dir, other, []);
  await pruneCopies(dir, [other]);
  assert.deepEqual(readdirSync(dir), [copyName(other)]);
  unlinkSync(join(dir, copyName(other)));
  await pruneCopies(join(dir, 'none'), []);
});
