import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import Database from 'better-sqlite3';
import { end, launch } from '../processes.ts';
import type { Mode } from '../workloads.ts';
import type { Implementation, Running, StartOrder } from './implementation.ts';

const PROGRAM = join(import.meta.dirname, '../../dist/src/cli/main.js');

/** The product as built: recording on, everything else as it comes out of the box. */
export function sightglass(workers: number): Implementation {
  return {
    name: workers === 1 ? 'sightglass' : `sightglass-${workers}`,
    about: `the built product, ${workers} worker${workers === 1 ? '' : 's'}, recording on, own data folder`,
    pace: 1,
    version() {
      if (!existsSync(PROGRAM)) return null;
      const r = spawnSync(process.execPath, [PROGRAM, '--version'], { encoding: 'utf8' });
      return r.status === 0 ? `sightglass ${r.stdout.trim()}, Node ${process.versions.node}` : null;
    },
    start: order => start(workers, order),
  };
}

async function start(workers: number, { mode, folder, pki, prefix }: StartOrder): Promise<Running> {
  const data = join(folder, 'data');
  mkdirSync(data, { mode: 0o700 });
  const policy = join(folder, 'policy.yaml');
  writeFileSync(policy, `version: 1\ndefault: ${mode}\n`);
  const argv = [
    ...[process.execPath, PROGRAM, 'start', '--data-dir', data, '--workers', String(workers)],
    ...['--proxy.listen', '127.0.0.1:0', '--console.listen', '127.0.0.1:0', '--proxy.connect-ports', 'any'],
    ...['--policy.file', policy, '--origin.extra-ca', pki.originCa, '--egress.allow', '127.0.0.0/8'],
    ...['--limits.connections-per-client', '10000'],
  ];
  const log = join(folder, 'output.log');
  const child = launch([...prefix, ...argv], log, process.env);
  const port = await ready(log, () => child.exitCode !== null || child.signalCode !== null);
  const ca = join(folder, 'ca.pem');
  execFileSync(process.execPath, [
    PROGRAM,
    'ca',
    'export',
    '--format',
    'pem',
    '--out',
    ca,
    '--data-dir',
    data,
  ]);
  return {
    port,
    pid: child.pid ?? 0,
    ca,
    rows: () => countRows(join(data, 'audit'), mode),
    stop: () => end(child, 15_000),
  };
}

/** Waits for the line `ready proxy=H:P console=URL` and takes the proxy's port from it. */
async function ready(log: string, ended: () => boolean): Promise<number> {
  for (let waited = 0; waited < 30_000; waited += 100) {
    const text = readFileSync(log, 'utf8');
    const port = /^ready proxy=\S*?:(\d+)[ ,]/m.exec(text)?.[1];
    if (port !== undefined) return Number(port);
    if (ended()) throw new Error(`sightglass ended at start: ${text.trim().split('\n').at(-1) ?? ''}`);
    await sleep(100);
  }
  throw new Error('sightglass printed no ready line within 30 s');
}

/** Straight from the day files, read-only, so that counting costs the product nothing. */
function countRows(folder: string, mode: Mode): number {
  if (!existsSync(folder)) return 0;
  let rows = 0;
  for (const file of readdirSync(folder).filter(f => /^\d{4}-\d\d-\d\d.*\.db$/.test(f))) {
    const db = new Database(join(folder, file), { readonly: true, fileMustExist: true });
    try {
      const table = mode === 'inspect' ? 'exchange' : 'flow';
      rows += (db.prepare(`SELECT count(*) AS n FROM ${table}`).get() as { n: number }).n;
    } finally {
      db.close();
    }
  }
  return rows;
}
