/**
 * Reader threads and the questions that wait for them. A question goes to a thread when one is idle: quick ones (pages, single
 * rows) before whole ones (counts, charts), so that the first page never waits behind a count. Whole answers come as
 * one question a day, so a thread is free again soon, and a question that was given up is dropped before it is asked.
 *
 * Bounds: `size` threads, started as they are needed; `MAX_QUICK` and `MAX_WHOLE` questions waiting, more are refused,
 * which the console shows as busy.
 */
import { startThread } from '../thread.ts';
import type { Worker } from 'node:worker_threads';

const MAX_QUICK = 200;
const MAX_WHOLE = 4000;

/** What may be asked of a thread: methods of SqliteStore by name. */
export type Method =
  | 'findIn'
  | 'countIn'
  | 'histogramIn'
  | 'facetsIn'
  | 'exchange'
  | 'flow'
  | 'body'
  | 'days'
  | 'spoolLag'
  | 'feed';

export interface QuestionMessage {
  id: number;
  method: Method;
  args: unknown[];
}
export type AnswerMessage = { id: number; value: unknown } | { id: number; error: string };

interface Question {
  method: Method;
  args: unknown[];
  /** True when nobody wants the answer any more. */
  abandoned: () => boolean;
  resolve: (value: never) => void;
  reject: (error: Error) => void;
}

interface Thread {
  worker: Worker;
  busy: Question | null;
}

/** Whose day files, and where they are. */
export interface ReadersData {
  dir: string;
  proxy: string | null;
}

export class ReaderPool {
  private readonly of: ReadersData;
  readonly size: number;
  private readonly threads = new Set<Thread>();
  private quick: Question[] = [];
  private whole: Question[] = [];
  private closed = false;

  constructor(of: ReadersData, size: number) {
    this.of = of;
    this.size = size;
  }

  ask<T>(
    method: Method,
    args: unknown[],
    options: { whole?: boolean; abandoned?: () => boolean } = {},
  ): Promise<T> {
    const { whole = false, abandoned = () => false } = options;
    const queue = whole ? this.whole : this.quick;
    if (queue.length >= (whole ? MAX_WHOLE : MAX_QUICK))
      return Promise.reject(new Error('The store has too many questions to answer.'));
    return new Promise<T>((resolve, reject) => {
      this.closed = false;
      queue.push({ method, args, abandoned, resolve, reject });
      this.pump();
    });
  }

  async close(): Promise<void> {
    this.closed = true;
    const threads = [...this.threads];
    this.failAll(new Error('The store was closed.'));
    await Promise.all(threads.map(t => t.worker.terminate()));
  }

  private pump(): void {
    for (;;) {
      const question = this.nextQuestion();
      if (question === undefined) return;
      const idle =
        [...this.threads].find(t => t.busy === null) ?? (this.threads.size < this.size ? this.start() : null);
      if (idle === null) {
        (question.whole ? this.whole : this.quick).unshift(question.question);
        return;
      }
      idle.busy = question.question;
      const { method, args } = question.question;
      idle.worker.ref();
      idle.worker.postMessage({ id: 1, method, args } satisfies QuestionMessage);
    }
  }

  private nextQuestion(): { question: Question; whole: boolean } | undefined {
    for (const whole of [false, true])
      for (;;) {
        const question = (whole ? this.whole : this.quick).shift();
        if (question === undefined) break;
        if (!question.abandoned()) return { question, whole };
        question.reject(new AbandonedError('Nobody waits for this answer any more.'));
      }
    return undefined;
  }

  private start(): Thread {
    const worker = startThread('./reader-thread', import.meta.url, {
      workerData: this.of,
      name: 'store-reader',
    });
    const thread: Thread = { worker, busy: null };
    this.threads.add(thread);
    worker.unref();
    worker.on('message', (answer: AnswerMessage) => {
      const { busy } = thread;
      thread.busy = null;
      // A process that waits for nothing else may end.
      worker.unref();
      if (busy !== null) {
        if ('error' in answer) busy.reject(new Error(answer.error));
        else busy.resolve(answer.value as never);
      }
      this.pump();
    });
    worker.on('error', (error: Error) => this.lost(thread, error));
    worker.on('exit', () => this.lost(thread, new Error('The store was closed.')));
    return thread;
  }

  /** A thread ended: its question fails, the next question starts another one. */
  private lost(thread: Thread, error: Error): void {
    if (!this.threads.delete(thread)) return;
    thread.busy?.reject(error);
    thread.busy = null;
    if (!this.closed) this.pump();
  }

  private failAll(error: Error): void {
    for (const question of [...this.quick, ...this.whole]) question.reject(error);
    this.quick = [];
    this.whole = [];
    for (const thread of this.threads) {
      thread.busy?.reject(error);
      thread.busy = null;
    }
    this.threads.clear();
  }
}

/** The answer to a question that was given up before it was asked. */
export class AbandonedError extends Error {}
