/**
 * What a process tree costs, from /proc (Linux): CPU of every living descendant plus the descendants it has reaped,
 * and resident memory. Ticks are 10 ms, so differences under half a second are coarse. Shared pages count once for
 * each process in the RSS sum, which flatters nobody: it is larger than what the machine really spends.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { openSync, readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

/** `getconf CLK_TCK` and page size are 100 and 4096 on every Linux platform that Node supports. */
const TICK = 100;
const PAGE = 4096;

export interface Stat {
  parent: number;
  user: number;
  system: number;
}

/** The fields of one /proc/<pid>/stat line that are needed, in seconds; own time plus that of reaped children. */
export function parseStat(text: string): Stat {
  // The command name may hold spaces and brackets: fields start behind its last bracket.
  const f = text.slice(text.lastIndexOf(')') + 2).split(' ');
  const n = (i: number): number => Number(f[i] ?? 0);
  return { parent: n(1), user: (n(11) + n(13)) / TICK, system: (n(12) + n(14)) / TICK };
}

function readStat(pid: number): Stat | null {
  try {
    return parseStat(readFileSync(`/proc/${pid}/stat`, 'latin1'));
  } catch {
    return null;
  }
}

/** The process and all its living descendants. */
export function tree(root: number): Map<number, Stat> {
  const all = new Map<number, Stat>();
  const children = new Map<number, number[]>();
  for (const entry of readdirSync('/proc')) {
    const pid = Number(entry);
    if (!Number.isInteger(pid)) continue;
    const stat = readStat(pid);
    if (stat === null) continue;
    all.set(pid, stat);
    const siblings = children.get(stat.parent);
    if (siblings) siblings.push(pid);
    else children.set(stat.parent, [pid]);
  }
  const out = new Map<number, Stat>();
  const queue = [root];
  for (let pid = queue.pop(); pid !== undefined; pid = queue.pop()) {
    const stat = all.get(pid);
    if (stat !== undefined) out.set(pid, stat);
    queue.push(...(children.get(pid) ?? []));
  }
  return out;
}

/** User and system seconds that the tree has used since it started. */
export function cpuOf(root: number): { user: number; system: number } {
  let user = 0;
  let system = 0;
  for (const stat of tree(root).values()) {
    user += stat.user;
    system += stat.system;
  }
  return { user, system };
}

/** Bytes resident in all processes of the tree. */
export function rssOf(root: number): number {
  let pages = 0;
  for (const pid of tree(root).keys()) {
    try {
      pages += Number(readFileSync(`/proc/${pid}/statm`, 'latin1').split(' ')[1] ?? 0);
    } catch {
      // It ended between the two looks.
    }
  }
  return pages * PAGE;
}

/** Seconds that all processors of the machine have been busy. */
export function machineBusy(): number {
  const line = readFileSync('/proc/stat', 'latin1').split('\n')[0] ?? '';
  const f = line.split(/\s+/).slice(1).map(Number);
  return [0, 1, 2, 5, 6].reduce((sum, i) => sum + (f[i] ?? 0), 0) / TICK;
}

/** Samples the tree's memory every half second until stopped; `peak` is in bytes. */
export class MemorySampler {
  peak = 0;
  readonly #root: number;
  readonly #timer: NodeJS.Timeout;

  constructor(root: number) {
    this.#root = root;
    this.#timer = setInterval(() => this.#look(), 500);
    this.#look();
  }

  stop(): void {
    this.#look();
    clearInterval(this.#timer);
  }

  #look(): void {
    this.peak = Math.max(this.peak, rssOf(this.#root));
  }
}

/** A child in a process group of its own, its output in a file. */
export function launch(argv: readonly string[], logFile: string, env: NodeJS.ProcessEnv): ChildProcess {
  const log = openSync(logFile, 'a');
  const [file, ...args] = argv;
  if (file === undefined) throw new Error('nothing to launch');
  return spawn(file, args, { stdio: ['ignore', log, log], env, detached: true });
}

/** Ends a process group that `launch` started: SIGTERM, and SIGKILL when it is still there after `grace` ms. */
export async function end(child: ChildProcess, grace = 5000): Promise<void> {
  const gone = (): boolean => child.exitCode !== null || child.signalCode !== null;
  for (const [signal, wait] of [
    ['SIGTERM', grace],
    ['SIGKILL', 2000],
  ] as const) {
    if (child.pid === undefined) return;
    try {
      process.kill(-child.pid, signal);
    } catch {
      // The group is gone.
    }
    for (let waited = 0; waited < wait && !gone(); waited += 50) await sleep(50);
    if (gone()) break;
  }
}
