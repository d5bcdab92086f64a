/** Archived days are whole, verified copies; attached ones are searched again; what does not fit is refused and leaves nothing. */
import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { it } from 'node:test';
import { archiveDay, attachDay, detachDay } from '../../src/audit/archive.ts';
import { isAttached, retain } from '../../src/audit/retention.ts';
import { dayPath, listDays } from '../../src/audit/store/schema.ts';
import { openStore } from '../../src/audit/store/sqlite.ts';
import { verifyDay } from '../../src/audit/verify/day.ts';
import { verifyStore } from '../../src/audit/verify/store.ts';
import { DAY, NOON, query, scratch } from './sample.ts';
import { DAYS, pair, recorded, signer } from './verify/recorded.ts';

const [first, second, newest] = DAYS;
const key = pair.publicKey;

it('a day moves out and comes back, searchable, and out of retention’s reach', async t => {
  const base = scratch(t);
  const dir = recorded(base, 5);
  const out = path.join(base, 'archive');
  const count = async (): Promise<number> => {
    const store = openStore({ dir });
    const answer = await store.count(query(''), { kind: 'exchanges' });
    await store.close();
    return answer.count;
  };
  assert.equal(await count(), 15);
  const drops: string[] = [];
  await archiveDay({
    dir,
    day: first,
    out,
    key,
    move: { signer, now: NOON, onDrop: d => drops.push(d.day) },
  });
  assert.deepEqual(drops, [first]);
  assert.deepEqual(listDays(dir), [second, newest]);
  assert.equal(await count(), 10);
  assert.deepEqual(verifyDay(out, first, key).findings, []);
  assert.deepEqual(verifyStore(dir, key).findings, []);

  assert.equal(await attachDay(dir, path.join(out, `${first}.db`), key), first);
  assert.equal(await count(), 15);
  assert.equal(isAttached(dir, first), true);
  assert.deepEqual(verifyStore(dir, key).findings, []);
  assert.deepEqual(retain({ dir, days: 1, now: NOON + 9 * DAY, signer }).removed, [second]);
  assert.deepEqual(verifyStore(dir, key).findings, [], 'what was dropped between is explained');
  detachDay(dir, first);
  assert.deepEqual(listDays(dir), [newest]);
  assert.deepEqual(verifyStore(dir, key).findings, []);
  assert.deepEqual(fs.readdirSync(out).sort(), [`${first}.db`, `${first}.seal`], 'the archive keeps its own');
});

it('tells how far it is, and what is given up leaves nothing', async t => {
  const base = scratch(t);
  const dir = recorded(base, 5);
  const out = path.join(base, 'archive');
  const { size } = fs.statSync(dayPath(dir, first));
  const heard: string[] = [];
  await archiveDay({
    ...{ dir, day: first, out, key },
    turns: { onProgress: (what, bytes, of) => heard.push(`${what} ${bytes === of}`) },
  });
  assert.deepEqual([...new Set(heard)], ['verifying true', 'copying true']);
  const file = path.join(out, `${first}.db`);
  assert.equal(fs.statSync(file).size, size);
  assert.equal(fs.statSync(file).mode & 0o777, 0o400);

  for (const place of ['copying', 'verifying'] as const) {
    const stop = new AbortController();
    const elsewhere = path.join(base, place);
    let copied = false;
    const onProgress = (what: string): void => {
      copied ||= what === 'copying';
      if (what === place && copied) stop.abort(new Error('enough'));
    };
    const turns = { signal: stop.signal, onProgress };
    await assert.rejects(archiveDay({ dir, day: first, out: elsewhere, key, turns }), /enough/, place);
    assert.deepEqual(fs.readdirSync(elsewhere), [], place);
  }
});

it('refuses what is not sealed, not whole, of another key, there already, or newer than the store', async t => {
  const base = scratch(t);
  const dir = recorded(base, 5);
  const out = path.join(base, 'archive');
  await assert.rejects(() => archiveDay({ dir, day: newest, out, key }), /is not sealed/);
  await assert.rejects(
    () =>
      archiveDay({ dir, day: newest, out, key, move: { signer, now: NOON, onDrop: () => assert.fail() } }),
    /newest day and stays/,
  );
  const other = generateKeyPairSync('ed25519').publicKey;
  await assert.rejects(() => archiveDay({ dir, day: first, out, key: other }), /not signed by this key/);
  await archiveDay({ dir, day: first, out, key });
  await assert.rejects(() => archiveDay({ dir, day: first, out, key }), /is there already/);
  const file = path.join(out, `${first}.db`);
  await assert.rejects(() => attachDay(dir, file, key), /has 2026-11-20 already/);
  await assert.rejects(() => attachDay(dir, path.join(out, 'other.db'), key), /is no day file/);
  assert.throws(() => detachDay(dir, first), /was not attached/);
  const older = path.join(base, 'older');
  fs.mkdirSync(older);
  await assert.rejects(() => attachDay(older, file, key), /newer than every day/);
  fs.rmSync(dayPath(dir, first));
  fs.rmSync(path.join(dir, `${first}.seal`));
  fs.chmodSync(file, 0o600);
  const fd = fs.openSync(file, 'r+');
  fs.writeSync(fd, Buffer.from([7]), 0, 1, 5000);
  fs.closeSync(fd);
  const before = fs.readdirSync(dir).sort();
  await assert.rejects(() => attachDay(dir, file, key), /is not the file that was sealed/);
  assert.deepEqual(fs.readdirSync(dir).sort(), before);
});
