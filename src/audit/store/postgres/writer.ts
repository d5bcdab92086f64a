/**
 * Writes parts of spools into PostgreSQL, one transaction per call of `commit`: rows, book-keeping and cursors together, so that
 * a kill of anything at any moment leaves all of it or nothing. One connection, one call at a time (the caller waits).
 *
 * When the outcome of a COMMIT cannot be known (the connection broke), the call fails and everything remembered is
 * forgotten; the cursors in the database tell at the next try what came of it.
 *
 * Bounds: a batch is as large as its caller lets it be; of texts and bodies known to be stored, as many as set below.
 */
import { proxyText } from '../../canon.ts';
import { pack } from '../body-shelf.ts';
import { Recent } from '../recent.ts';
import { dayOf } from '../schema.ts';
import { unpacked } from '../stored-detail.ts';
import { vectorOfBody } from './body-words.ts';
import { ChainMoved } from './chain.ts';
import { WriterConnection } from './connection.ts';
import { retainDays } from './days.ts';
import { Gathered, producerOf } from './gather.ts';
import { Lines } from './lines.ts';
import { ProxyState } from './proxy-state.ts';
import { putCopy, putSums } from './put.ts';
import { BLOCKS, BODIES, BODY_TEXTS, SQL } from './statements.ts';
import { storable } from './text.ts';
import { Voucher } from './voucher.ts';
import type { Client } from 'pg';
import type { Dropping, Retention, RetentionLimits } from '../../retention.ts';
import type { BodyWords } from './body-words.ts';
import type { LastSigned } from '../../last-signed.ts';
import type { Note, Notary } from '../../notary.ts';
import type { Signer } from '../../statement.ts';
import type { FleetChain } from './chain.ts';
import type { PostgresTarget } from './connect.ts';
import type { Part, PlacedRow, Written } from './gather.ts';
import type { Owner } from './lines.ts';

/** How far a segment of a proxy is in the store. */
export interface Shipped {
  at: number;
  done: boolean;
  bad: boolean;
  head: Buffer;
}

export type Outcome =
  | { kind: 'committed'; rows: Written[]; segments: Map<string, Shipped> }
  /** A part does not begin where the store is: nothing was written. */
  | { kind: 'elsewhere'; segments: Map<string, Shipped> };

export interface WriterOptions {
  target: PostgresTarget;
  /** ms since epoch. */
  now?: () => number;
  /** Who vouches for what is stored: without one rows are chained, and nothing is signed. */
  notary?: Notary;
  /** What this machine signed last. */
  memory?: LastSigned;
}

/** What a batch brings beside parts. */
interface Extra {
  /** Events of the collector itself. */
  notes: readonly Note[];
  /** Sign what is unsigned, due or not. */
  sign: boolean;
  /** A row failed a unique key: look at each. */
  careful: boolean;
}
const PLAIN: Extra = { notes: [], sign: false, careful: false };

const KNOWN_BLOCKS = 20_000;
const KNOWN_BODIES = 50_000;
const KNOWN_TEXTS = 50_000;
const UNIQUE_VIOLATION = '23505';

export class PostgresWriter {
  private readonly now: () => number;
  private readonly connection: WriterConnection;
  private readonly lines = new Lines();
  private readonly states = new Map<number, ProxyState>();
  /** Numbers of machines: another database, or an older state of this one, may give them to others. */
  private readonly numbers = new Map<string, number>();
  private readonly owners = new Map<number, Owner>();
  private readonly voucher: Voucher;
  private readonly signer: Signer | null;
  /** Day whose partitions are there, and of which the next three speak. */
  private day = '';
  private readonly knownBlocks = new Recent<string, true>(KNOWN_BLOCKS);
  private readonly knownBodies = new Recent<string, true>(KNOWN_BODIES);
  private readonly knownTexts = new Recent<string, true>(KNOWN_TEXTS);

  constructor(options: WriterOptions) {
    this.now = options.now ?? Date.now;
    this.connection = new WriterConnection(options.target, () => {
      this.states.clear();
      this.numbers.clear();
      this.owners.clear();
      this.voucher.forget();
      this.enter('');
    });
    this.signer = options.notary?.signer ?? null;
    this.voucher = new Voucher(options.notary ?? null, options.memory ?? null, this.now);
  }

  /** Number of a proxy's data directory in this store, made when it is new. */
  async proxy(name: string, spool: Buffer): Promise<number> {
    const text = `${name} ${spool.toString('hex')}`;
    const known = this.numbers.get(text);
    if (known !== undefined) return known;
    const number = await this.connection.use(async client => {
      const find = async (): Promise<number | undefined> =>
        (await client.query<{ id: number }>(SQL.findProxy, [name, spool])).rows[0]?.id;
      const found = await find();
      if (found !== undefined) return found;
      await client.query(SQL.addProxy, [name, spool, this.now()]);
      return (await find()) ?? 0;
    });
    this.numbers.set(text, number);
    return number;
  }

  /** Where the store is in these segments; those it has never seen are left out. */
  shipped(proxy: number, segments: readonly string[]): Promise<Map<string, Shipped>> {
    return this.connection.use(client => readShipped(client, proxy, segments));
  }

  /**
   * A proxy came (back) and says which segments it has: what is done and no longer there is forgotten, and flows of producers
   * without a segment, which nobody else will ever close, are closed here.
   */
  async arrived(
    proxy: number,
    segments: readonly string[],
    producers: ReadonlySet<number>,
  ): Promise<Written[]> {
    const orphans = await this.connection.use(async client => {
      await client.query(SQL.forgetSegments, [proxy, segments]);
      this.states.delete(proxy);
      const state = await this.stateOf(client, proxy);
      return [...state.producers(producerOf)].filter(p => !producers.has(p));
    });
    if (orphans.length === 0) return [];
    const at = this.now();
    const outcome = await this.commit(
      proxy,
      orphans.map(producer => ({ ...NO_PART, ended: { producer, at } })),
    );
    return outcome.kind === 'committed' ? outcome.rows : [];
  }

  /** Write parts, all or nothing. Throws when the database cannot be used now. */
  async commit(proxy: number, parts: readonly Part[]): Promise<Outcome> {
    try {
      return await this.attempt(proxy, parts, PLAIN);
    } catch (error) {
      // A producer that used one number twice: the first row stays, the second is counted, the rest goes on.
      const careful = (error as { code?: string }).code === UNIQUE_VIOLATION;
      if (error instanceof ChainMoved) this.voucher.moved();
      if (careful || error instanceof ChainMoved) return this.attempt(proxy, parts, { ...PLAIN, careful });
      throw error;
    }
  }

  /**
   * Store what there is to tell as rows of `proxy`, this machine, and sign what is due; `all` signs whatever is unsigned, at a
   * stop. To be called often: does nothing when there is nothing to do. Returns the rows it stored.
   */
  async vouch(proxy: number, all: boolean): Promise<Written[]> {
    const notes = this.voucher.notes();
    if (notes.length === 0 && !this.voucher.isDue(all)) return [];
    const outcome = await this.attempt(proxy, [], { ...PLAIN, notes, sign: all });
    this.voucher.told(notes.length);
    return outcome.kind === 'committed' ? outcome.rows : [];
  }

  /** Seal days that are over, a little per call. True when there is more to do at once. */
  seal(): Promise<boolean> {
    return this.connection.use(client => this.voucher.seal(client));
  }

  /** Keep the store within its limits (days.ts). */
  retain(limits: RetentionLimits, onDrop: (drop: Dropping) => void): Promise<Retention> {
    return this.connection.use(client =>
      retainDays(client, { ...limits, now: this.now(), onDrop, signer: this.signer }),
    );
  }

  close(): Promise<void> {
    return this.connection.close();
  }

  private attempt(proxy: number, parts: readonly Part[], extra: Extra): Promise<Outcome> {
    return this.connection.use(async client => {
      const state = await this.stateOf(client, proxy);
      const gathered = new Gathered(await this.ownerOf(client, proxy), state, this.lines, this.now());
      for (const { name, detail } of extra.notes)
        gathered.rows.push(gathered.event({ kind: 'event', time: this.now(), name, detail }));
      for (const part of parts) gathered.add(part);
      // Before the transaction, because it takes time; those of another day's bodies are made in it.
      for (const text of gathered.texts.values())
        if (this.knownTexts.get(text.key) === undefined) text.words = gathered.vectorOf(text);
      return this.write(client, proxy, state, parts, gathered, extra);
    });
  }

  private async write(
    client: Client,
    proxy: number,
    state: ProxyState,
    parts: readonly Part[],
    gathered: Gathered,
    extra: Extra,
  ): Promise<Outcome> {
    const places = gathered.rows.length + gathered.dead.length + 1;
    await client.query('BEGIN');
    // The ledger's lock is held until the commit: places, days and cursors change in one order for all writers.
    const taken = await client.query<{ first: number; day: string }>(SQL.takePlaces, [
      places,
      dayOf(this.now()),
    ]);
    const { first = 0, day = '' } = taken.rows[0] ?? {};
    const named = parts.filter(p => p.segment !== '');
    const before = await readShipped(
      client,
      proxy,
      named.map(p => p.segment),
    );
    if (!named.every(part => fits(part, before.get(part.segment)))) {
      await client.query('ROLLBACK');
      this.states.delete(proxy);
      return { kind: 'elsewhere', segments: before };
    }
    if (day !== this.day) {
      await client.query(SQL.makeDay, [day]);
      this.enter('');
    }
    const chain = await this.voucher.begin(client, day);
    await this.putRows(client, day, first, gathered, extra.careful, chain);
    await putState(client, proxy, day, state);
    const segments = new Map<string, Shipped>();
    for (const part of named) {
      const bad = gathered.bad.has(part.segment) || before.get(part.segment)?.bad === true;
      segments.set(part.segment, { at: part.to, done: part.done, bad, head: part.head });
      await client.query(SQL.ship, [proxy, part.segment, part.head, part.to, part.done, bad]);
    }
    await this.voucher.end(client, first, extra.sign);
    await client.query('COMMIT');
    this.voucher.committed();
    this.day = day;
    for (const key of gathered.blocks.keys()) this.knownBlocks.set(key, true);
    for (const key of gathered.bodies.keys()) this.knownBodies.set(key, true);
    for (const key of gathered.texts.keys()) this.knownTexts.set(key, true);
    return { kind: 'committed', rows: gathered.written, segments };
  }

  /** Rows get their places, and their digests the chain's next ones, in one order. */
  private async putRows(
    client: Client,
    day: string,
    first: number,
    gathered: Gathered,
    careful: boolean,
    chain: FleetChain,
  ): Promise<void> {
    const text = { exchange: '', flow: '', event: '' };
    const placed: PlacedRow[] = [];
    const place = (row: PlacedRow): void => {
      text[row.kind] += `${day}\t${first + placed.length}\t${row.line}\n`;
      placed.push(row);
    };
    gathered.rows.forEach(place);
    const twice = await putCopy(client, 'exchange', text.exchange, careful);
    if (gathered.dead.length > 0) {
      const counted = await client.query<{ flow: number; n: number }>(SQL.countExchanges, [
        gathered.owner.id,
        gathered.dead.map(d => d.flow),
      ]);
      const counts = new Map(counted.rows.map(r => [r.flow, r.n]));
      for (const dead of gathered.dead)
        place(gathered.flow({ ...dead, exchanges: counts.get(dead.flow) ?? 0 }));
    }
    twice.push(...(await putCopy(client, 'flow', text.flow, careful)));
    if (twice.length > 0) {
      const detail = { rows: twice.length };
      place(gathered.event({ kind: 'event', time: this.now(), name: 'fleet.duplicate', detail }));
    }
    await putCopy(client, 'event', text.event, careful);
    const left = new Set(twice);
    for (const [offset, row] of placed.entries())
      if (!left.has(first + offset)) chain.add(row.kind, offset, row.digest);
    await this.putTexts(client, day, gathered);
    await putSums(client, day, gathered.written);
  }

  private async putTexts(client: Client, day: string, gathered: Gathered): Promise<void> {
    const { blocks, bodies, texts } = gathered;
    const fresh = [...blocks.values()].filter(b => this.knownBlocks.get(b.key) === undefined);
    if (fresh.length > 0)
      await client.query(BLOCKS, [
        day,
        fresh.map(b => b.hash),
        fresh.map(b => storable(b.text)),
        fresh.map(b => b.words()),
      ]);
    // One by one: a body may be as large as a statement should be.
    for (const [key, { sha, data }] of bodies) {
      if (this.knownBodies.get(key) !== undefined) continue;
      const packed = pack(data);
      await client.query(BODIES, [day, sha, data.length, packed === null ? 0 : 1, packed ?? data]);
    }
    for (const text of texts.values()) {
      if (this.knownTexts.get(text.key) !== undefined) continue;
      const words = text.words ?? gathered.vectorOf(text) ?? (await storedVector(client, day, text));
      if (words !== '') await client.query(BODY_TEXTS, [day, text.hash, words]);
    }
  }

  private async stateOf(client: Client, proxy: number): Promise<ProxyState> {
    let state = this.states.get(proxy);
    if (state === undefined) {
      state = await ProxyState.read(client, proxy);
      this.states.set(proxy, state);
    }
    return state;
  }

  private async ownerOf(client: Client, id: number): Promise<Owner> {
    let owner = this.owners.get(id);
    if (owner === undefined) {
      const { rows } = await client.query<{ name: string; spool: Buffer }>(SQL.proxyOf, [id]);
      const { name = '', spool = Buffer.alloc(0) } = rows[0] ?? {};
      owner = { id, text: proxyText(id, name, spool.toString('hex')) };
      this.owners.set(id, owner);
    }
    return owner;
  }

  private enter(day: string): void {
    this.day = day;
    this.knownBlocks.clear();
    this.knownBodies.clear();
    this.knownTexts.clear();
  }
}

const NO_PART: Omit<Part, 'ended'> = {
  segment: '',
  head: Buffer.alloc(0),
  from: 0,
  to: 0,
  done: false,
  records: [],
  damages: [],
};

/** A part may follow only what is there, and only in the same segment file. */
function fits(part: Part, shipped: Shipped | undefined): boolean {
  if (shipped === undefined) return part.from === 0;
  if (shipped.head.length > 0 && part.head.length > 0 && !shipped.head.equals(part.head)) return false;
  return part.from === shipped.at && !shipped.done;
}

async function readShipped(
  client: Client,
  proxy: number,
  segments: readonly string[],
): Promise<Map<string, Shipped>> {
  if (segments.length === 0) return new Map();
  const { rows } = await client.query<Shipped & { segment: string }>(SQL.shipped, [proxy, segments]);
  return new Map(rows.map(({ segment, ...shipped }) => [segment, shipped]));
}

/** Words of a body that came with an earlier batch. */
async function storedVector(client: Client, day: string, text: BodyWords): Promise<string> {
  const { rows } = await client.query<{ enc: number; data: Buffer }>(SQL.bodyData, [
    text.day ?? day,
    text.sha,
  ]);
  const [row] = rows;
  if (row === undefined) return '';
  return vectorOfBody(unpacked(row), text.reading);
}

/** What the batch did to open flows and waiting bodies. */
async function putState(client: Client, proxy: number, day: string, state: ProxyState): Promise<void> {
  const { opened, closed, kept, taken } = state.changes(day);
  if (opened.length > 0)
    await client.query(SQL.openFlows, [proxy, opened.map(o => o.flow), opened.map(o => o.start)]);
  if (closed.length > 0) await client.query(SQL.closeFlows, [proxy, closed]);
  for (const w of kept) await client.query(SQL.keepBody, [proxy, w.flow, w.n, w.side, w.day, w.sha, w.size]);
  for (const w of taken) {
    // The exchange lies under this day, and so must its body: retention drops the day before first.
    if (w.day !== day) await client.query(SQL.carryBody, [day, w.day, w.sha]);
    await client.query(SQL.dropBody, [proxy, w.flow, w.n, w.side]);
  }
}
