/** The shelf: rules and states do not disturb each other, names are unique, the secret is told once. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MAX_RULES } from '../../../src/control/alerts/rule.ts';
import { AlertShelf } from '../../../src/control/alerts/shelf.ts';
import { openControlDb } from '../../../src/control/control-db.ts';
import { scratch } from '../../audit/sample.ts';
import { rule } from './fakes.ts';

test('rules are put, changed and removed; their state stays', t => {
  const db = openControlDb(scratch(t));
  t.after(() => db.close());
  const shelf = new AlertShelf(db);
  const { id, secret } = shelf.add(rule());
  assert.ok(secret.length >= 43);
  assert.equal(shelf.secret(id), secret);
  assert.doesNotMatch(JSON.stringify(shelf.list()), new RegExp(secret));
  assert.throws(() => shelf.add(rule()), /already/);
  const state = { ...shelf.get(id)!.state, fired: 4, lastFired: 9 };
  shelf.putState(id, state);
  assert.equal(shelf.change(id, rule({ name: 'other', threshold: 9 })), true);
  assert.deepEqual(shelf.get(id), { id, rule: rule({ name: 'other', threshold: 9 }), state });
  assert.equal(shelf.secret(id), secret);
  const second = shelf.add(rule());
  assert.throws(() => shelf.change(second.id, rule({ name: 'other' })), /already/);
  assert.equal(shelf.change(99, rule()), false);
  assert.equal(shelf.remove(id), true);
  assert.equal(shelf.remove(id), false);
  assert.deepEqual(
    shelf.list().map(a => a.rule.name),
    ['many failures'],
  );
  for (let i = 1; i < MAX_RULES; i++) shelf.add(rule({ name: `rule ${i}` }));
  assert.throws(() => shelf.add(rule({ name: 'one more' })), /rules already/);
});
