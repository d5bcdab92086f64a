/**
 * Who writes into the spool: producer numbers that are never used twice, names of segment files, and whether the process
 * that wrote one still lives.
 *
 * A number is claimed by creating `producer-<n>` exclusively and then seeing that no higher one exists. The highest claim
 * is never removed, so a process that was asleep between looking and claiming finds out and takes a higher number.
 */
import fs from 'node:fs';
import path from 'node:path';

const CLAIM = /^producer-(\d{8})$/;
export const SEGMENT = /^(\d{8})-(\d{8})\.seg$/;
/** Flow ids leave 26 bits for the producer (core/records). */
const MAX_PRODUCER = 2 ** 26 - 1;
/** Old claims kept for the eye; the rest is swept when a new one is made. */
const CLAIMS_KEPT = 8;

/**
 * The next producer number of this spool folder (created when missing), on disk before it is returned. Safe when several
 * processes ask at once. Throws when the folder cannot be written or the numbers are used up.
 */
export function allocateProducer(dir: string): number {
  fs.mkdirSync(dir, { recursive: true, mode: 0o700 });
  let candidate = highestClaim(dir) + 1;
  for (;;) {
    if (candidate > MAX_PRODUCER) throw new Error(`no producer numbers left in ${dir}`);
    let fd: number;
    try {
      fd = fs.openSync(claimPath(dir, candidate), 'wx', 0o600);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      candidate++;
      continue;
    }
    fs.fsyncSync(fd);
    fs.closeSync(fd);
    syncFolder(dir);
    const highest = highestClaim(dir);
    if (highest === candidate) {
      sweep(dir, candidate);
      return candidate;
    }
    candidate = highest + 1;
  }
}

const claimPath = (dir: string, n: number): string =>
  path.join(dir, `producer-${String(n).padStart(8, '0')}`);

function claims(dir: string): number[] {
  return fs.readdirSync(dir).flatMap(name => {
    const m = CLAIM.exec(name);
    return m === null ? [] : [Number(m[1])];
  });
}

/** Segments count as claims too: a lost claim file must not bring a number back. */
function highestClaim(dir: string): number {
  const segments = listSegments(dir).map(s => s.producer);
  return [...claims(dir), ...segments].reduce((a, b) => Math.max(a, b), 0);
}

function sweep(dir: string, newest: number): void {
  for (const n of claims(dir)) if (n <= newest - CLAIMS_KEPT) fs.rmSync(claimPath(dir, n), { force: true });
}

/** Make creations and removals in a folder durable. Folders that cannot be synced (some file systems) are left so. */
export function syncFolder(dir: string): void {
  try {
    const fd = fs.openSync(dir, 'r');
    try {
      fs.fsyncSync(fd);
    } finally {
      fs.closeSync(fd);
    }
  } catch {
    // Windows and some network file systems refuse; what is lost then is only the promise against power loss.
  }
}

/** One segment file by its name. */
export interface SegmentName {
  name: string;
  producer: number;
  seq: number;
}

export const segmentName = (producer: number, seq: number): string =>
  `${String(producer).padStart(8, '0')}-${String(seq).padStart(8, '0')}.seg`;

/** All segments of a spool folder, by producer and sequence. A missing folder has none. */
export function listSegments(dir: string): SegmentName[] {
  let names: string[];
  try {
    names = fs.readdirSync(dir);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
  const out: SegmentName[] = [];
  for (const name of names) {
    const m = SEGMENT.exec(name);
    if (m !== null) out.push({ name, producer: Number(m[1]), seq: Number(m[2]) });
  }
  return out.sort((a, b) => a.producer - b.producer || a.seq - b.seq);
}

/** Start time of a process in clock ticks since boot (proc(5), field 22), 0 when it cannot be told. */
export function startTicks(pid: number): number {
  try {
    const stat = fs.readFileSync(`/proc/${pid}/stat`, 'latin1');
    // The command name may hold spaces and parentheses: fields are counted from the last `)`.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return fields[0] === 'Z' ? 0 : Number(fields[19] ?? 0);
  } catch {
    return 0;
  }
}

/**
 * True while the process that wrote a segment header lives: same pid and same start time, so that a pid used again is
 * not taken for it. Without /proc only the pid can be asked.
 */
export function isAlive(pid: number, ticks: number): boolean {
  if (ticks !== 0) return startTicks(pid) === ticks;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
