/**
 * kill -9 of workers and recorder at random moments (fixed seed): afterwards every record that a flush acknowledged is in the
 * store, none is there twice, flows of dead workers have their row, and the database is whole. Prints the counts.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import Database from 'better-sqlite3';
import { listSegments } from '../../src/audit/producer.ts';
import { verifyStore } from '../../src/audit/verify/store.ts';
import { FLOWS_PER_PRODUCER } from '../../src/core/records.ts';
import { makeRng } from '../fuzz/rng.ts';
import { scratch } from './sample.ts';
import type { ChildProcess } from 'node:child_process';

/** Rounds of three processes; an audit of its own may ask for hundreds. */
const ROUNDS = Number(process.env['SIGHTGLASS_KILL_ROUNDS'] ?? 12);
const child = (name: string): string => fileURLToPath(new URL(`./kill/${name}.ts`, import.meta.url));

interface Writer {
  process: ChildProcess;
  producer: () => number;
  /** Highest ordinal acknowledged per flow counter, and which flows were acknowledged as closed. */
  acknowledged: Map<number, number>;
  closed: Set<number>;
  /** It has begun to write. */
  begun: Promise<void>;
  ended: Promise<void>;
}

function startWriter(spool: string, flushes: number, close: boolean): Writer {
  const process_ = spawn(
    process.execPath,
    ['--import', 'tsx', child('writer'), spool, String(flushes), close ? '1' : '0'],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  );
  let text = '';
  const begun = new Promise<void>(resolve => {
    process_.stdout.on('data', (data: Buffer) => {
      text += data.toString('latin1');
      resolve();
    });
  });
  const acknowledged = new Map<number, number>();
  const closed = new Set<number>();
  let producer = 0;
  const ended = new Promise<void>(resolve => {
    process_.on('close', () => {
      // Only whole lines count: a torn one was not said.
      for (const line of text.split('\n').slice(0, -1)) {
        const [kind, first, second] = line.split(' ');
        if (kind === 'producer') producer = Number(first);
        if (kind === 'x' || kind === 'f' || kind === 'o') acknowledged.set(Number(first), Number(second));
        if (kind === 'f') closed.add(Number(first));
      }
      resolve();
    });
  });
  return { process: process_, producer: () => producer, acknowledged, closed, begun, ended };
}

/** Signs the checkpoints of every recorder that is started and killed. */
const keys = generateKeyPairSync('ed25519');

interface Recorder {
  process: ChildProcess;
  begun: Promise<void>;
  ended: Promise<number | null>;
}

function startRecorder(spool: string, audit: string): Recorder {
  const process_ = spawn(process.execPath, ['--import', 'tsx', child('recorder'), spool, audit], {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: {
      ...process.env,
      TEST_SIGNING_KEY: String(keys.privateKey.export({ type: 'pkcs8', format: 'pem' })),
    },
  });
  const begun = new Promise<void>(resolve => process_.stdout.once('data', () => resolve()));
  // Killed children do not read their input any more.
  process_.stdin.on('error', () => undefined);
  return { process: process_, begun, ended: new Promise(resolve => process_.on('close', resolve)) };
}

test('nothing acknowledged is missing and nothing is there twice after kill -9 of workers and recorder', async t => {
  const dir = scratch(t);
  const spool = path.join(dir, 'spool');
  const audit = path.join(dir, 'audit');
  const rng = makeRng(20261120);
  const writers: Writer[] = [];
  let recorderKills = 0;
  let workerKills = 0;

  // The recorder is killed and started again all the time while workers write and die.
  for (let round = 0; round < ROUNDS; round++) {
    const recorder = startRecorder(spool, audit);
    const started = [0, 1].map(() => startWriter(spool, 20_000, round % 4 === 3));
    writers.push(...started);
    await Promise.all([recorder.begun, ...started.map(w => w.begun)]);
    await sleep(rng.int(60));
    // Every other time the recorder dies first, in the middle of its work.
    if (rng.oneIn(2)) recorder.process.kill('SIGKILL');
    for (const w of started) {
      await sleep(rng.int(60));
      if (w.process.kill('SIGKILL')) workerKills++;
    }
    await sleep(rng.int(30));
    recorder.process.kill('SIGKILL');
    recorderKills++;
    await Promise.all([recorder.ended, ...started.map(w => w.ended)]);
  }
  const last = startWriter(spool, 300, true);
  writers.push(last);
  await last.ended;
  const recorder = startRecorder(spool, audit);
  recorder.process.stdin?.end();
  assert.equal(await recorder.ended, 0, 'the last recorder ends in good order');

  assert.deepEqual(listSegments(spool), [], 'every segment was carried over and removed');
  assert.ok(!fs.existsSync(path.join(spool, 'bad')), 'no segment was damaged');

  const exchanges = new Map<string, number>();
  const flows = new Map<number, { n: number; fault: string | null; exchanges: number }>();
  for (const file of fs.readdirSync(audit).filter(name => name.endsWith('.db'))) {
    const db = new Database(path.join(audit, file), { readonly: true });
    assert.equal(db.pragma('integrity_check', { simple: true }), 'ok', file);
    for (const r of db.prepare('SELECT flow, n FROM exchange').all() as { flow: number; n: number }[]) {
      const key = `${r.flow}.${r.n}`;
      exchanges.set(key, (exchanges.get(key) ?? 0) + 1);
    }
    for (const r of db
      .prepare('SELECT x.flow, l.fault, x.exchanges FROM flow x JOIN lane l ON l.id = x.lane')
      .all() as { flow: number; fault: string | null; exchanges: number }[])
      flows.set(r.flow, { n: (flows.get(r.flow)?.n ?? 0) + 1, fault: r.fault, exchanges: r.exchanges });
    assert.equal(db.prepare('SELECT count(*) FROM open_flow').pluck().get(), 0, 'no flow is left open');
    assert.equal(db.prepare('SELECT count(*) FROM waiting_body').pluck().get(), 0, 'no body waits');
    db.close();
  }

  // The chain survived every kill: it is one chain, and every row is in it as it was written.
  const chain = verifyStore(audit, keys.publicKey);
  assert.deepEqual([...chain.days.flatMap(d => d.findings), ...chain.findings], []);
  const chained = chain.days.reduce((sum, d) => sum + d.rows, 0);
  assert.ok(chain.days.every(d => d.checkpoints > 0) && chained >= exchanges.size + flows.size);

  let acknowledged = 0;
  let deadFlows = 0;
  for (const w of writers) {
    for (const [counter, upTo] of w.acknowledged) {
      const id = w.producer() * FLOWS_PER_PRODUCER + counter;
      for (let n = 1; n <= upTo; n++) {
        acknowledged++;
        assert.equal(exchanges.get(`${id}.${n}`), 1, `exchange ${id}.${n}`);
      }
      const row = flows.get(id);
      assert.equal(row?.n, 1, `flow ${id} has one row`);
      if (w.closed.has(counter)) assert.equal(row.fault, null, `flow ${id} was closed by its worker`);
      else if (row.fault === 'worker-died') {
        deadFlows++;
        assert.ok(row.exchanges >= upTo, `flow ${id} counts its ${upTo} exchanges`);
      }
    }
  }
  assert.ok(
    [...exchanges.values()].every(n => n === 1),
    'no exchange is there twice',
  );
  assert.ok(
    [...flows.values()].every(f => f.n === 1),
    'no flow is there twice',
  );
  assert.ok(acknowledged > 1000, 'the workers had time to write');
  assert.ok(workerKills > ROUNDS, 'workers were killed while they wrote');
  assert.ok(deadFlows > 0, 'some flows were open when their worker died');
  t.diagnostic(
    `${chained} rows chained and verified, ${acknowledged} exchanges acknowledged, ${exchanges.size} stored, ${flows.size} flows, ${deadFlows} of dead workers, ${workerKills} worker kills, ${recorderKills} recorder kills`,
  );
});
