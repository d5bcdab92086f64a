/** Cursors are the furthest that any day file knows, for segments that exist; the lag is what lies beyond them. */
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { it } from 'node:test';
import { readCursors, spoolLag } from '../../src/audit/cursors.ts';
import { segmentName } from '../../src/audit/producer.ts';
import { openDayForWriting } from '../../src/audit/store/schema.ts';
import { scratch } from './sample.ts';

it('are read from all days', t => {
  const dir = scratch(t);
  const spool = path.join(dir, 'spool');
  const audit = path.join(dir, 'audit');
  fs.mkdirSync(spool);
  const [a, b, gone] = [segmentName(1, 1), segmentName(1, 2), segmentName(2, 1)];
  fs.writeFileSync(path.join(spool, a), Buffer.alloc(1000));
  fs.writeFileSync(path.join(spool, b), Buffer.alloc(500));
  assert.deepEqual(spoolLag(spool, audit), { segments: 2, bytes: 1500, lagBytes: 1500 });
  for (const [day, rows] of [
    [
      '2026-11-19',
      [
        [a, 900, 0, 1],
        [gone, 7, 1, 0],
      ],
    ],
    [
      '2026-11-20',
      [
        [a, 1000, 1, 0],
        [b, 36, 0, 0],
      ],
    ],
    ['2026-11-21', [[b, 20, 0, 0]]],
  ] as [string, [string, number, number, number][]][]) {
    const db = openDayForWriting(audit, day, () => undefined);
    for (const row of rows) db.prepare('INSERT INTO cursor VALUES (?, ?, ?, ?)').run(...row);
    db.close();
  }
  assert.deepEqual(
    [...readCursors(spool, audit)],
    [
      [a, { offset: 1000, done: true, bad: true }],
      [b, { offset: 36, done: false, bad: false }],
    ],
  );
  assert.deepEqual(spoolLag(spool, audit), { segments: 2, bytes: 1500, lagBytes: 464 });
});
