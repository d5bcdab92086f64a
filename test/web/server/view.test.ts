import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FAULTS } from '../../../src/core/faults.ts';
import { FACETS } from '../../../src/audit/store/store.ts';
import { FIELDS } from '../../../src/audit/query/ast.ts';
import { FACET_FIELDS, KINDS } from '../../../web/contract.ts';
import { exchangeDetail, exchangeRow, flowDetail, flowRow, headerFields } from '../../../web/server/view.ts';
import { exchange, flow, row } from './memory-reader.ts';
import type { Verdict } from '../../../src/core/verdict.ts';

/** The command line contract (`search --format ndjson`), which rows in the console share. */
const EXCHANGE =
  'exchange flow time client user method scheme host port path status protocol reqBytes resBytes ms verdict rule policy fault';
const FLOW =
  'flow time client user host port sni alpn ja4 verdict rule policy reason bytesUp bytesDown ms fault exchanges mask tlsProfile parent proxy';

test('rows have the fields of the command line contract', () => {
  const exchangeKeys = Object.keys(exchangeRow(row()));
  for (const name of EXCHANGE.split(' ')) assert.ok(exchangeKeys.includes(name), name);
  const found = flow('1-1').row;
  assert.ok(found !== null);
  assert.deepEqual(Object.keys(flowRow(found)), FLOW.split(' '));
});

test('every facet can be counted by the store and filtered by the query language', () => {
  for (const kind of KINDS)
    for (const field of FACET_FIELDS[kind]) {
      assert.ok((FACETS as readonly string[]).includes(field), `${kind} ${field}`);
      assert.ok(
        FIELDS.some(f => f.name === field && f.kinds.includes(kind)),
        `${kind} ${field}`,
      );
    }
});

test('header lines: order, duplicates, odd ones, and what is masked', () => {
  assert.deepEqual(
    headerFields('A: 1\r\nA:2\r\nno colon\r\n: empty name\r\nB: ‹masked 12›\r\nC: a=‹masked›; b\r\n'),
    [
      { name: 'A', value: '1', masked: false },
      { name: 'A', value: '2', masked: false },
      { name: 'no colon', value: '', masked: false },
      { name: '', value: 'empty name', masked: false },
      { name: 'B', value: '‹masked 12›', masked: true },
      { name: 'C', value: 'a=‹masked›; b', masked: true },
    ],
  );
  assert.deepEqual(headerFields(''), []);
});

test('a fault is explained by the catalogue; one that is not in it is shown as it is', () => {
  for (const code of ['cert-expired', 'client-rejected-leaf'] as const) {
    const { fault } = exchangeDetail(exchange({ fault: code, faultDetail: 'words' }), null, null);
    const { side, phase, summary, hint } = FAULTS[code];
    assert.deepEqual(fault, { code, side, phase, summary, hint, detail: 'words' });
  }
  const odd = exchangeDetail(exchange({ fault: 'from-the-future' }), null, null).fault;
  assert.equal(odd?.code, 'from-the-future');
  assert.match(odd?.summary ?? '', /does not know/);
});

test('bodies: empty, not captured and kept in part are told apart', () => {
  const body = (size: number, kept: number) =>
    exchangeDetail(exchange({ res: { size, kept, sha256: null, truncated: kept < size } }), null, null)
      .response?.body.absent;
  assert.deepEqual([body(0, 0), body(9, 0), body(9, 4), body(9, 9)], ['empty', 'not-captured', null, null]);
});

test('what was masked is told item by item, and why a body was withheld', () => {
  const facts = { size: 9, kept: 0, sha256: null, truncated: false, form: 'binary' as const };
  const detail = exchangeDetail(exchange({ res: facts, masked: 'path:query=1 res-body:card=2' }), null, null);
  assert.deepEqual([detail.response?.body.absent, detail.response?.body.form], ['withheld', 'binary']);
  assert.deepEqual(detail.masked, [
    { where: 'path', what: 'query', count: 1 },
    { where: 'res-body', what: 'card', count: 2 },
  ]);
  assert.deepEqual(exchangeDetail(exchange(), null, null).masked, []);
});

test('the flow inside an exchange lists no exchanges of its own', () => {
  const found = { ...flow('1-1'), exchanges: [row(), row()] };
  assert.equal(flowDetail(found).exchanges.length, 2);
  assert.deepEqual(exchangeDetail(exchange(), found, null).flow?.exchanges, []);
});

test('how a request was blocked is told by its own verdict, whatever its flow would do', () => {
  const blocked = exchange({ verdict: 'block', block: 'reset' });
  assert.equal(exchangeDetail(blocked, null, null).verdict.block, 'reset');
  assert.equal(exchangeDetail(blocked, flow('1-1'), null).verdict.block, 'reset');
});

test('the manner of a verdict stands beside it, of an exchange and of a flow that is still open', () => {
  const one = exchangeDetail(exchange({ mask: 'strict', parent: 'corp' }), null, null).verdict;
  assert.deepEqual([one.mask, one.tlsProfile, one.parent], ['strict', 'modern', 'corp']);
  const found = flow('1-1');
  const verdict: Verdict = {
    ...{ action: 'inspect', rule: 'r', policy: '0123456789ab', reason: 'because' },
    ...{ capture: 'headers', block: 'page', tls: 'tls13' },
    parent: { group: 'corp', via: ['p.test:3128'] },
  };
  const record = { ...found.record, verdict };
  const open = flowDetail({ ...found, row: null, open: true, record });
  assert.deepEqual(
    [open.row.parent, open.verdict?.mask, open.verdict?.tlsProfile],
    ['corp', 'standard', open.row.tlsProfile],
  );
});
