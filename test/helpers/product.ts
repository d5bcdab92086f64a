/**
 * The real product as its users run it: `sightglass start` in a process of its own, with its own data directory, on free
 * ports, spoken to only through its sockets, its command line and its signals. What was built is what runs; without a
 * build the sources run through tsx.
 *
 * Whatever a test does to it, `cleanUp` leaves nothing: the processes it started are ended by their own pids, the folder
 * goes away.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const ROOT = join(import.meta.dirname, '../..');
const BUILT = join(ROOT, 'dist/src/cli/main.js');
const COMMAND = existsSync(BUILT) ? [BUILT] : ['--import', 'tsx', join(ROOT, 'src/cli/main.ts')];

export interface ProductOptions {
  /** Settings by name, as flags. */
  flags?: Record<string, string | string[]>;
  /** Text of the policy file; the product writes its own without it. */
  policy?: string;
  /** Default 2. */
  workers?: number;
  /** Start on the folder of an earlier product (which was killed or stopped). */
  on?: Product;
  /** Start on this folder; it is not removed when the start fails. */
  dataDir?: string;
  /** Variables of ours (`SIGHTGLASS_…`) that it may see. */
  keepVariables?: readonly string[];
}

/** A row of `search --format ndjson`; the fields are those of DESIGN §10 and more. */
export type Row = Record<string, unknown>;

export interface CliResult {
  code: number;
  stdout: string;
  stderr: string;
}

export interface Product {
  readonly dataDir: string;
  readonly policyFile: string;
  /** Where clients reach the proxy. */
  readonly host: string;
  readonly port: number;
  /** `http://host:port` of the proxy. */
  readonly url: string;
  readonly console: string;
  readonly setupLink: string | null;
  /** PEM and file of the root that clients trust. */
  readonly ca: string;
  readonly caFile: string;
  /** Pid of the control process. */
  readonly pid: number;
  /** Pids of the workers that announced themselves and live. */
  workers: () => number[];
  /** Its own log so far, parsed; lines that are no JSON are left out. */
  log: () => Row[];
  stderr: () => string;
  cli: (...args: string[]) => Promise<CliResult>;
  /** All exchanges that match, oldest first. */
  search: (query?: string) => Promise<Row[]>;
  /** The ledger, oldest first. */
  flows: (query?: string) => Promise<Row[]>;
  events: (query?: string) => Promise<Row[]>;
  /** Searches until `enough`; gives what it last saw, or rejects after fifteen seconds with it. */
  eventually: (
    what: 'search' | 'flows' | 'events',
    query: string,
    enough: (rows: Row[]) => boolean,
  ) => Promise<Row[]>;
  /** SIGTERM; resolves with the exit code, which must be 0, when all of it is gone. */
  stop: () => Promise<number>;
  /** SIGKILL to the control process only. */
  kill: () => Promise<void>;
  /** Ends what is left of it, workers included, and removes the folder. */
  cleanUp: () => Promise<void>;
}

/** Starts it and waits for the ready line. Rejects with what it said when it ends before that. */
export async function startProduct(options: ProductOptions = {}): Promise<Product> {
  const dataDir =
    options.on?.dataDir ?? options.dataDir ?? mkdtempSync(join(tmpdir(), 'sightglass-product-'));
  const policyFile = join(dataDir, 'policy.yaml');
  if (options.policy !== undefined) writeFileSync(policyFile, options.policy);
  const child = launch(startArgs(dataDir, options), options.keepVariables);
  const said = listen(child);
  const ready = await Promise.race([said.ready, said.exit.then(() => null)]);
  if (ready === null) {
    if (options.on === undefined && options.dataDir === undefined)
      rmSync(dataDir, { recursive: true, force: true });
    throw new Error(`the product did not start (exit ${child.exitCode ?? -1}):\n${said.stderr()}`);
  }
  const { host, port, console } = ready;
  const caFile = join(dataDir, 'ca', 'authority.crt');
  const cli = (...args: string[]): Promise<CliResult> => runCli(...args, '--data-dir', dataDir);
  const lines = async (args: string[]): Promise<Row[]> => {
    const { code, stdout, stderr } = await cli('search', '--format', 'ndjson', ...args);
    if (code !== 0) throw new Error(`search failed: ${stderr}`);
    const rows = stdout.split('\n').filter(line => line !== '');
    return rows.map(line => JSON.parse(line) as Row).reverse();
  };
  const product: Product = {
    dataDir,
    policyFile,
    host,
    port,
    url: `http://${host}:${port}`,
    console,
    // Printed after the ready line, so it may come a moment later.
    get setupLink() {
      return said.setupLink();
    },
    ca: readFileSync(caFile, 'utf8'),
    caFile,
    pid: child.pid ?? 0,
    workers: () => workersOf(dataDir),
    log: () => said.stderr().split('\n').flatMap(parsed),
    stderr: said.stderr,
    cli,
    search: (query = '') => lines([query]),
    flows: (query = '') => lines(['--flows', query]),
    events: (query = '') => lines(['--events', query]),
    async eventually(what, query, enough) {
      let rows: Row[] = [];
      for (const deadline = Date.now() + 15_000; Date.now() < deadline;) {
        rows = await product[what](query);
        if (enough(rows)) return rows;
        await new Promise(resolve => setTimeout(resolve, 100));
      }
      const tail = rows.slice(-20).map(row => JSON.stringify(row));
      throw new Error(
        `${what} '${query}' never showed what was waited for; ${rows.length} rows:\n${tail.join('\n')}`,
      );
    },
    async stop() {
      child.kill('SIGTERM');
      await said.exit;
      if (child.exitCode !== 0)
        throw new Error(`exit ${child.exitCode ?? child.signalCode ?? ''} after SIGTERM:\n${said.stderr()}`);
      return 0;
    },
    async kill() {
      child.kill('SIGKILL');
      await said.exit;
    },
    async cleanUp() {
      child.kill('SIGKILL');
      await said.exit;
      for (let left = workersOf(dataDir); left.length > 0; left = workersOf(dataDir)) {
        for (const pid of left) signal(pid, 'SIGKILL');
        await new Promise(resolve => setTimeout(resolve, 20));
      }
      rmSync(dataDir, { recursive: true, force: true, maxRetries: 5 });
    },
  };
  return product;
}

/** A start that must fail: what it said and its exit code. It is ended after 20 seconds if it runs after all. */
export async function failedStart(dataDir: string, options: ProductOptions = {}): Promise<CliResult> {
  const child = launch(startArgs(dataDir, options));
  const said = listen(child);
  const impatient = setTimeout(() => child.kill('SIGKILL'), 20_000);
  await said.exit;
  clearTimeout(impatient);
  return { code: child.exitCode ?? -1, stdout: said.stdout(), stderr: said.stderr() };
}

/** Any other verb, run to its end. */
export async function runCli(...args: string[]): Promise<CliResult> {
  const child = launch(args);
  const said = listen(child);
  await said.exit;
  return { code: child.exitCode ?? -1, stdout: said.stdout(), stderr: said.stderr() };
}

function startArgs(dataDir: string, options: ProductOptions): string[] {
  const flags: Record<string, string | string[]> = {
    'data-dir': dataDir,
    workers: String(options.workers ?? 2),
    'proxy.listen': '127.0.0.1:0',
    'console.listen': '127.0.0.1:0',
    'egress.allow': ['127.0.0.0/8', '::1'],
    'proxy.connect-ports': 'any',
    ...options.flags,
  };
  const words = Object.entries(flags).flatMap(([name, value]) => [value].flat().map(v => `--${name}=${v}`));
  return ['start', ...words];
}

function launch(args: string[], keep: readonly string[] = []): ChildProcess {
  const env = Object.fromEntries(
    Object.entries(process.env).filter(
      ([name]) => keep.includes(name) || !/^SIGHTGLASS_|_proxy$/i.test(name),
    ),
  );
  return spawn(process.execPath, [...COMMAND, ...args], { env, stdio: ['ignore', 'pipe', 'pipe'] });
}

interface Ready {
  host: string;
  port: number;
  console: string;
}

function listen(child: ChildProcess): {
  ready: Promise<Ready>;
  exit: Promise<void>;
  stdout: () => string;
  stderr: () => string;
  setupLink: () => string | null;
} {
  let stdout = '';
  let stderr = '';
  const exit = new Promise<void>(resolve => {
    // Orphaned workers hold our pipes open: wait for the process, not for its streams.
    child.once('exit', () => setImmediate(resolve));
    child.once('error', () => {
      resolve();
    });
  });
  child.stderr?.on('data', (data: Buffer) => (stderr += data.toString()));
  const ready = new Promise<Ready>(resolve => {
    child.stdout?.on('data', (data: Buffer) => {
      stdout += data.toString();
      const m = /^ready proxy=(?:([^\s,]+):(\d+)\S*)? console=(\S+)\n/m.exec(stdout);
      if (m !== null) resolve({ host: m[1] ?? '', port: Number(m[2]), console: m[3] ?? '' });
    });
  });
  return {
    ready,
    exit,
    stdout: () => stdout,
    stderr: () => stderr,
    setupLink: () => /^\s+(http\S+\/setup#\S+)$/m.exec(stdout)?.[1] ?? null,
  };
}

/** Workers leave a note with their pid; one that lives under that pid and is a node process is ours. */
function workersOf(dataDir: string): number[] {
  let names: string[];
  try {
    names = readdirSync(join(dataDir, 'run'));
  } catch {
    return [];
  }
  return names
    .flatMap(name => /^worker-(\d+)\.json$/.exec(name)?.[1] ?? [])
    .map(Number)
    .filter(isWorker);
}

export function isWorker(pid: number): boolean {
  try {
    const [state] = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
    return state !== 'Z' && /worker\.(js|ts)/.test(readFileSync(`/proc/${pid}/cmdline`, 'utf8'));
  } catch {
    return false;
  }
}

export function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch {
    // Gone already.
  }
}

function parsed(line: string): Row[] {
  try {
    return [JSON.parse(line) as Row];
  } catch {
    return [];
  }
}
