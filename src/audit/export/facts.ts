/**
 * What the formats of other products ask of a record and no column of ours says as such: one sentence, how serious it is,
 * the URL, a field of a head. Pure.
 */
import { parseAddress } from '../../core/network.ts';
import type { FedRow } from '../store/store.ts';

/** Who sends the records. */
export interface Sender {
  /** Name of this machine, for rows that name none of their own. */
  host: string;
  /** Version of Sightglass. */
  version: string;
}

/** The machine that recorded a row: a collector sends those of its proxies under their own names. */
export const hostOf = (fed: FedRow, sender: Sender): string => fed.row.proxy ?? sender.host;

export const VENDOR = 'Sightglass';
export const PRODUCT = 'Sightglass';

/** `info`: as it should be; `notice`: blocked, as the policy wants; `warning`: something went wrong. */
export type Severity = 'info' | 'notice' | 'warning';

const ALARMING = /(?:failed|failing|rejected|died|gap|stale|damaged|dropped|error|fault)/;

export function severityOf(fed: FedRow): Severity {
  if (fed.kind === 'event') return ALARMING.test(fed.row.event) ? 'warning' : 'info';
  if (fed.row.verdict === 'block') return 'notice';
  return fed.row.fault === null ? 'info' : 'warning';
}

/** Stable id of a record; an event has none of its own. */
export const idOf = (fed: FedRow): string | null =>
  fed.kind === 'exchange' ? fed.row.exchange : fed.kind === 'flow' ? fed.row.flow : null;

/** One line for people. Holds captured text. */
export function sentenceOf(fed: FedRow): string {
  switch (fed.kind) {
    case 'exchange': {
      const { row } = fed;
      const outcome = row.fault ?? (row.status === null ? 'no answer' : String(row.status));
      return `${row.method} ${urlOf(row)} ${outcome} (${row.verdict} by ${row.rule})`;
    }
    case 'flow': {
      const { row } = fed;
      const where = row.host === null ? 'no destination' : hostPort(row.host, row.port);
      const verdict = row.verdict === null ? 'no verdict' : `${row.verdict} by ${row.rule ?? ''}`;
      return `connection to ${where} (${verdict})${row.fault === null ? '' : `: ${row.fault}`}`;
    }
    case 'event':
      return fed.row.event;
  }
}

export function urlOf(row: { scheme: string; host: string; port: number; path: string }): string {
  const usual = row.port === (row.scheme === 'https' ? 443 : 80);
  // `*` and authority-form targets are no paths; they stand behind a slash so that the host ends where it ends.
  const path = row.path.startsWith('/') ? row.path : `/${row.path}`;
  return `${row.scheme}://${usual ? bracketed(row.host) : hostPort(row.host, row.port)}${path}`;
}

export const hostPort = (host: string, port: number | null): string => `${bracketed(host)}:${port ?? 0}`;

const bracketed = (host: string): string => (host.includes(':') ? `[${host}]` : host);

/** The address when the text is one; formats with typed address fields take nothing else. */
export const addressOrNull = (text: string | null): string | null =>
  text !== null && parseAddress(text) !== null ? text : null;

/** First value of a field in a recorded head, or null. */
export function headField(head: string | undefined, name: string): string | null {
  for (const line of (head ?? '').split('\r\n')) {
    const colon = line.indexOf(':');
    if (colon > 0 && line.slice(0, colon).toLowerCase() === name) return line.slice(colon + 1).trim();
  }
  return null;
}

/** All fields of a recorded head, in order. */
export function headFields(head: string): { name: string; value: string }[] {
  return head.split('\r\n').flatMap(line => {
    const colon = line.indexOf(':');
    return colon > 0 ? [{ name: line.slice(0, colon), value: line.slice(colon + 1).trim() }] : [];
  });
}

export const userAgentOf = (fed: FedRow): string | null =>
  fed.kind === 'exchange' ? headField(fed.detail?.reqHeaders, 'user-agent') : null;
export const referrerOf = (fed: FedRow): string | null =>
  fed.kind === 'exchange' ? headField(fed.detail?.reqHeaders, 'referer') : null;

/** An object without its empty places: formats tell "not known" by leaving a field out. */
export function present(object: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(object).filter(
      ([, value]) =>
        value !== null &&
        value !== undefined &&
        !(typeof value === 'object' && !Array.isArray(value) && Object.keys(value).length === 0),
    ),
  );
}
