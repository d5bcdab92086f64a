/** The store as the doctor sees it: day files, a database that serves, lacks its tables, or is away, and records kept elsewhere. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openAuditStore } from '../../../src/control/fleet.ts';
import { askStore } from '../../../src/control/doctor/store.ts';
import { examine } from '../../../src/control/doctor/examine.ts';
import { askPorts } from '../../../src/control/doctor/ports.ts';
import { askSpool } from '../../../src/control/doctor/house.ts';
import { postgresDriver } from '../../audit/store/drivers.ts';
import { exchange } from '../../audit/sample.ts';
import { startPostgres } from '../../helpers/postgres.ts';
import { recordsIn } from '../../helpers/records-in.ts';
import { freePort } from '../../helpers/free-port.ts';
import { codes, folder, patient } from './bench.ts';
import type { StoreSettings } from '../../../src/control/fleet.ts';

async function ask(settings: StoreSettings) {
  const store = openAuditStore(settings);
  try {
    return await askStore(settings, store);
  } finally {
    await store.close();
  }
}

void test('day files of this machine, and records that are elsewhere', async t => {
  const dir = folder(t);
  assert.deepEqual(codes(await ask(recordsIn(dir))), ['store-good']);
  assert.deepEqual(codes(await ask(recordsIn(dir, { 'audit.store': 'none' }))), ['store-elsewhere']);
});

void test('a database that lacks its tables, serves, and goes away', async t => {
  const postgres = await startPostgres();
  t.after(() => postgres.cleanUp());
  const target = await postgres.database('doctored');
  const driver = await postgresDriver(target);
  t.after(() => driver.close());
  const read = {
    'audit.store-read': driver.settings['audit.store'],
    'audit.store-read-password-file': target.passwordFile ?? '',
  };
  const empty = await ask(recordsIn(folder(t), read));
  assert.deepEqual(codes(empty), ['store-refused']);
  assert.match(empty[0]?.evidence.join(' ') ?? '', /has no tables.*Start the collector/);

  const spool = driver.spool(1);
  spool.append(exchange());
  spool.flush();
  await driver.drain();
  const good = await ask(driver.settings);
  assert.deepEqual(codes(good), ['store-good']);
  assert.match(
    good[0]?.finding ?? '',
    /^The records in the database doctored at 127\.0\.0\.1:\d+ can be read\.$/,
  );
  const flags = {
    'audit.store': driver.settings['audit.store'],
    'audit.store-password-file': target.passwordFile ?? '',
  };
  const here = patient(driver.settings['data-dir'], { flags });
  assert.deepEqual(
    codes(await askSpool(here, driver.store)),
    ['spool-good'],
    'what is committed does not wait',
  );

  await postgres.kill();
  const away = await ask(driver.settings);
  assert.deepEqual(codes(away), ['store-unreachable']);
  const listen = `127.0.0.1:${await freePort()}`;
  const { answers, failed } = await examine(
    patient(driver.settings['data-dir'], { flags: { ...flags, 'proxy.listen': listen }, patience: 300 }),
  );
  assert.deepEqual(failed, [], 'one answer says it, and no check breaks over it');
  assert.equal(answers.filter(a => a.check === 'store').length, 1);
  assert.ok(!answers.some(a => a.check === 'client') && answers.some(a => a.check === 'shell'));
});

void test('a collector takes no clients', async t => {
  const flags = { role: 'collector' };
  assert.deepEqual(codes(await askPorts(patient(folder(t), { flags }))), ['port-collector']);
});
