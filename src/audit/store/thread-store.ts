/**
 * An AuditStore that asks a SqliteStore in another thread: one question at a time, in the order they came. Questions and
 * answers are plain data and are copied; bodies travel as bytes. Bound: `MAX_QUESTIONS` waiting; more are refused, which
 * the console shows as busy.
 */
import { startThread } from '../thread.ts';
import type { Worker } from 'node:worker_threads';
import type { Kind, Query } from '../query/ast.ts';
import type {
  AuditStore,
  Count,
  CountOptions,
  DayStats,
  ExchangeDetail,
  FacetOptions,
  FeedOptions,
  FeedPage,
  Facets,
  FlowDetail,
  Histogram,
  HistogramOptions,
  Page,
  SearchOptions,
  StoredBody,
} from './store.ts';

const MAX_QUESTIONS = 200;

export type Method = Exclude<keyof AuditStore, 'close'>;
export interface QuestionMessage {
  id: number;
  method: Method;
  args: unknown[];
}
export type AnswerMessage = { id: number; value: unknown } | { id: number; error: string };

interface Waiting {
  resolve: (value: never) => void;
  reject: (error: Error) => void;
}

export class ThreadStore implements AuditStore {
  private readonly dir: string;
  private worker: Worker | null = null;
  private waiting = new Map<number, Waiting>();
  private next = 1;

  constructor(dir: string) {
    this.dir = dir;
  }

  search<K extends Kind>(query: Query, options: SearchOptions<K>): Promise<Page<K>> {
    return this.ask('search', [query, options]);
  }

  count(query: Query, options: CountOptions): Promise<Count> {
    return this.ask('count', [query, options]);
  }

  histogram(query: Query, options: HistogramOptions): Promise<Histogram> {
    return this.ask('histogram', [query, options]);
  }

  facets(query: Query, options: FacetOptions): Promise<Facets> {
    return this.ask('facets', [query, options]);
  }

  exchange(id: string): Promise<ExchangeDetail | null> {
    return this.ask('exchange', [id]);
  }

  flow(id: string, exchangeLimit?: number): Promise<FlowDetail | null> {
    return this.ask('flow', [id, exchangeLimit]);
  }

  async body(exchange: string, side: 'req' | 'res'): Promise<StoredBody | null> {
    const body = await this.ask<StoredBody | null>('body', [exchange, side]);
    // A copied Buffer arrives as a bare Uint8Array.
    return body === null ? null : { ...body, data: Buffer.from(body.data) };
  }

  days(): Promise<DayStats[]> {
    return this.ask('days', []);
  }

  async feed(options: FeedOptions): Promise<FeedPage> {
    const page = await this.ask<FeedPage>('feed', [options]);
    for (const fed of page.rows)
      if (fed.kind === 'exchange' && fed.bodies !== null)
        for (const body of [fed.bodies.req, fed.bodies.res])
          if (body !== null) body.data = Buffer.from(body.data);
    return page;
  }

  async close(): Promise<void> {
    const { worker } = this;
    this.worker = null;
    if (worker !== null) await worker.terminate();
  }

  private ask<T>(method: Method, args: unknown[]): Promise<T> {
    if (this.waiting.size >= MAX_QUESTIONS)
      return Promise.reject(new Error('The store has too many questions to answer.'));
    const worker = this.worker ?? this.start();
    const id = this.next++;
    return new Promise<T>((resolve, reject) => {
      this.waiting.set(id, { resolve: resolve, reject });
      worker.ref();
      worker.postMessage({ id, method, args } satisfies QuestionMessage);
    });
  }

  /** Started by the first question, and again by the next one after it died. */
  private start(): Worker {
    const worker = startThread('./reader-thread', import.meta.url, {
      workerData: { dir: this.dir },
      name: 'store-reader',
    });
    this.worker = worker;
    worker.unref();
    worker.on('message', (answer: AnswerMessage) => {
      const waiting = this.waiting.get(answer.id);
      this.waiting.delete(answer.id);
      // A process that waits for nothing else may end.
      if (this.waiting.size === 0) worker.unref();
      if ('error' in answer) waiting?.reject(new Error(answer.error));
      else waiting?.resolve(answer.value as never);
    });
    worker.on('error', (error: Error) => this.fail(worker, error));
    worker.on('exit', () => this.fail(worker, new Error('The store was closed.')));
    return worker;
  }

  private fail(worker: Worker, error: Error): void {
    if (this.worker === worker) this.worker = null;
    const waiting = [...this.waiting.values()];
    this.waiting.clear();
    for (const { reject } of waiting) reject(error);
  }
}
