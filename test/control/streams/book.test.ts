/** The book of cursors: what was put is there for the next process. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openControlDb } from '../../../src/control/control-db.ts';
import { Book } from '../../../src/control/streams/book.ts';
import { scratch } from '../../audit/sample.ts';

test('entries survive, and the newest one counts', t => {
  const dir = scratch(t);
  const db = openControlDb(dir);
  const entry = {
    cursor: 'a',
    resend: 'a',
    sent: 1,
    dropped: 0,
    refused: 0,
    waiting: [],
    lastSent: 5,
    error: null,
  };
  new Book(db).put('siem', entry);
  new Book(db).put('siem', { ...entry, cursor: 'b', waiting: [{ day: '2026-11-20', rows: 3 }] });
  db.close();
  const again = openControlDb(dir);
  t.after(() => again.close());
  assert.equal(new Book(again).get('other'), null);
  assert.deepEqual(new Book(again).get('siem'), {
    ...entry,
    cursor: 'b',
    waiting: [{ day: '2026-11-20', rows: 3 }],
  });
});
