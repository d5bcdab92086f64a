import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { openControlDb } from '../../src/control/control-db.ts';
import type { ControlDb } from '../../src/control/control-db.ts';
import { Reveals } from '../../src/control/reveals.ts';
import { Trail } from '../../src/control/trail.ts';

const MINUTE = 60_000;
const alice = { user: 'alice', address: '10.0.0.1' };
const bob = { user: 'bob', address: '10.0.0.2' };
const body = { exchange: '1-1.1', side: 'res', host: 'www.example.com' } as const;

function house(t: TestContext, secondPerson: boolean) {
  const dir = mkdtempSync(join(tmpdir(), 'sightglass-reveals-'));
  const db: ControlDb = openControlDb(dir);
  t.after(() => {
    db.close();
    rmSync(dir, { recursive: true, force: true });
  });
  const clock = { now: 1_000_000 };
  const trail = new Trail(db, () => clock.now);
  const rules = { secondPerson, wait: 60 * MINUTE, open: 15 * MINUTE };
  return { db, clock, trail, reveals: new Reveals(db, trail, rules, () => clock.now) };
}

const linesOf = (trail: Trail) =>
  trail.page(null, 10).rows.map(({ user, action, detail }) => ({ user, action, detail }));

test('a reason opens one side of one exchange, to who gave it, for a while, and stands in the trail', t => {
  const { clock, trail, reveals } = house(t, false);
  for (const reason of ['', '   ', 'why '])
    assert.throws(() => reveals.ask(alice, body, reason, ''), /A reason is missing/);
  assert.deepEqual(linesOf(trail), []);
  const made = reveals.ask(alice, body, ' asked by legal ', ' 4711 ');
  assert.deepEqual([made.state, made.reason, made.case], ['open', 'asked by legal', '4711']);
  assert.deepEqual(linesOf(trail), [
    {
      user: 'alice',
      action: 'reveal.opened',
      detail: { reveal: made.id, ...body, reason: 'asked by legal', case: '4711' },
    },
  ]);
  assert.equal(reveals.forBody('alice', '1-1.1', 'res')?.id, made.id);
  assert.equal(reveals.forBody('alice', '1-1.1', 'req'), null, 'the other side');
  assert.equal(reveals.forBody('alice', '1-1.1', 'both'), null);
  assert.equal(reveals.forBody('alice', '1-1.2', 'res'), null, 'another exchange');
  assert.equal(reveals.forBody('bob', '1-1.1', 'res'), null, 'another person');
  assert.equal(reveals.forExport('alice', made.id), null, 'no export');
  const both = reveals.ask(bob, { ...body, side: 'both' }, 'asked by legal', '');
  for (const side of ['req', 'res', 'both'] as const)
    assert.equal(reveals.forBody('bob', '1-1.1', side)?.id, both.id);
  clock.now += 15 * MINUTE;
  assert.equal(reveals.forBody('alice', '1-1.1', 'res'), null);
  assert.equal(reveals.list('alice').own[0]?.state, 'ended');
});

test('four eyes: somebody else agrees in time, never who asked; then it is open to who asked alone', t => {
  const { clock, trail, reveals } = house(t, true);
  const asked = reveals.ask(alice, body, 'asked by legal', '');
  assert.equal(asked.state, 'waiting');
  assert.equal(reveals.forBody('alice', '1-1.1', 'res'), null);
  assert.deepEqual(reveals.list('alice').waiting, [], 'not the own ones');
  assert.deepEqual(
    reveals.list('bob').waiting.map(r => r.id),
    [asked.id],
  );
  assert.throws(() => reveals.decide(alice, asked.id, true), /request of their own/);
  clock.now += 59 * MINUTE;
  const agreed = reveals.decide(bob, asked.id, true);
  assert.deepEqual([agreed.state, agreed.decidedBy, agreed.until], ['open', 'bob', clock.now + 15 * MINUTE]);
  assert.equal(reveals.forBody('alice', '1-1.1', 'res')?.id, asked.id);
  assert.equal(reveals.forBody('bob', '1-1.1', 'res'), null, 'who agrees has to say why too');
  assert.throws(() => reveals.decide(bob, asked.id, false), /does not wait/);

  const refused = reveals.ask(alice, body, 'asked by legal', '');
  assert.equal(reveals.decide(bob, refused.id, false).state, 'denied');
  const late = reveals.ask(alice, { ...body, exchange: '1-1.9' }, 'asked by legal', '');
  clock.now += 60 * MINUTE;
  assert.throws(() => reveals.decide(bob, late.id, true), /does not wait/);
  assert.throws(() => reveals.decide(bob, 999, true), /does not wait/);
  assert.deepEqual(
    linesOf(trail).map(l => [l.user, l.action, l.detail['for'] ?? null]),
    [
      ['alice', 'reveal.asked', null],
      ['bob', 'reveal.denied', 'alice'],
      ['alice', 'reveal.asked', null],
      ['bob', 'reveal.approved', 'alice'],
      ['alice', 'reveal.asked', null],
    ],
  );
});

test('an export is opened with its question; bounds; what ended long ago is forgotten', t => {
  const { db, clock, reveals } = house(t, true);
  const what = { q: 'host:example', since: null, until: 5 };
  const made = reveals.ask(alice, what, 'asked by legal', '');
  assert.equal(reveals.forExport('alice', made.id), null);
  reveals.decide(bob, made.id, true);
  assert.deepEqual(reveals.forExport('alice', made.id)?.what, what);
  assert.equal(reveals.forExport('bob', made.id), null);
  for (let n = 0; n < 20; n++) reveals.ask(alice, body, 'asked by legal', '');
  assert.throws(() => reveals.ask(alice, body, 'asked by legal', ''), /Too many of your requests/);
  clock.now += 31 * 24 * 60 * MINUTE;
  reveals.ask(alice, body, 'asked by legal', '');
  assert.equal(db.prepare('SELECT count(*) FROM reveals').pluck().get(), 1);
});

test('what the trail cannot take is not opened', t => {
  const { db, reveals } = house(t, false);
  const broken = new Reveals(
    db,
    {
      append: () => {
        throw new Error('disk full');
      },
    },
    { secondPerson: false, wait: MINUTE, open: MINUTE },
  );
  assert.throws(() => broken.ask(alice, body, 'asked by legal', ''), /disk full/);
  assert.deepEqual(reveals.list('alice').own, []);
});
