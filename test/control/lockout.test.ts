import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Lockout } from '../../src/control/lockout.ts';

const MINUTE = 60_000;

function lockout(free: number): { lock: Lockout; clock: { now: number } } {
  const clock = { now: 1_000_000 };
  return { lock: new Lockout({ free, now: () => clock.now }), clock };
}

test('the wait doubles from 30 s and stops at 15 min', () => {
  const { lock, clock } = lockout(1);
  const waits: number[] = [];
  for (let i = 0; i < 8; i++) {
    assert.equal(lock.begin('k'), 0);
    const wait = lock.begin('k');
    waits.push(wait / 1000);
    clock.now += wait;
  }
  assert.deepEqual(waits, [30, 60, 120, 240, 480, 900, 900, 900]);
});

test('an hour without failure forgets', () => {
  const { lock, clock } = lockout(2);
  lock.begin('k');
  lock.begin('k');
  assert.equal(lock.begin('k'), 30_000);
  clock.now += 60 * MINUTE + 1;
  assert.equal(lock.begin('k'), 0);
  assert.equal(lock.begin('k'), 0);
});

test('forgive takes back one attempt, clear all; another revision starts anew', () => {
  const { lock } = lockout(2);
  lock.begin('k');
  lock.begin('k');
  lock.forgive('k');
  assert.equal(lock.begin('k'), 0);
  assert.ok(lock.begin('k') > 0);
  assert.equal(lock.begin('k', 1), 0);
  lock.begin('k', 1);
  assert.ok(lock.begin('k', 1) > 0);
  lock.clear('k');
  assert.equal(lock.begin('k', 1), 0);
  lock.forgive('never seen');
});

test('keys do not share', () => {
  const { lock } = lockout(1);
  lock.begin('a');
  assert.ok(lock.begin('a') > 0);
  assert.equal(lock.begin('b'), 0);
});
