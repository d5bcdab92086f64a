/** What tests of streams share: a stream's settings, a store that is an array, a receiver that does as it is told. */
import type { FedRow, FeedOptions, FeedPage } from '../../../src/audit/store/store.ts';
import type { Entry } from '../../../src/control/streams/book.ts';
import type { StreamConfig } from '../../../src/control/streams/document.ts';
import type { Receiver, Taken } from '../../../src/control/streams/stream.ts';
import { fedEvent } from '../../audit/export/fed.ts';

export const SENDER = { host: 'proxy1.example.test', version: '1.2.3' };

export function config(changes: Partial<StreamConfig> = {}): StreamConfig {
  return {
    name: 'siem',
    to: 'https',
    target: 'https://receiver.test/',
    format: 'json',
    kinds: ['exchanges', 'flows', 'events'],
    filter: '',
    include: { heads: false, bodies: false },
    ca: null,
    certificate: null,
    key: null,
    tokenFile: null,
    index: null,
    from: 'start',
    batch: 10,
    resend: 0,
    facility: 13,
    acknowledge: false,
    rotateBytes: 1024 * 1024,
    keep: 3,
    ...changes,
  };
}

/** Events numbered from 1; the cursor is the last number that was handed out. */
export class Rows {
  rows: FedRow[] = [];
  days = ['2026-11-20'];
  asked: FeedOptions[] = [];

  add(
    n: number,
    make: (i: number) => FedRow = i => fedEvent({ name: 'test.event', detail: { n: i } }),
  ): void {
    for (let i = 0; i < n; i++) this.rows.push(make(this.rows.length + 1));
  }

  async feed(options: FeedOptions): Promise<FeedPage> {
    this.asked.push(options);
    const from = options.after === 'end' ? this.rows.length : Number(options.after ?? 0);
    const rows = this.rows.slice(from, options.after === 'end' ? from : from + options.limit);
    const left = this.rows.length - from - rows.length;
    const waiting = left === 0 ? [] : [{ day: this.days[0] ?? '', rows: left }];
    return { rows, next: String(from + rows.length), waiting, days: this.days };
  }
}

export class Taker implements Receiver {
  acknowledges = true;
  batches: FedRow[][] = [];
  broken: string | null = null;
  refusing = 0;
  connectionLost = false;
  resets = 0;

  async send(rows: readonly FedRow[]): Promise<Taken> {
    if (this.broken !== null) throw new Error(this.broken);
    this.batches.push([...rows]);
    const refused = Math.min(this.refusing, rows.length);
    return { refused, reason: refused > 0 ? 'no such field' : null };
  }
  lost(): boolean {
    const lost = this.connectionLost;
    this.connectionLost = false;
    return lost;
  }
  reset(): void {
    this.resets++;
  }
  numbers(): number[] {
    return this.batches.flat().map(fed => (fed.kind === 'event' ? Number(fed.row.detail['n']) : 0));
  }
}

export class Memory {
  entries = new Map<string, string>();
  get(name: string): Entry | null {
    const text = this.entries.get(name);
    return text === undefined ? null : (JSON.parse(text) as Entry);
  }
  put(name: string, entry: Entry): void {
    this.entries.set(name, JSON.stringify(entry));
  }
}
