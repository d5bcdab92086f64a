/**
 * Which days stay and which go: the same for day files and for a database, and a machine that keeps no records says so. What the
 * database refuses by itself is asked of it directly.
 */
import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { CONTROL_DB_FILE, openControlDb } from '../../src/control/control-db.ts';
import { openKeeping, readHolds } from '../../src/control/keeping.ts';
import type { Keeping } from '../../src/control/keeping.ts';
import { FleetHolds } from '../../src/control/fleet-holds.ts';
import { writeTarget } from '../../src/control/fleet.ts';
import { HoldError } from '../../src/control/holds.ts';
import { Trail } from '../../src/control/trail.ts';
import type { Dropping } from '../../src/audit/retention.ts';
import { startPostgres } from '../helpers/postgres.ts';
import type { Postgres } from '../helpers/postgres.ts';
import { postgresDriver, sqliteDriver } from '../audit/store/drivers.ts';
import type { Driver } from '../audit/store/drivers.ts';
import { DAY, exchange, flowId, NOON } from '../audit/sample.ts';

const WHO = { user: null, address: 'command line', name: 'root' };
const NONE = { dryRun: false, signer: () => null, onDrop: () => undefined };

/** Five days of records, ten days apart, the newest at NOON. Gives the days, oldest first. */
async function fiveDays(driver: Driver): Promise<string[]> {
  const spool = driver.spool(1);
  for (let i = 4; i >= 0; i--) {
    driver.now = NOON - i * 10 * DAY;
    for (let n = 0; n < 40; n++) spool.append(exchange({ flow: flowId(1, 1), n: i * 40 + n + 1 }));
    spool.flush();
    await driver.drain();
  }
  return (await driver.store.days()).map(d => d.day).reverse();
}

describe('keeping days', () => {
  let postgres: Postgres;
  let databases = 0;
  before(async () => {
    postgres = await startPostgres();
  });
  after(() => postgres.cleanUp());
  const stores: [string, () => Promise<Driver>][] = [
    ['day files', sqliteDriver],
    ['PostgreSQL', async () => postgresDriver(await postgres.database(`keeping_${++databases}`))],
  ];

  for (const [name, make] of stores)
    it(`${name}: by age and size, whatever is held stays, and the trail says who and why`, async t => {
      const driver = await make();
      t.after(() => driver.close());
      const [first = '', second = '', third = '', fourth = '', newest = ''] = await fiveDays(driver);
      assert.deepEqual(await readHolds(driver.settings), [], 'reading makes nothing');
      const db = openControlDb(driver.settings['data-dir']);
      t.after(() => db.close());
      const keeping: Keeping = openKeeping(driver.settings, db);
      const left = async () => (await driver.store.days()).map(d => d.day).reverse();

      const hold = await keeping.holds.add(WHO, first, first, ' case \u0000 4711 ');
      assert.deepEqual([hold.reason, hold.by, hold.lifted], ['case \u0000 4711', 'root', null]);
      assert.deepEqual(await keeping.holds.list(), [hold]);
      assert.deepEqual(await readHolds(driver.settings), [hold]);

      const plan = await keeping.retain({ ...NONE, days: 25, now: NOON, dryRun: true });
      assert.deepEqual([plan.removed, plan.held], [[second], [first]]);
      assert.equal((await left()).length, 5, 'only told');
      const drops: Dropping[] = [];
      const done = await keeping.retain({ ...NONE, days: 25, now: NOON, onDrop: drop => drops.push(drop) });
      assert.deepEqual(done, plan);
      assert.deepEqual(
        drops.map(d => [d.day, d.why, d.bytes > 0]),
        [[second, 'age', true]],
      );
      assert.deepEqual(await left(), [first, third, fourth, newest]);

      const maxBytes = done.left - 1;
      const sized = await keeping.retain({ ...NONE, days: 3650, maxBytes, now: NOON });
      assert.deepEqual([sized.removed, sized.held, sized.left <= maxBytes], [[third], [first], true]);
      assert.deepEqual(await left(), [first, fourth, newest]);

      await keeping.holds.lift(WHO, hold.id, 'closed');
      const [lifted] = await keeping.holds.list();
      assert.deepEqual([lifted?.id, lifted?.liftedBy], [hold.id, 'root']);
      await keeping.retain({ ...NONE, days: 1, now: NOON + 400 * DAY });
      assert.deepEqual(await left(), [newest], 'the newest stays whatever its age');
      assert.deepEqual(
        new Trail(db).page(null, 10).rows.map(line => [line.action, line.detail['hold']]),
        [
          ['audit.hold-lifted', hold.id],
          ['audit.held', hold.id],
        ],
      );
    });

  for (const [name, make] of stores)
    it(`${name}: what cannot be laid or lifted is refused with a hint, and nothing happens`, async t => {
      const driver = await make();
      t.after(() => driver.close());
      await fiveDays(driver);
      const db = openControlDb(driver.settings['data-dir']);
      t.after(() => db.close());
      const { holds } = openKeeping(driver.settings, db);
      const hold = await holds.add(WHO, '2026-11-01', '2026-11-03', 'x');
      await holds.lift(WHO, hold.id, 'closed');
      for (const wrong of [
        () => holds.add(WHO, '2026-11-31', '2026-12-01', 'x'),
        () => holds.add(WHO, '2026-12-02', '2026-12-01', 'x'),
        () => holds.add(WHO, '2026-12-01', '2026-12-01', ' '),
        () => holds.lift(WHO, hold.id, 'again'),
        () => holds.lift(WHO, hold.id, ''),
        () => holds.lift(WHO, 99, 'x'),
        () => holds.lift(WHO, NaN, 'x'),
        () => holds.lift(WHO, 2 ** 40, 'x'),
      ])
        await assert.rejects(
          async () => wrong(),
          (error: HoldError) => error instanceof HoldError && error.hint !== '',
        );
      assert.equal((await holds.list()).length, 1);
      assert.equal(new Trail(db).page(null, 10).rows.length, 2);
    });

  it('the database drops neither a held day nor the newest, whoever asks, and no hold is without its line', async t => {
    const driver = await postgresDriver(await postgres.database('guarded'));
    t.after(() => driver.close());
    const days = await fiveDays(driver);
    const db = openControlDb(driver.settings['data-dir']);
    t.after(() => db.close());
    await openKeeping(driver.settings, db).holds.add(WHO, days[0] ?? '', days[1] ?? '', 'case');
    const drop = (day: string | undefined) =>
      postgres.run(`SET search_path = sightglass; SELECT drop_day('${day ?? ''}')`, 'guarded');
    await assert.rejects(drop(days[1]), /under legal hold/);
    await assert.rejects(drop(days[4]), /never dropped/);
    await drop(days[2]);

    const target = writeTarget(driver.settings);
    assert.ok(target !== null);
    const silent = new FleetHolds(target, { append: () => assert.fail('no room') });
    await assert.rejects(silent.add(WHO, '2026-12-01', '2026-12-01', 'x'), /no room/);
    await assert.rejects(silent.lift(WHO, 1, 'x'), /no room/);
    assert.deepEqual(
      (await silent.list()).map(h => [h.reason, h.lifted]),
      [['case', null]],
    );
  });

  it('a role that may not delete days says so, and one that only reads can list the holds', async t => {
    const target = await postgres.database('roles');
    const driver = await postgresDriver(target);
    t.after(() => driver.close());
    await fiveDays(driver);
    await postgres.run(`CREATE ROLE onlooker LOGIN PASSWORD 'onlooker'`);
    await postgres.run(
      'GRANT USAGE ON SCHEMA sightglass TO onlooker; GRANT SELECT ON ALL TABLES IN SCHEMA sightglass TO onlooker',
      'roles',
    );
    const { passwordFile } = postgres.as('onlooker', 'onlooker');
    const settings = {
      ...driver.settings,
      'audit.store': driver.settings['audit.store'].replace('owner@', 'onlooker@'),
      'audit.store-password-file': passwordFile,
    };
    const db = openControlDb(driver.settings['data-dir']);
    t.after(() => db.close());
    const keeping = openKeeping(settings, db);
    assert.deepEqual(await keeping.holds.list(), []);
    await assert.rejects(
      keeping.retain({ ...NONE, days: 5, now: NOON }),
      (error: Error & { hint?: string }) =>
        /may not delete days/.test(error.message) && /docs\/fleet\.md/.test(error.hint ?? ''),
    );
    await assert.rejects(
      async () => keeping.holds.add(WHO, '2026-12-01', '2026-12-01', 'x'),
      /permission denied/,
    );
    assert.equal(new Trail(db).page(null, 10).rows.length, 0);
    assert.equal((await driver.store.days()).length, 5);
  });

  it('a machine that only ships keeps nothing, and says where the records are', async t => {
    const driver = await sqliteDriver();
    t.after(() => driver.close());
    const settings = { ...driver.settings, 'audit.store': 'none' };
    const db = openControlDb(settings['data-dir']);
    t.after(() => {
      db.close();
      rmSync(join(settings['data-dir'], CONTROL_DB_FILE), { force: true });
    });
    const keeping = openKeeping(settings, db);
    assert.deepEqual(await keeping.holds.list(), []);
    const refused = (error: HoldError) =>
      /ships them to a collector/.test(error.message) && error.hint !== '';
    await assert.rejects(async () => keeping.holds.add(WHO, '2026-12-01', '2026-12-01', 'x'), refused);
    await assert.rejects(keeping.retain({ ...NONE, days: 1, now: NOON }), refused);
  });
});
