/**
 * `sightglass demo`: the whole product with something to look at. Starts a local origin with a throw-away CA, then the product
 * itself as a child process, exactly as `sightglass start` would, then sends sample traffic through it and prints where to
 * look. Nothing of it leaves this machine: every name ends in `.demo.test` and is answered by `origin.resolve`.
 *
 * Without --data-dir everything lives in a temporary folder that is removed at the end; a folder that is given is kept.
 */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { extname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { Command, InvalidArgumentError, Option } from 'commander';
import { CERTIFICATE_FILE } from '../../ca/key-file.ts';
import { hostPort, duration } from '../settings/kinds.ts';
import { loadSettings } from '../settings/load.ts';
import type { SettingsInput } from '../settings/load.ts';
import { DEMO_HOSTS, startDemoOrigin } from './demo/origin.ts';
import type { DemoOrigin } from './demo/origin.ts';
import { DEMO_POLICY } from './demo/policy.ts';
import { personas, playTraffic, scenes } from './demo/traffic.ts';
import { addSettingsFlags } from './settings-flags.ts';
import { policyFileOf } from '../settings/policy-file.ts';
import { UsageError } from './usage-error.ts';

interface DemoOptions {
  duration?: number;
  rate: number;
  verbose?: boolean;
}

export function demoCommand(): Command {
  const command = new Command('demo')
    .description(
      'Run everything with a local origin and sample traffic, so that the console has something to show.',
    )
    .addOption(
      new Option('--duration <DURATION>', 'stop after this long, such as 30s; else at Ctrl-C').argParser(
        readDuration,
      ),
    )
    .addOption(
      new Option('--rate <N>', 'flows per second after the first round').default(2).argParser(readRate),
    )
    .option('--verbose', 'tell how each flow ended for its client')
    .allowExcessArguments(false);
  const input = addSettingsFlags(command);
  return command.action((options: DemoOptions) => runDemo(options, input()));
}

async function runDemo(options: DemoOptions, input: SettingsInput): Promise<void> {
  const stop = new AbortController();
  const abort = (): void => {
    stop.abort();
  };
  process.on('SIGINT', abort).on('SIGTERM', abort);
  const given = input.flags?.['data-dir'] !== undefined;
  const flags = { ...input.flags };
  if (!given) flags['data-dir'] = mkdtempSync(join(tmpdir(), 'sightglass-demo-'));
  let origin: DemoOrigin | null = null;
  let product: ChildProcess | null = null;
  try {
    origin = await startDemoOrigin(Date.now());
    const dataDir = await prepare(flags, input, origin);
    product = startProduct(flags, input.file);
    const ready = await readyLine(product, stop.signal);
    if (ready === null) return;
    const authority = join(dataDir, 'ca', CERTIFICATE_FILE);
    const proxy = {
      ...hostPort.read(ready.proxy, { base: '/', home: null }),
      trusted: [readFileSync(authority, 'utf8'), origin.certificate],
    };
    if (proxy.host === '::' || proxy.host === '0.0.0.0') proxy.host = '127.0.0.1';
    const proxyUrl = `http://${hostPort.show(proxy)}`;
    console.log(`
The demo is running: open the set-up link above, or log in where there is none.
  console  ${ready.console}
  proxy    ${proxyUrl}
  try      curl -x ${proxyUrl} --cacert ${authority} https://shop.demo.test:${origin.tlsPort}/
${given ? `Ctrl-C ends it; ${dataDir} is kept.` : `Ctrl-C ends it and removes ${dataDir}.`}
`);
    const gone = once(product, 'exit').then(() => {
      stop.abort();
    });
    let flows = 0;
    await playTraffic(scenes(proxy, origin), personas(process.platform), {
      rate: options.rate,
      until: options.duration === undefined ? Infinity : Date.now() + options.duration,
      signal: stop.signal,
      heard: (scene, outcome) => {
        flows++;
        if (options.verbose === true) console.log(`  ${scene}: ${outcome}`);
      },
    });
    console.log(`${flows} flows sent.`);
    const { exitCode } = product;
    if (exitCode !== null && exitCode !== 0) throw stopped(exitCode);
    await endProduct(product);
    await gone;
  } finally {
    if (product !== null) await endProduct(product);
    await origin?.close();
    process.off('SIGINT', abort).off('SIGTERM', abort);
    if (!given) rmSync(String(flags['data-dir']), { recursive: true, force: true });
  }
}

/** Fill in what the demo needs of settings that were not given, check them all, and write the sample policy. */
async function prepare(
  flags: Record<string, string | readonly string[] | undefined>,
  input: SettingsInput,
  origin: DemoOrigin,
): Promise<string> {
  const add = (name: string, ...values: string[]): void => {
    const before = flags[name];
    flags[name] = [...(before === undefined ? [] : [before].flat()), ...values];
  };
  flags['proxy.listen'] ??= await freeOr(8080);
  flags['console.listen'] ??= await freeOr(9080);
  flags['log.level'] ??= 'warn'; // What the product says about each leaf would drown what the demo says.
  add('proxy.connect-ports', '443', '8443', String(origin.tlsPort), String(origin.closedPort));
  add('egress.allow', '127.0.0.0/8');
  add('origin.resolve', ...Object.keys(DEMO_HOSTS).map(host => `${host}=127.0.0.1`));

  const loaded = loadSettings({ ...input, flags });
  const dataDir = loaded['data-dir'];
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  const certificate = join(dataDir, 'demo-origin-ca.pem');
  writeFileSync(certificate, origin.certificate, { mode: 0o600 });
  add('origin.extra-ca', certificate);
  const policy = policyFileOf(loaded);
  if (!existsSync(policy)) writeFileSync(policy, DEMO_POLICY, { mode: 0o600 });
  else if (readFileSync(policy, 'utf8') !== DEMO_POLICY)
    console.log(`${policy} is used as it is: the sample traffic meets your rules, not the demo's.`);
  return dataDir;
}

/** `127.0.0.1:PORT`, or port 0 when that one is taken. */
function freeOr(port: number): Promise<string> {
  return new Promise(done => {
    const probe = createServer();
    probe.once('error', () => {
      done('127.0.0.1:0');
    });
    probe.listen(port, '127.0.0.1', () => {
      probe.close(() => {
        done(`127.0.0.1:${port}`);
      });
    });
  });
}

/** `sightglass start` with these flags, by this very Node and from these very files. */
function startProduct(
  flags: Record<string, string | readonly string[] | undefined>,
  file: string | undefined,
): ChildProcess {
  const main = join(import.meta.dirname, `main${extname(import.meta.filename)}`);
  const values = Object.entries(flags).flatMap(([name, value]) =>
    [value ?? []].flat().flatMap(one => [`--${name}`, one]),
  );
  const config = file === undefined ? [] : ['--config', file];
  return spawn(process.execPath, [...process.execArgv, main, 'start', ...config, ...values], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
}

/** Pass the product's output on and wait for its ready line. Null when `signal` came first. */
function readyLine(
  product: ChildProcess,
  signal: AbortSignal,
): Promise<{ proxy: string; console: string } | null> {
  return new Promise((resolve, reject) => {
    product.once('error', reject);
    product.once('exit', code => {
      if (signal.aborted) resolve(null);
      else reject(stopped(code));
    });
    signal.addEventListener('abort', () => {
      resolve(null);
    });
    if (product.stdout === null) return;
    createInterface(product.stdout).on('line', line => {
      console.log(line);
      const m = /^ready proxy=(\S+) console=(\S+)/.exec(line);
      if (m?.[1] !== undefined && m[2] !== undefined)
        resolve({ proxy: m[1].split(',')[0] ?? '', console: m[2] });
    });
  });
}

function stopped(code: number | null): Error {
  return new UsageError(
    `the product stopped by itself (exit ${code ?? 'by signal'})`,
    'what it said stands above',
    1,
  );
}

/** Ask the product to finish and wait for it. */
async function endProduct(product: ChildProcess): Promise<void> {
  if (product.exitCode !== null || product.signalCode !== null) return;
  const ended = once(product, 'exit');
  product.kill('SIGTERM');
  await ended;
}

function readDuration(text: string): number {
  try {
    return duration(1000, 86_400_000).read(text, { base: '/', home: null });
  } catch (error) {
    throw new InvalidArgumentError((error as Error).message);
  }
}

function readRate(text: string): number {
  const rate = Number(text);
  if (!(rate >= 0.01 && rate <= 100)) throw new InvalidArgumentError('a number from 0.01 to 100 is needed.');
  return rate;
}
