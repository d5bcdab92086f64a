/**
 * What the scripts share: running a program as one step with a deadline, and telling how long it took.
 * A step runs in its own process group, so that everything it started ends with it.
 */
import { spawn } from 'node:child_process';
import { resolve } from 'node:path';

/** The root of the checkout, whatever the working folder is. */
export const ROOT = resolve(import.meta.dirname, '..');

/** A program from node_modules/.bin, run by this very Node. */
export const bin = name => resolve(ROOT, 'node_modules/.bin', name);

const groups = new Set();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'])
  process.on(signal, () => {
    for (const pid of groups) killGroup(pid, 'SIGKILL');
    process.exit(signal === 'SIGINT' ? 130 : 143);
  });

function killGroup(pid, signal) {
  try {
    process.kill(-pid, signal);
  } catch {
    // The group has ended by itself.
  }
}

/**
 * Run one program with inherited output. Resolves to its exit code; 124 when `deadline` (ms since epoch) passed, after
 * the whole group was killed; 127 when it could not be started.
 */
export function run(command, args, { env = process.env, cwd = ROOT, deadline = Infinity } = {}) {
  return new Promise(done => {
    const child = spawn(command, args, { cwd, env, stdio: 'inherit', detached: true });
    if (child.pid !== undefined) groups.add(child.pid);
    let late = false;
    const timer = Number.isFinite(deadline)
      ? setTimeout(
          () => {
            late = true;
            killGroup(child.pid, 'SIGKILL');
          },
          Math.max(0, deadline - Date.now()),
        )
      : undefined;
    const end = code => {
      clearTimeout(timer);
      groups.delete(child.pid);
      if (child.pid !== undefined) killGroup(child.pid, 'SIGKILL'); // what the step left behind
      done(late ? 124 : code);
    };
    child.once('error', error => {
      console.error(`${command}: ${error.message}`);
      end(127);
    });
    child.once('exit', (code, signal) => end(signal === null ? (code ?? 1) : 128));
  });
}
