/**
 * Syslog: a message of RFC 5424 around a line in another format, and the frame of RFC 5425. The whole message stays within
 * `MESSAGE_MAX` octets, because receivers cut longer ones silently (rsyslog and syslog-ng: 8 KiB unless told otherwise). Pure.
 *
 * The message part is ASCII for JSON (everything else is escaped), so no byte order mark is needed; other text gets one
 * where it is more than ASCII, except CEF, whose readers look for `CEF:` at the very beginning.
 */
import { fitting } from './bound.ts';
import { cefLine } from './cef.ts';
import { ecsLine } from './ecs.ts';
import { hostOf, PRODUCT, severityOf } from './facts.ts';
import type { Sender, Severity } from './facts.ts';
import { plainLine } from './json.ts';
import type { Include } from './json.ts';
import { isoTime } from './lines.ts';
import { ocsfLine } from './ocsf.ts';
import type { Bounded } from './bound.ts';
import type { FedRow } from '../store/store.ts';

export const SYSLOG_PAYLOADS = ['json', 'cef', 'ecs', 'ocsf'] as const;
export type SyslogPayload = (typeof SYSLOG_PAYLOADS)[number];

/** Octets of one message, header included. */
export const MESSAGE_MAX = 8000;
/** RFC 5424 table 2. */
const LEVEL: Readonly<Record<Severity, number>> = { info: 6, notice: 5, warning: 4 };
/** `log audit`; 16 to 23 are local0 to local7. */
export const AUDIT_FACILITY = 13;

export interface SyslogOptions {
  payload: SyslogPayload;
  /** 0 … 23. */
  facility: number;
  pid: number;
  include: Include;
}

/** One message without a frame. Holds no line break. */
export function syslogMessage(fed: FedRow, sender: Sender, options: SyslogOptions): string {
  const msgid = headerField(fed.kind === 'event' ? fed.row.event : fed.kind, 32);
  const from = { ...sender, host: hostOf(fed, sender) };
  const head = syslogHead(severityOf(fed), fed.row.time, from, options, msgid);
  return fitting(fed, MESSAGE_MAX, bounded => `${head} ${payload(bounded, sender, options)}`);
}

/** Everything before the message part: `<PRI>1 time host app pid msgid [data]`. */
export function syslogHead(
  severity: Severity,
  time: number,
  sender: Sender,
  options: { facility: number; pid: number },
  msgid: string,
): string {
  const priority = options.facility * 8 + LEVEL[severity];
  const origin = `[origin software="${PRODUCT}" swVersion="${parameter(sender.version)}"]`;
  return `<${priority}>1 ${stamp(time)} ${headerField(sender.host, 255)} ${PRODUCT.toLowerCase()} ${options.pid} ${msgid} ${origin}`;
}

/** The frame of RFC 5425 §4.3 (and RFC 6587 §3.4.1): length in octets, a space, the message. */
export function framed(message: string): Buffer {
  const bytes = Buffer.from(message);
  return Buffer.concat([Buffer.from(`${bytes.length} `), bytes]);
}

function payload(bounded: Bounded, sender: Sender, { payload: form, include }: SyslogOptions): string {
  switch (form) {
    case 'json':
      return ascii(plainLine(bounded, sender, include));
    case 'ecs':
      return ascii(ecsLine(bounded, sender, include));
    case 'ocsf':
      return ascii(ocsfLine(bounded, sender, include));
    case 'cef':
      return cefLine(bounded, sender);
  }
}

/** JSON text in ASCII: the same value to every reader. */
const ascii = (json: string): string =>
  json.replace(/[\u0080-\uffff]/g, char => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`);

/** PRINTUSASCII of bounded length, or `-`. */
function headerField(text: string, max: number): string {
  const kept = text.replace(/[^!-~]/g, '_').slice(0, max);
  return kept === '' ? '-' : kept;
}

const parameter = (text: string): string => text.replace(/[^ -~]/g, '_').replace(/["\\\]]/g, '\\$&');

/** RFC 3339 with milliseconds; a time that no date can hold is not known. */
const stamp = (time: number): string => {
  const text = isoTime(time);
  return /^\d{4}-/.test(text) ? text : '-';
};
