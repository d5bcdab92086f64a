/** The recorder's work, driven without threads and with a clock of its own: days, ends of producers, damage, refused records. */
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { describe, it } from 'node:test';
import Database from 'better-sqlite3';
import { Ingest } from '../../src/audit/ingest.ts';
import { listSegments } from '../../src/audit/producer.ts';
import { openSpool } from '../../src/audit/spool.ts';
import { listDays } from '../../src/audit/store/schema.ts';
import { openStore } from '../../src/audit/store/sqlite.ts';
import { flowIdText } from '../../src/core/records.ts';
import { DAY, exchange, flow, flowId, flowOpen, NOON, query, scratch } from './sample.ts';
import type { SpoolWriter } from '../../src/audit/spool.ts';
import type { EventRow, ExchangeRow, FlowRow } from '../../src/audit/store/store.ts';
import type { TestContext } from 'node:test';

interface Bench {
  spoolDir: string;
  auditDir: string;
  now: number;
  alive: boolean;
  ingest: Ingest;
  /** A recorder as it is after a kill: a new one, the old one's files as they were. */
  restart(): void;
  drain(): void;
  spool(producer: number): SpoolWriter;
  exchanges(): Promise<ExchangeRow[]>;
  flows(): Promise<FlowRow[]>;
  events(): Promise<EventRow[]>;
}

function bench(t: TestContext): Bench {
  const dir = scratch(t);
  const b: Bench = {
    spoolDir: path.join(dir, 'spool'),
    auditDir: path.join(dir, 'audit'),
    now: NOON,
    alive: true,
    ingest: undefined as never,
    restart() {
      (b.ingest as Ingest | undefined)?.close();
      const { spoolDir, auditDir } = b;
      b.ingest = new Ingest({ spoolDir, auditDir, now: () => b.now, isAlive: () => b.alive, liveRows: 5 });
    },
    drain() {
      for (let i = 0; i < 50; i++) {
        const step = b.ingest.step();
        if (step.rows === 0 && !step.more) return;
      }
      assert.fail('the recorder does not come to rest');
    },
    spool: producer => openSpool({ dir: b.spoolDir, producer, maxSegment: 64 * 1024 }),
    exchanges: () => all(b, 'exchanges'),
    flows: () => all(b, 'flows'),
    events: () => all(b, 'events'),
  };
  b.restart();
  t.after(() => b.ingest.close());
  return b;
}

async function all<K extends 'exchanges' | 'flows' | 'events'>(b: Bench, kind: K) {
  const store = openStore({ dir: b.auditDir });
  const page = await store.search(query('', kind), { kind, limit: 10_000 });
  await store.close();
  return page.rows.reverse();
}

describe('days', () => {
  it('begin a file of their own, with the flows that are open and what belongs to them', async t => {
    const b = bench(t);
    const spool = b.spool(1);
    spool.append(flowOpen({ flow: flowId(1, 1) }));
    spool.append(flowOpen({ flow: flowId(1, 2) }));
    spool.append(exchange({ flow: flowId(1, 1), n: 1 }));
    // The body is written before midnight, its exchange after.
    const body = Buffer.from('body of the second');
    spool.append({ kind: 'body', flow: flowId(1, 1), n: 2, side: 'res', data: body });
    spool.flush();
    b.drain();
    b.now += DAY;
    const res = { size: body.length, kept: body.length, sha256: 'cd'.repeat(32), truncated: false };
    spool.append(exchange({ flow: flowId(1, 1), n: 2, res }));
    spool.flush();
    b.drain();
    b.restart();
    spool.append(flow({ flow: flowId(1, 1), exchanges: 2 }));
    spool.close();
    b.drain();
    assert.deepEqual(listDays(b.auditDir), ['2026-11-20', '2026-11-21']);
    assert.deepEqual(listSegments(b.spoolDir), []);
    const flows = await b.flows();
    // The second one was open when its producer closed: nobody else would write its row.
    assert.deepEqual(
      flows.map(f => [f.flow, f.fault]),
      [
        [flowIdText(flowId(1, 1)), null],
        [flowIdText(flowId(1, 2)), 'worker-died'],
      ],
    );
    const store = openStore({ dir: b.auditDir });
    const id = `${flowIdText(flowId(1, 1))}.2`;
    assert.equal((await store.body(id, 'res'))?.data.toString(), 'body of the second');
    const detail = await store.flow(flowIdText(flowId(1, 1)));
    assert.deepEqual(
      detail?.exchanges.map(x => x.exchange),
      [id.replace('.2', '.1'), id],
      'over both files',
    );
    await store.close();
  });

  it('count the exchanges of a dead flow over all files', async t => {
    const b = bench(t);
    const spool = b.spool(1);
    spool.append(flowOpen());
    for (let n = 1; n <= 3; n++) spool.append(exchange({ n }));
    spool.flush();
    b.drain();
    b.now += DAY;
    for (let n = 4; n <= 5; n++) spool.append(exchange({ n }));
    spool.flush();
    b.drain();
    b.now += DAY;
    b.restart();
    b.alive = false;
    b.drain();
    assert.deepEqual(
      (await b.flows()).map(f => [f.exchanges, f.fault]),
      [[5, 'worker-died']],
    );
    spool.close();
  });

  it('never go back: a clock that does writes on into the newest file', async t => {
    const b = bench(t);
    const spool = b.spool(1);
    for (const [n, move] of [
      [1, 0],
      [2, DAY],
      [3, -3 * DAY],
      [4, 0],
    ] as const) {
      b.now += move;
      spool.append(exchange({ n }));
      spool.flush();
      b.drain();
      if (n === 3) b.restart();
    }
    assert.deepEqual(listDays(b.auditDir), ['2026-11-20', '2026-11-21']);
    const found = await b.exchanges();
    assert.deepEqual(
      found.map(x => x.exchange.split('.')[1]),
      ['1', '2', '3', '4'],
    );
    spool.close();
  });

  it('whose file was cut short while it was made count as not there', async t => {
    const b = bench(t);
    const spool = b.spool(1);
    spool.append(flowOpen());
    spool.append(exchange({ n: 1 }));
    spool.flush();
    b.drain();
    b.ingest.close();
    // Killed between creating the file and committing its tables.
    new Database(path.join(b.auditDir, '2026-11-21.db')).close();
    b.now += DAY;
    b.restart();
    spool.append(exchange({ n: 2 }));
    spool.append(flow({ exchanges: 2 }));
    spool.close();
    b.drain();
    assert.equal((await b.exchanges()).length, 2);
    assert.deepEqual(
      (await b.flows()).map(f => f.fault),
      [null],
      'the open flow was carried over',
    );
  });
});

describe('a producer', () => {
  it('that died leaves its open flows as rows, its torn end as an event, and no segment', async t => {
    const b = bench(t);
    const spool = b.spool(1);
    spool.append(flowOpen());
    spool.append(exchange({ n: 1 }));
    spool.flush();
    const file = path.join(b.spoolDir, listSegments(b.spoolDir)[0]?.name ?? '');
    fs.appendFileSync(file, Buffer.from([200, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7]));
    b.drain();
    assert.deepEqual(await b.flows(), [], 'still alive: nothing is decided');
    b.alive = false;
    b.drain();
    const [dead] = await b.flows();
    assert.equal(dead?.fault, 'worker-died');
    assert.equal(dead?.exchanges, 1);
    assert.equal(dead?.host, 'www.example.test');
    const [gap] = await b.events();
    assert.equal(gap?.event, 'spool.gap');
    assert.equal(gap?.detail['bytes'], 11);
    assert.deepEqual(listSegments(b.spoolDir), []);
    assert.ok(!fs.existsSync(path.join(b.spoolDir, 'bad')));
    spool.close();
  });

  it('whose segments vanished leaves its flows as rows at the next start', async t => {
    const b = bench(t);
    const spool = b.spool(1);
    spool.append(flowOpen());
    spool.flush();
    b.drain();
    spool.close();
    fs.rmSync(path.join(b.spoolDir, listSegments(b.spoolDir)[0]?.name ?? ''));
    b.restart();
    b.drain();
    assert.deepEqual(
      (await b.flows()).map(f => f.fault),
      ['worker-died'],
    );
  });

  it('that is far ahead is read in its own order, segment after segment', async t => {
    const b = bench(t);
    // One segment is larger than what is read of it at once, and the flow ends in the next one.
    const spool = openSpool({ dir: b.spoolDir, producer: 1, maxSegment: 3 * 2 ** 20 });
    spool.append(flowOpen({ flow: flowId(1, 1) }));
    const path = `/${'x'.repeat(4000)}`;
    for (let n = 1; n <= 1500; n++) {
      spool.append(exchange({ flow: flowId(1, 2), n, path: `${path}${n}` }));
      spool.flush();
    }
    spool.append(flow({ flow: flowId(1, 1) }));
    spool.close();
    assert.ok(listSegments(b.spoolDir).length > 1);
    b.drain();
    assert.deepEqual(
      (await b.flows()).map(r => [r.flow, r.fault]),
      [[flowIdText(flowId(1, 1)), null]],
      'one ledger row, and none for a death that never was',
    );
    const ids = (await b.exchanges()).map(r => Number(r.exchange.split('.')[1]));
    assert.deepEqual(
      ids,
      Array.from({ length: 1500 }, (_, i) => i + 1),
    );
  });

  it('that rotates has its old segments removed while it lives', async t => {
    const b = bench(t);
    const spool = b.spool(1);
    for (let n = 1; n <= 2000; n++) {
      spool.append(exchange({ n, reqHeaders: `X-N: ${n} ${'x'.repeat(100)}\r\n` }));
      if (n % 50 === 0) spool.flush();
    }
    assert.ok(listSegments(b.spoolDir).length > 3);
    b.drain();
    assert.equal(listSegments(b.spoolDir).length, 1);
    assert.equal((await b.exchanges()).length, 2000);
    spool.close();
  });
});

describe('a damaged segment', () => {
  it('costs what is damaged, is told of, and is kept aside', async t => {
    const b = bench(t);
    const spool = b.spool(1);
    for (let n = 1; n <= 50; n++) {
      spool.append(exchange({ n }));
      spool.flush();
    }
    spool.close();
    const name = listSegments(b.spoolDir)[0]?.name ?? '';
    const file = path.join(b.spoolDir, name);
    const bytes = fs.readFileSync(file);
    const at = bytes.length - 600;
    bytes.fill(0xee, at, at + 3);
    fs.writeFileSync(file, bytes);
    b.drain();
    const found = await b.exchanges();
    assert.ok(found.length >= 47 && found.length < 50, `${found.length} of 50`);
    const events = await b.events();
    assert.deepEqual([...new Set(events.map(e => e.event))], ['spool.corrupt']);
    assert.ok(events.every(e => Number(e.detail['bytes']) > 0 && e.detail['segment'] === name));
    assert.deepEqual(fs.readdirSync(path.join(b.spoolDir, 'bad')), [name]);
    assert.deepEqual(listSegments(b.spoolDir), []);
  });

  it('with too many damaged places is given up', async t => {
    const b = bench(t);
    const spool = b.spool(1);
    // Every exchange refers to a header block that is damaged.
    for (let n = 1; n <= 300; n++) spool.append(exchange({ n, reqHeaders: 'X-Once: first\r\n' }));
    spool.close();
    const file = path.join(b.spoolDir, listSegments(b.spoolDir)[0]?.name ?? '');
    const bytes = fs.readFileSync(file);
    bytes[bytes.indexOf('X-Once')] = 0;
    fs.writeFileSync(file, bytes);
    b.drain();
    const events = await b.events();
    assert.ok(events.length > 50 && events.length < 320, `${events.length} events`);
    assert.deepEqual(await b.exchanges(), []);
    assert.deepEqual(listSegments(b.spoolDir), []);
  });
});

describe('a record the database refuses', () => {
  it('costs itself only', async t => {
    const b = bench(t);
    const spool = b.spool(1);
    spool.append(exchange({ n: 1 }));
    // JSON turns what is no number into null, which the ledger does not take.
    spool.append(flow({ flow: flowId(1, 7), bytesUp: NaN }));
    spool.append(exchange({ n: 2 }));
    spool.close();
    b.drain();
    assert.equal((await b.exchanges()).length, 2);
    const events = await b.events();
    assert.deepEqual(
      events.map(e => e.event),
      ['spool.corrupt'],
    );
    assert.match(String(events[0]?.detail['reason']), /cannot be stored/);
  });
});

describe('the lock', () => {
  it('lets one recorder work and the next one wait until it has ended', t => {
    const b = bench(t);
    b.drain();
    const { spoolDir, auditDir } = b;
    const second = new Ingest({ spoolDir, auditDir });
    assert.throws(() => second.step(), /locked|busy/i);
    assert.equal(second.waiting, true);
    b.ingest.close();
    second.step();
    assert.equal(second.waiting, false);
    second.close();
  });
});

describe('live rows', () => {
  it('are the newest of a batch, oldest first, with the number of those left out', t => {
    const b = bench(t);
    const spool = b.spool(1);
    spool.append(flowOpen());
    for (let n = 1; n <= 9; n++) spool.append(exchange({ n }));
    spool.append({ kind: 'event', time: NOON, name: 'policy.applied', detail: {} });
    spool.flush();
    const step = b.ingest.step();
    assert.equal(step.rows, 10);
    assert.equal(step.dropped, 5);
    assert.deepEqual(
      step.live.map(r => (r.kind === 'exchange' ? `${r.row.exchange.split('.')[1]} ${r.row.sni}` : r.kind)),
      ['6 www.example.test', '7 www.example.test', '8 www.example.test', '9 www.example.test', 'event'],
    );
    assert.deepEqual(
      step.events.map(e => e.name),
      ['policy.applied'],
    );
    spool.close();
  });
});
