/** Programs under test: started in the foreground, waited for until they answer, ended by their own handle. */
import { spawn } from 'node:child_process';
import type { ChildProcessWithoutNullStreams } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';

export interface Running {
  child: ChildProcessWithoutNullStreams;
  /** Everything it wrote so far, for messages. */
  output(): string;
  stop(): Promise<void>;
}

const START_WITHIN = 20_000;

/** Start a program and wait until `ready` says so. Rejects with its output when it ends before or is too slow. */
export async function start(
  command: string,
  args: readonly string[],
  ready: () => Promise<boolean>,
): Promise<Running> {
  const child = spawn(command, args, {
    stdio: 'pipe',
    env: { ...process.env, PATH: `${process.env['PATH'] ?? ''}:/usr/sbin:/sbin` },
  });
  let output = '';
  const note = (data: Buffer): void => {
    output = (output + data.toString('latin1')).slice(-8000);
  };
  child.stdout.on('data', note);
  child.stderr.on('data', note);
  let ended: string | null = null;
  child.on('error', e => (ended = e.message));
  child.on('exit', (code, signal) => (ended ??= `ended with ${code ?? signal ?? ''}`));
  const running: Running = {
    child,
    output: () => output,
    async stop() {
      if (ended !== null) return;
      const exit = once(child, 'exit');
      child.kill('SIGTERM');
      const killer = setTimeout(() => child.kill('SIGKILL'), 3000);
      await exit;
      clearTimeout(killer);
    },
  };
  const deadline = Date.now() + START_WITHIN;
  for (;;) {
    if (ended !== null) throw new Error(`${command} ${String(ended)}\n${output}`);
    if (await ready().catch(() => false)) return running;
    if (Date.now() > deadline) {
      await running.stop();
      throw new Error(`${command} does not answer\n${output}`);
    }
    await sleep(30);
  }
}
