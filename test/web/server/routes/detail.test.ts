import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import type { BodyPreview, ExchangeDetail, FlowDetail, SearchPage } from '../../../../web/contract.ts';
import { errorOf, house, reveal } from '../harness.ts';

/** What strangers write into every field they can reach. */
const PAYLOADS = [
  '<script>alert(1)</script>',
  '"><img src=x onerror=alert(1)>',
  "javascript:alert('1')",
  '</script><script>alert(1)</script>',
  '<svg/onload=alert(1)>',
  '\u2028\u2029alert(1)',
  '{{constructor.constructor("alert(1)")()}}',
  '${alert(1)}',
  '<!--',
  ']]>',
  '\r\n\r\n<html>',
  'data:text/html,<script>alert(1)</script>',
];

test('an exchange with its headers, bodies, flow and neighbours', async t => {
  const h = await house(t);
  h.audit.put({ exchange: '1-1.1', n: 1 });
  h.audit.put({
    exchange: '1-1.2',
    n: 2,
    status: null,
    fault: 'response-timeout',
    faultDetail: 'after 30 s',
  });
  const viewer = await h.person('viewer');
  const first = (await viewer.get('/api/exchange/1-1.1')).json<ExchangeDetail>();
  assert.deepEqual(first.request.headers, [
    { name: 'Host', value: 'www.example.com', masked: false },
    { name: 'Authorization', value: 'Bearer ‹masked 20›', masked: true },
  ]);
  assert.deepEqual(first.request.body.absent, 'empty');
  assert.deepEqual(
    first.response?.headers.filter(f => f.name === 'X-Two').map(f => f.value),
    ['a', 'b: c'],
  );
  assert.deepEqual([first.previous, first.next], [null, '1-1.2']);
  assert.equal(first.row.time, '2026-11-20T12:00:00.000Z');
  assert.equal(first.flow?.clientTls?.version, 'TLSv1.3');
  const second = (await viewer.get('/api/exchange/1-1.2')).json<ExchangeDetail>();
  assert.equal(second.response, null);
  assert.equal(second.previous, '1-1.1');
  assert.deepEqual(
    [second.fault?.code, second.fault?.side, second.fault?.detail],
    ['response-timeout', 'origin', 'after 30 s'],
  );
  assert.notEqual(second.fault?.summary, '');
});

test('a flow, also one that is still open', async t => {
  const h = await house(t);
  h.audit.put();
  const found = h.audit.flows.get('1-1');
  assert.ok(found !== undefined && found.record.kind === 'flow');
  const viewer = await h.person('viewer');
  const closed = (await viewer.get('/api/flow/1-1')).json<FlowDetail>();
  assert.deepEqual([closed.open, closed.row.bytesDown, closed.originAddress], [false, 20, '192.0.2.1']);
  const { flow, time, client, clientPort, facts, verdict } = found.record;
  h.audit.flows.set('1-1', {
    ...found,
    open: true,
    row: null,
    record: { kind: 'flow-open', flow, time, client, clientPort, facts, verdict },
  });
  const open = (await viewer.get('/api/flow/1-1')).json<FlowDetail>();
  assert.deepEqual([open.open, open.row.flow, open.row.bytesDown, open.clientTls], [true, '1-1', 0, null]);
});

test('each look lands in the trail, what was not found does not', async t => {
  const h = await house(t);
  h.audit.put({}, {});
  const auditor = await h.person('auditor');
  await reveal(auditor, '1-1.1', 'res');
  for (const path of ['exchange/1-1.1', 'flow/1-1', 'exchange/1-1.1/preview/res', 'exchange/1-1.1/body/res'])
    assert.equal((await auditor.get(`/api/${path}`)).status, 200);
  assert.equal((await auditor.get('/api/exchange/9-9.9')).status, 404);
  const rows = h.trail.page(null, 4).rows;
  assert.deepEqual(
    rows.map(r => [r.user, r.action, r.detail['exchange'] ?? r.detail['flow']]),
    [
      ['auditor', 'body.downloaded', '1-1.1'],
      ['auditor', 'body.viewed', '1-1.1'],
      ['auditor', 'flow.viewed', '1-1'],
      ['auditor', 'exchange.viewed', '1-1.1'],
    ],
  );
});

test('a body leaves as an attachment of unknown type under a name of ours', async t => {
  const h = await house(t);
  const html = Buffer.from('<script>alert(1)</script>');
  const facts = { size: 99, kept: html.length, sha256: null, truncated: true };
  h.audit.put({ res: facts }, { data: html, facts, contentType: 'text/html' });
  const auditor = await h.person('auditor');
  await reveal(auditor, '1-1.1');
  const answer = await auditor.get('/api/exchange/1-1.1/body/res');
  assert.deepEqual(answer.body, html);
  assert.equal(answer.headers['content-type'], 'application/octet-stream');
  assert.equal(
    answer.headers['content-disposition'],
    'attachment; filename="sightglass-1-1.1-res-truncated.bin"',
  );
  assert.equal(answer.headers['x-content-type-options'], 'nosniff');
  assert.match(String(answer.headers['content-security-policy']), /default-src 'none'.*sandbox/);
  const missing = await auditor.get('/api/exchange/1-1.1/body/req');
  assert.equal(missing.status, 404);
  assert.match(errorOf(missing).message, /not captured/);
  assert.equal(missing.headers['content-disposition'], undefined);
});

test('a preview is text inside JSON, codings taken off', async t => {
  const h = await house(t);
  h.audit.put(
    {},
    { data: gzipSync('<b>hé</b>'), contentType: 'text/html; charset=utf-8', contentEncoding: 'gzip' },
  );
  const auditor = await h.person('auditor');
  await reveal(auditor, '1-1.1', 'res');
  const answer = await auditor.get('/api/exchange/1-1.1/preview/res');
  assert.match(String(answer.headers['content-type']), /^application\/json/);
  const preview = answer.json<BodyPreview>();
  assert.deepEqual(
    [preview.text, preview.codings, preview.contentType, preview.whole, preview.note],
    ['<b>hé</b>', ['gzip'], 'text/html', true, null],
  );
  assert.equal(Buffer.from(preview.head, 'base64').toString(), '<b>hé</b>');
});

test('whatever strangers wrote comes back as JSON data, unchanged and never as a document', async t => {
  const h = await house(t);
  PAYLOADS.forEach((evil, i) =>
    h.audit.put(
      {
        exchange: `1-1.${i + 1}`,
        n: i + 1,
        method: evil,
        host: evil,
        path: evil,
        user: evil,
        sni: evil,
        rule: evil,
        reason: evil,
        contentType: evil,
        fault: evil,
        faultDetail: evil,
        protocol: evil,
        reqHeaders: `${evil.replace(/[\r\n:]/g, '')}: ${evil.replace(/[\r\n]/g, '')}\r\n`,
      },
      { data: Buffer.from(evil), contentType: evil, contentEncoding: evil },
    ),
  );
  const auditor = await h.person('auditor');
  const page = await auditor.get('/api/search');
  const answers = [page];
  assert.deepEqual(
    page.json<SearchPage<'exchanges'>>().rows.map(r => r.host),
    [...PAYLOADS].reverse(),
  );
  for (const [i, evil] of PAYLOADS.entries()) {
    const detail = await auditor.get(`/api/exchange/1-1.${i + 1}`);
    assert.equal(detail.json<ExchangeDetail>().row.path, evil);
    await reveal(auditor, `1-1.${i + 1}`);
    const preview = await auditor.get(`/api/exchange/1-1.${i + 1}/preview/res`);
    assert.equal(preview.json<BodyPreview>().text, evil);
    assert.equal(preview.json<BodyPreview>().contentType, null);
    const body = await auditor.get(`/api/exchange/1-1.${i + 1}/body/res`);
    assert.equal(body.headers['content-type'], 'application/octet-stream');
    // In the address itself, where an error might echo it.
    const echoed = [
      await auditor.get(`/api/exchange/${encodeURIComponent(evil)}`),
      await auditor.get(`/api/search?kind=${encodeURIComponent(evil)}`),
      await auditor.get(`/api/search?q=${encodeURIComponent(`nofield:${evil}`)}`),
      await auditor.get(`/api/${encodeURIComponent(evil)}`),
    ];
    answers.push(detail, preview, ...echoed);
  }
  for (const answer of answers) {
    assert.match(String(answer.headers['content-type']), /^application\/json/);
    assert.equal(answer.headers['x-content-type-options'], 'nosniff');
    assert.match(String(answer.headers['content-security-policy']), /sandbox/);
  }
  // Pages, too: an unknown address of the client never repeats itself.
  for (const evil of PAYLOADS) {
    const page = await h.ask(`/${encodeURIComponent(evil)}`);
    assert.ok(!page.text.includes(evil) || evil === '<!--', evil);
  }
});

test('one exchange as HAR, with its body, for those who may export and see bodies', async t => {
  const h = await house(t);
  h.audit.put({}, { data: Buffer.from('hello') });
  const viewer = await h.person('viewer');
  assert.equal(errorOf(await viewer.get('/api/exchange/1-1.1/har')).code, 'not-allowed');
  const auditor = await h.person('auditor');
  assert.equal(errorOf(await auditor.get('/api/exchange/1-1.1/har')).code, 'reason-needed');
  await reveal(auditor, '1-1.1');
  const answer = await auditor.get('/api/exchange/1-1.1/har');
  assert.equal(answer.headers['content-disposition'], 'attachment; filename="sightglass-1-1.1.har"');
  const har = answer.json<{
    log: { entries: { response: { content: { text: string } }; _redacted: string[] }[] };
  }>();
  assert.equal(har.log.entries[0]?.response.content.text, 'hello');
  assert.deepEqual(har.log.entries[0]?._redacted, ['request.headers.Authorization']);
  assert.equal(h.trail.page(null, 1).rows[0]?.action, 'exchange.exported');
  assert.equal(errorOf(await auditor.get('/api/exchange/1-9.9/har')).code, 'not-found');
});
