/**
 * All streams of `streams.yaml` together: reads the document, starts what it names, stops what it no longer names, and goes on
 * with the document in force when a new one cannot be read. Runs in a thread of its own (thread.ts), with its own handle on the
 * store and on control.db, so that a stream that catches up a month holds up nobody.
 */
import fs from 'node:fs';
import { FileReceiver } from './file-receiver.ts';
import { HttpReceiver } from './http-receiver.ts';
import { parseStreams } from './document.ts';
import { Stream } from './stream.ts';
import { SyslogReceiver } from './syslog-receiver.ts';
import type { Sender } from '../../audit/export/facts.ts';
import type { AuditStore } from '../../audit/store/store.ts';
import type { Book } from './book.ts';
import type { StreamConfig } from './document.ts';
import type { Receiver, StreamState } from './stream.ts';

export interface EngineParts {
  file: string;
  store: Pick<AuditStore, 'feed'>;
  book: Pick<Book, 'get' | 'put'>;
  sender: Sender;
  tell: (name: string, detail: Record<string, unknown>) => void;
  now?: () => number;
}

export interface StreamsState {
  /** Path of the document. */
  file: string;
  /** Why the newest document is not in force, with line and column; null when it is. */
  problem: string | null;
  streams: StreamState[];
}

interface Running {
  stream: Stream;
  ended: Promise<void>;
}

export class Engine {
  readonly #parts: EngineParts;
  readonly #running = new Map<string, Running>();
  #seen: string | null = null;
  #problem: string | null = null;
  #busy: Promise<void> = Promise.resolve();

  constructor(parts: EngineParts) {
    this.#parts = parts;
  }

  /** Look at the document; call it now and then. Resolves when what it changed has been carried out. */
  look(): Promise<void> {
    this.#busy = this.#busy.then(() => this.#look());
    return this.#busy;
  }

  state(): StreamsState {
    const streams = [...this.#running.values()].map(({ stream }) => stream.state());
    return { file: this.#parts.file, problem: this.#problem, streams };
  }

  /** What the document in force says of a stream; null when it names none of that name. */
  config(name: string): StreamConfig | null {
    return this.#running.get(name)?.stream.config ?? null;
  }

  async stop(): Promise<void> {
    await this.#busy;
    await Promise.all([...this.#running.keys()].map(name => this.#end(name)));
  }

  async #look(): Promise<void> {
    const { file, tell, now = Date.now } = this.#parts;
    const text = readDocument(file);
    if (text === this.#seen) return;
    const first = this.#seen === null;
    this.#seen = text;
    const read = typeof text === 'string' ? parseStreams(text, now()) : { ok: true as const, streams: [] };
    if (!read.ok) {
      const [worst] = read.problems;
      const place =
        worst === undefined || worst.line === 0 ? '' : `line ${worst.line}, column ${worst.column}: `;
      this.#problem = `${place}${worst?.message ?? ''} ${worst?.hint ?? ''}`.trim();
      tell('streams.rejected', { problem: this.#problem, problems: read.problems.length });
      return;
    }
    this.#problem = null;
    const wanted = new Map(read.streams.map(config => [config.name, config]));
    for (const [name, { stream }] of this.#running)
      if (JSON.stringify(wanted.get(name)) !== JSON.stringify(stream.config)) await this.#end(name);
    for (const config of wanted.values()) if (!this.#running.has(config.name)) this.#start(config);
    if (!first || wanted.size > 0)
      tell('streams.applied', {
        streams: [...wanted.values()].map(({ name, to, target }) => ({ name, to, target })),
      });
  }

  #start(config: StreamConfig): void {
    const { store, book, sender, tell, now } = this.#parts;
    const receiver = receiverOf(config, sender);
    const stream = new Stream({ config, store, book, tell, receiver, ...(now === undefined ? {} : { now }) });
    this.#running.set(config.name, { stream, ended: stream.run() });
  }

  async #end(name: string): Promise<void> {
    const running = this.#running.get(name);
    this.#running.delete(name);
    running?.stream.stop();
    await running?.ended;
  }
}

/** The receiver that a stream's kind asks for. */
export function receiverOf(config: StreamConfig, sender: Sender): Receiver {
  switch (config.to) {
    case 'syslog-tls':
    case 'syslog-tcp':
      return new SyslogReceiver(config, sender);
    case 'file':
      return new FileReceiver(config, sender);
    default:
      return new HttpReceiver(config, sender);
  }
}

/** The text; empty without a file. */
function readDocument(file: string): string {
  try {
    return fs.readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return '';
    throw error;
  }
}
