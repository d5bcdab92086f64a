/**
 * The fields of each kind of row and part in their order: the canonical form that the chain hashes (chain.ts). Pure.
 *
 * An exchange or a flow names its shared parts (who, what, url, heads, lane, documents) by their digests and not by their
 * row ids: a changed shared row changes every digest that was made with it, an export can prove a row while it withholds
 * its heads, and every driver of the store comes to the same digest however it lays its tables out. What is only there to
 * find rows faster (blocks, marks, full-text tables, sums) is no part of it.
 *
 * New columns join at the end of their kind. test/audit/store/chain-rows.test.ts fails until each column is decided on.
 */
import { canonical, digestOf, form, hex } from './chain.ts';
import type { Field } from './chain.ts';

/** Digests are hex. Times ms since epoch, durations µs, sizes bytes, all whole. */
export interface ExchangeCanon {
  flow: number;
  n: number;
  time: number;
  us: number;
  wait: number | null;
  up: number;
  down: number;
  flags: number;
  who: string;
  what: string;
  url: string;
  reqHead: string;
  resHead: string;
  /** SHA-256 of the kept bytes of each body, null when none are kept. */
  reqBody: string | null;
  resBody: string | null;
  /** SHA-256 of the whole body as it passed. */
  reqSha: string | null;
  resSha: string | null;
  faultDetail: string | null;
  /** Of the machine whose row it is, where the store holds those of many. */
  proxy?: string;
}

/** Written out by hand, because this runs once per exchange. */
export function exchangeText(x: ExchangeCanon): string {
  const more =
    x.reqBody === null &&
    x.resBody === null &&
    x.reqSha === null &&
    x.resSha === null &&
    x.faultDetail === null
      ? '- - - - -'
      : [hex(x.reqBody), hex(x.resBody), hex(x.reqSha), hex(x.resSha), x.faultDetail].map(form).join(' ');
  return `exchange ${x.flow} ${x.n} ${x.time} ${x.us} ${x.wait ?? '-'} ${x.up} ${x.down} ${x.flags} #${x.who} #${x.what} #${x.url} #${x.reqHead} #${x.resHead} ${more}${of(x.proxy)}`;
}

/** In the store of a fleet every row ends with the digest of its machine; a day file holds the rows of one, and names none. */
const of = (proxy: string | undefined): string => (proxy === undefined ? '' : ` #${proxy}`);

export interface FlowCanon {
  flow: number;
  time: number;
  us: number;
  up: number;
  down: number;
  exchanges: number;
  who: string;
  lane: string;
  /** Digests of the documents, null where there is none. */
  hello: string | null;
  cert: string | null;
  verdict: string | null;
  /** JSON text as stored. */
  detail: string;
  proxy?: string;
}

export const flowText = (x: FlowCanon): string =>
  `${canonical('flow', [
    x.flow,
    x.time,
    x.us,
    x.up,
    x.down,
    x.exchanges,
    hex(x.who),
    hex(x.lane),
    hex(x.hello),
    hex(x.cert),
    hex(x.verdict),
    x.detail,
  ])}${of(x.proxy)}`;

export const eventText = (time: number, name: string, detail: string, proxy?: string): string =>
  `${canonical('event', [time, name, detail])}${of(proxy)}`;

/** A machine of a fleet: its number in the store, its name, and the identity of its spool in hex. */
export const proxyText = (id: number, name: string, spool: string): string =>
  canonical('proxy', [id, name, hex(spool)]);

/** `ip`: hex of the 16 bytes that networks are searched in, or null. */
export const whoText = (client: string, ip: string | null, user: string | null): string =>
  canonical('who', [client, hex(ip), user]);

/** Columns of `what` in this order, the host by its name. */
export const WHAT_FIELDS = [
  'host',
  'port',
  'scheme',
  'protocol',
  'method',
  'status',
  'type',
  'fault',
  'sni',
  'action',
  'rule',
  'policy',
  'reason',
  'capture',
  'block',
  'mask',
  'tls',
  'parent',
  'masked',
] as const;
export const whatText = (fields: readonly Field[]): string => canonical('what', fields);

export const urlText = (host: string, path: string): string => canonical('url', [host, path]);

/** A header block as recorded, put together again. */
export const headText = (text: string): string => canonical('head', [text]);

/** Columns of `lane` in this order, the host by its name. */
export const LANE_FIELDS = [
  'host',
  'port',
  'scheme',
  'ingress',
  'sni',
  'alpn',
  'ja4',
  'outcome',
  'action',
  'rule',
  'policy',
  'reason',
  'fault',
  'mask',
  'tls',
  'parent',
] as const;
export const laneText = (fields: readonly Field[]): string => canonical('lane', fields);

export const docText = (text: string): string => canonical('doc', [text]);

/** Digest of a part's text. */
export const partDigest = digestOf;
