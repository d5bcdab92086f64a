/**
 * Writes records into one day file. The recorder's thread is the only one that does. All methods are to be called between
 * `begin` and `commit`; after an error the caller rolls back and drops this object, because its caches then speak of
 * rows that are not there.
 *
 * The hot method is `exchange`: look-ups in caches, one insert, a few comparisons. Each cached row remembers the last block
 * it was marked in, so marking a value as seen costs a comparison unless the block is new.
 *
 * Bounds: caches as set below (`Recent` forgets; a forgotten text gets a second row); `Flows` is bounded by the
 * connections that workers hold open.
 */
import { createHash } from 'node:crypto';
import zlib from 'node:zlib';
import { parseAddress } from '../../core/network.ts';
import { addressBytes } from '../query/value.ts';
import { HeaderHabits, splitHead } from './headers.ts';
import { Recent } from './recent.ts';
import { BLOCK_BITS, FLAG, KIND, SEEN } from './layout.ts';
import { searchablePath, searchableText } from './searchable.ts';
import type Database from 'better-sqlite3';
import type {
  BodyRecord,
  EventRecord,
  ExchangeRecord,
  FlowId,
  FlowOpenRecord,
  FlowRecord,
} from '../../core/records.ts';
import type { Verdict } from '../../core/verdict.ts';

/** A row of a shared table: its id, and the block of exchanges (or flows) in which it was last marked as seen. */
interface Entry {
  id: number;
  block: number;
}

/** The two rows a header block became. */
interface Head {
  block: Entry;
  rest: Entry;
}

/** A flow between its `flow-open` and its `flow` record. */
export interface OpenFlow {
  /** Null when the opening record never came (shed, damaged). */
  start: FlowOpenRecord | null;
  sni: string | null;
  /** True when the row is in open_flow. */
  stored: boolean;
  /** Block of exchanges it was last marked in. */
  block: number;
  // The last exchange's shared part and its row: the next one is nearly always the same.
  verdict: Verdict | null;
  host: string;
  method: string;
  status: number | null;
  type: string | null;
  fault: string | null;
  protocol: string;
  scheme: string;
  port: number;
  client: string;
  user: string | null;
  capture: string;
  what: Entry | null;
  who: Entry | null;
}

/** Open flows by id. Carried from day file to day file by the recorder. */
export type Flows = Map<FlowId, OpenFlow>;

const NO_REST: Entry = { id: 0, block: -1 };
const MIN_DEFLATE = 256;

export class DayWriter {
  readonly db: Database.Database;
  private readonly flows: Flows;
  private readonly habits = new HeaderHabits();
  private readonly ids: Record<string, number> = {};

  private readonly whoCache = new Recent<string, Entry>(16_384);
  private readonly flowWho = new Recent<string, Entry>(16_384);
  private readonly hostCache = new Recent<string, number>(16_384);
  private readonly whatCache = new Recent<string, Entry>(32_768);
  private readonly urlCache = new Recent<string, Entry>(65_536);
  private readonly headCache = new Recent<string, Head>(4096);
  private readonly blockCache = new Recent<string, Entry>(4096);
  private readonly laneCache = new Recent<string, Entry>(16_384);
  private readonly docCache = new Recent<string, number>(4096);
  private readonly bodyCache = new Recent<string, number>(4096);

  /** Opened in this batch and not closed in it: they get their row in open_flow at commit. */
  private opened: FlowId[] = [];
  private waiting = new Map<
    string,
    { flow: number; n: number; side: number; body: number; stored: boolean }
  >();
  private spans = new Map<number, { n: number; lo: number; hi: number; last: number }>();
  private minutes = new Map<
    string,
    { kind: number; minute: number; action: string; n: number; faults: number; bytes: number }
  >();

  constructor(db: Database.Database, flows: Flows) {
    this.db = db;
    this.flows = flows;
    for (const table of [
      'who',
      'host',
      'what',
      'url',
      'block',
      'rest',
      'exchange',
      'body',
      'lane',
      'doc',
      'flow',
      'event',
    ])
      this.ids[table] = db.prepare(`SELECT coalesce(max(id), 0) FROM ${table}`).pluck().get() as number;
    this.sql = prepareAll(db);
    for (const w of db.prepare('SELECT flow, n, side, body FROM waiting_body').all() as {
      flow: number;
      n: number;
      side: number;
      body: number;
    }[])
      this.waiting.set(bodyKey(w.flow, w.n, w.side), { ...w, stored: true });
  }

  private readonly sql: ReturnType<typeof prepareAll>;

  begin(): void {
    this.sql.begin.run();
  }

  /** Write what was gathered during the batch, then commit. */
  commit(): void {
    this.writeGathered();
    this.sql.commit.run();
  }

  rollback(): void {
    if (this.db.inTransaction) this.sql.rollback.run();
  }

  cursor(segment: string, offset: number, done: boolean, bad: boolean): void {
    this.sql.cursor.run(segment, offset, done ? 1 : 0, bad ? 1 : 0);
  }

  // ---------------------------------------------------------------------------------------------- exchanges

  /** Insert one exchange; returns the flow it belongs to (for its SNI). */
  exchange(r: ExchangeRecord): OpenFlow {
    const id = this.take('exchange');
    const block = id >> BLOCK_BITS;
    let flow = this.flows.get(r.flow);
    if (flow === undefined) {
      flow = newFlow(null);
      this.flows.set(r.flow, flow);
    }
    if (flow.block !== block) {
      flow.block = block;
      this.sql.seen.run(SEEN.flow, r.flow, block);
    }
    const what = this.what(r, flow, block);
    const who = flow.who ?? this.who(r.client, r.user);
    if (who.block !== block) {
      who.block = block;
      this.sql.seen.run(SEEN.who, who.id, block);
    }
    const url = this.url(r, block);
    const req = this.head(r.reqHeaders, block);
    const res = this.head(r.resHeaders, block);
    const time = Math.round(r.time);
    const wait = r.wait === null ? null : Math.round(r.wait * 1000);
    const plain =
      r.faultDetail === null &&
      r.req.kept === 0 &&
      r.res.kept === 0 &&
      r.req.sha256 === null &&
      r.res.sha256 === null;
    const flags =
      (r.upgraded ? FLAG.upgraded : 0) |
      (r.req.truncated ? FLAG.reqTruncated : 0) |
      (r.res.truncated ? FLAG.resTruncated : 0);
    const us = Math.round(r.ms * 1000);
    if (plain)
      this.sql.exchange.run(
        id,
        r.flow,
        r.n,
        time,
        us,
        wait,
        who.id,
        what.id,
        url.id,
        r.req.size,
        r.res.size,
        req.block.id,
        req.rest.id,
        res.block.id,
        res.rest.id,
        flags,
      );
    else
      this.sql.exchangeFull.run(
        id,
        r.flow,
        r.n,
        time,
        us,
        wait,
        who.id,
        what.id,
        url.id,
        r.req.size,
        r.res.size,
        req.block.id,
        req.rest.id,
        res.block.id,
        res.rest.id,
        flags,
        this.takeBody(r.flow, r.n, 0),
        this.takeBody(r.flow, r.n, 1),
        sha(r.req.sha256),
        sha(r.res.sha256),
        r.faultDetail,
      );
    this.note(KIND.exchange, block, time, r.verdict.action, r.fault !== null, r.req.size + r.res.size);
    return flow;
  }

  private what(r: ExchangeRecord, flow: OpenFlow, block: number): Entry {
    let what = flow.what;
    if (
      what === null ||
      flow.verdict !== r.verdict ||
      flow.status !== r.status ||
      flow.type !== r.contentType ||
      flow.method !== r.method ||
      flow.fault !== r.fault ||
      flow.host !== r.host ||
      flow.client !== r.client ||
      flow.user !== r.user ||
      flow.port !== r.port ||
      flow.protocol !== r.protocol ||
      flow.scheme !== r.scheme ||
      flow.capture !== r.capture
    ) {
      what = this.findWhat(r, flow.sni);
      flow.what = what;
      flow.verdict = r.verdict;
      flow.status = r.status;
      flow.type = r.contentType;
      flow.method = r.method;
      flow.fault = r.fault;
      flow.host = r.host;
      flow.client = r.client;
      flow.user = r.user;
      flow.port = r.port;
      flow.protocol = r.protocol;
      flow.scheme = r.scheme;
      flow.capture = r.capture;
      flow.who = this.who(r.client, r.user);
    }
    if (what.block !== block) {
      what.block = block;
      this.sql.seen.run(SEEN.what, what.id, block);
    }
    return what;
  }

  private findWhat(r: ExchangeRecord, sni: string | null): Entry {
    const v = r.verdict;
    const key = JSON.stringify([
      r.host,
      r.port,
      r.scheme,
      r.protocol,
      r.method,
      r.status,
      r.contentType,
      r.fault,
      sni,
      v.action,
      v.rule,
      v.policy,
      v.reason,
      r.capture,
      v.block,
    ]);
    let entry = this.whatCache.get(key);
    if (entry === undefined) {
      entry = { id: this.take('what'), block: -1 };
      this.sql.what.run(
        entry.id,
        this.host(r.host),
        r.port,
        r.scheme,
        r.protocol,
        r.method,
        r.status,
        r.contentType,
        r.fault,
        sni,
        v.action,
        v.rule,
        v.policy,
        v.reason,
        r.capture,
        v.block,
      );
      this.whatCache.set(key, entry);
    }
    return entry;
  }

  private who(client: string, user: string | null): Entry {
    const key = user === null ? client : `${client}\n${user}`;
    let entry = this.whoCache.get(key);
    if (entry === undefined) {
      entry = { id: this.newWho(client, user), block: -1 };
      this.whoCache.set(key, entry);
    }
    return entry;
  }

  private newWho(client: string, user: string | null): number {
    const id = this.take('who');
    const address = parseAddress(client);
    this.sql.who.run(id, client, address === null ? null : addressBytes(address), user);
    return id;
  }

  private host(name: string): number {
    let id = this.hostCache.get(name);
    if (id === undefined) {
      id = this.take('host');
      this.sql.host.run(id, name);
      this.sql.hostText.run(id, name);
      this.hostCache.set(name, id);
    }
    return id;
  }

  private url(r: ExchangeRecord, block: number): Entry {
    const key = `${r.host} ${r.path}`;
    let entry = this.urlCache.get(key);
    if (entry === undefined) {
      entry = { id: this.take('url'), block };
      this.sql.url.run(entry.id, this.host(r.host), r.path, block);
      this.sql.urlText.run(entry.id, searchablePath(r.path));
      this.urlCache.set(key, entry);
    } else if (entry.block !== block) {
      entry.block = block;
      this.sql.seen.run(SEEN.url, entry.id, block);
    }
    return entry;
  }

  private head(text: string, block: number): Head {
    let head = this.headCache.get(text);
    if (head === undefined) {
      head = this.newHead(text, block);
      this.headCache.set(text, head);
    }
    if (head.block.block !== block) {
      head.block.block = block;
      this.sql.seen.run(SEEN.block, head.block.id, block);
    }
    if (head.rest.id !== 0 && head.rest.block !== block) {
      head.rest.block = block;
      this.sql.seen.run(SEEN.rest, head.rest.id, block);
    }
    return head;
  }

  private newHead(text: string, block: number): Head {
    const parts = splitHead(text, (name, value) => this.habits.classify(name, value));
    let entry = this.blockCache.get(parts.stable);
    if (entry === undefined) {
      entry = { id: this.take('block'), block: -1 };
      this.sql.block.run(entry.id, parts.stable);
      this.sql.blockText.run(entry.id, searchableText(parts.stable));
      this.blockCache.set(parts.stable, entry);
    }
    if (parts.varied === '' && parts.volatile === '') return { block: entry, rest: NO_REST };
    const rest = { id: this.take('rest'), block };
    this.sql.rest.run(rest.id, parts.varied, parts.volatile, block);
    if (parts.varied !== '') this.sql.restText.run(rest.id, searchableText(parts.varied));
    return { block: entry, rest };
  }

  // ------------------------------------------------------------------------------------------------- bodies

  /** Keep a body until its exchange comes. */
  body(r: BodyRecord): void {
    if (r.data.length === 0) return;
    const digest = createHash('sha256').update(r.data).digest();
    const key = digest.toString('latin1');
    let id = this.bodyCache.get(key) ?? (this.sql.findBody.get(digest) as number | undefined);
    if (id === undefined) {
      id = this.take('body');
      const packed = pack(r.data);
      this.sql.body.run(id, digest, r.data.length, packed === null ? 0 : 1, packed ?? r.data);
    }
    this.bodyCache.set(key, id);
    const side = r.side === 'req' ? 0 : 1;
    this.waiting.set(bodyKey(r.flow, r.n, side), { flow: r.flow, n: r.n, side, body: id, stored: false });
  }

  private takeBody(flow: number, n: number, side: number): number | null {
    const key = bodyKey(flow, n, side);
    const found = this.waiting.get(key);
    if (found === undefined) return null;
    this.waiting.delete(key);
    if (found.stored) this.sql.dropWaiting.run(flow, n, side);
    return found.body;
  }

  // -------------------------------------------------------------------------------------------------- flows

  flowOpen(r: FlowOpenRecord): void {
    this.flows.set(r.flow, newFlow(r));
    this.opened.push(r.flow);
  }

  /** The ledger row. Ends the flow. */
  flow(r: FlowRecord): void {
    const open = this.flows.get(r.flow);
    if (open !== undefined) {
      this.flows.delete(r.flow);
      if (open.stored) this.sql.dropOpen.run(r.flow);
    }
    const id = this.take('flow');
    const block = id >> BLOCK_BITS;
    const who = this.markFlow(SEEN.flowWho, this.flowWhoOf(r), block);
    const lane = this.markFlow(SEEN.lane, this.lane(r), block);
    const { facts } = r;
    const hello = facts?.hello ?? null;
    const time = Math.round(r.time);
    this.sql.flow.run(
      id,
      r.flow,
      time,
      Math.round(r.ms * 1000),
      who.id,
      lane.id,
      r.bytesUp,
      r.bytesDown,
      r.exchanges,
      hello === null ? null : this.doc(JSON.stringify(hello)),
      r.originCert === null ? null : this.doc(JSON.stringify(r.originCert)),
      r.verdict === null ? null : this.doc(JSON.stringify(r.verdict)),
      JSON.stringify({
        clientPort: r.clientPort,
        facts: facts === null ? null : { ...facts, hello: null },
        fault: r.fault,
        faultDetail: r.faultDetail,
        originAddress: r.originAddress,
        clientTls: r.clientTls,
        originTls: r.originTls,
        leafSerial: r.leafSerial,
      }),
    );
    this.note(KIND.flow, block, time, r.verdict?.action ?? '', r.fault !== null, r.bytesUp + r.bytesDown);
  }

  private markFlow(dim: number, entry: Entry, block: number): Entry {
    if (entry.block !== block) {
      entry.block = block;
      this.sql.seen.run(dim, entry.id, block);
    }
    return entry;
  }

  /** Flows have blocks of their own, so they need entries of their own; the who row is shared. */
  private flowWhoOf(r: FlowRecord): Entry {
    const user = r.facts?.user ?? null;
    const key = user === null ? r.client : `${r.client}\n${user}`;
    let entry = this.flowWho.get(key);
    if (entry === undefined) {
      entry = { id: this.who(r.client, user).id, block: -1 };
      this.flowWho.set(key, entry);
    }
    return entry;
  }

  private lane(r: FlowRecord): Entry {
    const f = r.facts;
    const v = r.verdict;
    const sni = f?.hello?.sni ?? null;
    const alpn = f?.hello?.alpn.join(',') ?? null;
    const fields = [
      f?.host ?? null,
      f?.port ?? null,
      f?.scheme ?? null,
      f?.ingress ?? null,
      sni,
      alpn,
      f?.hello?.ja4 ?? null,
      f?.outcome ?? null,
      v?.action ?? null,
      v?.rule ?? null,
      v?.policy ?? null,
      v?.reason ?? null,
      r.fault,
    ];
    const key = JSON.stringify(fields);
    let entry = this.laneCache.get(key);
    if (entry === undefined) {
      entry = { id: this.take('lane'), block: -1 };
      this.sql.lane.run(entry.id, f === null ? null : this.host(f.host), ...fields.slice(1));
      this.sql.laneText.run(entry.id, laneText(f?.host ?? null, sni, v?.reason ?? null, r.fault));
      this.laneCache.set(key, entry);
    }
    return entry;
  }

  private doc(text: string): number {
    let id = this.docCache.get(text);
    if (id === undefined) {
      id = this.take('doc');
      this.sql.doc.run(id, text);
      this.docCache.set(text, id);
    }
    return id;
  }

  // ------------------------------------------------------------------------------------------------- events

  event(r: EventRecord): void {
    this.sql.event.run(this.take('event'), Math.round(r.time), r.name, JSON.stringify(r.detail));
  }

  /** Bodies whose exchange will never come, because their producer ended. */
  dropWaitingOf(isEnded: (flow: FlowId) => boolean): void {
    for (const [key, w] of this.waiting) {
      if (!isEnded(w.flow)) continue;
      this.waiting.delete(key);
      if (w.stored) this.sql.dropWaiting.run(w.flow, w.n, w.side);
    }
  }

  /** Exchanges of a flow that lie in this file. */
  exchangesOf(flow: FlowId): number {
    let n = 0;
    for (const block of this.sql.blocksOfFlow.all(flow) as number[])
      n += this.sql.countOfFlow.get(block << BLOCK_BITS, (block + 1) << BLOCK_BITS, flow) as number;
    return n;
  }

  // ------------------------------------------------------------------------------------------------ gathered

  private take(table: string): number {
    const id = (this.ids[table] ?? 0) + 1;
    this.ids[table] = id;
    return id;
  }

  /** Count a row into its block's span and its minute. */
  private note(
    kind: number,
    block: number,
    time: number,
    action: string,
    fault: boolean,
    bytes: number,
  ): void {
    const spanKey = block * 4 + kind;
    const span = this.spans.get(spanKey);
    if (span === undefined) this.spans.set(spanKey, { n: 1, lo: time, hi: time, last: time });
    else {
      span.n++;
      if (time < span.lo) span.lo = time;
      if (time > span.hi) span.hi = time;
    }
    const minute = Math.floor(time / 60_000);
    const key = `${kind} ${minute} ${action}`;
    const m = this.minutes.get(key);
    if (m === undefined) this.minutes.set(key, { kind, minute, action, n: 1, faults: fault ? 1 : 0, bytes });
    else {
      m.n++;
      if (fault) m.faults++;
      m.bytes += bytes;
    }
  }

  private writeGathered(): void {
    for (const flow of this.opened) {
      const open = this.flows.get(flow);
      if (open === undefined || open.start === null || open.stored) continue;
      this.sql.open.run(flow, JSON.stringify(open.start), 0);
      open.stored = true;
    }
    this.opened = [];
    for (const w of this.waiting.values())
      if (!w.stored) {
        this.sql.waiting.run(w.flow, w.n, w.side, w.body);
        w.stored = true;
      }
    for (const [key, s] of this.spans) this.sql.span.run(key & 3, key >> 2, s.n, s.lo, s.hi);
    this.spans.clear();
    for (const m of this.minutes.values())
      this.sql.minute.run(m.kind, m.minute, m.action, m.n, m.faults, m.bytes);
    this.minutes.clear();
  }
}

/** State of a flow at its beginning. */
export function newFlow(start: FlowOpenRecord | null, stored = false): OpenFlow {
  return {
    start,
    sni: start?.facts?.hello?.sni ?? null,
    stored,
    block: -1,
    verdict: null,
    host: '',
    method: '',
    status: null,
    type: null,
    fault: null,
    protocol: '',
    scheme: '',
    port: 0,
    client: '',
    user: null,
    capture: '',
    what: null,
    who: null,
  };
}

const bodyKey = (flow: number, n: number, side: number): string => `${flow}.${n}.${side}`;

const sha = (hex: string | null): Buffer | null => (hex === null ? null : Buffer.from(hex, 'hex'));

/** What free text finds a flow by. */
export const laneText = (
  host: string | null,
  sni: string | null,
  reason: string | null,
  fault: string | null,
): string => [host ?? '', sni ?? '', reason ?? '', fault ?? ''].join('\n');

/** Deflated bytes, or null when it is not worth it: gzip, zip, PNG and JPEG tell themselves by their first bytes. */
function pack(data: Buffer): Buffer | null {
  if (data.length < MIN_DEFLATE) return null;
  const magic = data.readUInt32BE(0);
  if (magic >>> 16 === 0x1f8b || magic === 0x504b0304 || magic === 0x89504e47 || magic >>> 8 === 0xffd8ff)
    return null;
  const packed = zlib.deflateRawSync(data, { level: 1 });
  return packed.length < data.length * 0.9 ? packed : null;
}

function prepareAll(db: Database.Database) {
  const q = (sql: string): Database.Statement => db.prepare(sql);
  const values = (n: number): string => Array.from({ length: n }, () => '?').join(', ');
  return {
    begin: q('BEGIN IMMEDIATE'),
    commit: q('COMMIT'),
    rollback: q('ROLLBACK'),
    cursor: q(
      'INSERT INTO cursor VALUES (?, ?, ?, ?) ON CONFLICT (segment) DO UPDATE SET offset = excluded.offset, done = excluded.done, bad = excluded.bad',
    ),
    exchange: q(
      `INSERT INTO exchange (id, flow, n, time, us, wait, who, what, url, up, down, req_block, req_rest, res_block, res_rest, flags) VALUES (${values(16)})`,
    ),
    exchangeFull: q(`INSERT INTO exchange VALUES (${values(21)})`),
    seen: q('INSERT OR IGNORE INTO seen VALUES (?, ?, ?)'),
    what: q(`INSERT INTO what VALUES (${values(16)})`),
    who: q('INSERT INTO who VALUES (?, ?, ?, ?)'),
    host: q('INSERT INTO host VALUES (?, ?)'),
    hostText: q('INSERT INTO host_fts (rowid, name) VALUES (?, ?)'),
    url: q('INSERT INTO url VALUES (?, ?, ?, ?)'),
    urlText: q('INSERT INTO url_fts (rowid, path) VALUES (?, ?)'),
    block: q('INSERT INTO block VALUES (?, ?)'),
    blockText: q('INSERT INTO block_fts (rowid, text) VALUES (?, ?)'),
    rest: q('INSERT INTO rest VALUES (?, ?, ?, ?)'),
    restText: q('INSERT INTO rest_fts (rowid, text) VALUES (?, ?)'),
    findBody: q('SELECT id FROM body WHERE sha = ?').pluck(),
    body: q('INSERT INTO body VALUES (?, ?, ?, ?, ?)'),
    waiting: q('INSERT OR REPLACE INTO waiting_body VALUES (?, ?, ?, ?)'),
    dropWaiting: q('DELETE FROM waiting_body WHERE flow = ? AND n = ? AND side = ?'),
    open: q('INSERT OR REPLACE INTO open_flow VALUES (?, ?, ?)'),
    dropOpen: q('DELETE FROM open_flow WHERE flow = ?'),
    lane: q(`INSERT INTO lane VALUES (${values(14)})`),
    laneText: q('INSERT INTO lane_fts (rowid, text) VALUES (?, ?)'),
    doc: q('INSERT INTO doc VALUES (?, ?)'),
    flow: q(`INSERT INTO flow VALUES (${values(13)})`),
    event: q('INSERT INTO event VALUES (?, ?, ?, ?)'),
    span: q(
      'INSERT INTO span VALUES (?, ?, ?, ?, ?) ON CONFLICT (kind, block) DO UPDATE SET n = n + excluded.n, lo = min(lo, excluded.lo), hi = max(hi, excluded.hi)',
    ),
    minute: q(
      'INSERT INTO minute VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (kind, minute, action) DO UPDATE SET n = n + excluded.n, faults = faults + excluded.faults, bytes = bytes + excluded.bytes',
    ),
    blocksOfFlow: q(`SELECT block FROM seen WHERE dim = ${SEEN.flow} AND value = ?`).pluck(),
    countOfFlow: q('SELECT count(*) FROM exchange WHERE id >= ? AND id < ? AND flow = ?').pluck(),
  };
}
