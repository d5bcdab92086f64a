/**
 * An alert rule: a saved search, how often it may be met in which time, and whom to tell. Checked here and nowhere else, whoever
 * wrote it. Pure.
 *
 * Bounds: 50 rules; a threshold of at most 1,000 within at most a day; three ways of telling each.
 */
import { streamQuery } from '../streams/document.ts';
import type { Kind } from '../../audit/query/ast.ts';

export const ALERT_GROUPS = ['none', 'host', 'user', 'client'] as const;
export type AlertGroup = (typeof ALERT_GROUPS)[number];

export type Delivery =
  | { to: 'webhook'; url: string }
  | { to: 'mail'; address: string }
  /** By the way of a stream of streams.yaml, as an event `alert.fired`: syslog, Splunk and all others. */
  | { to: 'stream'; stream: string };

export interface AlertRule {
  name: string;
  kind: Kind;
  query: string;
  /** Fires when this many rows ended within `windowMs`. */
  threshold: number;
  windowMs: number;
  groupBy: AlertGroup;
  /** After firing a group is quiet for so long. */
  coolDownMs: number;
  deliver: Delivery[];
  enabled: boolean;
}

export const MAX_RULES = 50;
const MAX_DELIVERIES = 3;
const MINUTE = 60_000;
const DAY = 86_400_000;

/** Why a rule cannot be used; message and hint are for people. */
export class AlertRuleError extends Error {
  override readonly name = 'AlertRuleError';
  readonly hint: string;
  constructor(message: string, hint: string) {
    super(message);
    this.hint = hint;
  }
}

/** The rule that `given` (JSON from outside) says. Throws AlertRuleError. */
export function alertRule(given: unknown, now: number): AlertRule {
  const from = record(given, 'The rule');
  const name = text(from, 'name', 100);
  const kind = word(from, 'kind', ['exchanges', 'flows', 'events'] as const);
  const query = text(from, 'query', 2000, true);
  const found = streamQuery(query, kind, now);
  if ('error' in found) throw new AlertRuleError(`The search cannot be used: ${found.error}`, found.hint);
  const groupBy = word(from, 'groupBy', ALERT_GROUPS);
  if (kind === 'events' && groupBy !== 'none')
    throw new AlertRuleError(`Events have no ${groupBy}.`, 'Count them together.');
  const deliveries = from['deliver'];
  if (!Array.isArray(deliveries) || deliveries.length < 1 || deliveries.length > MAX_DELIVERIES)
    throw new AlertRuleError(
      `A rule tells one to ${MAX_DELIVERIES} receivers.`,
      'Name a webhook, an address or a stream.',
    );
  if (typeof from['enabled'] !== 'boolean') throw new AlertRuleError('"enabled" is true or false.', AGAIN);
  return {
    name,
    kind,
    query,
    threshold: count(from, 'threshold', 1, 1000),
    windowMs: count(from, 'windowMs', 1000, DAY),
    groupBy,
    coolDownMs: count(from, 'coolDownMs', MINUTE, 7 * DAY),
    deliver: deliveries.map(delivery),
    enabled: from['enabled'],
  };
}

function delivery(given: unknown): Delivery {
  const from = record(given, 'A receiver');
  switch (word(from, 'to', ['webhook', 'mail', 'stream'] as const)) {
    case 'webhook': {
      const url = text(from, 'url', 2000);
      const parsed = URL.canParse(url) ? new URL(url) : null;
      if (parsed === null || parsed.protocol !== 'https:' || parsed.username !== '' || parsed.password !== '')
        throw new AlertRuleError(
          'A webhook is an https URL without credentials.',
          'For example https://hooks.example.com/sightglass.',
        );
      return { to: 'webhook', url: parsed.href };
    }
    case 'mail': {
      const address = text(from, 'address', 254);
      // One plain address: no list, no display name, nothing that could begin another header.
      if (
        !/^[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9](?:[A-Za-z0-9.-]{0,250}[A-Za-z0-9])?$/.test(
          address,
        )
      )
        throw new AlertRuleError(
          `"${address}" is no mail address.`,
          'Write one address such as soc@example.com.',
        );
      return { to: 'mail', address };
    }
    case 'stream':
      return { to: 'stream', stream: text(from, 'stream', 64) };
  }
}

const AGAIN = 'Reload the page and try again.';

function record(given: unknown, what: string): Record<string, unknown> {
  if (typeof given !== 'object' || given === null || Array.isArray(given))
    throw new AlertRuleError(`${what} is not understood.`, AGAIN);
  return given as Record<string, unknown>;
}

function text(from: Record<string, unknown>, key: string, max: number, mayBeEmpty = false): string {
  const value = from[key];
  if (typeof value !== 'string' || value.length > max || /[\u0000-\u001f\u007f]/.test(value))
    throw new AlertRuleError(`"${key}" is a text of at most ${max} characters.`, AGAIN);
  const trimmed = value.trim();
  if (trimmed === '' && !mayBeEmpty) throw new AlertRuleError(`"${key}" is empty.`, 'Fill it in.');
  return trimmed;
}

function word<T extends string>(from: Record<string, unknown>, key: string, words: readonly T[]): T {
  const found = words.find(w => w === from[key]);
  if (found === undefined) throw new AlertRuleError(`"${key}" is one of ${words.join(', ')}.`, AGAIN);
  return found;
}

function count(from: Record<string, unknown>, key: string, min: number, max: number): number {
  const value = from[key];
  if (typeof value !== 'number' || !Number.isInteger(value) || value < min || value > max)
    throw new AlertRuleError(`"${key}" is a whole number from ${min} to ${max}.`, 'Correct it.');
  return value;
}
