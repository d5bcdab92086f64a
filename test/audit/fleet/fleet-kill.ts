/**
 * Two proxies, a collector and a database under load, each killed with SIGKILL in turn; what the workers were told was written is
 * compared with what PostgreSQL has. Used by the test and by `bench/fleet-kill.ts`, which runs it for longer.
 */
import assert from 'node:assert/strict';
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { generateKeyPairSync } from 'node:crypto';
import pg from 'pg';
import { LastSigned } from '../../../src/audit/last-signed.ts';
import { clientConfig } from '../../../src/audit/store/postgres/connect.ts';
import { verifyFleet } from '../../../src/audit/verify/fleet.ts';
import { listSegments } from '../../../src/audit/producer.ts';
import { FLOWS_PER_PRODUCER } from '../../../src/core/records.ts';
import { freePort } from '../../helpers/free-port.ts';
import { startPostgres } from '../../helpers/postgres.ts';
import { makeRng } from '../../fuzz/rng.ts';

const here = (name: string): string => fileURLToPath(new URL(name, import.meta.url));
const NAMES = ['edge-1', 'edge-2'] as const;
/** Without any progress. */
const PATIENCE_MS = 60_000;

export interface KillResult {
  acknowledged: number;
  stored: number;
  flows: number;
  deadFlows: number;
  missing: number;
  twice: number;
  /** Rows that the verifier compared with the chain, signed or not yet, and what it found. */
  verified: number;
  findings: string[];
  kills: Record<'collector' | 'shipper' | 'worker' | 'database', number>;
  seconds: number;
}

interface Child {
  process: ChildProcess;
  /** It has said its first line. */
  begun: Promise<void>;
  ended: Promise<void>;
  text: () => string;
}

function start(script: string, args: string[]): Child {
  const process_ = spawn(process.execPath, ['--import', 'tsx', here(script), ...args], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  let text = '';
  const begun = new Promise<void>(resolve =>
    process_.stdout.on('data', (data: Buffer) => {
      text += data.toString('latin1');
      if (text.includes('\n')) resolve();
    }),
  );
  process_.stdin.on('error', () => undefined);
  return {
    process: process_,
    begun,
    ended: new Promise(resolve => process_.on('close', () => resolve())),
    text: () => text,
  };
}

async function end(child: Child): Promise<void> {
  child.process.kill('SIGKILL');
  await child.ended;
}

/** Certificates of the fleet, by openssl as docs/fleet.md says. */
export function makeCertificates(dir: string, names: readonly string[]): void {
  const openssl = (...args: string[]): void => {
    execFileSync('openssl', args, { cwd: dir, stdio: ['ignore', 'ignore', 'pipe'] });
  };
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
  openssl(
    'req',
    '-x509',
    ...key,
    '-days',
    '30',
    '-subj',
    '/CN=fleet CA',
    '-keyout',
    'ca.key',
    '-out',
    'ca.crt',
  );
  for (const name of names) {
    const server = name === 'collector';
    fs.writeFileSync(
      path.join(dir, `${name}.ext`),
      server
        ? 'subjectAltName=IP:127.0.0.1,DNS:localhost\nextendedKeyUsage=serverAuth\n'
        : 'extendedKeyUsage=clientAuth\n',
    );
    openssl('req', ...key, '-subj', `/CN=${name}`, '-keyout', `${name}.key`, '-out', `${name}.csr`);
    openssl(
      ...['x509', '-req', '-in', `${name}.csr`, '-CA', 'ca.crt', '-CAkey', 'ca.key', '-CAcreateserial'],
      ...['-days', '30', '-extfile', `${name}.ext`, '-out', `${name}.crt`],
    );
  }
}

/** Run `rounds` of killing. Rejects when something does not come to rest. */
export async function fleetKill(rounds: number, seed: number): Promise<KillResult> {
  const began = Date.now();
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'sightglass-fleet-kill-'));
  const postgres = await startPostgres();
  const living = new Set<Child>();
  const launch = (script: string, args: string[]): Child => {
    const child = start(script, args);
    living.add(child);
    void child.ended.then(() => living.delete(child));
    return child;
  };
  try {
    makeCertificates(dir, ['collector', ...NAMES]);
    const pair = generateKeyPairSync('ed25519');
    fs.writeFileSync(path.join(dir, 'audit.key'), pair.privateKey.export({ type: 'pkcs8', format: 'pem' }));
    const rng = makeRng(seed);
    const kills = { collector: 0, shipper: 0, worker: 0, database: 0 };
    const port = String(await freePort());
    const collector = async (): Promise<Child> => {
      const child = launch('kill/collector.ts', [postgres.url, postgres.passwordFile, port, dir]);
      await child.begun;
      return child;
    };
    let collecting = await collector();
    const spoolOf = (name: string): string => path.join(dir, `spool-${name}`);
    const shipper = (name: string): Child =>
      launch('kill/shipper.ts', [spoolOf(name), `https://127.0.0.1:${port}`, name, dir]);
    const shippers = new Map(NAMES.map(name => [name, shipper(name)]));
    const workers: { name: string; child: Child }[] = [];
    const worker = (name: string, flushes: number, close: boolean): Child => {
      const child = launch('../kill/writer.ts', [spoolOf(name), String(flushes), close ? '1' : '0']);
      workers.push({ name, child });
      return child;
    };
    for (let round = 0; round < rounds; round++) {
      const working = NAMES.map(name => worker(name, 20_000, false));
      await Promise.all(working.map(w => w.begun));
      await sleep(rng.int(250));
      switch (round % 4) {
        case 0:
          await end(collecting);
          kills.collector++;
          await sleep(rng.int(100));
          collecting = await collector();
          break;
        case 1: {
          const name = rng.pick(NAMES);
          const child = shippers.get(name);
          if (child !== undefined) await end(child);
          kills.shipper++;
          shippers.set(name, shipper(name));
          break;
        }
        case 2:
          await postgres.kill();
          kills.database++;
          await sleep(rng.int(100));
          await postgres.start();
          break;
        default:
          // Everything at once.
          await Promise.all([end(collecting), postgres.kill()]);
          kills.collector++;
          kills.database++;
          await postgres.start();
          collecting = await collector();
      }
      await sleep(rng.int(250));
      for (const w of working) {
        if (w.process.exitCode === null) kills.worker++;
        await end(w);
      }
    }
    for (const name of NAMES) await worker(name, 100, true).ended;
    for (const child of shippers.values()) child.process.stdin?.end();
    await emptied(NAMES.map(spoolOf), [...shippers.values()]);
    for (const name of NAMES) {
      assert.deepEqual(
        listSegments(spoolOf(name)),
        [],
        `${name}: every segment was carried over and removed`,
      );
      assert.ok(!fs.existsSync(path.join(spoolOf(name), 'bad')), `${name}: no segment was damaged`);
    }
    const counted = await compare(postgres, workers);
    await end(collecting);
    const client = new pg.Client(clientConfig(postgres.target, 'test'));
    await client.connect();
    const { days, findings } = await verifyFleet(client, [pair.publicKey], {
      last: new LastSigned(path.join(dir, 'last.checkpoint')).read(),
    }).finally(() => client.end());
    const chained = {
      verified: days.reduce((sum, d) => sum + d.rows, 0),
      findings: [...days.flatMap(d => d.findings), ...findings].map(f => `${f.problem}: ${f.text}`),
    };
    return { ...counted, ...chained, kills, seconds: (Date.now() - began) / 1000 };
  } finally {
    for (const child of living) await end(child);
    await postgres.cleanUp();
    fs.rmSync(dir, { recursive: true, force: true });
  }
}

/** Waits until the shippers have left. Rejects when the spools do not shrink any more, however long all of it takes. */
async function emptied(spools: readonly string[], shippers: readonly Child[]): Promise<void> {
  let left = Infinity;
  for (let deadline = 0; shippers.some(child => child.process.exitCode === null); await sleep(100)) {
    const bytes = spools.reduce((sum, dir) => sum + bytesIn(dir), 0);
    if (bytes < left) deadline = Date.now() + PATIENCE_MS;
    left = Math.min(left, bytes);
    assert.ok(Date.now() < deadline, `the spools do not become empty: ${left} bytes stay`);
  }
}

function bytesIn(spool: string): number {
  const sizes = listSegments(spool).map(({ name }) =>
    fs.statSync(path.join(spool, name), { throwIfNoEntry: false }),
  );
  return sizes.reduce((sum, file) => sum + (file?.size ?? 0), 0);
}

/** What the workers were told against what the database has. */
async function compare(
  postgres: Awaited<ReturnType<typeof startPostgres>>,
  workers: readonly { name: string; child: Child }[],
): Promise<Omit<KillResult, 'kills' | 'seconds' | 'verified' | 'findings'>> {
  const rows = async (sql: string): Promise<Record<string, unknown>[]> =>
    (await postgres.run(sql)).rows as Record<string, unknown>[];
  const exchanges = new Map<string, number>();
  for (const r of await rows(
    'SELECT p.name, x.flow, x.n FROM sightglass.exchange x JOIN sightglass.proxy p ON p.id = x.proxy',
  )) {
    const key = `${String(r['name'])} ${String(r['flow'])}.${String(r['n'])}`;
    exchanges.set(key, (exchanges.get(key) ?? 0) + 1);
  }
  const flows = new Map<string, { n: number; fault: unknown; exchanges: number }>();
  for (const r of await rows(
    'SELECT p.name, x.flow, x.fault, x.exchanges FROM sightglass.flow x JOIN sightglass.proxy p ON p.id = x.proxy',
  )) {
    const key = `${String(r['name'])} ${String(r['flow'])}`;
    const n = (flows.get(key)?.n ?? 0) + 1;
    flows.set(key, { n, fault: r['fault'], exchanges: Number(r['exchanges']) });
  }
  let acknowledged = 0;
  let missing = 0;
  let deadFlows = 0;
  for (const { name, child } of workers) {
    let producer = 0;
    const upTo = new Map<number, number>();
    // Only whole lines count: a torn one was not said.
    for (const line of child.text().split('\n').slice(0, -1)) {
      const [kind, first, second] = line.split(' ');
      if (kind === 'producer') producer = Number(first);
      if (kind === 'x' || kind === 'f' || kind === 'o') upTo.set(Number(first), Number(second));
    }
    for (const [counter, last] of upTo) {
      const id = producer * FLOWS_PER_PRODUCER + counter;
      for (let n = 1; n <= last; n++) {
        acknowledged++;
        if (exchanges.get(`${name} ${id}.${n}`) === undefined) missing++;
      }
      const row = flows.get(`${name} ${id}`);
      if (row === undefined) missing++;
      else if (row.fault === 'worker-died') {
        deadFlows++;
        assert.ok(row.exchanges >= last, `flow ${id} counts its ${last} exchanges`);
      }
    }
  }
  const twice =
    [...exchanges.values()].filter(n => n > 1).length + [...flows.values()].filter(f => f.n > 1).length;
  const left = await rows(
    'SELECT count(*) AS n FROM sightglass.open_flow UNION ALL SELECT count(*) FROM sightglass.waiting_body',
  );
  assert.deepEqual(
    left.map(r => Number(r['n'])),
    [0, 0],
    'no flow is left open and no body waits',
  );
  return { acknowledged, stored: exchanges.size, flows: flows.size, deadFlows, missing, twice };
}
