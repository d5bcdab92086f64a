/** The recorder as the control process uses it: a thread that starts from the sources, tells what came in, drains and stops. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { allocateProducer, listSegments } from '../../src/audit/producer.ts';
import { auditDir, spoolDir, startRecorder } from '../../src/audit/recorder.ts';
import { openSpool } from '../../src/audit/spool.ts';
import { openStore } from '../../src/audit/store/sqlite.ts';
import { exchange, flowId, flowOpen, query, scratch } from './sample.ts';
import type { LiveRow } from '../../src/audit/store/store.ts';
import type { EventRecord } from '../../src/core/records.ts';

/** Waits for something the thread does; the test fails by its own time-out when it never happens. */
async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await sleep(10);
}

/** Names of the rows in the store, sorted. */
async function storedEvents(dataDir: string): Promise<string[]> {
  const store = openStore({ dir: auditDir(dataDir) });
  const { rows } = await store.search(query('', 'events'), { kind: 'events' });
  await store.close();
  return rows.map(row => row.event).sort();
}

describe('a recorder', { timeout: 60_000 }, () => {
  it('carries records and events over, tells of them, and drains when it stops', async t => {
    const dataDir = scratch(t);
    const rows: LiveRow[] = [];
    const events: EventRecord[] = [];
    const recorder = startRecorder({
      dataDir,
      onRows: more => rows.push(...more),
      onEvent: event => events.push(event),
    });
    const producer = allocateProducer(spoolDir(dataDir));
    const spool = openSpool({ dir: spoolDir(dataDir), producer });
    spool.append(flowOpen({ flow: flowId(producer, 1) }));
    spool.append(exchange({ flow: flowId(producer, 1) }));
    spool.flush();
    recorder.append({ kind: 'event', time: 1, name: 'policy.applied', detail: { version: 'abc' } });
    await until(() => rows.some(r => r.kind === 'exchange') && events.length > 0);
    assert.equal(events[0]?.name, 'policy.applied');
    await until(() => recorder.stats().rows >= 2);
    assert.equal(recorder.stats().running, true);
    assert.equal(recorder.stats().failing, null);

    // Written in the last moment before stop: still carried over.
    spool.append(exchange({ flow: flowId(producer, 1), n: 2 }));
    spool.close();
    recorder.append({ kind: 'event', time: 2, name: 'control.stopping', detail: {} });
    await recorder.stop();
    assert.equal(recorder.stats().running, false);
    const store = openStore({ dir: auditDir(dataDir) });
    assert.equal((await store.count(query(''), { kind: 'exchanges' })).count, 2);
    const found = await store.search(query('', 'events'), { kind: 'events' });
    assert.deepEqual(
      found.rows.map(e => e.event),
      ['control.stopping', 'policy.applied'],
    );
    await store.close();
    assert.deepEqual(listSegments(spoolDir(dataDir)), []);
  });

  it('tells when the store fails, keeps the spool, and recovers without a restart', async t => {
    const dataDir = scratch(t);
    // The place of the store is taken by a file.
    fs.writeFileSync(auditDir(dataDir), '');
    const events: string[] = [];
    const recorder = startRecorder({ dataDir, onEvent: event => events.push(event.name) });
    recorder.append({ kind: 'event', time: 1, name: 'control.started', detail: {} });
    await until(() => recorder.stats().failing !== null);
    assert.deepEqual(events, ['recorder.failing']);
    fs.rmSync(auditDir(dataDir));
    await until(() => events.includes('control.started') && events.includes('recorder.recovered'));
    await until(() => recorder.stats().failing === null);
    await recorder.stop();
    assert.deepEqual(
      events.sort(),
      ['control.started', 'recorder.failing', 'recorder.recovered'],
      'each once',
    );
    assert.deepEqual(await storedEvents(dataDir), [
      'control.started',
      'recorder.failing',
      'recorder.recovered',
    ]);
  });

  it('goes on when the kernel made the disk of the store read-only under open files and it is mounted anew', t => {
    const dataDir = scratch(t);
    const child = path.join(import.meta.dirname, 'disk', 'read-only-open.ts');
    const out = execFileSync('unshare', ['--mount', process.execPath, '--import', 'tsx', child, dataDir], {
      encoding: 'utf8',
    });
    const seen = JSON.parse(out) as Record<string, unknown>;
    assert.deepEqual(seen['told'], ['recorder.failing', 'recorder.recovered']);
    assert.match(String(seen['error']), /read-?only|disk I\/O/i);
    assert.equal(seen['rowsWhileFailing'], 1);
    assert.deepEqual(seen['exchanges'], ['rs-1.3', 'rs-1.2', 'rs-1.1']);
    assert.deepEqual(seen['events'], ['recorder.recovered', 'recorder.failing']);
  });

  it('whose thread dies at every start tells it in one row, and loses nothing that was written', async t => {
    const dataDir = scratch(t);
    // A key of the wrong kind ends the thread before it has begun.
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const broken = startRecorder({ dataDir, signingKey: privateKey });
    broken.append({ kind: 'event', time: 1, name: 'control.started', detail: {} });
    let deaths = 0;
    let running = true;
    await until(() => {
      const before = running;
      running = broken.stats().running;
      if (before && !running) deaths++;
      return deaths === 2;
    });
    await broken.stop();
    const events: string[] = [];
    const mended = startRecorder({ dataDir, onEvent: event => events.push(event.name) });
    await until(() => events.includes('control.started'));
    await mended.stop();
    assert.deepEqual(await storedEvents(dataDir), ['control.started', 'recorder.died']);
  });

  it('waits for the one before it and takes over', async t => {
    const dataDir = scratch(t);
    const first = startRecorder({ dataDir });
    first.append({ kind: 'event', time: 1, name: 'first', detail: {} });
    await until(() => first.stats().rows > 0);
    const events: string[] = [];
    const second = startRecorder({ dataDir, onEvent: event => events.push(event.name) });
    second.append({ kind: 'event', time: 2, name: 'second', detail: {} });
    await first.stop();
    await until(async () => {
      const store = openStore({ dir: auditDir(dataDir) });
      const { count } = await store.count(query('', 'events'), { kind: 'events' });
      await store.close();
      return count === 2;
    });
    await second.stop();
    assert.ok(events.length <= 1, 'the first may have carried the second’s event over before it stopped');
  });
});
