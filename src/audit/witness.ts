/**
 * Signed statements copied to a file outside the store (`audit.witness-file`), one JSON line each, append-only: on another disk, a
 * mounted log host, or a pipe to something that keeps it. Whoever holds this copy can tell when the whole store was
 * rewritten by somebody who has the key (docs/audit.md).
 *
 * What could not be written waits and goes before the next one. Bound: `WAITING` lines; older ones are then left out here,
 * which shows as a gap in the numbers, and stay in the store. After a restart the checkpoints that the file misses are
 * written again from the store by the caller.
 */
import fs from 'node:fs';
import { readCheckpoint } from './checkpoint.ts';
import { readSignature, readSigned, signedText } from './statement.ts';
import type { Signed } from './statement.ts';

const WAITING = 1000;
const LAST_BYTES = 64 * 1024;

export class Witness {
  private readonly file: string;
  private readonly waiting: Signed[] = [];

  constructor(file: string) {
    this.file = file;
  }

  /** Append; the error's message when it could not be, null when it is written. */
  write(signed: Signed): string | null {
    this.waiting.push(signed);
    if (this.waiting.length > WAITING) this.waiting.shift();
    try {
      fs.appendFileSync(this.file, this.waiting.map(witnessLine).join(''), { mode: 0o600 });
    } catch (error) {
      return error instanceof Error ? error.message : String(error);
    }
    this.waiting.length = 0;
    return null;
  }

  /** Number of the last checkpoint in the file; 0 when there is none. */
  lastNumber(): number {
    let fd: number;
    try {
      if (!fs.statSync(this.file).isFile()) return Infinity;
      fd = fs.openSync(this.file, 'r');
    } catch {
      return 0;
    }
    try {
      const { size } = fs.fstatSync(fd);
      const tail = Buffer.alloc(Math.min(size, LAST_BYTES));
      fs.readSync(fd, tail, 0, tail.length, size - tail.length);
      for (const line of tail.toString('utf8').split('\n').reverse()) {
        const signed = readWitnessLine(line);
        const checkpoint = signed === null ? null : readCheckpoint(signed.statement);
        if (checkpoint !== null) return checkpoint.number;
      }
      return 0;
    } finally {
      fs.closeSync(fd);
    }
  }
}

export const witnessLine = (signed: Signed): string =>
  `${JSON.stringify({ statement: signed.statement, signature: signed.signature.toString('base64') })}\n`;

/** Inverse of witnessLine; null for a line that is none. */
export function readWitnessLine(line: string): Signed | null {
  try {
    const value = JSON.parse(line) as { statement?: unknown; signature?: unknown } | null;
    if (typeof value?.statement !== 'string' || typeof value.signature !== 'string') return null;
    const signature = readSignature(value.signature);
    return signature === null ? null : readSigned(signedText({ statement: value.statement, signature }));
  } catch {
    return null;
  }
}
