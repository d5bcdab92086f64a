/**
 * A real PostgreSQL for tests: its own data folder, a free port on loopback, a random password, started and ended by its own pid.
 * PostgreSQL refuses to run as root, so root starts it as the user that Debian's package made. Not synced to disk: what is
 * killed here is processes, never the machine.
 */
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import {
  chmodSync,
  chownSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { freePort } from './free-port.ts';
import { parsePostgresUrl } from '../../src/core/postgres-address.ts';
import type { PostgresTarget } from '../../src/audit/store/postgres/connect.ts';

export interface Postgres {
  /** Without the password. */
  readonly url: string;
  /** As the superuser, who owns all. */
  readonly target: PostgresTarget;
  readonly passwordFile: string;
  /** Pid of the postmaster. */
  readonly pid: () => number;
  /** Connect as another role of this server; its password is `password`. */
  as(user: string, password: string): PostgresTarget;
  /** Another, empty database. */
  database(name: string): Promise<PostgresTarget>;
  /** Statements as the superuser. */
  run(sql: string, database?: string): Promise<pg.QueryResult>;
  /** SIGKILL to the postmaster; its children follow. */
  kill(): Promise<void>;
  /** Start it again on the same folder and port, recovering as after a crash. */
  start(): Promise<void>;
  cleanUp(): Promise<void>;
}

const START_MS = 30_000;

/** Newest PostgreSQL that Debian installed. */
export function postgresBin(): string {
  const root = '/usr/lib/postgresql';
  const [newest] = readdirSync(root).sort((a, b) => Number(b) - Number(a));
  if (newest === undefined) throw new Error(`no PostgreSQL below ${root}`);
  return join(root, newest, 'bin');
}

/** `settings` are further `-c` settings of the server. */
export async function startPostgres(settings: readonly string[] = []): Promise<Postgres> {
  const bin = postgresBin();
  const dir = mkdtempSync(join(tmpdir(), 'sightglass-postgres-'));
  const data = join(dir, 'data');
  const secret = randomBytes(12).toString('hex');
  const passwordFile = join(dir, 'password');
  writeFileSync(passwordFile, `${secret}\n`);
  const as = process.getuid?.() === 0 ? serverUser() : null;
  if (as !== null) {
    mkdirSync(data, { mode: 0o700 });
    for (const path of [dir, data, passwordFile]) chownSync(path, as.uid, as.gid);
    chmodSync(dir, 0o755);
  }
  const command = (program: string, args: string[]): [string, string[]] =>
    as === null
      ? [join(bin, program), args]
      : [
          'setpriv',
          [`--reuid=${as.uid}`, `--regid=${as.gid}`, '--clear-groups', join(bin, program), ...args],
        ];
  execFileSync(
    ...command('initdb', [
      '-D',
      data,
      '-U',
      'owner',
      '-A',
      'scram-sha-256',
      `--pwfile=${passwordFile}`,
      '-E',
      'UTF8',
      '--locale=C',
      '-N',
    ]),
    { stdio: ['ignore', 'ignore', 'inherit'], cwd: '/' },
  );
  const port = await freePort();
  let child: ChildProcess | null = null;
  const urlOf = (user: string, database: string): string =>
    `postgres://${user}@127.0.0.1:${port}/${database}`;
  const target: PostgresTarget = { address: parsePostgresUrl(urlOf('owner', 'postgres')), passwordFile };
  const start = async (): Promise<void> => {
    const started = Date.now();
    for (;;) {
      const process_ = spawn(
        ...command('postgres', [
          '-D',
          data,
          '-c',
          `port=${port}`,
          ...['listen_addresses=127.0.0.1', 'unix_socket_directories=', 'fsync=off', 'full_page_writes=off']
            .concat(['max_connections=40', 'shared_buffers=64MB'], settings)
            .flatMap(s => ['-c', s]),
        ]),
        { stdio: ['ignore', 'ignore', 'ignore'], cwd: '/' },
      );
      child = process_;
      while (process_.exitCode === null && process_.signalCode === null) {
        if (await answers(port, secret)) return;
        if (Date.now() - started > START_MS) throw new Error('PostgreSQL does not answer');
        await sleep(30);
      }
      // After a kill its children may still hold the shared memory for a moment.
      if (Date.now() - started > START_MS) throw new Error('PostgreSQL does not start');
      await sleep(100);
    }
  };
  const end = async (signal: 'SIGKILL' | 'SIGINT'): Promise<void> => {
    const process_ = child;
    child = null;
    if (process_ === null || process_.exitCode !== null || process_.signalCode !== null) return;
    const ended = new Promise(resolve => process_.once('exit', resolve));
    process_.kill(signal);
    await ended;
  };
  await start();
  const run = async (sql: string, database = 'postgres'): Promise<pg.QueryResult> => {
    const client = new pg.Client({ host: '127.0.0.1', port, user: 'owner', password: secret, database });
    await client.connect();
    try {
      return await client.query(sql);
    } finally {
      await client.end();
    }
  };
  let roles = 0;
  return {
    url: urlOf('owner', 'postgres'),
    target,
    passwordFile,
    pid: () => child?.pid ?? 0,
    as(user, password) {
      const file = join(dir, `password-${++roles}`);
      writeFileSync(file, `${password}\n`);
      return { address: parsePostgresUrl(urlOf(user, 'postgres')), passwordFile: file };
    },
    async database(name) {
      await run(`CREATE DATABASE ${pg.escapeIdentifier(name)}`);
      return { address: parsePostgresUrl(urlOf('owner', name)), passwordFile };
    },
    run,
    kill: () => end('SIGKILL'),
    start,
    async cleanUp() {
      await end('SIGINT');
      // Children of a killed postmaster may write for a moment longer.
      rmSync(dir, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
    },
  };
}

/** Owner of the folder that Debian's package made for its clusters. */
function serverUser(): { uid: number; gid: number } {
  const { uid, gid } = statSync('/var/lib/postgresql');
  return { uid, gid };
}

async function answers(port: number, password: string): Promise<boolean> {
  const client = new pg.Client({ host: '127.0.0.1', port, user: 'owner', password, database: 'postgres' });
  client.on('error', () => undefined);
  try {
    await client.connect();
    await client.query('SELECT 1');
    return true;
  } catch {
    return false;
  } finally {
    await client.end().catch(() => undefined);
  }
}
