/** A fleet of products: a proxy that ships, a collector with a real PostgreSQL under roles with least rights, a search across. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import https from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { makeCertificates } from '../audit/fleet/fleet-kill.ts';
import { curl } from '../helpers/curl.ts';
import { startPostgres, type Postgres } from '../helpers/postgres.ts';
import { startProduct, type Product } from '../helpers/product.ts';

const ROOT = join(import.meta.dirname, '../..');

describe('a fleet', () => {
  const dir = mkdtempSync(join(tmpdir(), 'sightglass-fleet-'));
  let postgres: Postgres;
  let collector: Product;
  let proxy: Product;
  let fleetUrl: string;
  const file = (name: string): string => join(dir, name);
  const tls = (name: string): Record<string, string> => ({
    'fleet.name': name,
    'fleet.certificate': file(`${name}.crt`),
    'fleet.key': file(`${name}.key`),
    'fleet.ca': file('ca.crt'),
  });

  before(async () => {
    makeCertificates(dir, ['collector', 'edge-1', 'edge-2']);
    postgres = await startPostgres();
    // The statements of docs/fleet.md, as they stand there.
    const [roles = '', grants = ''] = [
      ...readFileSync(join(ROOT, 'docs/fleet.md'), 'utf8').matchAll(/```sql\n([^]*?)```/g),
    ].map(m => m[1]);
    for (const statement of roles.split(';').filter(s => s.trim() !== '')) await postgres.run(statement);
    const as = (role: string): string =>
      postgres.url.replace('owner@', `sightglass_${role}@`).replace(/postgres$/, 'audit');
    const password = (role: string): string =>
      postgres.as(`sightglass_${role}`, `${role}-secret`).passwordFile ?? '';
    const flags = (role: string): Record<string, string> => ({
      ...tls('collector'),
      role: 'collector',
      'fleet.listen': '127.0.0.1:0',
      'fleet.proxies': 'edge-1',
      'audit.store': as(role),
      'audit.store-password-file': password(role),
      'audit.store-read': as('reader'),
      'audit.store-read-password-file': password('reader'),
    });
    const owner = await startProduct({ flags: flags('owner') });
    for (const deadline = Date.now() + 20_000; Date.now() < deadline;) {
      const made = await postgres.run(`SELECT to_regclass('sightglass.meta') IS NOT NULL AS made`, 'audit');
      if ((made.rows[0] as { made: boolean }).made) break;
      await new Promise(resolve => setTimeout(resolve, 100));
    }
    await owner.stop();
    await postgres.run(`SET ROLE sightglass_owner; ${grants}`, 'audit');
    // A stream of the collector: everything that any proxy ships, in one file.
    writeFileSync(
      join(owner.dataDir, 'streams.yaml'),
      `streams:\n  all: {to: file, target: ${file('all.json')}, kinds: flows, from: start}\n`,
    );
    collector = await startProduct({ flags: flags('writer'), on: owner });
    const listening = await said(collector, 'fleet.listening');
    fleetUrl = `https://127.0.0.1:${String(listening['port'])}`;
    proxy = await startProduct({
      workers: 1,
      policy: 'version: 1\ndefault: block\nrules: []\n',
      flags: { ...tls('edge-1'), 'fleet.collector': fleetUrl, 'audit.store': 'none' },
    });
  });
  after(async () => {
    await proxy.cleanUp();
    await collector.cleanUp();
    await postgres.cleanUp();
    rmSync(dir, { recursive: true, force: true });
  });

  async function said(product: Product, event: string): Promise<Record<string, unknown>> {
    for (const deadline = Date.now() + 20_000; Date.now() < deadline;) {
      const line = product.log().find(l => l['event'] === event);
      if (line !== undefined) return line;
      await new Promise(resolve => setTimeout(resolve, 50));
    }
    throw new Error(`${event} was never told:\n${product.stderr()}`);
  }

  const search = (...args: string[]): Record<string, unknown>[] =>
    execFileSync(
      process.execPath,
      [
        join(ROOT, 'dist/src/cli/main.js'),
        'search',
        '--format',
        'ndjson',
        '--audit.store-read',
        postgres.url.replace('owner@', 'sightglass_reader@').replace(/postgres$/, 'audit'),
        '--audit.store-read-password-file',
        postgres.as('sightglass_reader', 'reader-secret').passwordFile ?? '',
        '--data-dir',
        dir,
        ...args,
      ],
      { encoding: 'utf8' },
    )
      .split('\n')
      .filter(line => line !== '')
      .map(line => JSON.parse(line) as Record<string, unknown>);

  test('a flow through the proxy is found on the collector, and the spool of the proxy becomes empty', async () => {
    await curl('--proxy', proxy.url, '--max-time', '10', 'https://fleet.example.test/');
    let rows: Record<string, unknown>[] = [];
    for (const deadline = Date.now() + 20_000; Date.now() < deadline && rows.length === 0;)
      rows = search('--flows', 'host:fleet.example.test');
    assert.equal(rows[0]?.['verdict'], 'block');
    assert.match(String(rows[0]?.['flow']), /^[0-9a-z]+-[0-9a-z]+-[0-9a-z]+$/);
    assert.ok(search('--events', 'event:service.started').length >= 2, 'events of proxy and collector');
    assert.deepEqual(await proxy.flows('host:fleet.example.test'), [], 'the proxy keeps no day files');
  });

  test('streams and alerts of the collector follow the records of all proxies', async () => {
    let sent = '';
    for (
      const deadline = Date.now() + 20_000;
      Date.now() < deadline && !sent.includes('fleet.example.test');
    ) {
      await new Promise(resolve => setTimeout(resolve, 100));
      sent = readFileSync(file('all.json'), { encoding: 'utf8', flag: 'a+' });
    }
    const lines = sent.split('\n').filter(line => line !== '');
    const rows = lines.map(line => JSON.parse(line) as Record<string, unknown>);
    const row = rows.find(r => r['host'] === 'fleet.example.test');
    assert.deepEqual([row?.['kind'], row?.['proxy']], ['flow', 'edge-1']);
    assert.equal(search('--flows', 'proxy:edge-1 host:fleet.example.test').length, 1);
    assert.equal(search('--flows', 'NOT proxy:edge-1 host:fleet.example.test').length, 0);
  });

  test('a certificate that may not ship, of nobody or of another CA is refused', async () => {
    const refused = (certificate: string, key: string, name: string): Promise<number | string> =>
      new Promise(resolve => {
        const request = https.request(
          `${fleetUrl}/v1/hello`,
          {
            method: 'POST',
            ca: readFileSync(file('ca.crt')),
            cert: readFileSync(certificate),
            key: readFileSync(key),
            agent: false,
            headers: { 'x-sightglass-proxy': name, 'x-sightglass-spool': '0'.repeat(32) },
          },
          response => {
            response.resume();
            resolve(response.statusCode ?? 0);
          },
        );
        request.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? 'error'));
        request.end('{"segments":[],"producers":[]}');
      });
    assert.equal(
      await refused(file('edge-2.crt'), file('edge-2.key'), 'edge-2'),
      403,
      'not among fleet.proxies',
    );
    assert.equal(
      await refused(file('edge-1.crt'), file('edge-1.key'), 'edge-2'),
      403,
      'another name than its own',
    );
    const foreign = mkdtempSync(join(dir, 'foreign-'));
    makeCertificates(foreign, ['edge-1']);
    const answer = await refused(join(foreign, 'edge-1.crt'), join(foreign, 'edge-1.key'), 'edge-1');
    assert.equal(typeof answer, 'string', 'no answer at all to another CA');
  });

  test('the writer can add records and change none', async () => {
    const writer = postgres.as('sightglass_writer', 'writer-secret');
    const pg = await import('pg');
    const { clientConfig } = await import('../../src/audit/store/postgres/connect.ts');
    const client = new pg.default.Client(
      clientConfig({ ...writer, address: { ...writer.address, database: 'audit' } }, 'test'),
    );
    await client.connect();
    for (const sql of [
      `UPDATE flow SET host = 'x'`,
      'DELETE FROM flow',
      'DROP TABLE exchange',
      'TRUNCATE event',
      'DELETE FROM day',
    ])
      await assert.rejects(client.query(sql), /permission denied|must be owner/, sql);
    await client.end();
  });
});
