/**
 * A real syslog receiver as a child of the test: it listens on one port and writes every message into one file. Ended by its own
 * handle. What it is configured to do is the business of rsyslog.ts and syslog-ng.ts.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import fs from 'node:fs';
import net from 'node:net';

export interface LogReceiver {
  readonly port: number;
  /** Messages so far, in the order they were taken. */
  lines(): string[];
  /** SIGKILL, and wait until it is gone. */
  kill(): Promise<void>;
  /** Start again on the same port and file. */
  restart(): Promise<void>;
  /** Everything it said about itself. */
  said(): string;
}

export interface LogReceiverOptions {
  command: string;
  args: readonly string[];
  env: Readonly<Record<string, string>>;
  /** Where it was told to listen, on 127.0.0.1, and to write. */
  port: number;
  out: string;
}

/** Resolves when it answers. */
export async function startLogReceiver(options: LogReceiverOptions): Promise<LogReceiver> {
  const { command, args, env, port, out } = options;
  let child: ChildProcess | null = null;
  let said = '';

  const start = async (): Promise<void> => {
    const started = spawn(command, args, {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, ...env },
    });
    child = started;
    for (const stream of [started.stdout, started.stderr])
      stream.on('data', (data: Buffer) => (said += data.toString()));
    for (const deadline = Date.now() + 15_000; Date.now() < deadline;) {
      if (await answers(port)) return;
      if (started.exitCode !== null) break;
      await new Promise(resolve => setTimeout(resolve, 20));
    }
    throw new Error(`${command} did not start:\n${said}`);
  };

  const kill = async (): Promise<void> => {
    const running = child;
    child = null;
    if (running === null || running.exitCode !== null) return;
    const gone = new Promise<void>(resolve => running.once('exit', () => resolve()));
    running.kill('SIGKILL');
    await gone;
  };

  await start();
  return {
    port,
    lines: () =>
      fs.existsSync(out)
        ? fs
            .readFileSync(out, 'utf8')
            .split('\n')
            .filter(line => line !== '')
        : [],
    kill,
    restart: start,
    said: () => said,
  };
}

function answers(port: number): Promise<boolean> {
  return new Promise(resolve => {
    const socket = net.connect({ host: '127.0.0.1', port });
    socket.once('error', () => resolve(false));
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
  });
}
