/**
 * ArcSight Common Event Format, version 0: `CEF:0|vendor|product|version|signature|name|severity|key=value …`. In the header
 * `\` and `|` are escaped, in values `\` and `=`; everything that could end a line or act on a terminal is written out
 * first, so that a record is one line whatever it holds. Keys are those of the extension dictionary; an IPv6 address stands in
 * `c6a2` and `c6a3`, because `src` and `dst` hold IPv4 only. Pure.
 */
import { parseAddress } from '../../core/network.ts';
import {
  hostOf,
  idOf,
  PRODUCT,
  referrerOf,
  sentenceOf,
  severityOf,
  urlOf,
  userAgentOf,
  VENDOR,
} from './facts.ts';
import type { Sender } from './facts.ts';
import { visible } from './lines.ts';
import type { Bounded } from './bound.ts';
import type { FedRow } from '../store/store.ts';

const SEVERITY = { info: 1, notice: 4, warning: 6 } as const;
const NAME = { exchange: 'HTTP request', flow: 'Connection', event: 'Service event' } as const;

type Pairs = [string, string | number | null | undefined][];

/** One record as one line. */
export function cefLine({ fed, cut }: Bounded, sender: Sender): string {
  const signature = fed.kind === 'event' ? fed.row.event : `${fed.kind}.${fed.row.verdict ?? 'undecided'}`;
  const header = [VENDOR, PRODUCT, sender.version, signature, NAME[fed.kind], SEVERITY[severityOf(fed)]];
  const pairs: Pairs = [
    ['rt', fed.row.time],
    ['dvchost', hostOf(fed, sender)],
    ['externalId', idOf(fed)],
    ...pairsOf(fed),
    ...(cut.length === 0
      ? []
      : ([
          ['flexString1Label', 'truncated'],
          ['flexString1', cut.join(',')],
        ] satisfies Pairs)),
    ['msg', sentenceOf(fed)],
  ];
  const extension = pairs
    .filter(([, value]) => value !== null && value !== undefined && value !== '')
    .map(([key, value]) => `${key}=${escapeValue(String(value))}`);
  return `CEF:0|${header.map(part => escapeHeader(String(part))).join('|')}|${extension.join(' ')}`;
}

function pairsOf(fed: FedRow): Pairs {
  switch (fed.kind) {
    case 'exchange': {
      const { row, detail } = fed;
      return [
        ...shared(row, null),
        ['end', Math.round(row.time + row.ms)],
        ['app', row.protocol],
        ['request', urlOf(row)],
        ['requestMethod', row.method],
        ['requestClientApplication', userAgentOf(fed)],
        ['requestContext', referrerOf(fed)],
        // Inbound is from source to destination in the dictionary's words.
        ['in', row.reqBytes],
        ['out', row.resBytes],
        ['outcome', row.fault ?? row.status],
        ['reason', row.reason],
        ...label('cn1', 'status', row.status),
        ...label('cn2', 'milliseconds', Math.round(row.ms)),
        ...label('cs4', 'sni', row.sni),
        ...label('cs5', 'media type', row.contentType),
        ...label('cs6', 'fault detail', detail?.faultDetail),
      ];
    }
    case 'flow': {
      const { row, record } = fed;
      return [
        ...shared(row, record?.originAddress ?? null),
        ['spt', record?.clientPort],
        ['end', Math.round(row.time + row.ms)],
        ['in', row.bytesUp],
        ['out', row.bytesDown],
        ['outcome', row.fault],
        ['reason', row.reason],
        ...label('cn1', 'exchanges', row.exchanges),
        ...label('cn2', 'milliseconds', Math.round(row.ms)),
        ...label('cs4', 'sni', row.sni),
        ...label('cs5', 'ja4', row.ja4),
        ...label('cs6', 'fault detail', record?.faultDetail),
      ];
    }
    case 'event':
      return label('cs1', 'detail', JSON.stringify(fed.row.detail));
  }
}

function shared(
  row: Extract<FedRow, { kind: 'exchange' | 'flow' }>['row'],
  originAddress: string | null,
): Pairs {
  return [
    ...address('src', 'c6a2', 'Source IPv6 Address', row.client),
    ...address('dst', 'c6a3', 'Destination IPv6 Address', originAddress ?? row.host ?? ''),
    ['dhost', row.host],
    ['dpt', row.port],
    ['suser', row.user],
    ['act', row.verdict],
    ['start', row.time],
    ...label('cs1', 'rule', row.rule),
    ...label('cs2', 'policy', row.policy),
    ...label('cs3', 'flow', row.flow),
  ];
}

function address(four: string, six: string, name: string, text: string): Pairs {
  const found = parseAddress(text);
  if (found === null) return [];
  return found.kind() === 'ipv4' ? [[four, found.toString()]] : label(six, name, found.toString());
}

const label = (key: string, name: string, value: string | number | null | undefined): Pairs =>
  value === null || value === undefined || value === ''
    ? []
    : [
        [`${key}Label`, name],
        [key, value],
      ];

const escapeHeader = (text: string): string => visible(text).replace(/[\\|]/g, '\\$&');
const escapeValue = (text: string): string => visible(text).replace(/[\\=]/g, '\\$&');
