/**
 * The checkpoint that this machine signed last, kept outside the store: a store that does not have it is an older state of itself,
 * such as a backup that was put back, whoever put it there. One small file, replaced whole. What cannot be written is not
 * kept: the store goes on, and says less the next time.
 */
import fs from 'node:fs';
import path from 'node:path';
import { readCheckpoint } from './checkpoint.ts';
import { readSigned, signedText } from './statement.ts';
import type { Checkpoint } from './checkpoint.ts';
import type { Signed } from './statement.ts';

/** Names of the event rows by which a collector tells that its store is not as it left it. */
export const SET_BACK = 'audit.store-set-back';
export const CHAIN_MOVED = 'audit.chain-moved';

export interface Remembered extends Signed {
  checkpoint: Checkpoint & { key: string };
}

export class LastSigned {
  private readonly file: string;

  constructor(file: string) {
    this.file = file;
  }

  /** Null when there is none that can be read. */
  read(): Remembered | null {
    let text: string;
    try {
      text = fs.readFileSync(this.file, 'utf8');
    } catch {
      return null;
    }
    const signed = readSigned(text);
    const checkpoint = signed === null ? null : readCheckpoint(signed.statement);
    return signed === null || checkpoint === null ? null : { ...signed, checkpoint };
  }

  /** Keep a checkpoint in the place of the one before. */
  write(signed: Signed): void {
    try {
      fs.mkdirSync(path.dirname(this.file), { recursive: true, mode: 0o700 });
      fs.writeFileSync(`${this.file}.new`, signedText(signed), { mode: 0o600 });
      fs.renameSync(`${this.file}.new`, this.file);
    } catch {
      // As the header says.
    }
  }
}
