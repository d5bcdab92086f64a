/** What is written comes back exactly as it was recorded, however much of it is shared between rows. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { describe, it } from 'node:test';
import { gunzipSync, gzipSync } from 'node:zlib';
import { DayReader } from '../../../src/audit/store/day-reader.ts';
import { DayWriter } from '../../../src/audit/store/day-writer.ts';
import { openDayForReading, openDayForWriting } from '../../../src/audit/store/schema.ts';
import { mannerOf } from '../../../src/core/verdict.ts';
import { makeRng } from '../../fuzz/rng.ts';
import {
  exchange,
  flow,
  flowId,
  flowOpen,
  HOSTILE,
  NOON,
  query,
  randomExchange,
  scratch,
} from '../sample.ts';
import type { ExchangeDetail } from '../../../src/audit/store/store.ts';
import type { ExchangeRecord } from '../../../src/core/records.ts';
import type { TestContext } from 'node:test';

function day(t: TestContext) {
  const dir = scratch(t);
  const writer = new DayWriter(
    openDayForWriting(dir, '2026-11-20', () => undefined),
    '2026-11-20',
    new Map(),
  );
  const db = openDayForReading(dir, '2026-11-20');
  assert.ok(db !== null);
  const reader = new DayReader(db, '2026-11-20');
  t.after(() => {
    reader.close();
    writer.db.close();
  });
  return { writer, reader };
}

/** The record a detail speaks of; lone surrogates aside, which no database text can hold. */
function recordOf(d: ExchangeDetail): Partial<ExchangeRecord> {
  return {
    n: d.n,
    time: d.time,
    ms: d.ms,
    wait: d.wait,
    client: d.client,
    user: d.user,
    method: d.method,
    scheme: d.scheme,
    host: d.host,
    port: d.port,
    path: d.path,
    status: d.status,
    protocol: d.protocol,
    capture: d.capture as 'headers',
    reqHeaders: d.reqHeaders,
    resHeaders: d.resHeaders,
    contentType: d.contentType,
    req: d.req,
    res: d.res,
    fault: d.fault,
    faultDetail: d.faultDetail,
    upgraded: d.upgraded,
    ...(d.masked === null ? {} : { masked: d.masked }),
  };
}

describe('exchanges', () => {
  it('come back with every field, hostile ones included', t => {
    const { writer, reader } = day(t);
    const rng = makeRng(4);
    const records = Array.from({ length: 800 }, (_, i) =>
      randomExchange(rng, flowId(1, 1 + (i % 30)), i + 1, NOON + i),
    );
    for (const text of HOSTILE.filter(h => !h.includes('\ud800')))
      records.push(
        exchange({
          n: records.length + 1,
          path: text,
          user: text,
          method: text,
          reqHeaders: text,
          resHeaders: `${text}\r\n${text}`,
          contentType: text,
          faultDetail: text,
          host: text,
        }),
      );
    writer.begin();
    for (const record of records) writer.exchange(record);
    writer.commit();
    for (const [i, record] of records.entries()) {
      const detail = reader.detail.exchange(i + 1);
      if (JSON.stringify(record).includes('\\ud800')) continue;
      const { kind: _kind, flow: _flow, verdict, ...rest } = record;
      assert.deepEqual(recordOf(detail), rest, `row ${i + 1}`);
      assert.deepEqual(
        [detail.verdict, detail.rule, detail.policy, detail.reason],
        [verdict.action, verdict.rule, verdict.policy, verdict.reason],
      );
      const { mask, tls, parent } = mannerOf(verdict, record.scheme);
      assert.deepEqual([detail.mask, detail.tlsProfile, detail.parent], [mask, tls, parent]);
    }
  });

  it('come back with the form of each body; one that was decoded is not announced as coded', t => {
    const { writer, reader } = day(t);
    const facts = { size: 9, kept: 2, sha256: null, truncated: false };
    writer.begin();
    writer.body({ kind: 'body', flow: exchange().flow, n: 1, side: 'res', data: Buffer.from('ok') });
    writer.exchange(
      exchange({
        n: 1,
        resHeaders: 'Content-Encoding: gzip\r\n',
        req: { ...facts, kept: 0, form: 'binary' },
        res: { ...facts, form: 'decoded' },
        masked: 'res-body:card=1',
      }),
    );
    writer.commit();
    const detail = reader.detail.exchange(1);
    assert.deepEqual(
      [detail.req.form, detail.res.form, detail.masked],
      ['binary', 'decoded', 'res-body:card=1'],
    );
    assert.equal(reader.detail.body(1, 'res')?.contentEncoding, null);
    assert.equal(detail.resHeaders, 'Content-Encoding: gzip\r\n', 'the head stays as it was');
  });

  it('share what repeats: a thousand of a kind add one row to each shared table', t => {
    const { writer } = day(t);
    writer.begin();
    for (let n = 1; n <= 1000; n++) writer.exchange(exchange({ n, time: NOON + n }));
    writer.commit();
    const count = (table: string): unknown =>
      writer.db.prepare(`SELECT count(*) FROM ${table}`).pluck().get();
    assert.equal(count('exchange'), 1000);
    for (const table of ['who', 'host', 'what', 'url']) assert.equal(count(table), 1, table);
    assert.equal(count('block'), 2, 'one request head, one response head');
  });

  it('of one flow may be told a block in different ways', t => {
    const { writer, reader } = day(t);
    const ways = ['page', 'reset', 'alert', 'page'] as const;
    writer.begin();
    for (const [i, block] of ways.entries()) {
      const { verdict } = exchange();
      writer.exchange(exchange({ n: i + 1, verdict: { ...verdict, action: 'block', block } }));
    }
    writer.commit();
    assert.deepEqual(
      ways.map((_, i) => reader.detail.exchange(i + 1).block),
      ways,
    );
  });

  it('of one flow may change client, user and target without mixing them up', t => {
    const { writer, reader } = day(t);
    const changes: Partial<ExchangeRecord>[] = [
      {},
      { user: 'alice' },
      { client: '10.9.9.9' },
      { port: 8443 },
      { scheme: 'http' },
      { protocol: 'h2' },
      { capture: 'bodies' },
      {},
    ];
    writer.begin();
    for (const [i, change] of changes.entries()) writer.exchange(exchange({ n: i + 1, ...change }));
    writer.commit();
    for (const [i, change] of changes.entries()) {
      const { kind: _kind, flow: _flow, verdict: _verdict, ...rest } = exchange({ n: i + 1, ...change });
      assert.deepEqual(recordOf(reader.detail.exchange(i + 1)), rest);
    }
  });
});

describe('rows that version 1 wrote', () => {
  it('say nothing of the manner of their verdict, beside rows that do', t => {
    const { writer, reader } = day(t);
    writer.begin();
    writer.exchange(exchange());
    writer.flow(flow());
    writer.commit();
    for (const table of ['what', 'lane'])
      writer.db.exec(`UPDATE ${table} SET mask = NULL, tls = NULL, parent = NULL`);
    const { verdict } = exchange();
    writer.begin();
    const corp = { group: 'corp', via: ['p1.test:3128'] };
    writer.exchange(exchange({ n: 2, verdict: { ...verdict, mask: 'strict', parent: corp } }));
    writer.commit();
    const found = (text: string): unknown[] =>
      reader
        .rows('exchanges', reader.find('exchanges', query(text), {}, null, 10).ids)
        .map(row => [row.exchange, row.mask, row.tlsProfile, row.parent]);
    assert.deepEqual(found('mask:strict parent:corp'), [['1-1.2', 'strict', 'modern', 'corp']]);
    assert.deepEqual(found('-mask:* -parent:*'), [['1-1.1', null, null, null]]);
    assert.equal(reader.detail.flow(flowId(1, 1))?.row.tlsProfile, null);
  });
});

describe('bodies', () => {
  it('come back as they were, packed or not, and are kept once', t => {
    const { writer, reader } = day(t);
    const text = Buffer.from('all work and no play '.repeat(500));
    const bodies = [text, randomBytes(5000), gzipSync(text), Buffer.from('short'), text, Buffer.alloc(0)];
    writer.begin();
    for (const [i, data] of bodies.entries()) {
      const n = i + 1;
      const facts = { size: data.length + 7, kept: data.length, sha256: 'ef'.repeat(32), truncated: true };
      writer.body({ kind: 'body', flow: flowId(1, 1), n, side: 'res', data });
      writer.body({ kind: 'body', flow: flowId(1, 1), n, side: 'req', data: Buffer.from(`request ${n}`) });
      writer.exchange(exchange({ n, req: { ...facts, kept: 9 }, res: facts }));
    }
    writer.commit();
    for (const [i, data] of bodies.entries()) {
      const response = reader.detail.body(i + 1, 'res');
      if (data.length === 0) {
        assert.equal(response, null);
        continue;
      }
      assert.ok(response !== null && response.data.equals(data), `body ${i + 1}`);
      assert.deepEqual(response.facts, {
        size: data.length + 7,
        kept: data.length,
        sha256: 'ef'.repeat(32),
        truncated: true,
      });
      assert.equal(response.contentType, 'text/html');
      assert.equal(reader.detail.body(i + 1, 'req')?.data.toString(), `request ${i + 1}`);
    }
    assert.ok(gunzipSync(reader.detail.body(3, 'res')?.data ?? '').equals(text));
    const stored = writer.db.prepare('SELECT count(*) FROM body WHERE size = ?').pluck().get(text.length);
    assert.equal(stored, 1);
    assert.ok(
      (writer.db
        .prepare('SELECT max(length(data)) FROM body WHERE size = ?')
        .pluck()
        .get(text.length) as number) < 1000,
    );
  });
});

describe('flows', () => {
  it('come back with facts, verdict, both TLS legs and certificate', t => {
    const { writer, reader } = day(t);
    const full = flow({ faultDetail: HOSTILE.slice(0, 8).join('|'), fault: 'response-timeout', ms: 12.375 });
    const bare = flow({
      flow: flowId(1, 2),
      facts: null,
      verdict: null,
      originAddress: null,
      clientTls: null,
      originTls: null,
      originCert: null,
      leafSerial: null,
    });
    writer.begin();
    writer.flowOpen(flowOpen());
    writer.commit();
    assert.deepEqual(reader.detail.openFlow(flowId(1, 1)), flowOpen());
    assert.equal(reader.detail.flow(flowId(1, 1)), null);
    writer.begin();
    for (const record of [full, bare]) writer.flow(record);
    writer.commit();
    assert.equal(reader.detail.openFlow(flowId(1, 1)), null);
    for (const record of [full, bare]) assert.deepEqual(reader.detail.flow(record.flow)?.record, record);
    assert.equal(reader.detail.flow(flowId(1, 2))?.row.host, null);
  });
});

describe('sums', () => {
  it('per block and minute agree with the rows', t => {
    const { writer, reader } = day(t);
    const rng = makeRng(6);
    for (let batch = 0; batch < 5; batch++) {
      writer.begin();
      for (let i = 0; i < 700; i++)
        writer.exchange(randomExchange(rng, flowId(1, 1), batch * 700 + i, NOON + rng.int(300_000)));
      writer.commit();
    }
    const rows = (sql: string): unknown => writer.db.prepare(sql).all();
    assert.deepEqual(
      rows('SELECT block, n, lo, hi FROM span WHERE kind = 1 ORDER BY block'),
      rows(
        'SELECT id >> 10 AS block, count(*) AS n, min(time) AS lo, max(time) AS hi FROM exchange GROUP BY 1 ORDER BY 1',
      ),
    );
    assert.deepEqual(
      rows('SELECT minute, action, n, faults, bytes FROM minute WHERE kind = 1 ORDER BY 1, 2'),
      rows(
        `SELECT time / 60000 AS minute, action, count(*) AS n, sum(fault IS NOT NULL) AS faults, sum(up + down) AS bytes
         FROM exchange x JOIN what w ON w.id = x.what GROUP BY 1, 2 ORDER BY 1, 2`,
      ),
    );
    assert.equal(reader.stats().exchanges, 3500);
  });
});
