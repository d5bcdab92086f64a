/**
 * Reads rows back from a day file in their canonical form, through every shared table they point at, so that a digest made
 * from them notices whatever a reader of the store would notice. For verifying and for exports; nothing here writes.
 *
 * `PARTS` and `COLUMNS` say for each column whether it is in the canonical form; the test of this file compares them with the
 * schema, so that a new column cannot stay undecided.
 *
 * Bounds: digests of shared rows are kept in caches of `CACHE` entries each, texts that heads share in one of `STABLES`; a page of
 * `PAGE` rows.
 */
import { createHash } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import {
  docText,
  eventText,
  exchangeText,
  flowText,
  headText,
  LANE_FIELDS,
  laneText,
  urlText,
  WHAT_FIELDS,
  whatText,
  whoText,
} from '../canon.ts';
import { digestOf } from '../chain.ts';
import { joinedText } from './flow-detail.ts';
import { keptHead } from './headers.ts';
import { unpacked } from './stored-detail.ts';
import type Database from 'better-sqlite3';
import type { ChainedKind, Field } from '../chain.ts';

const CACHE = 65_536;
const STABLES = 4096;
const PAGE = 256;

/** Parts that rows share, by the name of the field that holds their digest. */
export interface PartTexts {
  who: string;
  what: string;
  url: string;
  lane: string;
}

/** Columns of chained tables: in the canonical form by themselves, through a part, or not, with the reason. */
export const COLUMNS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  exchange: {
    id: 'no: its place in the chain',
    flow: 'yes',
    n: 'yes',
    time: 'yes',
    us: 'yes',
    wait: 'yes',
    who: 'part',
    what: 'part',
    url: 'part',
    up: 'yes',
    down: 'yes',
    req_block: 'part',
    req_rest: 'part',
    res_block: 'part',
    res_rest: 'part',
    flags: 'yes',
    req_body: 'part',
    res_body: 'part',
    req_sha: 'yes',
    res_sha: 'yes',
    fault_detail: 'yes',
    req_volatile: 'part',
    res_volatile: 'part',
  },
  flow: {
    id: 'no: its place in the chain',
    flow: 'yes',
    time: 'yes',
    us: 'yes',
    who: 'part',
    lane: 'part',
    up: 'yes',
    down: 'yes',
    exchanges: 'yes',
    hello: 'part',
    cert: 'part',
    verdict: 'part',
    detail: 'yes',
    frame: 'part',
  },
  event: { id: 'no: its place in the chain', time: 'yes', name: 'yes', detail: 'yes' },
  who: { id: 'no: a pointer', client: 'yes', ip: 'yes', user: 'yes' },
  host: { id: 'no: a pointer', name: 'yes' },
  what: { id: 'no: a pointer', ...Object.fromEntries(WHAT_FIELDS.map(name => [name, 'yes'])) },
  url: { id: 'no: a pointer', host: 'yes', path: 'yes', first: 'no: only to search faster' },
  block: { id: 'no: a pointer', text: 'yes' },
  rest: {
    id: 'no: a pointer',
    varied: 'yes',
    volatile: 'yes, in rows of version 1',
    first: 'no: only to search faster',
  },
  body: {
    id: 'no: a pointer',
    sha: 'yes',
    size: 'yes',
    enc: 'no: how it is packed',
    data: 'yes',
    reading: 'no: only to search',
  },
  lane: { id: 'no: a pointer', ...Object.fromEntries(LANE_FIELDS.map(name => [name, 'yes'])) },
  doc: { id: 'no: a pointer', text: 'yes' },
};

const list = (prefix: string, names: readonly string[]): string =>
  names.map(name => (name === 'host' ? 'h.name' : `${prefix}.${name}`)).join(', ');

/** Batches of the chain read at once: a few MB, some 10 ms. */
const BATCHES = 16;

/** One row of the `chain` table. */
export interface Batch {
  seq: number;
  entries: Buffer;
  link: Buffer;
}

/**
 * The chain's batches in order up to the row numbered `to`. In short statements: rows never change, so no moment of the file
 * needs to be held fast, and a reader that takes minutes never keeps the recorder's log from being moved into the file.
 */
export function* batches(db: Database.Database, to: number): Generator<Batch> {
  const next = db.prepare(
    'SELECT seq, entries, link FROM chain WHERE seq > ? AND seq <= ? ORDER BY seq LIMIT ?',
  );
  for (let after = -1; ;) {
    const page = next.all(after, to, BATCHES) as Batch[];
    yield* page;
    const last = page.at(-1);
    if (last === undefined) return;
    after = last.seq;
  }
}

/** Canonical texts of a day file's rows. */
export class ChainRows {
  private readonly db: Database.Database;
  private readonly sql: ReturnType<typeof prepare>;
  private readonly caches = new Map<string, LRUCache<number | string, string>>();
  private readonly page = new Map<number, ExchangeColumns>();
  private pageFrom = -PAGE;
  private lastExchange = -1;
  private readonly stables = new LRUCache<number, string>({ max: STABLES });

  constructor(db: Database.Database) {
    this.db = db;
    this.sql = prepare(db);
  }

  /** The row's canonical text; null when the row, or something it points at, is not there. */
  text(kind: ChainedKind, row: number): string | null {
    switch (kind) {
      case 'exchange':
        return this.exchange(row);
      case 'flow':
        return this.flow(row);
      case 'event': {
        const r = this.sql.event.get(row) as { time: number; name: string; detail: string } | undefined;
        return r === undefined ? null : eventText(r.time, r.name, r.detail);
      }
    }
  }

  /** The text of a shared part; null when it is not there. */
  part<K extends keyof PartTexts>(name: K, id: number): string | null {
    const fields = this.sql[name].raw(true).get(id) as Field[] | undefined;
    if (fields === undefined) return null;
    switch (name) {
      case 'who': {
        const [client, ip, user] = fields as unknown as [string, Buffer | null, string | null];
        return whoText(client, ip?.toString('hex') ?? null, user);
      }
      case 'what':
        return whatText(fields);
      case 'url':
        return urlText(...(fields as [string, string]));
      default:
        return laneText(fields);
    }
  }

  /** Ids of the shared parts of an exchange. */
  pointers(row: number): { who: number; what: number; url: number } | null {
    return (this.sql.pointers.get(row) as { who: number; what: number; url: number } | undefined) ?? null;
  }

  /** Id of the lane and client of a flow. */
  flowPointers(row: number): { who: number; lane: number } | null {
    return (this.sql.flowPointers.get(row) as { who: number; lane: number } | undefined) ?? null;
  }

  private exchange(row: number): string | null {
    const columns = this.exchangeColumns(row);
    if (columns === undefined) return null;
    const [flow, n, time, us, wait, up, down, flags, whoId, whatId, urlId, ...more] = columns;
    const [reqBlock, reqRest, reqOwn, resBlock, resRest, resOwn, reqBodyId, resBodyId, ...rare] = more;
    const [reqWhole, resWhole, faultDetail] = rare;
    const who = this.digest('who', whoId);
    const what = this.digest('what', whatId);
    const url = this.digest('url', urlId);
    const reqHead = this.head(reqBlock, reqRest, reqOwn);
    const resHead = this.head(resBlock, resRest, resOwn);
    const reqBody = this.body(reqBodyId);
    const resBody = this.body(resBodyId);
    if (who === null || what === null || url === null || reqHead === null || resHead === null) return null;
    if (reqBody === undefined || resBody === undefined) return null;
    const [reqSha, resSha] = [reqWhole?.toString('hex') ?? null, resWhole?.toString('hex') ?? null];
    const numbers = { flow, n, time, us, wait, up, down, flags };
    const parts = { who, what, url, reqHead, resHead, reqBody, resBody, reqSha, resSha, faultDetail };
    return exchangeText({ ...numbers, ...parts });
  }

  /** Whoever goes through the rows one by one gets them from a page that is read at once. */
  private exchangeColumns(row: number): ExchangeColumns | undefined {
    const ahead = row === this.lastExchange + 1;
    this.lastExchange = row;
    if (!ahead) return this.sql.exchange.get(row) as ExchangeColumns | undefined;
    if (row < this.pageFrom || row >= this.pageFrom + PAGE) {
      this.pageFrom = row;
      this.page.clear();
      const rows = this.sql.exchanges.all(row, row + PAGE) as [...ExchangeColumns, id: number][];
      for (const columns of rows)
        this.page.set(columns.at(-1) as number, columns as unknown as ExchangeColumns);
    }
    return this.page.get(row) ?? (this.sql.exchange.get(row) as ExchangeColumns | undefined);
  }

  private flow(row: number): string | null {
    const x = this.sql.flow.get(row) as FlowColumns | undefined;
    if (x === undefined) return null;
    const who = this.digest('who', x.who);
    const lane = this.digest('lane', x.lane);
    const [hello, cert, verdict] = [x.hello, x.cert, x.verdict].map(id => this.doc(id));
    if (who === null || lane === null) return null;
    if (hello === undefined || cert === undefined || verdict === undefined) return null;
    const frame = x.frame === null ? null : (this.sql.doc.get(x.frame) as string | undefined);
    if (frame === undefined) return null;
    return flowText({ ...x, who, lane, hello, cert, verdict, detail: joinedText(frame, x.detail) });
  }

  private digest(name: keyof PartTexts, id: number): string | null {
    return this.cached(name, id, () => this.part(name, id));
  }

  private cached(name: string, key: number | string, text: () => string | null): string | null {
    let cache = this.caches.get(name);
    if (cache === undefined) this.caches.set(name, (cache = new LRUCache({ max: CACHE })));
    const known = cache.get(key);
    if (known !== undefined) return known;
    const made = text();
    if (made === null) return null;
    const digest = digestOf(made);
    cache.set(key, digest);
    return digest;
  }

  private head(block: number, rest: number, own: string | null): string | null {
    const text = (): string | null => {
      const stable = this.stable(block);
      if (stable === undefined) return null;
      if (rest === 0) return headText(keptHead({ stable, varied: null, volatile: null, own }));
      const more = this.sql.rest.get(rest) as [string, string] | undefined;
      return more === undefined
        ? null
        : headText(keptHead({ stable, varied: more[0], volatile: more[1], own }));
    };
    // With values of its own it hardly comes again.
    if (own === null) return this.cached('head', `${block}.${rest}`, text);
    const made = text();
    return made === null ? null : digestOf(made);
  }

  /** What repeats of a head. */
  private stable(block: number): string | undefined {
    let text = this.stables.get(block);
    if (text === undefined) {
      text = this.sql.block.get(block) as string | undefined;
      if (text !== undefined) this.stables.set(block, text);
    }
    return text;
  }

  /** Digest of a document; undefined when it should be there and is not. */
  private doc(id: number | null): string | null | undefined {
    if (id === null) return null;
    const digest = this.cached('doc', id, () => {
      const text = this.sql.doc.get(id) as string | undefined;
      return text === undefined ? null : docText(text);
    });
    return digest ?? undefined;
  }

  /** SHA-256 of the kept bytes as they are now, not as the row says; undefined when they should be there and are not. */
  private body(id: number | null): string | null | undefined {
    if (id === null) return null;
    let cache = this.caches.get('body');
    if (cache === undefined) this.caches.set('body', (cache = new LRUCache({ max: CACHE })));
    const known = cache.get(id);
    if (known !== undefined) return known;
    const stored = this.sql.body.get(id) as
      { sha: Buffer; size: number; enc: number; data: Buffer } | undefined;
    if (stored === undefined) return undefined;
    let data: Buffer;
    try {
      data = unpacked(stored);
    } catch {
      return undefined;
    }
    const digest = createHash('sha256').update(data).digest('hex');
    // What the row says of itself is searched and shown, so it must agree.
    if (digest !== stored.sha.toString('hex') || data.length !== stored.size) return undefined;
    cache.set(id, digest);
    return digest;
  }

  /** Row ids of a kind in order, in pages: what is there, whatever the chain says. */
  ids(kind: ChainedKind, after: number, limit: number, to = Number.MAX_SAFE_INTEGER): number[] {
    return this.db
      .prepare(`SELECT id FROM ${kind} WHERE id > ? AND id <= ? ORDER BY id LIMIT ?`)
      .pluck()
      .all(after, to, limit) as number[];
  }
}

function prepare(db: Database.Database) {
  return {
    // As arrays: an object of so many names costs as much as the rest of the row.
    exchange: db.prepare(`SELECT ${EXCHANGE} FROM exchange WHERE id = ?`).raw(),
    exchanges: db.prepare(`SELECT ${EXCHANGE}, id FROM exchange WHERE id >= ? AND id < ?`).raw(),
    pointers: db.prepare('SELECT who, what, url FROM exchange WHERE id = ?'),
    flow: db.prepare('SELECT * FROM flow WHERE id = ?'),
    flowPointers: db.prepare('SELECT who, lane FROM flow WHERE id = ?'),
    event: db.prepare('SELECT time, name, detail FROM event WHERE id = ?'),
    who: db.prepare('SELECT client, ip, user FROM who WHERE id = ?'),
    what: db.prepare(
      `SELECT ${list('w', WHAT_FIELDS)} FROM what w JOIN host h ON h.id = w.host WHERE w.id = ?`,
    ),
    url: db.prepare('SELECT h.name, u.path FROM url u JOIN host h ON h.id = u.host WHERE u.id = ?'),
    lane: db.prepare(
      `SELECT ${list('l', LANE_FIELDS)} FROM lane l LEFT JOIN host h ON h.id = l.host WHERE l.id = ?`,
    ),
    block: db.prepare('SELECT text FROM block WHERE id = ?').pluck(),
    rest: db.prepare('SELECT varied, volatile FROM rest WHERE id = ?').raw(),
    doc: db.prepare('SELECT text FROM doc WHERE id = ?').pluck(),
    body: db.prepare('SELECT sha, size, enc, data FROM body WHERE id = ?'),
  };
}

const EXCHANGE = `flow, n, time, us, wait, up, down, flags, who, what, url, req_block, req_rest, req_volatile, res_block, res_rest,
  res_volatile, req_body, res_body, req_sha, res_sha, fault_detail`;
/** In this order. */
type ExchangeColumns = [
  flow: number,
  n: number,
  time: number,
  us: number,
  wait: number | null,
  up: number,
  down: number,
  flags: number,
  who: number,
  what: number,
  url: number,
  reqBlock: number,
  reqRest: number,
  reqVolatile: string | null,
  resBlock: number,
  resRest: number,
  resVolatile: string | null,
  reqBody: number | null,
  resBody: number | null,
  reqSha: Buffer | null,
  resSha: Buffer | null,
  faultDetail: string | null,
];

interface FlowColumns {
  flow: number;
  time: number;
  us: number;
  up: number;
  down: number;
  exchanges: number;
  who: number;
  lane: number;
  hello: number | null;
  cert: number | null;
  verdict: number | null;
  detail: string;
  frame: number | null;
}
