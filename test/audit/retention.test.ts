/** Days older than the limit go, with their logs; the newest stays whatever its age; readers let go of what went. */
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { it } from 'node:test';
import { dayBytes, dropPath } from '../../src/audit/drop.ts';
import { attachedMark, retain } from '../../src/audit/retention.ts';
import { listDays, openDayForWriting } from '../../src/audit/store/schema.ts';
import { verifyStore } from '../../src/audit/verify/store.ts';
import { openStore } from '../../src/audit/store/sqlite.ts';
import { DAY, NOON, scratch } from './sample.ts';
import { pair, recorded, signer } from './verify/recorded.ts';

const DAYS = ['2026-10-01', '2026-11-17', '2026-11-18', '2026-11-19', '2026-11-20'];

it('drops whole days by age', async t => {
  const dir = scratch(t);
  for (const day of DAYS) openDayForWriting(dir, day, () => undefined).close();
  fs.writeFileSync(path.join(dir, '2026-10-01.db-wal'), 'x');
  const store = openStore({ dir });
  assert.equal((await store.days()).length, 5);

  const told = retain({ dir, days: 2, now: NOON, dryRun: true });
  assert.deepEqual(told.removed, ['2026-10-01', '2026-11-17']);
  assert.deepEqual(listDays(dir), DAYS, 'only told');

  const done = retain({ dir, days: 2, now: NOON });
  assert.deepEqual(done, told);
  assert.deepEqual(listDays(dir), ['2026-11-18', '2026-11-19', '2026-11-20']);
  assert.deepEqual(
    fs.readdirSync(dir).filter(name => name.startsWith('2026-10')),
    [],
  );
  assert.equal((await store.days()).length, 3, 'an open reader goes on without them');
  await store.close();

  const told2: string[] = [];
  retain({ dir, days: 1, now: NOON + 400 * DAY, onDrop: drop => told2.push(`${drop.day} ${drop.why}`) });
  assert.deepEqual(told2, ['2026-11-18 age', '2026-11-19 age']);
  assert.deepEqual(listDays(dir), ['2026-11-20'], 'the newest stays');
});

it('drops the oldest days beyond the size, but neither held, attached nor the newest ones', t => {
  const dir = scratch(t);
  for (const day of DAYS) openDayForWriting(dir, day, () => undefined).close();
  const each = dayBytes(dir, DAYS[1] ?? '');
  fs.writeFileSync(attachedMark(dir, '2026-10-01'), '');
  const options = { dir, days: 3650, now: NOON, held: (day: string) => day === '2026-11-17' };
  const none = retain({ ...options, maxBytes: each * 4 });
  assert.deepEqual([none.removed, none.left], [[], each * 4], 'attached days do not count');
  const some = retain({ ...options, maxBytes: each * 2.5 });
  assert.deepEqual(some.removed, ['2026-11-18', '2026-11-19']);
  assert.deepEqual(some.held, ['2026-11-17'], 'a held day counts and stays, others go for it');
  assert.equal(some.left, each * 2);
  const all = retain({ ...options, maxBytes: 1 });
  assert.deepEqual(all.removed, []);
  assert.deepEqual(listDays(dir), ['2026-10-01', '2026-11-17', '2026-11-20']);
});

it('leaves a signed statement and an event, so that the gap is explained for good', t => {
  const dir = recorded(scratch(t), 5);
  const explained = (): string[] => verifyStore(dir, pair.publicKey).findings.map(f => f.text);
  assert.deepEqual(explained(), []);
  const drops: string[] = [];
  const now = NOON + 2 * DAY;
  const result = retain({ dir, days: 1, now, signer, onDrop: drop => drops.push(`${drop.day} ${drop.seq}`) });
  assert.deepEqual(result.removed, ['2026-11-20']);
  assert.deepEqual(drops, ['2026-11-20 11']);
  assert.deepEqual(explained(), [], 'the statement alone explains it');
  const statement = dropPath(dir, '2026-11-20');
  fs.writeFileSync(statement, fs.readFileSync(statement, 'utf8').replace('why age', 'why fun'));
  assert.match(explained()[0] ?? '', /is not signed by this key/);
  fs.rmSync(statement);
  assert.match(explained()[0] ?? '', /follows 2026-11-20, whose file is not here, and no event tells why/);
});
