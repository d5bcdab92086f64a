/**
 * A machine to set up and spoil: a mount namespace of its own in which /etc and /usr/local can be written without anybody
 * else seeing it, and a home folder. Scripts that want to be root on a real system run in it as they are.
 *
 * The namespace lives as long as the process that holds it; `end` ends that process by its pid, and what was written is gone.
 */
import { spawn, spawnSync } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface MachineRun {
  code: number | null;
  out: string;
  /** Both outputs, for messages. */
  text: string;
}

export interface Machine {
  home: string;
  /** Runs a command on the machine; at most a minute. */
  run(
    command: readonly string[],
    options?: { cwd?: string; env?: Record<string, string>; input?: string },
  ): MachineRun;
  /** An executable that starts `command` on the machine, for drivers that want a path. */
  wrapper(name: string, command: string): string;
  spawn(command: readonly string[], env?: Record<string, string>): ChildProcess;
  end(): Promise<void>;
}

const OVERLAID = ['/etc', '/usr/local'];

export async function startMachine(): Promise<Machine> {
  const dir = mkdtempSync(join(tmpdir(), 'sightglass-machine-'));
  const home = join(dir, 'user');
  const layers = join(dir, 'layers');
  mkdirSync(home);
  mkdirSync(layers);
  const mounts = OVERLAID.map((path, i) => {
    const [upper, work] = [`${layers}/upper-${i}`, `${layers}/work-${i}`];
    return `mkdir ${upper} ${work} && mount -t overlay overlay -o lowerdir=${path},upperdir=${upper},workdir=${work} ${path}`;
  });
  const root = process.getuid?.() === 0;
  const holder = spawn(
    'unshare',
    [
      ...(root ? ['-m'] : ['-r', '-m']),
      ...[
        'sh',
        '-c',
        `mount -t tmpfs none ${layers} && ${mounts.join(' && ')} && echo ready && exec sleep infinity`,
      ],
    ],
    { stdio: ['ignore', 'pipe', 'pipe'] },
  );
  const ended = new Promise<void>(resolve => holder.once('exit', () => resolve()));
  let said = '';
  holder.stderr.on('data', (data: Buffer) => (said += data.toString()));
  await new Promise<void>((resolve, reject) => {
    holder.stdout.once('data', () => resolve());
    holder.once('exit', () => reject(new Error(`no mount namespace: ${said}`)));
  });
  const enter = [
    'nsenter',
    '-t',
    String(holder.pid),
    ...(root ? [] : ['-U', '--preserve-credentials']),
    '-m',
    '--',
  ];
  const environment = (more: Record<string, string> = {}): Record<string, string> => ({
    ...cleanEnvironment(),
    HOME: home,
    ...more,
  });
  return {
    home,
    run(command, options = {}) {
      // A shell between: nsenter stays in the folder it was called from only when that exists in both views.
      const [program = '', ...rest] = [
        ...enter,
        'sh',
        '-c',
        'cd "$0" && exec "$@"',
        options.cwd ?? home,
        ...command,
      ];
      const { status, stdout, stderr } = spawnSync(program, rest, {
        encoding: 'utf8',
        env: environment(options.env),
        input: options.input ?? '',
        timeout: 60_000,
      });
      return { code: status, out: stdout, text: stdout + stderr };
    },
    wrapper(name, command) {
      const path = join(dir, name);
      writeFileSync(path, `#!/bin/sh\nexec ${[...enter, command].join(' ')} "$@"\n`, { mode: 0o755 });
      return path;
    },
    spawn(command, env) {
      const [program = '', ...rest] = [...enter, ...command];
      return spawn(program, rest, { env: environment(env), stdio: ['ignore', 'pipe', 'pipe'] });
    },
    async end() {
      holder.kill('SIGKILL');
      await ended;
      rmSync(dir, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

/** Nothing of the tests' own environment that would lead a program elsewhere. */
function cleanEnvironment(): Record<string, string> {
  return Object.fromEntries(
    Object.entries(process.env).filter(
      (entry): entry is [string, string] =>
        entry[1] !== undefined &&
        !/_proxy$|^XDG_|^SIGHTGLASS_|_CA_|^NODE_|^npm_|^GIT_|^JAVA_|^SSL_|^PYTHON/i.test(entry[0]),
    ),
  );
}
