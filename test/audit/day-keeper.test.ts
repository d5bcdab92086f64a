/** A damaged day file is put aside and a new one begun, with a row that tells of it; a busy or read-only one is waited for. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { describe, it } from 'node:test';
import Database from 'better-sqlite3';
import { Ingest } from '../../src/audit/ingest.ts';
import { openSpool } from '../../src/audit/spool.ts';
import { dayPath, listDays } from '../../src/audit/store/schema.ts';
import { openStore } from '../../src/audit/store/sqlite.ts';
import { verifyStore } from '../../src/audit/verify/store.ts';
import { DAY, exchange, flowId, NOON, query, scratch } from './sample.ts';
import { pair, signer } from './verify/recorded.ts';
import type { TestContext } from 'node:test';

function house(t: TestContext, base = scratch(t)) {
  const [spoolDir, auditDir] = [path.join(base, 'spool'), path.join(base, 'audit')];
  const clock = { now: NOON };
  const spool = openSpool({ dir: spoolDir, producer: 1 });
  t.after(() => spool.close());
  let n = 0;
  const write = (rows: number): void => {
    for (let i = 0; i < rows; i++) spool.append(exchange({ flow: flowId(1, 1), n: ++n, path: `/${n}` }));
    spool.flush();
  };
  const start = (): Ingest =>
    new Ingest({ spoolDir, auditDir, signer, now: () => clock.now, isAlive: () => true });
  const read = async () => {
    const store = openStore({ dir: auditDir });
    const exchanges = await store.search(query(''), { kind: 'exchanges', limit: 10_000 });
    const events = await store.search(query('', 'events'), { kind: 'events' });
    await store.close();
    return { exchanges: exchanges.rows.map(r => r.exchange), events: events.rows };
  };
  return { auditDir, clock, write, start, read };
}

/** Overwrite a file's beginning, and its log's. */
function damage(file: string): void {
  for (const name of [file, `${file}-wal`]) {
    if (!fs.existsSync(name)) continue;
    const fd = fs.openSync(name, 'r+');
    fs.writeSync(fd, Buffer.alloc(Math.min(fs.fstatSync(fd).size, 16_384), 0x5a), 0);
    fs.closeSync(fd);
  }
}

describe('a damaged day file', () => {
  it('is put aside, its chain’s place is kept, and what the spool holds is in the new one', async t => {
    const { auditDir, clock, write, start, read } = house(t);
    let ingest = start();
    write(5);
    ingest.step();
    clock.now += DAY;
    write(5);
    ingest.step();
    while (ingest.seal());
    ingest.close();
    const file = dayPath(auditDir, '2026-11-21');
    damage(file);
    write(3);
    ingest = start();
    assert.throws(() => ingest.step(), /not a database|malformed/);
    ingest.step();
    const { exchanges, events } = await read();
    assert.equal(new Set(exchanges).size, exchanges.length);
    assert.ok(['1-1.11', '1-1.12', '1-1.13'].every(id => exchanges.includes(id)));
    const [event] = events;
    assert.equal(event?.event, 'audit.day-set-aside');
    assert.equal(event.detail['day'], '2026-11-21');
    assert.ok(fs.existsSync(path.join(auditDir, String(event.detail['file']))));
    assert.deepEqual(listDays(auditDir), ['2026-11-20', '2026-11-21']);
    ingest.finish();
    ingest.close();
    assert.deepEqual(
      verifyStore(auditDir, pair.publicKey).findings,
      [],
      'the new file follows the day before',
    );
    assert.equal(
      verifyStore(auditDir, pair.publicKey).days[0]?.sealed,
      true,
      'and the sealed one was not written',
    );
  });

  it('of a day gone by does not hold up the recorder', async t => {
    const { auditDir, clock, write, start, read } = house(t);
    let ingest = start();
    for (let i = 0; i < 3; i++) {
      write(2);
      ingest.step();
      clock.now += DAY;
    }
    ingest.close();
    damage(dayPath(auditDir, '2026-11-20'));
    write(2);
    ingest = start();
    ingest.step();
    ingest.close();
    fs.rmSync(dayPath(auditDir, '2026-11-20'));
    const { exchanges } = await read();
    assert.ok(exchanges.includes('1-1.8'));
    assert.equal(new Set(exchanges).size, exchanges.length);
  });
});

describe('a store that cannot be written now', () => {
  it('because another program holds it, is written when it lets go', async t => {
    const { auditDir, write, start, read } = house(t);
    const ingest = start();
    write(1);
    ingest.step();
    const other = new Database(dayPath(auditDir, '2026-11-20'));
    other.exec('BEGIN IMMEDIATE');
    write(1);
    assert.throws(() => ingest.step(), /locked|busy/);
    other.exec('ROLLBACK');
    other.close();
    ingest.step();
    ingest.close();
    assert.deepEqual((await read()).exchanges, ['1-1.2', '1-1.1']);
  });

  it('because its disk is mounted read-only, is written when that ends', t => {
    const dir = scratch(t);
    const child = path.join(import.meta.dirname, 'disk', 'read-only.ts');
    const asRoot = process.getuid?.() === 0 ? [] : ['--map-root-user'];
    const script = 'mount -t tmpfs sightglass-test "$1" && exec "$2" --import tsx "$3" "$1"';
    const out = execFileSync(
      'unshare',
      ['--mount', ...asRoot, 'sh', '-c', script, 'sh', dir, process.execPath, child],
      {
        encoding: 'utf8',
      },
    );
    const { error, exchanges } = JSON.parse(out) as { error: string; exchanges: string[] };
    assert.match(error, /readonly|read-only|disk I\/O|unable to open/i);
    assert.deepEqual(exchanges, ['1-1.2', '1-1.1']);
  });
});
