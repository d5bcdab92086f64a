/**
 * The verbs of the command line where the records lie in PostgreSQL, as on a collector: they ask the database that the settings
 * name, and what is for day files alone says what to use instead. What the answers hold is the drivers' contract.
 */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { it } from 'node:test';
import { auditCommand } from '../../../src/cli/audit.ts';
import { uptakeCommand } from '../../../src/cli/ca-uptake.ts';
import { listsCommand } from '../../../src/cli/lists.ts';
import { policyCommand } from '../../../src/cli/policy.ts';
import { searchCommand } from '../../../src/cli/search.ts';
import { flow } from '../../policy/facts.ts';
import { spoolRecords, verdict } from '../../policy/recorded.ts';
import { startPostgres } from '../../helpers/postgres.ts';
import { postgresDriver } from '../../audit/store/drivers.ts';
import { runVerb } from '../run-verb.ts';

const DAY = 86_400_000;

it('ask the database, keep its days, and refuse what is for day files', async t => {
  const postgres = await startPostgres();
  t.after(() => postgres.cleanUp());
  const driver = await postgresDriver(await postgres.database('verbs'));
  t.after(() => driver.close());
  const dataDir = driver.settings['data-dir'];
  const now = Date.now();
  const inspected = verdict('inspect', 'web');
  for (const [i, at] of [now - 40 * DAY, now - 35 * DAY, now - 60_000].entries()) {
    driver.now = at;
    const facts = flow(`h${i}.test`, { now: at });
    spoolRecords(driver.spool(i + 1), i + 1, at, [{ facts, verdict: inspected, requests: [{}], leaf: '01' }]);
    await driver.drain();
  }
  const config = path.join(dataDir, 'config.yaml');
  writeFileSync(
    config,
    `data-dir: ${dataDir}\naudit:\n  store: ${driver.settings['audit.store']}\n  store-password-file: ${driver.settings['audit.store-password-file'] ?? ''}\n`,
  );
  const policy = path.join(dataDir, 'policy.yaml');
  writeFileSync(policy, 'version: 1\ndefault: block\nrules: [{ name: web, action: inspect }]\n');
  const run = async (command: Parameters<typeof runVerb>[1], ...argv: string[]) =>
    (await runVerb(t, command, ...argv, '--config', config)).out;
  const audit = (...argv: string[]) => run(auditCommand(), ...argv);

  const days = (await driver.store.days()).map(d => d.day).reverse();
  const [held = '', old = ''] = days;
  assert.match(await audit('hold', 'add', '--day', held, '--reason', 'case 4711'), /hold 1: /);
  assert.match(await audit('hold', 'list'), /case 4711/);
  const stats = await audit('stats');
  assert.match(stats, new RegExp(`${held} .*held \\(1\\)`));
  assert.match(stats, /total +3 +3 +0/);
  assert.match(stats, /of which 0 B not in the store yet/);
  assert.match(
    await audit('retain', '--dry-run'),
    new RegExp(`${held} is under legal hold and stays\nwould delete ${old}\n`),
  );
  assert.match(await audit('retain'), /deleted 1 days .* 2 days stay/);
  assert.deepEqual((await driver.store.days()).map(d => d.day).reverse(), [held, days[2]]);
  await audit('hold', 'remove', '1', '--reason', 'closed');

  const candidate = path.join(dataDir, 'candidate.yaml');
  writeFileSync(candidate, 'version: 1\ndefault: block\nrules: []\n');
  assert.match(await run(policyCommand(), 'replay', candidate), /against 1 flows[^]*would change  1/);
  assert.match(await run(policyCommand(), 'hits'), /web +1 /);
  const seen = ['export', '--action', 'seen', '--format', 'plain'];
  const out = path.join(dataDir, 'seen.txt');
  const { err } = await runVerb(t, listsCommand(), ...seen, '--out', out, '--config', config);
  assert.match(err, /plain: 1 names[^]*1 flows looked at/);
  const learned = await runVerb(
    t,
    listsCommand(),
    ...seen,
    '--learned',
    'seen',
    '--min-clients',
    '1',
    '--out',
    out,
    '--config',
    config,
  );
  assert.match(learned.err, /plain: 1 names/);
  assert.match(await run(uptakeCommand()), /^1 clients since/);

  for (const argv of [
    ['archive', '--day', held, '--out', path.join(dataDir, 'out')],
    ['attach', path.join(dataDir, `${held}.db`)],
    ['detach', '--day', held],
  ])
    await assert.rejects(
      audit(...argv),
      (error: Error & { hint?: string }) =>
        /lie in PostgreSQL, which has no day files/.test(error.message) && /pg_dump/.test(error.hint ?? ''),
    );
  const none = ['--config', config, '--audit.store', 'none'];
  await assert.rejects(runVerb(t, policyCommand(), 'hits', ...none), /keeps no records: it ships them/);
  await assert.rejects(
    runVerb(t, searchCommand(), '--evidence', path.join(dataDir, 'case'), ...none),
    /keeps no records: it ships them/,
  );
});
