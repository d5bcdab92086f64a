/** Settings of a fleet: what they mean together, and what contradicts itself. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fleetPlan, openAuditStore } from '../../src/control/fleet.ts';
import { PostgresStore } from '../../src/audit/store/postgres/postgres.ts';
import { loadSettings } from '../../src/settings/load.ts';
import type { SettingsContradiction } from '../../src/settings/contradiction.ts';

const FILES = { 'fleet.certificate': '/etc/hosts', 'fleet.key': '/etc/hosts', 'fleet.ca': '/etc/hosts' };
const plan = (flags: Record<string, string>) =>
  fleetPlan(loadSettings({ flags: { 'data-dir': '/tmp', ...flags }, env: {} }));

test('a machine by itself, one that ships, one that does both, one that collects', () => {
  assert.deepEqual(plan({ 'fleet.name': 'a' }), { local: true, proxies: true, name: 'a', mode: null });
  const ship = { ...FILES, 'fleet.collector': 'https://c.test:9443' };
  assert.equal(plan(ship).local, true);
  const only = plan({ ...ship, 'audit.store': 'none' });
  assert.equal(only.local, false);
  assert.equal(only.mode?.kind, 'ship');
  const store = plan({ 'audit.store': 'postgres://w@localhost/a' });
  assert.deepEqual([store.local, store.proxies, store.mode?.kind], [false, true, 'store']);
  const collector = plan({
    ...FILES,
    role: 'collector',
    'fleet.listen': '127.0.0.1:0',
    'audit.store': 'postgres://w@localhost/a',
    'fleet.proxies': 'edge-1',
  });
  assert.equal(collector.proxies, false);
  assert.ok(collector.mode?.kind === 'store' && collector.mode.listen !== null);
  assert.deepEqual(collector.mode.listen.allowed, ['edge-1']);
});

test('what contradicts itself is said before anything starts', () => {
  for (const [flags, why] of [
    [{ role: 'collector' }, /needs fleet.listen/],
    [{ role: 'collector', 'fleet.listen': '127.0.0.1:0' }, /needs fleet.listen and a PostgreSQL/],
    [{ 'fleet.listen': '127.0.0.1:0' }, /belongs to a collector/],
    [{ 'audit.store': 'none' }, /nowhere/],
    [{ 'fleet.collector': 'https://c.test:1' }, /needs fleet.certificate/],
    [{ 'fleet.collector': 'https://c.test:1', 'audit.store': 'postgres://w@localhost/a' }, /twice/],
  ] as [Record<string, string>, RegExp][])
    assert.throws(
      () => plan(flags),
      (error: SettingsContradiction) => why.test(error.message) && error.exitCode === 2 && error.hint !== '',
    );
});

test('the search goes where the records are, with the role that may only read', async () => {
  const settings = (flags: Record<string, string>) =>
    loadSettings({ flags: { 'data-dir': '/tmp', ...flags }, env: {} });
  const own = openAuditStore(settings({}));
  assert.ok(!(own instanceof PostgresStore));
  await own.close();
  for (const flags of [
    { 'audit.store': 'postgres://w@localhost/a' },
    { 'audit.store-read': 'postgres://r@localhost/a' },
  ]) {
    const far = openAuditStore(settings(flags));
    assert.ok(far instanceof PostgresStore);
    await far.close();
  }
  assert.throws(
    () => settings({ 'audit.store': 'postgres://w:hunter2@localhost/a' }),
    (error: Error) => {
      assert.match(error.message, /password/);
      assert.ok(!error.message.includes('hunter2'));
      return true;
    },
  );
});
