/**
 * A file that grows line by line, for readers of logs. Taken means synced to the disk. When it is larger than the limit it is
 * renamed to `NAME.1` (and those before it to `.2` …, up to `keep`); when something else renamed or removed it, as logrotate
 * does, the next batch begins a new one. No signal is needed for either. A line that a crash cut short is ended before the next.
 *
 * The file is made with mode 0640: readers are put into its group.
 */
import fs from 'node:fs';
import { fitting } from '../../audit/export/bound.ts';
import { cefLine } from '../../audit/export/cef.ts';
import { ecsLine } from '../../audit/export/ecs.ts';
import { plainLine } from '../../audit/export/json.ts';
import { ocsfLine } from '../../audit/export/ocsf.ts';
import { squidLine } from '../../audit/export/squid.ts';
import type { Bounded } from '../../audit/export/bound.ts';
import type { Sender } from '../../audit/export/facts.ts';
import type { FedRow } from '../../audit/store/store.ts';
import type { StreamConfig } from './document.ts';
import type { Receiver, Taken } from './stream.ts';

/** Squid cuts its records at 8 KiB, and readers count on it. */
const SQUID_MAX = 8000;
const LINE_MAX = 1024 * 1024;

export class FileReceiver implements Receiver {
  readonly acknowledges = true;
  readonly #config: StreamConfig;
  readonly #sender: Sender;
  #fd: number | null = null;

  constructor(config: StreamConfig, sender: Sender) {
    this.#config = config;
    this.#sender = sender;
  }

  async send(rows: readonly FedRow[]): Promise<Taken> {
    const text = rows.map(fed => this.#line(fed)).join('');
    if (text === '') return { refused: 0, reason: null };
    const fd = this.#open();
    fs.writeFileSync(fd, text);
    fs.fdatasyncSync(fd);
    if (fs.fstatSync(fd).size >= this.#config.rotateBytes) this.#rotate();
    return { refused: 0, reason: null };
  }

  lost(): boolean {
    return false;
  }

  reset(): void {
    if (this.#fd !== null) fs.closeSync(this.#fd);
    this.#fd = null;
  }

  #open(): number {
    if (this.#fd !== null) {
      const there = fs.statSync(this.#config.target, { throwIfNoEntry: false });
      if (there?.ino === fs.fstatSync(this.#fd).ino) return this.#fd;
      this.reset();
    }
    const fd = fs.openSync(this.#config.target, 'a+', 0o640);
    const { size } = fs.fstatSync(fd);
    const last = Buffer.alloc(1);
    if (size > 0 && fs.readSync(fd, last, 0, 1, size - 1) === 1 && last[0] !== 0x0a) fs.writeSync(fd, '\n');
    this.#fd = fd;
    return fd;
  }

  #rotate(): void {
    this.reset();
    const { target, keep } = this.#config;
    fs.rmSync(`${target}.${keep}`, { force: true });
    for (let n = keep - 1; n >= 1; n--)
      if (fs.existsSync(`${target}.${n}`)) fs.renameSync(`${target}.${n}`, `${target}.${n + 1}`);
    fs.renameSync(target, `${target}.1`);
  }

  #line(fed: FedRow): string {
    const { format } = this.#config;
    if (format === 'squid') {
      const text = fitting(fed, SQUID_MAX, bounded => squidLine(bounded) ?? '');
      return text === '' ? '' : `${text}\n`;
    }
    return `${fitting(fed, LINE_MAX, bounded => this.#write(bounded))}\n`;
  }

  #write(bounded: Bounded): string {
    const { format, include } = this.#config;
    switch (format) {
      case 'cef':
        return cefLine(bounded, this.#sender);
      case 'ecs':
        return ecsLine(bounded, this.#sender, include);
      case 'ocsf':
        return ocsfLine(bounded, this.#sender, include);
      default:
        return plainLine(bounded, this.#sender, include);
    }
  }
}
