import assert from 'node:assert/strict';
import http from 'node:http';
import { test } from 'node:test';
import { API } from '../../../../web/contract.ts';
import type { RevealRow } from '../../../../web/contract.ts';
import { errorOf, house } from '../harness.ts';
import { row } from '../memory-reader.ts';

test('ndjson: one row a line and a last line that tells the truth', async t => {
  const h = await house(t, { exportMax: 3 });
  h.audit.rows.exchanges = [1, 2, 3].map(n => row({ exchange: `1-1.${n}`, path: '/a\u2028b\r\nc' }));
  const auditor = await h.person('auditor');
  const answer = await auditor.get('/api/export?format=ndjson&q=host:example.com');
  assert.match(
    String(answer.headers['content-disposition']),
    /^attachment; filename="sightglass-exchanges-[\dT-]+\.ndjson"$/,
  );
  assert.match(String(answer.headers['content-type']), /^application\/x-ndjson/);
  const lines = answer.text.trimEnd().split('\n');
  assert.equal(lines.length, 4);
  assert.equal((JSON.parse(lines[0] ?? '') as Record<string, unknown>)['exchange'], '1-1.1');
  assert.deepEqual(JSON.parse(lines[3] ?? ''), { end: true, rows: 3, truncated: false });

  h.audit.rows.exchanges.push(row({ exchange: '1-1.4' }));
  const cut = (await auditor.get('/api/export')).text.trimEnd().split('\n');
  assert.deepEqual(JSON.parse(cut.at(-1) ?? ''), { end: true, rows: 3, truncated: true });
  const trail = h.trail.page(null, 4).rows;
  assert.deepEqual(
    trail.map(r => [r.action, r.detail['rows'], r.detail['truncated']]),
    [
      ['export.ended', 3, true],
      ['export.started', undefined, undefined],
      ['export.ended', 3, false],
      ['export.started', undefined, undefined],
    ],
  );
});

test('csv: over several pages, formulas disarmed', async t => {
  const h = await house(t);
  h.audit.rows.exchanges = Array.from({ length: 2500 }, (_, i) =>
    row({ exchange: `1-1.${i + 1}`, host: '=HYPERLINK("http://evil")' }),
  );
  const auditor = await h.person('auditor');
  const answer = await auditor.get('/api/export?format=csv');
  assert.match(String(answer.headers['content-type']), /^text\/csv/);
  const lines = answer.text.split('\r\n');
  assert.equal(lines.length, 1 + 2500 + 1 + 1);
  assert.match(lines[0] ?? '', /^exchange,flow,time,/);
  assert.ok(lines[1]?.includes(`"'=HYPERLINK(""http://evil"")"`));
  assert.equal(lines.at(-2), '# rows=2500 truncated=false');
});

test('a store that fails gives a plain error, and no half file that looks whole', async t => {
  const h = await house(t);
  const auditor = await h.person('auditor');
  h.audit.failure = new Error('broken');
  const answer = await auditor.get('/api/export');
  assert.equal(errorOf(answer).code, 'unavailable');
  assert.equal(answer.headers['content-disposition'], undefined);

  h.audit.failure = null;
  h.audit.rows.exchanges = Array.from({ length: 1500 }, () => row());
  const search = h.audit.search.bind(h.audit);
  h.audit.search = async (query, options) => {
    if (options.before !== undefined) throw new Error('broken on the way');
    return search(query, options);
  };
  await assert.rejects(auditor.get('/api/export'), { code: 'ECONNRESET' });
  assert.deepEqual(h.trail.page(null, 1).rows[0]?.detail, {
    kind: 'exchanges',
    q: '',
    format: 'ndjson',
    rows: 1000,
    truncated: false,
    aborted: true,
  });
});

test('a reader that does not read stops the export; two at a time; a log-out ends it', async t => {
  const h = await house(t);
  h.audit.rows.exchanges = Array.from({ length: 60_000 }, () => row({ path: `/${'x'.repeat(1000)}` }));
  const auditor = await h.person('auditor');
  const open = () =>
    new Promise<http.IncomingMessage>((resolve, reject) => {
      const req = http.get(
        {
          host: '127.0.0.1',
          port: h.port,
          path: '/api/export',
          headers: { cookie: auditor.cookie },
          agent: false,
        },
        resolve,
      );
      req.on('error', reject);
      t.after(() => req.destroy());
    });
  const [one, two] = await Promise.all([open(), open()]);
  assert.equal(errorOf(await auditor.get('/api/export')).code, 'too-many');
  const pages = h.audit.asked.length;
  assert.ok(pages < 120, `the store is not read ahead of the reader: ${pages} pages`);
  two.destroy();
  await auditor.post('/api/logout', {});
  let bytes = 0;
  await assert.rejects(async () => {
    for await (const chunk of one) bytes += (chunk as Buffer).length;
  });
  assert.ok(bytes < 60_000 * 1000);
});

test('other formats: each with its own name and type, HAR only for those who may see bodies', async t => {
  const h = await house(t);
  h.audit.put({}, { data: Buffer.from('hello') });
  const auditor = await h.person('auditor');
  const opened = await auditor.post(`${API.revealExport}?q=verdict:inspect&since=1h`, {
    reason: 'case 4711',
  });
  const { id } = opened.json<RevealRow>();
  const of = (format: string, more = format === 'har' ? `&reveal=${id}` : '') =>
    auditor.get(`/api/export?format=${format}${more}`);
  for (const [format, type, start] of [
    ['har', 'application/json', '{"log":'],
    ['ecs', 'application/x-ndjson', '{"@timestamp"'],
    ['ocsf', 'application/x-ndjson', '{"time":'],
    ['cef', 'text/plain', 'CEF:0|'],
    ['squid', 'text/plain', '17'],
    ['w3c', 'text/plain', '#Version: 1.0'],
  ] as const) {
    const answer = await of(format);
    assert.equal(answer.status, 200, `${format}: ${answer.text}`);
    assert.ok(String(answer.headers['content-type']).startsWith(type), format);
    assert.ok(answer.text.startsWith(start), `${format}: ${answer.text.slice(0, 40)}`);
    assert.match(
      String(answer.headers['content-disposition']),
      /^attachment; filename="sightglass-[\w-]+\.\w+"$/,
    );
  }
  assert.deepEqual(
    (JSON.parse((await of('har')).text) as { log: { _sightglass: unknown } }).log._sightglass,
    {
      rows: 1,
      truncated: false,
    },
  );
  for (const more of ['', '&reveal=999', '&kind=flows'])
    assert.equal(errorOf(await of('har', more)).code, 'reason-needed', more);
});
