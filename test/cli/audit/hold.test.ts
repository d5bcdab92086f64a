/** Holds, archive and retention from the command line: they keep what they should, and every one of them is in the trail. */
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { it } from 'node:test';
import { auditKeyDir, openAuditKey } from '../../../ca/audit-key.ts';
import { Ingest } from '../../../src/audit/ingest.ts';
import { openSpool } from '../../../src/audit/spool.ts';
import { signerOf } from '../../../src/audit/statement.ts';
import { listDays } from '../../../src/audit/store/schema.ts';
import { openStore } from '../../../src/audit/store/sqlite.ts';
import { auditCommand } from '../../../src/cli/audit.ts';
import { searchCommand } from '../../../src/cli/search.ts';
import { openControlDb } from '../../../src/control/control-db.ts';
import { Trail } from '../../../src/control/trail.ts';
import { DAY, exchange, flowId, query, scratch } from '../../audit/sample.ts';
import { runVerb } from '../run-verb.ts';

it('a held day stays, others go, and archived ones come back', async t => {
  const dataDir = scratch(t);
  const [spoolDir, auditDir] = [path.join(dataDir, 'spool'), path.join(dataDir, 'audit')];
  const signer = signerOf(openAuditKey(auditKeyDir(dataDir), null).privateKey);
  let now = Date.now() - 50 * DAY;
  const record = (days: number, isAlive: boolean): void => {
    const ingest = new Ingest({ spoolDir, auditDir, signer, now: () => now, isAlive: () => isAlive });
    const spool = openSpool({ dir: spoolDir, producer: now % 1000 });
    for (let i = 0; i < days; i++) {
      now += i === 0 ? 0 : 10 * DAY;
      spool.append(exchange({ flow: flowId(1, 1), n: i + 1 }));
      spool.flush();
      while (ingest.step().rows > 0);
      while (ingest.seal());
    }
    spool.close();
    ingest.step();
    ingest.finish();
    ingest.close();
  };
  record(6, true);
  const days = listDays(auditDir);
  assert.equal(days.length, 6);
  const run = async (...argv: string[]): Promise<string> => {
    const ran = await runVerb(t, auditCommand(), ...argv, '--data-dir', dataDir);
    return ran.out;
  };
  const [held = '', dropped = '', , archived = ''] = days;
  await assert.rejects(run('hold', 'add', '--reason', 'x'), /needs --day/);
  assert.match(await run('hold', 'add', '--day', held, '--reason', 'case 4711'), /hold 1: /);
  assert.match(await run('hold', 'list'), /case 4711/);
  assert.match(await run('stats'), new RegExp(`${held} .*  sealed, held \\(1\\)`));
  assert.match(await run('retain', '--dry-run'), new RegExp(`${held} is under legal hold`));
  assert.equal(listDays(auditDir).length, 6);
  await run('retain', '--audit.retain-days', '35');
  assert.deepEqual(listDays(auditDir), [held, ...days.slice(2)]);
  assert.ok(!listDays(auditDir).includes(dropped));

  const out = path.join(dataDir, 'out');
  await assert.rejects(run('archive', '--day', held, '--out', out, '--move'), /under hold 1/);
  await run('archive', '--day', archived, '--out', out, '--move');
  assert.ok(!listDays(auditDir).includes(archived));
  await run('attach', path.join(out, `${archived}.db`));
  assert.ok(listDays(auditDir).includes(archived));
  assert.match(await run('stats'), new RegExp(`${archived} .*  sealed, attached`));
  await run('detach', '--day', archived);
  assert.ok(!listDays(auditDir).includes(archived));
  await run('hold', 'remove', '1', '--reason', 'closed');
  await run('retain');
  assert.ok(!listDays(auditDir).includes(held));

  // What the command line told the recorder is in the store once it runs, and everything fits.
  record(1, false);
  const store = openStore({ dir: auditDir });
  const events = await store.search(query('', 'events'), { kind: 'events', limit: 100 });
  await store.close();
  const names = events.rows.map(e => e.event).filter(name => name.startsWith('audit.'));
  assert.deepEqual(names.sort(), [
    'audit.attached',
    'audit.detached',
    'audit.dropped',
    'audit.dropped',
    'audit.dropped',
  ]);
  assert.match(await run('verify'), /everything fits/);
  const bundle = path.join(dataDir, 'case');
  const search = ['host:www.example.test', '--evidence', bundle, '--data-dir', dataDir];
  assert.match((await runVerb(t, searchCommand(), ...search)).out, /[1-9]\d* rows with their proofs/);
  await assert.rejects(runVerb(t, searchCommand(), ...search), /is there already/);
  assert.match(await run('verify', '--file', bundle), /(\d+) rows, \1 proven[^]*everything fits/);
  const zip = path.join(dataDir, 'case.zip');
  await runVerb(t, searchCommand(), '--evidence', zip, '--data-dir', dataDir);
  assert.match(await run('verify', '--file', zip), /(\d+) rows, \1 proven[^]*everything fits/);
  assert.deepEqual(
    fs.readdirSync(dataDir).filter(name => name.startsWith('case')),
    ['case', 'case.zip'],
    'nothing else is left of it',
  );
  const db = openControlDb(dataDir);
  const actions = new Trail(db).page(null, 100).rows.map(line => line.action);
  db.close();
  for (const action of [
    'audit.held',
    'audit.hold-lifted',
    'audit.dropped',
    'audit.archived',
    'audit.attached',
    'audit.detached',
    'export.evidence',
  ])
    assert.ok(actions.includes(action), action);
  assert.ok(fs.existsSync(path.join(out, `${archived}.seal`)));
});
