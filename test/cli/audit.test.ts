/** `sightglass audit`: statistics of the days and the spool, and deleting old days. */
import assert from 'node:assert/strict';
import path from 'node:path';
import { describe, it } from 'node:test';
import { Ingest } from '../../src/audit/ingest.ts';
import { openSpool } from '../../src/audit/spool.ts';
import { listDays } from '../../src/audit/store/schema.ts';
import { auditCommand } from '../../src/cli/audit.ts';
import { DAY, exchange, flow, flowId, scratch } from '../audit/sample.ts';
import type { TestContext } from 'node:test';
import { runVerb } from './run-verb.ts';

/** Three days of records (today and before), and something in the spool that is not in the store yet. */
function recorded(t: TestContext): string {
  const dataDir = scratch(t);
  const spoolDir = path.join(dataDir, 'spool');
  const auditDir = path.join(dataDir, 'audit');
  let now = Date.now() - 40 * DAY;
  const spool = openSpool({ dir: spoolDir, producer: 1 });
  const ingest = new Ingest({ spoolDir, auditDir, now: () => now, isAlive: () => true });
  for (const [i, wait] of [0, 35, 5].entries()) {
    now += wait * DAY;
    for (let n = 1; n <= 10 * (i + 1); n++) spool.append(exchange({ flow: flowId(1, i + 1), n }));
    spool.append(flow({ flow: flowId(1, i + 1) }));
    spool.flush();
    while (ingest.step().rows > 0);
  }
  ingest.close();
  spool.append(exchange({ n: 99 }));
  spool.flush();
  t.after(() => spool.close());
  return dataDir;
}

async function run(t: TestContext, dataDir: string, ...argv: string[]): Promise<string> {
  return (await runVerb(t, auditCommand(), ...argv, '--data-dir', dataDir)).out;
}

describe('audit', () => {
  it('stats counts rows, bytes and what waits', async t => {
    const dataDir = recorded(t);
    const stats = JSON.parse(await run(t, dataDir, 'stats', '--json')) as {
      days: { day: string; exchanges: number; bytes: number; from: string }[];
      total: Record<string, number>;
      spool: { segments: number; lagBytes: number };
    };
    assert.deepEqual(
      stats.days.map(d => d.exchanges),
      [30, 20, 10],
      'newest first',
    );
    assert.ok(stats.days.every(d => d.bytes > 10_000 && d.from === '2026-11-20T12:00:00.000Z'));
    assert.equal(stats.total['exchanges'], 60);
    assert.equal(stats.total['flows'], 3);
    assert.equal(stats.spool.segments, 1);
    assert.ok(stats.spool.lagBytes > 50);
    const table = await run(t, dataDir, 'stats');
    assert.match(table, /^DAY +EXCHANGES/);
    assert.match(table, /total +60 +3 +0/);
    assert.match(table, /spool +1 segments/);
  });

  it('retain deletes days beyond the setting, and tells first when asked to', async t => {
    const dataDir = recorded(t);
    const days = listDays(path.join(dataDir, 'audit'));
    assert.equal(days.length, 3);
    const told = JSON.parse(await run(t, dataDir, 'retain', '--dry-run', '--json')) as { removed: string[] };
    assert.deepEqual(told.removed, days.slice(0, 1));
    assert.match(await run(t, dataDir, 'retain', '--dry-run'), /would delete 1 days/);
    assert.equal(listDays(path.join(dataDir, 'audit')).length, 3);
    assert.match(
      await run(t, dataDir, 'retain', '--audit.retain-days', '2'),
      /deleted 2 days .* 1 days stay/,
    );
    assert.deepEqual(listDays(path.join(dataDir, 'audit')), days.slice(2));
  });
});
