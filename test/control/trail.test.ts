import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { openControlDb } from '../../src/control/control-db.ts';
import { Trail } from '../../src/control/trail.ts';

test('lines come back newest first, page by page, and long strings are cut', t => {
  const dir = mkdtempSync(join(tmpdir(), 'sightglass-trail-'));
  const db = openControlDb(dir);
  t.after(() => {
    db.close();
    rmSync(dir, { recursive: true, force: true });
  });
  let now = Date.UTC(2026, 10, 20);
  const trail = new Trail(db, () => (now += 1000));
  for (let n = 1; n <= 5; n++)
    trail.append({ user: 'alice', address: '10.0.0.1', action: 'search', detail: { n } });
  trail.append({ user: null, address: '::1', action: 'login.refused', detail: { name: 'x'.repeat(5000) } });
  const first = trail.page(null, 4);
  assert.deepEqual(
    first.rows.map(r => r.id),
    [6, 5, 4, 3],
  );
  assert.equal((first.rows[0]?.detail['name'] as string).length, 2001);
  assert.equal(first.rows[1]?.time, '2026-11-20T00:00:05.000Z');
  const second = trail.page(first.next, 4);
  assert.deepEqual(
    second.rows.map(r => r.detail),
    [{ n: 2 }, { n: 1 }],
  );
  assert.equal(second.next, null);
  assert.deepEqual(trail.page('nonsense', 1).rows[0]?.id, 6);
});

test('a line that cannot be written is an error for the one who asked', t => {
  const dir = mkdtempSync(join(tmpdir(), 'sightglass-trail-'));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  const db = openControlDb(dir);
  const trail = new Trail(db);
  db.close();
  assert.throws(() => trail.append({ user: null, address: '', action: 'search' }));
});
