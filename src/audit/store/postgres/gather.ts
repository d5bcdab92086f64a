/**
 * Takes the records of a batch apart into rows, texts and bodies, before the transaction begins: what costs time in JavaScript
 * is not done under the ledger's lock. Changes what is remembered of the proxy (proxy-state.ts); touches no database.
 *
 * A record that cannot be stored costs itself only: it becomes a `spool.corrupt` event and its segment is marked.
 */
import { createHash } from 'node:crypto';
import { FLOWS_PER_PRODUCER } from '../../../core/records.ts';
import { CodecError } from '../../bytes.ts';
import { readingOfHead } from '../body-text.ts';
import { deadFlow } from '../open-flows.ts';
import { vectorOfBody, wordsOfBody } from './body-words.ts';
import type { Damage } from '../../tail.ts';
import type {
  AuditRecord,
  BodyFacts,
  BodyRecord,
  EventRecord,
  ExchangeRecord,
  FlowRecord,
} from '../../../core/records.ts';
import type { ChainedKind } from '../../chain.ts';
import type { BodyWords } from './body-words.ts';
import type { Block, Line, Lines, Owner } from './lines.ts';
import type { ProxyState, Waiting } from './proxy-state.ts';

/** What lies between two offsets of one segment. */
export interface Part {
  segment: string;
  /** The segment's first bytes, which tell one from another of the same name. */
  head: Buffer;
  from: number;
  to: number;
  /** The segment was read to its end. */
  done: boolean;
  records: AuditRecord[];
  damages: Damage[];
  /** The producer ended with this part; time of its last write, ms. */
  ended: { producer: number; at: number } | null;
}

/** A row that was committed, for live views. */
export type Written =
  | { kind: 'exchange'; record: ExchangeRecord; sni: string | null }
  | { kind: 'flow'; record: FlowRecord }
  | { kind: 'event'; record: EventRecord };

/** A row that will get the next place. */
export type PlacedRow = { kind: ChainedKind } & Pick<Line, 'line' | 'digest'>;

/** Number of the producer that gave a flow its id. */
export const producerOf = (flow: number): number => Math.floor(flow / FLOWS_PER_PRODUCER);

export class Gathered {
  /** In the order in which they get their places. */
  readonly rows: PlacedRow[] = [];
  readonly written: Written[] = [];
  readonly blocks = new Map<string, Block>();
  readonly bodies = new Map<string, { sha: Buffer; data: Buffer }>();
  /** Words of bodies, to be made from the bodies themselves. */
  readonly texts = new Map<string, BodyWords>();
  /** Ledger rows of flows whose producer ended; how many exchanges they had is counted in the database. */
  readonly dead: FlowRecord[] = [];
  /** Segments with damage. */
  readonly bad = new Set<string>();
  readonly owner: Owner;
  private readonly state: ProxyState;
  private readonly lines: Lines;
  private readonly now: number;

  constructor(owner: Owner, state: ProxyState, lines: Lines, now: number) {
    this.owner = owner;
    this.state = state;
    this.lines = lines;
    this.now = now;
  }

  add(part: Part): void {
    for (const record of part.records) {
      try {
        this.take(record);
      } catch (error) {
        // A TypeError is a record without a field that its type promises.
        if (!(error instanceof CodecError) && !(error instanceof TypeError)) throw error;
        const reason = `record cannot be stored: ${error.message}`;
        this.damaged(part.segment, { offset: part.from, bytes: 0, reason, torn: false });
      }
    }
    for (const damage of part.damages) this.damaged(part.segment, damage);
    const { ended } = part;
    if (ended === null) return;
    for (const start of this.state.closeAll(flow => producerOf(flow) === ended.producer))
      this.dead.push(deadFlow(start, 0, ended.at));
  }

  /** The row of a flow record, its texts gathered; it gets its place when the dead are counted. */
  flow(record: FlowRecord): PlacedRow {
    const row = this.rowOf('flow', this.lines.flow(this.owner, record));
    this.written.push({ kind: 'flow', record });
    return row;
  }

  event(record: EventRecord): PlacedRow {
    const row = this.rowOf('event', this.lines.event(this.owner, record));
    this.written.push({ kind: 'event', record });
    return row;
  }

  private rowOf(kind: ChainedKind, { line, digest, blocks }: Line): PlacedRow {
    for (const block of blocks) this.blocks.set(block.key, block);
    return { kind, line, digest };
  }

  private take(record: AuditRecord): void {
    switch (record.kind) {
      case 'exchange': {
        const sni = this.state.sniOf(record.flow);
        const req = this.state.take(record.flow, record.n, 0);
        const res = this.state.take(record.flow, record.n, 1);
        const texts = {
          req: this.words(req, record.reqHeaders, record.req.form),
          res: this.words(res, record.resHeaders, record.res.form),
        };
        this.rows.push(this.rowOf('exchange', this.lines.exchange(this.owner, record, sni, req, res, texts)));
        this.written.push({ kind: 'exchange', record, sni });
        return;
      }
      case 'flow':
        this.rows.push(this.flow(record));
        this.state.close(record.flow);
        return;
      case 'flow-open':
        this.state.open(record);
        return;
      case 'body':
        this.body(record);
        return;
      case 'event':
        this.rows.push(this.event(record));
    }
  }

  private body(r: BodyRecord): void {
    if (r.data.length === 0) return;
    const sha = createHash('sha256').update(r.data).digest();
    this.bodies.set(sha.toString('latin1'), { sha, data: r.data });
    this.state.wait({ flow: r.flow, n: r.n, side: r.side === 'req' ? 0 : 1, sha, size: r.data.length });
  }

  /** Words of a body whose octets came with this batch, else null. */
  vectorOf({ sha, reading }: BodyWords): string | null {
    const body = this.bodies.get(sha.toString('latin1'));
    return body === undefined ? null : vectorOfBody(body.data, reading);
  }

  /** Name of the words of a body that an exchange takes over, which are gathered. */
  private words(body: Waiting | null, head: string, form: BodyFacts['form']): Buffer | null {
    if (body === null) return null;
    const words = wordsOfBody(body, readingOfHead(head, form));
    if (words !== null) this.texts.set(words.key, words);
    return words?.hash ?? null;
  }

  private damaged(segment: string, { torn, ...detail }: Damage): void {
    // A torn end is what a kill leaves; anything else is worth keeping for a closer look.
    if (!torn) this.bad.add(segment);
    const name = torn ? 'spool.gap' : 'spool.corrupt';
    this.rows.push(this.event({ kind: 'event', time: this.now, name, detail: { segment, ...detail } }));
  }
}
