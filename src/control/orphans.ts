/**
 * Workers outlive a control process that was killed. Each worker leaves a note with its pid and start time; a new
 * control process finds those that still live and asks them to leave, so that their listeners become free.
 *
 * A pid alone proves nothing, it may have been given to a stranger: only a process whose start time agrees is signalled.
 */
import { mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const FOLDER = 'run';
const HOLDER = 'control.json';

/** Called by a worker once it is up. The note is removed at a clean exit. */
export function announceWorker(dataDir: string): void {
  const folder = join(dataDir, FOLDER);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const file = join(folder, `worker-${process.pid}.json`);
  writeFileSync(file, JSON.stringify({ pid: process.pid, started: startTime(process.pid) }), { mode: 0o600 });
  process.on('exit', () => {
    rmSync(file, { force: true });
  });
}

/** Asks the workers of an earlier control process to drain. Gives the pids that were asked. */
export function dismissOrphans(dataDir: string): number[] {
  const asked: number[] = [];
  for (const file of workerNotes(dataDir)) {
    const note = readNote(file);
    if (note !== null && lives(note) && asks(note.pid)) asked.push(note.pid);
    else rmSync(file, { force: true });
  }
  return asked;
}

/** Whether a worker that left a note still lives: until it has left it may hold the port that it listened on. */
export function workersLeft(dataDir: string): boolean {
  return workerNotes(dataDir).some(file => {
    const note = readNote(file);
    return note !== null && lives(note);
  });
}

function workerNotes(dataDir: string): string[] {
  const folder = join(dataDir, FOLDER);
  try {
    return readdirSync(folder)
      .filter(name => /^worker-\d+\.json$/.test(name))
      .map(name => join(folder, name));
  } catch {
    // First start: nobody was here before.
    return [];
  }
}

/**
 * Takes the data directory for this control process; gives the function that lets it go. Throws when another living
 * one holds it: two recorders and two supervisors on one directory would tread on each other.
 */
export function holdDataDir(dataDir: string): () => void {
  const folder = join(dataDir, FOLDER);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const file = join(folder, HOLDER);
  const holder = readNote(file);
  if (holder !== null && lives(holder))
    throw new Error(`${dataDir} is in use by the process ${holder.pid}; stop it or choose another data-dir`);
  writeFileSync(file, JSON.stringify({ pid: process.pid, started: startTime(process.pid) }), { mode: 0o600 });
  return () => {
    rmSync(file, { force: true });
  };
}

/** Whether another living control process holds the data directory. */
export function isDataDirHeld(dataDir: string): boolean {
  const holder = readNote(join(dataDir, FOLDER, HOLDER));
  return holder !== null && lives(holder);
}

interface Note {
  pid: number;
  started: string;
}

/** Whether the very process that left the note still runs, and is another one than we. */
function lives(note: Note): boolean {
  return note.pid !== process.pid && note.started !== GONE && startTime(note.pid) === note.started;
}

/** Ask a process to leave; false when it was faster. */
function asks(pid: number): boolean {
  try {
    process.kill(pid, 'SIGTERM');
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false;
    throw error;
  }
}

function readNote(file: string): Note | null {
  try {
    const note: unknown = JSON.parse(readFileSync(file, 'utf8'));
    if (typeof note !== 'object' || note === null || !('pid' in note) || !('started' in note)) return null;
    return typeof note.pid === 'number' && typeof note.started === 'string'
      ? { pid: note.pid, started: note.started }
      : null;
  } catch {
    // Half-written by a process that died: it tells nothing.
    return null;
  }
}

const GONE = 'gone';

/** Start time of a living process as the kernel counts it, or `gone`. Without /proc nobody is ever signalled. */
function startTime(pid: number): string {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // Field 22 of proc(5); the command name before it may hold spaces and brackets.
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? GONE;
  } catch {
    return GONE;
  }
}
