/**
 * An evidence bundle from a real PostgreSQL: made by the verb and by the builder, proven with the public key alone after the database is
 * gone, each row with its machine; whatever is touched in it is found, and so is a row that was touched in the database before.
 */
import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { auditKeyDir, openAuditKey } from '../../../ca/audit-key.ts';
import { makeBundle } from '../../../src/audit/evidence/bundle.ts';
import { withFleetSource } from '../../../src/audit/evidence/fleet-source.ts';
import { dataLine } from '../../../src/audit/evidence/format.ts';
import { verifyBundle } from '../../../src/audit/evidence/verify.ts';
import { signerOf } from '../../../src/audit/statement.ts';
import { PostgresStore } from '../../../src/audit/store/postgres/postgres.ts';
import { auditCommand } from '../../../src/cli/audit.ts';
import { searchCommand } from '../../../src/cli/search.ts';
import { runVerb } from '../../cli/run-verb.ts';
import { makeRng } from '../../fuzz/rng.ts';
import { startPostgres } from '../../helpers/postgres.ts';
import { DAY, NOON, query } from '../sample.ts';
import { EDGES, recordFleet, ROWS_A_DAY, TestCollector, traffic } from '../verify/recorded-fleet.ts';
import type { Manifest } from '../../../src/audit/evidence/format.ts';
import type { Kind } from '../../../src/audit/query/ast.ts';
import type { PostgresTarget } from '../../../src/audit/store/postgres/connect.ts';
import type { ExchangeRow } from '../../../src/audit/store/store.ts';
import type { Postgres } from '../../helpers/postgres.ts';

const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'sightglass-fleet-evidence-'));
const { privateKey, publicKey, publicPem } = openAuditKey(auditKeyDir(dir), null);
const signer = signerOf(privateKey);
/** Rows of a kind, of both machines over all days. */
const ROWS = ROWS_A_DAY;
let postgres: Postgres;
let good: PostgresTarget;

before(async () => {
  postgres = await startPostgres();
  good = await postgres.database('good');
  await recordFleet(good, dir, signer);
});
after(async () => {
  await postgres.cleanUp();
  fs.rmSync(dir, { recursive: true, force: true });
});

let made = 0;
/** Make a bundle; where it is, and what its manifest says. */
async function bundle(
  kind: Kind,
  text = '',
  more: { format?: 'ndjson' | 'csv'; limit?: number; target?: PostgresTarget } = {},
): Promise<{ out: string; manifest: Manifest }> {
  const { target = good, format = 'ndjson', ...rest } = more;
  const out = path.join(dir, `out-${++made}`);
  const manifest = await withFleetSource(target, signer.keyId, source =>
    makeBundle({
      ...{ source, out, kind, query: query(text, kind), format, signer, publicPem },
      ...{ by: 'tester', version: '1', now: NOON, ...rest },
    }),
  );
  return { out, manifest };
}

const problems = (out: string): string[] =>
  verifyBundle(out, publicKey).findings.map(f => `${f.problem} ${f.text}`);

/** A copy of the good database, changed by a statement as its owner. */
async function copied(name: string, sql: string): Promise<PostgresTarget> {
  await postgres.run(`CREATE DATABASE ${name} TEMPLATE good`);
  await postgres.run(`SET search_path = sightglass; ${sql}`, name);
  return { ...good, address: { ...good.address, database: name } };
}

describe('a bundle of a fleet', () => {
  it('proves rows of every kind and format, many or few, each with its machine', async () => {
    for (const [kind, text, format, limit, rows] of [
      ['exchanges', '', 'ndjson', undefined, ROWS],
      ['exchanges', 'proxy:edge-2', 'csv', undefined, ROWS / 2],
      ['flows', '', 'csv', undefined, ROWS],
      ['flows', '', 'ndjson', 47, 47],
      ['events', '', 'ndjson', undefined, undefined],
      ['events', '', 'csv', 5, 5],
      ['exchanges', 'host:nowhere.test', 'ndjson', undefined, 0],
    ] as const) {
      const { out, manifest } = await bundle(kind, text, {
        format,
        ...(limit === undefined ? {} : { limit }),
      });
      const report = verifyBundle(out, publicKey);
      assert.deepEqual(report.findings, [], `${kind} ${text}`);
      if (rows !== undefined) assert.equal(manifest.rows, rows, `${kind} ${text}`);
      assert.deepEqual([report.rows, report.proven], [manifest.rows, manifest.rows]);
      assert.deepEqual([manifest.unsigned, manifest.unchained, manifest.machines], [0, 0, true]);
    }
  });

  it('holds what a search finds, in its order', async () => {
    const { out, manifest } = await bundle('exchanges');
    const store = new PostgresStore(good);
    const { rows } = await store.search(query('', 'exchanges'), { kind: 'exchanges', limit: 1000 });
    await store.close();
    const data = fs.readFileSync(path.join(out, 'data.ndjson'), 'utf8');
    const found = rows.map(row => dataLine(manifest, row)).join('');
    assert.ok(found.includes('\\ud800'), 'what no digest can cover is among them');
    assert.equal(data, found.replaceAll('\\ud800', '\ufffd'));
    const machines = data
      .trimEnd()
      .split('\n')
      .map(line => (JSON.parse(line) as ExchangeRow).proxy);
    assert.deepEqual([...new Set(machines)].sort(), [...EDGES]);
  });

  it('shows every changed byte of every file', async () => {
    const { out } = await bundle('exchanges', '', { limit: 20 });
    const rng = makeRng(7);
    for (const name of fs.readdirSync(out)) {
      const file = path.join(out, name);
      const whole = fs.readFileSync(file);
      for (let i = 0; i < 12; i++) {
        const bad = Buffer.from(whole);
        const at = rng.int(bad.length);
        bad[at] = (bad[at] ?? 0) ^ (1 << rng.int(7));
        fs.writeFileSync(file, bad);
        assert.notDeepEqual(problems(out), [], `${name} byte ${at}`);
      }
      fs.writeFileSync(file, whole);
    }
    assert.deepEqual(problems(out), []);
  });

  it('does not let a row be put down to another machine, whoever signs the manifest', async () => {
    const { out } = await bundle('flows', '', { limit: 10 });
    const proof = path.join(out, 'proof.ndjson');
    const whole = fs.readFileSync(proof, 'utf8');
    fs.writeFileSync(proof, whole.replaceAll(/6:edge-\d/g, '6:edge-3'));
    assert.ok(problems(out).some(p => /unreadable the proof of row 1 does not hold together/.test(p)));
    fs.writeFileSync(proof, whole);
    const data = path.join(out, 'data.ndjson');
    fs.writeFileSync(
      data,
      fs.readFileSync(data, 'utf8').replaceAll(/"proxy":"edge-\d"/g, '"proxy":"edge-3"'),
    );
    assert.ok(problems(out).some(p => /changed row 1 of the data is not the row that was recorded/.test(p)));
  });

  it('does not prove a row that was changed, nor one whose body is gone, in the database', async () => {
    const one = `(SELECT seq FROM exchange WHERE res_body IS NOT NULL ORDER BY seq OFFSET 3 LIMIT 1)`;
    const status = await copied('status', `UPDATE exchange SET status = 299 WHERE seq = ${one}`);
    const changed = await bundle('exchanges', 'status:299', { target: status });
    assert.equal(changed.manifest.rows, 1);
    assert.ok(problems(changed.out).some(p => p.startsWith('chain the rows do not lead to checkpoint')));
    const body = await copied('body', 'DELETE FROM body');
    const lost = await bundle('exchanges', '', { target: body });
    assert.ok(problems(lost.out).some(p => p.includes('does not hold together')));
  });

  it('tells rows of another collector, and those that no checkpoint covers yet, from proven ones', async () => {
    const both = await copied('two', 'SELECT 1');
    const other = path.join(dir, 'other');
    fs.mkdirSync(other);
    const stranger = new TestCollector(both, other, signerOf(generateKeyPairSync('ed25519').privateKey));
    const own = new TestCollector(both, dir, signer);
    for (const [i, collector] of [stranger, own].entries()) {
      collector.now = NOON + 2 * DAY + 3_600_000;
      await collector.commit(EDGES[0], traffic(3 + i, 1, 4, collector.now));
    }
    // The first batch of a collector is signed at once, this one within the minute.
    await own.commit(EDGES[1], traffic(5, 1, 6, own.now));
    const { out, manifest } = await bundle('exchanges', '', { target: both });
    for (const { writer } of [stranger, own]) await writer.close();
    assert.deepEqual([manifest.rows, manifest.unsigned, manifest.unchained], [ROWS + 14, 6, 4]);
    const report = verifyBundle(out, publicKey);
    assert.deepEqual([report.findings, report.proven], [[], ROWS + 4]);
    await assert.rejects(
      withFleetSource(good, 'ab'.repeat(16), async () => assert.fail('there is no such chain')),
      /no rows that this machine vouches for/,
    );
  });
});

it('the verb makes it on a collector, and it is verified where there is no database', async t => {
  const { user, host, port, database } = good.address;
  const url = `postgres://${user}@${host}:${port}/${database}`;
  const here = [
    '--data-dir',
    dir,
    '--audit.store',
    url,
    '--audit.store-password-file',
    postgres.passwordFile,
  ];
  const key = path.join(dir, 'collector.pub');
  fs.writeFileSync(key, publicPem);
  for (const [name, ...argv] of [['case'], ['case.zip', '--flows', '--format', 'csv']]) {
    const out = path.join(dir, name ?? '');
    const ran = await runVerb(t, searchCommand(), ...argv, '--evidence', out, ...here);
    assert.match(ran.out, new RegExp(`^${ROWS} rows with their proofs`));
    const elsewhere = ['--file', out, '--key', key, '--data-dir', path.join(dir, 'nothing')];
    const verified = await runVerb(t, auditCommand(), 'verify', ...elsewhere);
    assert.equal(verified.code, 0, verified.out);
    assert.match(verified.out, new RegExp(`${ROWS} rows, ${ROWS} proven[^]*everything fits`));
  }
  const read = ['--data-dir', dir, '--audit.store-read', url];
  await assert.rejects(
    runVerb(t, searchCommand(), '--evidence', path.join(dir, 'no'), ...read),
    /were stored and signed by another machine/,
  );
});
