/**
 * The export formats by name: which records they hold, what they need beside the row, and how a file in them begins, goes on
 * and ends. Command line and console write the same bytes through this table. Pure.
 */
import { bounded } from './bound.ts';
import { cefLine } from './cef.ts';
import { ecsLine } from './ecs.ts';
import type { Sender } from './facts.ts';
import { harEntry, harHead, harTail } from './har.ts';
import { BARE } from './json.ts';
import { csvLine, EVENT_FIELDS, EXCHANGE_FIELDS, exported, FLOW_FIELDS, jsonLine } from './lines.ts';
import { ocsfLine } from './ocsf.ts';
import { squidLine } from './squid.ts';
import { w3cHead, w3cLine } from './w3c.ts';
import type { Kind } from '../query/ast.ts';
import type { FedRow } from '../store/store.ts';

export const FILE_FORMATS = ['ndjson', 'csv', 'har', 'cef', 'ecs', 'ocsf', 'squid', 'w3c'] as const;
export type FileFormat = (typeof FILE_FORMATS)[number];

/** How a file ends: whether it holds everything that was asked for. Null: nothing is said. */
export type End = { rows: number; truncated: boolean } | null;

export interface FormatInfo {
  kinds: readonly Kind[];
  /** What `lines` makes use of beside the row. */
  detail: 'none' | 'heads' | 'bodies';
  mediaType: string;
  extension: string;
}

const ALL: readonly Kind[] = ['exchanges', 'flows', 'events'];
const JSON_LINES = { mediaType: 'application/x-ndjson', extension: 'ndjson' };

export const FORMAT_INFO: Readonly<Record<FileFormat, FormatInfo>> = {
  ndjson: { kinds: ALL, detail: 'none', ...JSON_LINES },
  csv: { kinds: ALL, detail: 'none', mediaType: 'text/csv', extension: 'csv' },
  har: { kinds: ['exchanges'], detail: 'bodies', mediaType: 'application/json', extension: 'har' },
  cef: { kinds: ALL, detail: 'heads', mediaType: 'text/plain', extension: 'cef' },
  ecs: { kinds: ALL, detail: 'heads', ...JSON_LINES },
  ocsf: { kinds: ALL, detail: 'heads', ...JSON_LINES },
  squid: { kinds: ['exchanges', 'flows'], detail: 'none', mediaType: 'text/plain', extension: 'log' },
  w3c: { kinds: ['exchanges'], detail: 'heads', mediaType: 'text/plain', extension: 'log' },
};

/** Characters of one text in an exported record: nothing honest is longer, and a file of hostile ones stays readable. */
const TEXT_MAX = 65_536;

export interface FileWriter {
  /** What stands before the first record. */
  readonly head: string;
  /** A record with its line's end; empty for one that the format does not hold. */
  line(fed: FedRow): string;
  /** What stands after the last record. */
  tail(end: End): string;
}

/** A writer of one file. `now`: ms since epoch. Lines of csv end with CRLF when `crlf` is set (RFC 4180), else with LF. */
export function fileWriter(
  format: FileFormat,
  kind: Kind,
  context: { sender: Sender; now: number; crlf?: boolean },
): FileWriter {
  const fields = FIELDS[kind];
  const { sender } = context;
  const eol = context.crlf === true ? '\r\n' : '\n';
  switch (format) {
    case 'ndjson':
      return {
        head: '',
        line: fed => `${jsonLine(exported(fed.row, fields))}\n`,
        tail: end => (end === null ? '' : `${JSON.stringify({ end: true, ...end })}\n`),
      };
    case 'csv':
      return {
        head: `${csvLine(fields)}${eol}`,
        line: fed => `${csvLine(Object.values(exported(fed.row, fields)))}${eol}`,
        tail: end => (end === null ? '' : `# rows=${end.rows} truncated=${end.truncated}${eol}`),
      };
    case 'har': {
      let between = '';
      return {
        head: harHead(sender.version),
        line: fed => {
          if (fed.kind !== 'exchange' || fed.detail === null) return '';
          const text = between + harEntry(fed.detail, fed.bodies, null);
          between = ',\n';
          return text;
        },
        tail: end => harTail(end),
      };
    }
    case 'cef':
      return lines(fed => cefLine(bounded(fed, TEXT_MAX), sender));
    case 'ecs':
      return lines(fed => ecsLine(bounded(fed, TEXT_MAX), sender, BARE));
    case 'ocsf':
      return lines(fed => ocsfLine(bounded(fed, TEXT_MAX), sender, BARE));
    case 'squid':
      return lines(fed => squidLine(bounded(fed, TEXT_MAX)));
    case 'w3c':
      return { ...lines(fed => w3cLine(bounded(fed, TEXT_MAX))), head: w3cHead(context.now) };
  }
}

/** Formats whose readers know no line but records: how whole the file is can only be told beside it. */
function lines(write: (fed: FedRow) => string | null): FileWriter {
  return {
    head: '',
    line: fed => {
      const text = write(fed);
      return text === null ? '' : `${text}\n`;
    },
    tail: () => '',
  };
}

const FIELDS: Readonly<Record<Kind, readonly string[]>> = {
  exchanges: EXCHANGE_FIELDS,
  flows: FLOW_FIELDS,
  events: EVENT_FIELDS,
};
