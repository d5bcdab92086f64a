/** `sightglass search`: the output contract of the three formats, limits, times, and errors that point at the place. */
import assert from 'node:assert/strict';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import fs from 'node:fs';
import os from 'node:os';
import { Ingest } from '../../src/audit/ingest.ts';
import { openSpool } from '../../src/audit/spool.ts';
import { searchCommand } from '../../src/cli/search.ts';
import { exchange, flow, flowId, flowOpen, NOON } from '../audit/sample.ts';
import type { TestContext } from 'node:test';

describe('search', () => {
  const dataDir = fs.mkdtempSync(path.join(os.tmpdir(), 'sightglass-cli-search-'));
  after(() => fs.rmSync(dataDir, { recursive: true }));
  before(() => {
    const spoolDir = path.join(dataDir, 'spool');
    const spool = openSpool({ dir: spoolDir, producer: 1 });
    spool.append(flowOpen());
    for (let n = 1; n <= 1200; n++)
      spool.append(
        exchange({ n, time: NOON + n * 1000, path: `/item/${n}`, status: n % 10 === 0 ? 404 : 200 }),
      );
    spool.append(
      exchange({
        flow: flowId(1, 2),
        time: NOON + 2_000_000,
        path: '/evil\r\n\u001b[2J\u202e?q="a,b"',
        user: '=cmd|calc',
        host: 'evil.test',
        status: null,
        fault: 'response-timeout',
      }),
    );
    spool.append(flow({ exchanges: 1200 }));
    spool.append({ kind: 'event', time: NOON, name: 'policy.applied', detail: { version: 'abc' } });
    spool.close();
    const ingest = new Ingest({ spoolDir, auditDir: path.join(dataDir, 'audit'), now: () => NOON });
    while (ingest.step().rows > 0);
    ingest.close();
  });

  /** Run the verb in this process; what it writes is caught. */
  async function run(t: TestContext, ...argv: string[]): Promise<{ out: string; err: string }> {
    const out: string[] = [];
    const err: string[] = [];
    const catching = [
      t.mock.method(process.stdout, 'write', ((text: string) => {
        out.push(text);
        return true;
      }) as typeof process.stdout.write),
      t.mock.method(console, 'log', (text: string) => void out.push(`${text}\n`)),
      t.mock.method(console, 'error', (text: string) => void err.push(text)),
    ];
    try {
      const where = argv.includes('--data-dir') ? [] : ['--data-dir', dataDir, '--fleet.name', 'edge-7'];
      await searchCommand().parseAsync([...where, ...argv], { from: 'user' });
    } finally {
      for (const m of catching) m.mock.restore();
    }
    return { out: out.join(''), err: err.join('\n') };
  }
  const json = (out: string): Record<string, unknown>[] =>
    out
      .trimEnd()
      .split('\n')
      .map(line => JSON.parse(line) as Record<string, unknown>);

  it('writes the formats of other products, one record a line', async t => {
    const lines = async (...argv: string[]): Promise<string[]> =>
      (await run(t, ...argv)).out.trimEnd().split('\n');
    const squid = await lines('--format', 'squid');
    assert.equal(squid.length, 1201);
    assert.match(
      squid[1200] ?? '',
      /^\d+\.\d{3} +\d+ 10\.1\.2\.3 TCP_MISS\/200 \d+ GET https:\/\/www\.example\.test\/item\/1 /,
    );
    assert.match((await lines('--flows', '--format', 'squid'))[0] ?? '', / CONNECT www\.example\.test:443 /);
    const cef = await lines('path:/item/1200', '--format', 'cef');
    assert.match(cef[0] ?? '', /^CEF:0\|Sightglass\|/);
    for (const format of ['ecs', 'ocsf']) {
      const rows = (await lines('host:evil.test', '--format', format)).map(
        line => JSON.parse(line) as object,
      );
      assert.equal(rows.length, 1);
    }
    const w3c = await lines('path:/item/1200', '--format', 'w3c');
    assert.equal(w3c.length, 5);
    const har = JSON.parse((await run(t, 'path:/item/1200', '--format', 'har')).out) as {
      log: { entries: { request: { url: string; headers: unknown[] } }[] };
    };
    assert.equal(har.log.entries[0]?.request.url, 'https://www.example.test/item/1200');
    assert.equal(har.log.entries[0]?.request.headers.length, 2);
    await assert.rejects(run(t, '--flows', '--format', 'har'), /har holds no flows/);
  });

  it('asks for the machine by its name in the fleet', async t => {
    const ask = async (q: string): Promise<number> =>
      json((await run(t, '--format', 'ndjson', '--', `host:evil.test ${q}`)).out || '[]').length;
    assert.equal(await ask('proxy:Edge-7'), 1);
    assert.equal(await ask('proxy:edge-*'), 1);
    const events = await run(t, '--events', '--format', 'ndjson', '--', 'proxy:edge-7');
    assert.equal(json(events.out)[0]?.['proxy'], 'edge-7');
    assert.equal((await run(t, '--format', 'ndjson', '--', 'proxy:edge-8')).out, '');
    assert.equal((await run(t, '--format', 'ndjson', '--', '-proxy:edge-7')).out, '');
  });

  it('prints all matches as ndjson, newest first, page after page', async t => {
    const rows = json((await run(t, 'host:www.example.test', '--format', 'ndjson')).out);
    assert.equal(rows.length, 1200);
    assert.deepEqual(
      rows.map(r => r['path']),
      Array.from({ length: 1200 }, (_, i) => `/item/${1200 - i}`),
    );
    assert.deepEqual(rows.at(-1), {
      exchange: '1-1.1',
      flow: '1-1',
      time: '2026-11-20T12:00:01.000Z',
      client: '10.1.2.3',
      user: null,
      method: 'GET',
      scheme: 'https',
      host: 'www.example.test',
      port: 443,
      path: '/item/1',
      status: 200,
      protocol: 'HTTP/1.1',
      reqBytes: 0,
      resBytes: 0,
      ms: 12.5,
      verdict: 'inspect',
      rule: 'all-else',
      policy: '0123456789ab',
      fault: null,
      reason: 'inspected by default',
      sni: 'www.example.test',
      contentType: 'text/html',
      mask: 'standard',
      masked: null,
      tlsProfile: 'modern',
      parent: null,
      proxy: 'edge-7',
    });
  });

  it('keeps hostile records on one line each, and gives their exact text back', async t => {
    const { out } = await run(t, 'host:evil.test', '--json');
    assert.equal(out.split('\n').length, 2);
    assert.equal(json(out)[0]?.['path'], '/evil\r\n\u001b[2J\u202e?q="a,b"');
    for (const format of ['table', 'csv']) {
      const text = (await run(t, 'host:evil.test', '--format', format)).out;
      assert.equal(text.split('\n').length, 3, format);
      assert.doesNotMatch(text, /[\u0000-\u0009\u000b-\u001f\u202e]/);
      assert.match(text, /\\x0d\\x0a\\x1b\[2J\\u202e/);
    }
    assert.match((await run(t, 'host:evil.test', '--format', 'csv')).out, /,'=cmd\|calc,.*"\/evil/);
  });

  it('prints the ledger and the events', async t => {
    const [ledger] = json(
      (await run(t, '--flows', '--json')).out
        .split('\n')
        .filter(l => l.includes('"1-1"'))
        .join('\n'),
    );
    assert.deepEqual(Object.keys(ledger ?? {}), [
      'flow',
      'time',
      'client',
      'user',
      'host',
      'port',
      'sni',
      'alpn',
      'ja4',
      'verdict',
      'rule',
      'policy',
      'reason',
      'bytesUp',
      'bytesDown',
      'ms',
      'fault',
      'exchanges',
      'mask',
      'tlsProfile',
      'parent',
      'proxy',
    ]);
    assert.deepEqual(ledger?.['alpn'], ['h2', 'http/1.1']);
    const events = json((await run(t, '--events', '--json', 'event:policy.*')).out);
    assert.deepEqual(events, [
      {
        time: '2026-11-20T12:00:00.000Z',
        event: 'policy.applied',
        detail: { version: 'abc' },
        proxy: 'edge-7',
      },
    ]);
  });

  it('obeys limit, times and count', async t => {
    assert.equal(json((await run(t, '--json', '--limit', '3')).out).length, 3);
    const table = await run(t, 'host:www.example.test');
    assert.equal(table.out.trimEnd().split('\n').length, 51, 'a table shows 50 and a head');
    assert.match(table.err, /newest 50/);
    const timed = await run(t, '--json', '--since', '2026-11-20T12:10Z', '--until', '2026-11-20T12:11Z');
    assert.equal(json(timed.out).length, 60);
    assert.equal((await run(t, 'status:404', '--count')).out, '120\n');
    assert.equal((await run(t, 'host:none.test')).err, 'nothing found');
    const elsewhere = path.join(dataDir, 'none');
    assert.match((await run(t, '--data-dir', elsewhere)).err, /nothing is recorded here; --data-dir names/);
  });

  it('says what is wrong with a query, where, and how it may be mended; as wrong use', async t => {
    for (const [argv, message, hint] of [
      [['hots:a'], /There is no field "hots"\.\n {2}hots:a\n {2}\^{5}$/, /Did you mean host/],
      [['a', '--since', 'soon'], /--since "soon" is no time/, /7d/],
      [['a', '--limit', '-5'], /--limit "-5"/, /whole number/],
      [['ja4:x'], /belongs to flows/, /--flows/],
      [['--flows', '--events'], /exclude each other/, /twice/],
    ] as [string[], RegExp, RegExp][])
      await assert.rejects(run(t, ...argv), (error: Error & { exitCode: number; hint: string }) => {
        assert.match(error.message, message);
        assert.match(error.hint, hint);
        assert.equal(error.exitCode, 2);
        return true;
      });
  });

  it('finds nothing where nothing was ever recorded', async t => {
    const empty = path.join(dataDir, 'empty');
    assert.equal((await run(t, '--data-dir', empty, '--json')).out, '');
  });
});
