/** The live filter agrees with the naive search on everything a live row carries. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { asksBodies } from '../../../src/audit/query/ast.ts';
import { liveFilter } from '../../../src/audit/query/match.ts';
import { eventRow, exchangeRow, flowRow } from '../../../src/audit/store/rows.ts';
import { makeRng } from '../../fuzz/rng.ts';
import { exchange, flow, flowId, hello, NO_BODY, NOON, query, randomExchange } from '../sample.ts';
import type { StoredBody } from '../../../src/audit/store/store.ts';
import { matchesExchange, matchesFlow } from './evaluate.ts';
import { randomQuery } from './generate.ts';

const BARE = { wait: null, reqHeaders: '', resHeaders: '', req: NO_BODY, res: NO_BODY };

describe('the live filter', () => {
  const rng = makeRng(21);
  const exchanges = Array.from({ length: 400 }, (_, i) => ({
    // Live rows have no headers and no wait: records without them must agree fully.
    record: {
      ...randomExchange(rng, flowId(1, 1 + (i % 9)), i, NOON + i * 300),
      reqHeaders: '',
      resHeaders: '',
      wait: null,
    },
    sni: rng.pick(['www.example.test', null]),
  }));
  const flows = Array.from({ length: 300 }, (_, i) => {
    const { record } = exchanges[i] ?? assert.fail();
    return flow({
      flow: flowId(1, i),
      time: record.time,
      client: record.client,
      facts: rng.oneIn(6)
        ? null
        : {
            ...(flow().facts ?? assert.fail()),
            host: record.host,
            user: record.user,
            hello: rng.oneIn(4) ? null : hello('a.example.test'),
          },
      verdict: rng.oneIn(6) ? null : record.verdict,
      fault: record.fault,
      ms: record.ms,
      bytesUp: record.req.size,
      bytesDown: record.res.size,
    });
  });

  it('agrees for exchanges', () => {
    for (let i = 0; i < 400; i++) {
      const text = randomQuery(rng, 'exchanges');
      const q = query(text, 'exchanges', NOON + 60_000);
      const filter = liveFilter(q, 'exchanges');
      for (const stored of exchanges)
        assert.equal(
          filter({ kind: 'exchange', row: exchangeRow(stored.record, stored.sni), detail: BARE }),
          matchesExchange(q.root, stored),
          `${text} on ${JSON.stringify(stored)}`,
        );
    }
  });

  it('agrees for flows, whose live row has no ingress and no scheme', () => {
    for (let i = 0; i < 300; i++) {
      const text = randomQuery(rng, 'flows');
      if (/ingress|scheme/.test(text)) continue;
      const q = query(text, 'flows', NOON + 60_000);
      const filter = liveFilter(q, 'flows');
      for (const record of flows)
        assert.equal(filter({ kind: 'flow', row: flowRow(record) }), matchesFlow(q.root, record), text);
    }
  });

  it('agrees on everything when the details come with the row', () => {
    for (let i = 0; i < 300; i++) {
      const text = randomQuery(rng, 'exchanges');
      const q = query(text, 'exchanges', NOON + 60_000);
      const filter = liveFilter(q, 'exchanges');
      for (let n = 0; n < 60; n++) {
        const record = randomExchange(rng, flowId(1, 1), n, NOON + n * 300);
        const row = exchangeRow(record, null);
        const { wait, capture, faultDetail, upgraded, reqHeaders, resHeaders, req, res } = record;
        const detail = { ...row, n, wait, capture, faultDetail, upgraded, reqHeaders, resHeaders, req, res };
        const expected = matchesExchange(q.root, { record, sni: null });
        assert.equal(
          filter({ kind: 'exchange', row, detail }),
          expected,
          `${text} on ${JSON.stringify(record)}`,
        );
      }
    }
    for (let i = 0; i < 300; i++) {
      const text = randomQuery(rng, 'flows');
      const q = query(text, 'flows', NOON + 60_000);
      const filter = liveFilter(q, 'flows');
      for (const record of flows)
        assert.equal(
          filter({ kind: 'flow', row: flowRow(record), record }),
          matchesFlow(q.root, record),
          text,
        );
    }
  });

  it('sees header lines, waits, ingress and scheme as the search does, where a row brings them', () => {
    for (let i = 0; i < 300; i++) {
      const { reqHeaders, resHeaders, ...rest } = randomExchange(
        rng,
        flowId(1, 1 + (i % 9)),
        i,
        NOON + i * 300,
      );
      const stored = { record: { ...rest, reqHeaders, resHeaders }, sni: null };
      const { wait } = rest;
      const live = {
        kind: 'exchange' as const,
        row: exchangeRow(stored.record, null),
        detail: { wait, reqHeaders, resHeaders, req: NO_BODY, res: NO_BODY },
      };
      for (const text of [
        randomQuery(rng, 'exchanges'),
        'header:red',
        'date',
        '"nov 2026"',
        'nginx wait:>500',
      ]) {
        const q = query(text, 'exchanges', NOON + 60_000);
        assert.equal(liveFilter(q, 'exchanges')(live), matchesExchange(q.root, stored), text);
      }
      const record = flows[i] ?? assert.fail();
      const text = `${rng.pick(['ingress:connect', 'ingress:*', 'scheme:https'])} ${randomQuery(rng, 'flows')}`;
      const q = query(text, 'flows', NOON + 60_000);
      const liveFlow = { kind: 'flow' as const, row: flowRow(record), record };
      assert.equal(liveFilter(q, 'flows')(liveFlow), matchesFlow(q.root, record), text);
    }
  });

  it('does not answer where only bodies that did not come could tell', () => {
    const kept = { size: 5, kept: 5, sha256: null, truncated: false };
    const row = exchangeRow(exchange({ path: '/login' }), null);
    const stored = (text: string): StoredBody => ({
      data: Buffer.from(text),
      facts: kept,
      contentType: null,
      contentEncoding: null,
    });
    for (const [text, without, withWord] of [
      ['login', true, true],
      ['word', null, true],
      ['-word', null, false],
      ['body:word host:other.test', false, false],
      ['body:word OR login', true, true],
      ['body:word login', null, true],
      ['reqbody:word', false, false],
      ['resbody:word', null, true],
      ['resbody:wor*', null, true],
      ['resbody:"a word"', null, true],
      ['resbody:"word a"', null, false],
      ['-(resbody:x OR word) status:200', null, false],
    ] as const) {
      const filter = liveFilter(query(text), 'exchanges');
      const live = { kind: 'exchange' as const, row, detail: { ...BARE, res: kept } };
      assert.equal(filter(live), without, text);
      assert.equal(filter({ ...live, bodies: { req: null, res: stored('{"a":"word"}') } }), withWord, text);
    }
    assert.equal(liveFilter(query('word'), 'exchanges')({ kind: 'exchange', row }), null);
    for (const [text, kind, asks] of [
      ['word', 'exchanges', true],
      ['-(status:1 OR reqbody:x)', 'exchanges', true],
      ['header:word status:200', 'exchanges', false],
      ['word', 'flows', false],
      ['', 'exchanges', false],
    ] as const)
      assert.equal(asksBodies(kind, query(text, kind).root), asks, text);
  });

  it('knows events, and lets no row of another kind through', () => {
    const row = eventRow({
      kind: 'event',
      time: NOON,
      name: 'policy.applied',
      detail: { version: 'abc', by: 'alice' },
    });
    for (const [text, expected] of [
      ['', true],
      ['event:policy.*', true],
      ['alice', true],
      ['policy.applied -bob', true],
      ['event:worker.*', false],
      ['time:>2026-11-21', false],
    ] as const)
      assert.equal(liveFilter(query(text, 'events'), 'events')({ kind: 'event', row }), expected, text);
    assert.equal(liveFilter(query(''), 'exchanges')({ kind: 'event', row }), false);
  });
});
