/**
 * Reads a fleet's rows back in their canonical form, through everything they name, so that a digest made from them notices whatever
 * a reader of the store would notice. For verifying and for exports; nothing here writes.
 *
 * test/audit/store/postgres/schema.test.ts compares the columns read here with the tables, so that a new one cannot stay undecided.
 *
 * In short statements, a window of places at a time: rows never change, and a verifier that takes minutes must not keep days from
 * being dropped. Bounds: one window of rows, one body, and the caches as set below.
 */
import {
  headText,
  LANE_FIELDS,
  laneText,
  partDigest,
  proxyText,
  urlText,
  WHAT_FIELDS,
  whatText,
  whoText,
} from '../../canon.ts';
import { digestOf } from '../../chain.ts';
import { Recent } from '../recent.ts';
import { unpacked } from '../stored-detail.ts';
import { headOf } from './detail.ts';
import { Digests } from './digests.ts';
import { restored, restoredRow } from './text.ts';
import type { Client } from 'pg';
import type { ChainedKind, Field } from '../../chain.ts';

/** Columns of the chained tables that are in the canonical form, and those that are not, with the reason. */
export const LEFT_OUT: Readonly<Record<ChainedKind | 'proxy', Readonly<Record<string, string>>>> = {
  exchange: {
    day: 'where it lies',
    seq: 'its place in the chain',
    req_text: 'only to search faster',
    res_text: 'only to search faster',
    words: 'only to search faster',
  },
  flow: { day: 'where it lies', seq: 'its place in the chain', words: 'only to search faster' },
  event: { day: 'where it lies', seq: 'its place in the chain' },
  proxy: { since: 'when the machine was first seen; no row says it' },
};

const EXCHANGE = `seq, proxy, flow, n, time, us, wait, client, ip, account AS "user", method, scheme, host, port, path, status, protocol,
  action, rule, policy, reason, capture, refusal AS block, fault, fault_detail, sni, type, up, down, flags, req_kept, res_kept,
  req_sha, res_sha, req_body, res_body, req_block, res_block, req_rest, res_rest, mask, tls, parent, masked`;
const FLOW = `seq, proxy, flow, time, us, client, ip, account AS "user", host, port, scheme, ingress, sni, alpn, ja4, action, rule,
  policy, reason, fault, up, down, exchanges, hello, cert, mask, tls, parent, detail`;
const EVENT = 'seq, proxy, time, name, detail';
export const CHAINED_COLUMNS: Readonly<Record<ChainedKind, string>> = {
  exchange: EXCHANGE,
  flow: FLOW,
  event: EVENT,
};

const WINDOW = 10_000;
const BLOCKS = 8192;
const BODIES = 65_536;

/** A row as it is now. */
export interface ReadRow {
  kind: ChainedKind;
  place: number;
  /** Number of its machine. */
  machine: number;
  /** Null when something it names is not there, or is not what its name says. */
  text: string | null;
  /** Canonical texts of its parts, as proofs hold them. */
  parts: Record<string, string>;
}

/** All rows of a window of places, or those of one kind at some. */
type Which = { first: number; last: number } | { kind: ChainedKind; places: readonly number[] };

type Common = { seq: number; proxy: number; client: string; ip: Buffer | null; user: string | null };
type ExchangeColumns = Common & {
  flow: number;
  n: number;
  time: number;
  us: number;
  wait: number | null;
  host: string;
  path: string;
  up: number;
  down: number;
  flags: number;
  fault_detail: string | null;
  req_kept: number;
  res_kept: number;
  req_sha: Buffer | null;
  res_sha: Buffer | null;
  req_body: Buffer | null;
  res_body: Buffer | null;
  req_block: Buffer;
  res_block: Buffer;
  req_rest: string | null;
  res_rest: string | null;
};
type FlowColumns = Common & {
  flow: number;
  time: number;
  us: number;
  up: number;
  down: number;
  exchanges: number;
  hello: Buffer | null;
  cert: Buffer | null;
  detail: string;
};
type EventColumns = { seq: number; proxy: number; time: number; name: string; detail: string };

export class FleetRows {
  private readonly client: Pick<Client, 'query'>;
  private readonly digests = new Digests();
  private machines: Map<number, string> | null = null;
  private day = '';
  private readonly blocks = new Recent<string, string>(BLOCKS);
  /** Sizes of bodies whose bytes are what their name says. */
  private readonly bodies = new Recent<string, number>(BODIES);

  constructor(client: Pick<Client, 'query'>) {
    this.client = client;
  }

  /** Rows of a day by window, with places above `after` and up to `to`, in order within each. */
  async *windows(day: string, after: number, to: number): AsyncGenerator<ReadRow[]> {
    for (;;) {
      const first = await this.nextPlace(day, after);
      if (first === null || first > to) return;
      after = Math.min(to, first + WINDOW - 1);
      yield await this.read(day, { first, last: after });
    }
  }

  /** Rows of a day and a kind by their places; those that are not there are left out. */
  chosen(kind: ChainedKind, day: string, places: readonly number[]): Promise<ReadRow[]> {
    return this.read(day, { kind, places });
  }

  private async read(day: string, which: Which): Promise<ReadRow[]> {
    if (day !== this.day) {
      this.day = day;
      this.blocks.clear();
      this.bodies.clear();
    }
    this.machines ??= await this.readMachines();
    const exchanges = await this.rows<ExchangeColumns>('exchange', day, which);
    const flows = await this.rows<FlowColumns>('flow', day, which);
    const events = await this.rows<EventColumns>('event', day, which);
    const texts = await this.texts(
      day,
      exchanges
        .flatMap(x => [x.req_block, x.res_block])
        .concat(flows.flatMap(x => [x.hello, x.cert].filter(h => h !== null))),
    );
    const read: ReadRow[] = [];
    for (const x of exchanges) read.push(await this.exchange(day, x, texts));
    for (const x of flows) read.push(this.flow(x, texts));
    for (const x of events) {
      const proxy = this.machines.get(x.proxy);
      const text = proxy === undefined ? null : this.digests.event(x, proxy);
      read.push({
        kind: 'event',
        place: x.seq,
        machine: x.proxy,
        text,
        parts: proxy === undefined ? {} : { proxy },
      });
    }
    return read.sort((a, b) => a.place - b.place);
  }

  private async exchange(
    day: string,
    x: ExchangeColumns,
    texts: ReadonlyMap<string, string>,
  ): Promise<ReadRow> {
    const parts = {
      who: whoOf(x),
      what: whatText(fieldsOf(WHAT_FIELDS, x)),
      url: urlText(x.host, x.path),
      proxy: this.machines?.get(x.proxy) ?? '',
    };
    const req = texts.get(keyOf(x.req_block));
    const res = texts.get(keyOf(x.res_block));
    const whole =
      parts.proxy !== '' &&
      req !== undefined &&
      res !== undefined &&
      (await this.isBody(day, x.req_body, x.req_kept)) &&
      (await this.isBody(day, x.res_body, x.res_kept));
    const text = !whole
      ? null
      : this.digests.exchange(
          {
            flow: x.flow,
            n: x.n,
            time: x.time,
            us: x.us,
            wait: x.wait,
            up: x.up,
            down: x.down,
            flags: x.flags,
            reqHead: partDigest(headText(headOf(req, x.req_rest))),
            resHead: partDigest(headText(headOf(res, x.res_rest))),
            reqBody: hexOf(x.req_body),
            resBody: hexOf(x.res_body),
            reqSha: hexOf(x.req_sha),
            resSha: hexOf(x.res_sha),
            faultDetail: x.fault_detail,
          },
          parts,
        );
    return { kind: 'exchange', place: x.seq, machine: x.proxy, text, parts };
  }

  private flow(x: FlowColumns, texts: ReadonlyMap<string, string>): ReadRow {
    const outcome = outcomeOf(x.detail);
    const parts = {
      who: whoOf(x),
      lane: laneText(fieldsOf(LANE_FIELDS, { ...x, outcome })),
      proxy: this.machines?.get(x.proxy) ?? '',
    };
    const hello = x.hello === null ? null : texts.get(keyOf(x.hello));
    const cert = x.cert === null ? null : texts.get(keyOf(x.cert));
    const whole = parts.proxy !== '' && hello !== undefined && cert !== undefined;
    const text = whole ? this.digests.flow(x, parts, { hello, cert }) : null;
    return { kind: 'flow', place: x.seq, machine: x.proxy, text, parts };
  }

  private async nextPlace(day: string, after: number): Promise<number | null> {
    const { rows } = await this.client.query<{ first: number | null }>(
      `SELECT least((SELECT min(seq) FROM exchange WHERE day = $1 AND seq > $2), (SELECT min(seq) FROM flow WHERE day = $1 AND seq > $2),
        (SELECT min(seq) FROM event WHERE day = $1 AND seq > $2)) AS first`,
      [day, after],
    );
    return rows[0]?.first ?? null;
  }

  private async rows<R extends object>(kind: ChainedKind, day: string, which: Which): Promise<R[]> {
    if ('places' in which && which.kind !== kind) return [];
    const [condition, params] =
      'places' in which
        ? ['seq = ANY ($2::bigint[])', [which.places]]
        : ['seq BETWEEN $2 AND $3', [which.first, which.last]];
    const { rows } = await this.client.query<R & Record<string, unknown>>(
      `SELECT ${CHAINED_COLUMNS[kind]} FROM ${kind} WHERE day = $1 AND ${condition} ORDER BY seq`,
      [day, ...params],
    );
    return rows.map(row => restoredRow(row));
  }

  private async readMachines(): Promise<Map<number, string>> {
    const { rows } = await this.client.query<{ id: number; name: string; spool: Buffer }>(
      'SELECT id, name, spool FROM proxy',
    );
    return new Map(rows.map(({ id, name, spool }) => [id, proxyText(id, name, spool.toString('hex'))]));
  }

  /** The texts of blocks by the key of their hash; those that are not there are left out. */
  private async texts(day: string, hashes: readonly Buffer[]): Promise<Map<string, string>> {
    const found = new Map<string, string>();
    const unknown = new Map<string, Buffer>();
    for (const hash of hashes) {
      const key = keyOf(hash);
      const text = this.blocks.get(key);
      if (text === undefined) unknown.set(key, hash);
      else found.set(key, text);
    }
    if (unknown.size === 0) return found;
    const { rows } = await this.client.query<{ hash: Buffer; text: string }>(
      'SELECT hash, text FROM block WHERE day = $1 AND hash = ANY ($2::bytea[])',
      [day, [...unknown.values()]],
    );
    for (const row of rows) {
      const [key, text] = [keyOf(row.hash), restored(row.text)];
      found.set(key, text);
      this.blocks.set(key, text);
    }
    return found;
  }

  /** Whether the kept bytes are there, and are what their name and the row say. */
  private async isBody(day: string, sha: Buffer | null, size: number): Promise<boolean> {
    if (sha === null) return size === 0;
    const key = keyOf(sha);
    let known = this.bodies.get(key);
    if (known === undefined) {
      const { rows } = await this.client.query<{ size: number; enc: number; data: Buffer }>(
        'SELECT size, enc, data FROM body WHERE day = $1 AND sha = $2',
        [day, sha],
      );
      const [stored] = rows;
      if (stored === undefined) return false;
      let data: Buffer;
      try {
        data = unpacked(stored);
      } catch {
        return false;
      }
      if (digestOf(data) !== sha.toString('hex') || data.length !== stored.size) return false;
      known = stored.size;
      this.bodies.set(key, known);
    }
    return known === size;
  }
}

const keyOf = (hash: Buffer): string => hash.toString('latin1');
const hexOf = (bytes: Buffer | null): string | null => bytes?.toString('hex') ?? null;
const whoOf = (x: Common): string => whoText(x.client, hexOf(x.ip), x.user);
const fieldsOf = (names: readonly string[], row: object): Field[] =>
  names.map(name => (row as Record<string, Field>)[name] ?? null);

/** How the hello was read: the one field of a lane that has no column of its own. */
function outcomeOf(detail: string): string | null {
  try {
    return (JSON.parse(detail) as { facts?: { outcome?: string } | null }).facts?.outcome ?? null;
  } catch {
    return null;
  }
}
