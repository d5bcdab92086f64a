/** Days older than the limit go, with their logs; the newest stays whatever its age; readers let go of what went. */
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { it } from 'node:test';
import { retain } from '../../src/audit/retention.ts';
import { listDays, openDayForWriting } from '../../src/audit/store/schema.ts';
import { openStore } from '../../src/audit/store/sqlite.ts';
import { DAY, NOON, scratch } from './sample.ts';

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

  retain({ dir, days: 1, now: NOON + 400 * DAY });
  assert.deepEqual(listDays(dir), ['2026-11-20'], 'the newest stays');
});
