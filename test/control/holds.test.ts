/** Legal holds: laid, listed and lifted together with their line in the trail, and never deleted. */
import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { it } from 'node:test';
import { openControlDb } from '../../src/control/control-db.ts';
import { HoldError, Holds } from '../../src/control/holds.ts';
import { Trail } from '../../src/control/trail.ts';

const WHO = { user: null, address: 'command line', name: 'root' };

it('keep their days until they are lifted, and say who and why', t => {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'sightglass-holds-'));
  const db = openControlDb(dir);
  t.after(() => {
    db.close();
    fs.rmSync(dir, { recursive: true });
  });
  const trail = new Trail(db, () => 5);
  const holds = new Holds(db, trail, () => 7);
  const hold = holds.add(WHO, '2026-11-01', '2026-11-03', ' case 4711 ');
  assert.deepEqual([hold.reason, hold.by, hold.created, hold.lifted], ['case 4711', 'root', 7, null]);
  for (const [day, held] of [
    ['2026-10-31', false],
    ['2026-11-01', true],
    ['2026-11-03', true],
    ['2026-11-04', false],
  ] as const)
    assert.equal(holds.on(day) !== null, held, day);
  holds.lift(WHO, hold.id, 'closed');
  assert.equal(holds.on('2026-11-02'), null);
  assert.equal(holds.list()[0]?.liftedBy, 'root');
  assert.deepEqual(
    trail.page(null, 10).rows.map(line => line.action),
    ['audit.hold-lifted', 'audit.held'],
  );
  for (const wrong of [
    () => holds.add(WHO, '2026-11-31', '2026-12-01', 'x'),
    () => holds.add(WHO, 'yesterday', '2026-12-01', 'x'),
    () => holds.add(WHO, '2026-12-02', '2026-12-01', 'x'),
    () => holds.add(WHO, '2026-12-01', '2026-12-01', ' '),
    () => holds.lift(WHO, hold.id, 'again'),
  ])
    assert.throws(wrong, HoldError);
  assert.throws(() => db.exec('DELETE FROM holds'), /lifted, not deleted/);
  const failing = new Holds(db, { append: () => assert.fail('no room') });
  assert.throws(() => failing.add(WHO, '2026-12-01', '2026-12-01', 'x'), /no room/);
  assert.equal(holds.on('2026-12-01'), null, 'no hold without its line');
});
