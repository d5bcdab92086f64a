/** `sightglass streams`: numbers of a stream that ran, an empty state with a next step, and problems with their places. */
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { describe, it } from 'node:test';
import { Ingest } from '../../src/audit/ingest.ts';
import { openSpool } from '../../src/audit/spool.ts';
import { streamsCommand } from '../../src/cli/streams.ts';
import { AlertShelf } from '../../src/control/alerts/shelf.ts';
import { openControlDb } from '../../src/control/control-db.ts';
import { Book } from '../../src/control/streams/book.ts';
import { NOON, scratch } from '../audit/sample.ts';
import { rule } from '../control/alerts/fakes.ts';
import { runVerb } from './run-verb.ts';
import type { TestContext } from 'node:test';

function house(t: TestContext, document: string | null): string {
  const dataDir = scratch(t);
  const spoolDir = path.join(dataDir, 'spool');
  const spool = openSpool({ dir: spoolDir, producer: 1 });
  for (let n = 1; n <= 5; n++)
    spool.append({ kind: 'event', time: NOON + n, name: 'test.event', detail: { n } });
  spool.close();
  const ingest = new Ingest({ spoolDir, auditDir: path.join(dataDir, 'audit'), now: () => NOON });
  while (ingest.step().rows > 0);
  ingest.close();
  if (document !== null) fs.writeFileSync(path.join(dataDir, 'streams.yaml'), document);
  return dataDir;
}

describe('sightglass streams', () => {
  it('says what to do when there are none', async t => {
    const { out } = await runVerb(t, streamsCommand(), '--data-dir', house(t, null));
    assert.match(out, /no streams: .*streams\.yaml names none \(docs\/streams\.md/);
  });

  it('tells how far each one is', async t => {
    const dataDir = house(
      t,
      'streams:\n  a: {to: file, target: /var/log/a.log, from: start}\n  b: {to: file, target: /b}\n',
    );
    const db = openControlDb(dataDir);
    new Book(db).put('a', {
      ...{ cursor: '2026-11-20:0:0:3', resend: '', sent: 3, dropped: 1, refused: 0, waiting: [] },
      lastSent: NOON,
      error: 'no route',
    });
    db.close();
    const { out } = await runVerb(t, streamsCommand(), '--json', '--data-dir', dataDir);
    const { streams } = JSON.parse(out) as { streams: Record<string, unknown>[] };
    assert.deepEqual(streams[0], {
      ...{ name: 'a', to: 'file', target: '/var/log/a.log', sent: 3, waiting: 2, dropped: 1, refused: 0 },
      lastSent: '2026-11-20T12:00:00.000Z',
      error: 'no route',
    });
    assert.deepEqual([streams[1]?.['waiting'], streams[1]?.['sent']], [0, 0]);
    const table = await runVerb(t, streamsCommand(), '--data-dir', dataDir);
    assert.match(
      table.out,
      /^STREAM +TO +SENT[^\n]*\na +file \/var\/log\/a\.log +3 +2 +1 +0 +2026-11-20T12:00:00\.000Z +no route/,
    );
  });

  it('lists alert rules', async t => {
    const dataDir = scratch(t);
    const alerts = async (...more: string[]) =>
      (await runVerb(t, streamsCommand(), 'alerts', '--data-dir', dataDir, ...more)).out;
    assert.match(await alerts(), /no alert rules: make one in the console/);
    const db = openControlDb(dataDir);
    const { secret } = new AlertShelf(db).add(rule());
    db.close();
    assert.match(
      await alerts(),
      /^many failures: 3 exchanges in 60 s for "status:>=500"; fired 0 times, last never/,
    );
    const json = await alerts('--json');
    assert.equal((JSON.parse(json) as { alerts: { name: string }[] }).alerts[0]?.name, 'many failures');
    assert.doesNotMatch(json, new RegExp(secret));
  });

  it('checks a document, with the place of each problem', async t => {
    const dataDir = house(t, 'streams:\n  a: {to: fil, target: /a}\n');
    const file = path.join(dataDir, 'streams.yaml');
    await assert.rejects(
      runVerb(t, streamsCommand(), 'check', file),
      /streams\.yaml:2:11: .*cannot be "fil"/,
    );
    await assert.rejects(runVerb(t, streamsCommand(), '--data-dir', dataDir), /cannot be "fil"/);
    await assert.rejects(runVerb(t, streamsCommand(), 'check', '/nonexistent'), /cannot be read \(ENOENT\)/);
    fs.writeFileSync(file, 'streams:\n  a: {to: file, target: /a}\n');
    assert.match((await runVerb(t, streamsCommand(), 'check', file)).out, /1 stream, no problems/);
  });
});
