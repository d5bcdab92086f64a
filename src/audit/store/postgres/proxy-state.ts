/**
 * What the writer must remember of one proxy between batches: flows that are open and bodies that wait for their exchange. It
 * is read from the database when the proxy comes, changed while a batch is taken apart, and thrown away when the batch
 * could not be committed, because it then speaks of rows that are not there.
 *
 * Bound: the connections that the proxy's workers hold open, and their exchanges under way.
 */
import type { FlowId, FlowOpenRecord } from '../../../core/records.ts';
import type { KeptBody } from './lines.ts';
import type { Client } from 'pg';

interface Open {
  start: FlowOpenRecord | null;
  sni: string | null;
  stored: boolean;
}

export interface Waiting extends KeptBody {
  flow: number;
  n: number;
  side: 0 | 1;
  /** Day under which the body lies; null when it came with the batch under way. */
  day: string | null;
  stored: boolean;
}

/** What a batch does to the two tables. */
export interface Changes {
  opened: { flow: number; start: string }[];
  closed: number[];
  kept: Waiting[];
  taken: Waiting[];
}

export class ProxyState {
  private readonly flows = new Map<FlowId, Open>();
  private readonly waiting = new Map<string, Waiting>();
  private fresh: FlowId[] = [];
  private closed: number[] = [];
  private taken: Waiting[] = [];

  static async read(client: Client, proxy: number): Promise<ProxyState> {
    const state = new ProxyState();
    const flows = await client.query<{ flow: number; start: string }>(
      'SELECT flow, start FROM open_flow WHERE proxy = $1',
      [proxy],
    );
    for (const row of flows.rows) {
      const start = JSON.parse(row.start) as FlowOpenRecord;
      state.flows.set(row.flow, { start, sni: start.facts?.hello?.sni ?? null, stored: true });
    }
    const bodies = await client.query<Omit<Waiting, 'stored'>>(
      'SELECT flow, n, side, day, sha, size FROM waiting_body WHERE proxy = $1',
      [proxy],
    );
    for (const w of bodies.rows) state.waiting.set(keyOf(w.flow, w.n, w.side), { ...w, stored: true });
    return state;
  }

  open(r: FlowOpenRecord): void {
    this.flows.set(r.flow, { start: r, sni: r.facts?.hello?.sni ?? null, stored: false });
    this.fresh.push(r.flow);
  }

  sniOf(flow: FlowId): string | null {
    return this.flows.get(flow)?.sni ?? null;
  }

  close(flow: FlowId): void {
    if (this.flows.get(flow)?.stored === true) this.closed.push(flow);
    this.flows.delete(flow);
  }

  /** Flows that are open and whose id fits, closed herewith. */
  closeAll(isOf: (flow: FlowId) => boolean): FlowOpenRecord[] {
    const starts: FlowOpenRecord[] = [];
    for (const [id, open] of [...this.flows]) {
      if (!isOf(id)) continue;
      if (open.start !== null) starts.push(open.start);
      this.close(id);
    }
    for (const [key, w] of this.waiting) {
      if (!isOf(w.flow)) continue;
      this.waiting.delete(key);
      this.taken.push(w);
    }
    return starts;
  }

  producers(idOf: (flow: FlowId) => number): Set<number> {
    return new Set([...this.flows.keys()].map(idOf));
  }

  wait(body: Omit<Waiting, 'day' | 'stored'>): void {
    this.waiting.set(keyOf(body.flow, body.n, body.side), { ...body, day: null, stored: false });
  }

  /** The body of one side of an exchange, which takes it over. */
  take(flow: number, n: number, side: 0 | 1): Waiting | null {
    if (this.waiting.size === 0) return null;
    const key = keyOf(flow, n, side);
    const found = this.waiting.get(key);
    if (found === undefined) return null;
    this.waiting.delete(key);
    this.taken.push(found);
    return found;
  }

  /** What the batch changed, to be written with it. `day` is the one its bodies lie under. */
  changes(day: string): Changes {
    const opened: Changes['opened'] = [];
    for (const id of this.fresh) {
      const open = this.flows.get(id);
      if (open === undefined || open.start === null || open.stored) continue;
      opened.push({ flow: id, start: JSON.stringify(open.start) });
      open.stored = true;
    }
    const kept: Waiting[] = [];
    for (const w of this.waiting.values()) {
      if (w.stored) continue;
      w.day ??= day;
      w.stored = true;
      kept.push(w);
    }
    const changes = { opened, closed: this.closed, kept, taken: this.taken.filter(w => w.stored) };
    this.fresh = [];
    this.closed = [];
    this.taken = [];
    return changes;
  }
}

const keyOf = (flow: number, n: number, side: number): string => `${flow}.${n}.${side}`;
