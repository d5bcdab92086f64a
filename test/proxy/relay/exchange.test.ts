/** One exchange becomes one record: what was asked, what came back, who answered, what went wrong. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { Fault } from '../../../src/core/faults.ts';
import type { ExchangeRecord } from '../../../src/core/records.ts';
import type { CaptureLevel } from '../../../src/core/verdict.ts';
import { LiveExchange } from '../../../src/proxy/relay/exchange.ts';
import { DEFAULT_LIMITS, RequestReader, ResponseReader } from '../../../src/wire/http1/index.ts';
import { FACTS, Harness, INSPECT } from '../harness.ts';

describe('exchange', () => {
  let h: Harness;
  before(() => {
    h = new Harness({ 'capture.body-limit': '8' });
  });
  after(() => h.cleanUp());

  async function live(capture: CaptureLevel, head = 'POST /p?token=secret&a=1 HTTP/1.1\r\nHost: a.test\r\n') {
    const { flow } = await h.flow();
    flow.open(FACTS, INSPECT);
    flow.user = 'ada';
    const reader = new RequestReader(DEFAULT_LIMITS);
    reader.push(Buffer.from(`${head}Content-Length: 12\r\nCookie: id=secret\r\n\r\n`));
    const event = reader.next();
    assert.ok(event.kind === 'head');
    const exchange = new LiveExchange(flow, 'https', event.head, 3);
    const verdict = { ...INSPECT, capture };
    const place = { host: 'a.test', port: 443 };
    exchange.admit({ ok: true, ...place, origin: place, target: '/p?token=secret&a=1', verdict });
    return { flow, exchange };
  }
  function respond(exchange: LiveExchange): void {
    const reader = new ResponseReader(DEFAULT_LIMITS);
    reader.expect('POST');
    reader.push(
      Buffer.from(
        'HTTP/1.1 201 Created\r\nContent-Type: Text/Plain; charset=x\r\nSet-Cookie: s=secret\r\nContent-Length: 5\r\n\r\n',
      ),
    );
    const event = reader.next();
    assert.ok(event.kind === 'head');
    exchange.respond(event.head);
  }
  const recordsOf = (flow: number) =>
    h.audit.records.filter(r => 'flow' in r && r.flow === flow && r.kind !== 'flow-open');
  const rowOf = (flow: number): ExchangeRecord => {
    const row = recordsOf(flow).find(r => r.kind === 'exchange');
    assert.ok(row?.kind === 'exchange');
    return row;
  };

  test('headers: sizes, times and names, no bodies, secrets masked', async () => {
    const { flow, exchange } = await live('headers');
    exchange.tapRequest(Buffer.from('hello '));
    exchange.tapRequest(Buffer.from('world!'));
    respond(exchange);
    exchange.tapResponse(Buffer.from('12345'));
    exchange.record(null);
    const row = rowOf(flow.id);
    assert.deepEqual(
      [
        row.n,
        row.method,
        row.scheme,
        row.host,
        row.port,
        row.status,
        row.protocol,
        row.user,
        row.contentType,
      ],
      [3, 'POST', 'https', 'a.test', 443, 201, 'HTTP/1.1', 'ada', 'text/plain'],
    );
    assert.deepEqual(row.req, { size: 12, kept: 0, sha256: null, truncated: false });
    assert.equal(row.res.size, 5);
    assert.ok(row.wait !== null && row.wait <= row.ms);
    assert.doesNotMatch(JSON.stringify(row), /secret/);
    assert.match(row.path, /^\/p\?token=.*&a=1$/);
    assert.equal(recordsOf(flow.id).length, 1);
  });

  test('bodies: a bounded beginning, digest and size of the whole, before the row', async () => {
    const { flow, exchange } = await live('bodies');
    exchange.tapRequest(Buffer.from('hello '));
    exchange.tapRequest(Buffer.from('world!'));
    respond(exchange);
    exchange.tapResponse(Buffer.from('12345'));
    exchange.record(null);
    const records = recordsOf(flow.id);
    assert.deepEqual(
      records.map(r => (r.kind === 'body' ? `${r.side} ${r.data.toString()}` : r.kind)),
      ['req hello wo', 'res 12345', 'exchange'],
    );
    const row = rowOf(flow.id);
    assert.deepEqual(row.req, {
      size: 12,
      kept: 8,
      sha256: createHash('sha256').update('hello world!').digest('hex'),
      truncated: true,
    });
    assert.equal(row.res.truncated, false);
    assert.equal(h.ctx.budget.used, 0);
  });

  test('flow: counted, and nothing of it written', async () => {
    const { flow, exchange } = await live('flow');
    const counted = h.ctx.counters.exchanges;
    exchange.record(null);
    assert.deepEqual(recordsOf(flow.id), []);
    assert.equal(h.ctx.counters.exchanges, counted + 1);
  });

  test('an answer of our own has its status, its size and the fault, and no header of an origin', async () => {
    const { flow, exchange } = await live('headers');
    exchange.answerOurselves(502, 1234);
    exchange.record(new Fault('origin-refused', 'ECONNREFUSED'));
    const row = rowOf(flow.id);
    assert.deepEqual(
      [row.status, row.res.size, row.fault, row.faultDetail, row.resHeaders, row.wait],
      [502, 1234, 'origin-refused', 'ECONNREFUSED', '', null],
    );
  });

  test('a request that nobody answered has no status', async () => {
    const { flow, exchange } = await live('headers');
    exchange.record(new Fault('request-aborted'));
    assert.equal(rowOf(flow.id).status, null);
  });
});
