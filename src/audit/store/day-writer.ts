/**
 * Writes records into one day file. The recorder's thread is the only one that does. All methods are to be called between
 * `begin` and `commit`; after an error the caller rolls back and drops this object, because its caches then speak of
 * rows that are not there.
 *
 * The hot method is `exchange`: look-ups in caches, one insert, a few comparisons.
 */
import { eventText, exchangeText, flowText } from '../canon.ts';
import { digestOf } from '../chain.ts';
import { BodyShelf } from './body-shelf.ts';
import { readingOfHead } from './body-text.ts';
import { ChainWriter } from './chain-writer.ts';
import { detailOf, detailText, splitDetail } from './flow-detail.ts';
import { BLOCK_BITS, flagsOf, KIND, markedBlocks, SEEN } from './layout.ts';
import { newFlow } from './open-flows.ts';
import { SharedTables } from './shared-tables.ts';
import { prepareAll, RowIds } from './statements.ts';
import { StripWriter } from './strip-writer.ts';
import { actOf } from './strip.ts';
import { Tallies } from './tallies.ts';
import type Database from 'better-sqlite3';
import type {
  BodyRecord,
  EventRecord,
  ExchangeRecord,
  FlowId,
  FlowOpenRecord,
  FlowRecord,
} from '../../core/records.ts';
import type { Reading } from './body-text.ts';
import type { Signed, Signer } from '../statement.ts';
import type { Flows, OpenFlow } from './open-flows.ts';
import type { Entry } from './shared-tables.ts';
import type { Statements } from './statements.ts';

export class DayWriter {
  readonly db: Database.Database;
  private readonly flows: Flows;
  private readonly sql: Statements;
  private readonly ids: RowIds;
  private readonly shared: SharedTables;
  private readonly bodies: BodyShelf;
  readonly chain: ChainWriter;
  private readonly tallies = new Tallies();
  private readonly exchangeStrips: StripWriter;
  private readonly flowStrips: StripWriter;
  /** Opened in this batch: those not closed in it get their row in open_flow at commit. */
  private opened: FlowId[] = [];

  constructor(db: Database.Database, day: string, flows: Flows) {
    this.db = db;
    this.flows = flows;
    this.sql = prepareAll(db);
    this.ids = new RowIds(db);
    this.shared = new SharedTables(db, this.sql, this.ids);
    this.exchangeStrips = new StripWriter(db, 'exchanges', this.ids.newest('exchange'));
    this.flowStrips = new StripWriter(db, 'flows', this.ids.newest('flow'));
    this.bodies = new BodyShelf(db, this.sql, this.ids, this.shared.marks);
    this.chain = new ChainWriter(db, day);
  }

  begin(): void {
    this.sql.begin.run();
  }

  /** Write what was gathered during the batch, sign the chain when `signer` is given and there is something to sign, commit. */
  commit(signer: Signer | null = null, now = 0): Signed | null {
    for (const flow of this.opened) {
      const open = this.flows.get(flow);
      if (open === undefined || open.start === null || open.stored) continue;
      this.sql.open.run(flow, JSON.stringify(open.start), 0);
      open.stored = true;
    }
    this.opened = [];
    this.bodies.save();
    this.shared.marks.save();
    this.tallies.save(this.sql);
    this.chain.save();
    const signed = signer === null ? null : this.chain.checkpoint(signer, now);
    this.sql.commit.run();
    return signed;
  }

  rollback(): void {
    if (this.db.inTransaction) this.sql.rollback.run();
  }

  /** How far a segment is in the store. */
  cursor(segment: string, offset: number, done: boolean, bad: boolean): void {
    this.sql.cursor.run(segment, offset, done ? 1 : 0, bad ? 1 : 0);
  }

  /** Insert one exchange; returns the flow it belongs to. */
  exchange(r: ExchangeRecord): OpenFlow {
    const id = this.ids.take('exchange');
    const block = id >> BLOCK_BITS;
    const flow = this.flowOf(r.flow);
    this.shared.marks.add(SEEN.flow, flow.mark, block);
    if (!sameAsLast(flow, r)) this.remember(flow, r);
    const what = flow.what as Entry;
    const who = flow.who as Entry;
    this.shared.marks.add(SEEN.what, what, block);
    this.shared.marks.add(SEEN.who, who, block);
    const url = this.shared.url(r, block);
    const req = this.shared.head(r.reqHeaders, block, 'req');
    const res = this.shared.head(r.resHeaders, block, 'res');
    const time = Math.round(r.time);
    const bare = r.faultDetail === null && isBare(r.req) && isBare(r.res);
    const flags = flagsOf(r);
    const reqBody = bare ? null : this.takeBody(r, 'req', block);
    const resBody = bare ? null : this.takeBody(r, 'res', block);
    const reqSha = digest(r.req.sha256);
    const resSha = digest(r.res.sha256);
    const more = bare ? null : [reqBody?.body ?? null, resBody?.body ?? null, reqSha, resSha, r.faultDetail];
    const us = Math.round(r.ms * 1000);
    const wait = r.wait === null ? null : Math.round(r.wait * 1000);
    // Two statements, because binding five NULLs costs as much as the rest of the row's look-ups.
    (more === null ? this.sql.exchange : this.sql.exchangeFull).run(
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
      req.volatile,
      res.volatile,
      ...(more ?? []),
    );
    const text = exchangeText({
      flow: r.flow,
      n: r.n,
      time,
      us,
      wait,
      up: r.req.size,
      down: r.res.size,
      flags,
      who: who.digest,
      what: what.digest,
      url: url.digest,
      reqHead: req.digest,
      resHead: res.digest,
      reqBody: reqBody?.sha.toString('hex') ?? null,
      resBody: resBody?.sha.toString('hex') ?? null,
      reqSha: reqSha?.toString('hex') ?? null,
      resSha: resSha?.toString('hex') ?? null,
      faultDetail: r.faultDetail,
    });
    this.chain.add('exchange', id, digestOf(text));
    this.exchangeStrips.add(id, [
      time,
      who.id,
      what.id,
      url.id,
      us,
      r.req.size,
      r.res.size,
      req.block.id,
      res.block.id,
      req.rest.id,
      res.rest.id,
      actOf(r.verdict.action, r.fault !== null),
      wait,
      reqBody?.body ?? null,
      resBody?.body ?? null,
    ]);
    this.tallies.add(KIND.exchange, block, time, r.verdict.action, r.fault !== null, r.req.size + r.res.size);
    return flow;
  }

  private takeBody(r: ExchangeRecord, side: 'req' | 'res', block: number): ReturnType<BodyShelf['take']> {
    const head = side === 'req' ? r.reqHeaders : r.resHeaders;
    const reading = (): Reading => readingOfHead(head, r[side].form);
    return this.bodies.take(r.flow, r.n, side === 'req' ? 0 : 1, reading, block);
  }

  private flowOf(id: FlowId): OpenFlow {
    let flow = this.flows.get(id);
    if (flow === undefined) {
      flow = newFlow(id, null);
      this.flows.set(id, flow);
    }
    return flow;
  }

  private remember(flow: OpenFlow, r: ExchangeRecord): void {
    if (!sameParties(flow, r)) {
      flow.parties = this.shared.parties(r, flow.sni);
      flow.who = this.shared.who(r.client, r.user);
      flow.verdict = r.verdict;
      flow.host = r.host;
      flow.client = r.client;
      flow.user = r.user;
      flow.port = r.port;
      flow.protocol = r.protocol;
      flow.scheme = r.scheme;
      flow.capture = r.capture;
    }
    flow.what = this.shared.what(r, flow.sni, flow.parties);
    flow.status = r.status;
    flow.type = r.contentType;
    flow.method = r.method;
    flow.fault = r.fault;
    flow.masked = r.masked;
  }

  body(r: BodyRecord): void {
    this.bodies.put(r);
  }

  dropBodiesOf(isEnded: (flow: FlowId) => boolean): void {
    this.bodies.dropOf(isEnded);
  }

  flowOpen(r: FlowOpenRecord): void {
    this.flows.set(r.flow, newFlow(r.flow, r));
    this.opened.push(r.flow);
  }

  /** The ledger row. Ends the flow. */
  flow(r: FlowRecord): void {
    const open = this.flows.get(r.flow);
    if (open !== undefined) {
      this.flows.delete(r.flow);
      if (open.stored) this.sql.dropOpen.run(r.flow);
    }
    const id = this.ids.take('flow');
    const block = id >> BLOCK_BITS;
    const { facts, verdict } = r;
    const who = this.shared.flowWho(r.client, facts?.user ?? null);
    const lane = this.shared.lane(r);
    this.shared.marks.add(SEEN.flowWho, who, block);
    this.shared.marks.add(SEEN.lane, lane, block);
    const time = Math.round(r.time);
    const us = Math.round(r.ms * 1000);
    const hello = this.shared.doc(facts?.hello ?? null);
    const cert = this.shared.doc(r.originCert);
    const decided = this.shared.doc(verdict);
    const detail = detailOf(r);
    const { frame, own } = splitDetail(detail);
    this.sql.flow.run(
      id,
      r.flow,
      time,
      us,
      who.id,
      lane.id,
      r.bytesUp,
      r.bytesDown,
      r.exchanges,
      hello?.id ?? null,
      cert?.id ?? null,
      decided?.id ?? null,
      own,
      this.shared.doc(frame)?.id,
    );
    const text = flowText({
      flow: r.flow,
      time,
      us,
      up: r.bytesUp,
      down: r.bytesDown,
      exchanges: r.exchanges,
      who: who.digest,
      lane: lane.digest,
      hello: hello?.digest ?? null,
      cert: cert?.digest ?? null,
      verdict: decided?.digest ?? null,
      detail: detailText(detail),
    });
    this.chain.add('flow', id, digestOf(text));
    const act = actOf(verdict?.action ?? '', r.fault !== null);
    this.flowStrips.add(id, [time, who.id, lane.id, us, r.bytesUp, r.bytesDown, r.exchanges, act]);
    this.tallies.add(
      KIND.flow,
      block,
      time,
      verdict?.action ?? '',
      r.fault !== null,
      r.bytesUp + r.bytesDown,
    );
  }

  event(r: EventRecord): void {
    const id = this.ids.take('event');
    const time = Math.round(r.time);
    const detail = JSON.stringify(r.detail);
    this.sql.event.run(id, time, r.name, detail);
    this.chain.add('event', id, digestOf(eventText(time, r.name, detail)));
  }

  /** Exchanges of a flow so far: in this file, and as counted at roll-over in the files before. */
  exchangesOf(flow: FlowId): number {
    let n = (this.sql.carriedOfFlow.get(flow) ?? 0) as number;
    this.shared.marks.save();
    for (const block of markedBlocks(this.sql.marksOfFlow.all(flow) as number[]))
      n += this.sql.countOfFlow.get(block << BLOCK_BITS, (block + 1) << BLOCK_BITS, flow) as number;
    return n;
  }
}

function sameAsLast(flow: OpenFlow, r: ExchangeRecord): boolean {
  return (
    flow.what !== null &&
    flow.status === r.status &&
    flow.type === r.contentType &&
    flow.method === r.method &&
    flow.fault === r.fault &&
    flow.masked === r.masked &&
    sameParties(flow, r)
  );
}

/** What hardly changes within a flow. */
function sameParties(flow: OpenFlow, r: ExchangeRecord): boolean {
  return (
    flow.who !== null &&
    flow.verdict === r.verdict &&
    flow.host === r.host &&
    flow.client === r.client &&
    flow.user === r.user &&
    flow.port === r.port &&
    flow.protocol === r.protocol &&
    flow.scheme === r.scheme &&
    flow.capture === r.capture
  );
}

const isBare = (facts: ExchangeRecord['req']): boolean => facts.kept === 0 && facts.sha256 === null;

const digest = (hex: string | null): Buffer | null => (hex === null ? null : Buffer.from(hex, 'hex'));
