/**
 * What systemd is told of the service (sd_notify(3)): ready, a line of status, stopping, and the watchdog's sign of life.
 * Nothing happens unless systemd started us, which it says in NOTIFY_SOCKET.
 *
 * Node has no datagram sockets of the unix kind, so each message is brought by `systemd-notify`, a child that lives for some
 * milliseconds; the unit must say NotifyAccess=all. The sign of life is that of the event loop: a process that hangs gives
 * none and is restarted. A full disk or a dead origin is no reason for that, a start would not mend them. One child at a
 * time; messages that come meanwhile wait together, at most eight assignments.
 */
import { spawn } from 'node:child_process';

export interface ServiceManager {
  ready(status: string): void;
  /** The last message; no sign of life comes after it. */
  stopping(): void;
}

export interface ServiceManagerOptions {
  env: Readonly<Record<string, string | undefined>>;
  pid: number;
  /** A message could not be brought; told once. */
  onFailure: (message: string) => void;
  /** Command that brings a message; tests bring their own. */
  command?: string;
}

/** The shortest time between two signs of life, ms, whatever WATCHDOG_USEC says. */
const MIN_BEAT_MS = 500;

/** The link to systemd, or one that says nothing when there is no systemd. */
export function serviceManager(options: ServiceManagerOptions): ServiceManager {
  const { env, pid, command = 'systemd-notify' } = options;
  if (env['NOTIFY_SOCKET'] === undefined || env['NOTIFY_SOCKET'] === '') return SILENT;
  let running = false;
  let waiting: string[] | null = null;
  let failed = false;
  const send = (...assignments: string[]): void => {
    if (running) {
      // What is ready or stopping must not be lost to a sign of life.
      waiting = [...(waiting ?? []), ...assignments].slice(-8);
      return;
    }
    running = true;
    const child = spawn(command, [`--pid=${pid}`, ...assignments], {
      stdio: 'ignore',
      env: { NOTIFY_SOCKET: env['NOTIFY_SOCKET'], PATH: env['PATH'] ?? '/usr/bin:/bin' },
    });
    const done = (problem: string | null): void => {
      if (!running) return;
      running = false;
      if (problem !== null && !failed) {
        failed = true;
        options.onFailure(problem);
      }
      const next = waiting;
      waiting = null;
      if (next !== null) send(...next);
    };
    child.once('error', error => {
      done(error.message);
    });
    child.once('exit', (code, signal) => {
      done(code === 0 ? null : `${command} ended with ${signal ?? String(code)}`);
    });
    child.unref();
  };
  const period = watchdogMs(env, pid);
  const beat =
    period === null
      ? null
      : setInterval(
          () => {
            send('WATCHDOG=1');
          },
          Math.max(MIN_BEAT_MS, period / 3),
        );
  beat?.unref();
  return {
    ready: status => {
      send('READY=1', `STATUS=${status}`);
    },
    stopping: () => {
      if (beat !== null) clearInterval(beat);
      send('STOPPING=1', 'STATUS=finishing what is in flight');
    },
  };
}

/** The watchdog's patience, ms; null when it does not watch this process (sd_watchdog_enabled(3)). */
export function watchdogMs(env: ServiceManagerOptions['env'], pid: number): number | null {
  const micros = Number(env['WATCHDOG_USEC']);
  const meant = env['WATCHDOG_PID'];
  if (!Number.isFinite(micros) || micros <= 0) return null;
  return meant === undefined || meant === String(pid) ? micros / 1000 : null;
}

const SILENT: ServiceManager = { ready: () => undefined, stopping: () => undefined };
