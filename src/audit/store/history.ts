/**
 * What was recorded, asked of from its beginning: everything that decisions looked at, for replaying another policy, learning from
 * traffic, counting what rules did, and who trusts our roots. One interface, two drivers: day-history.ts over day files,
 * postgres/history.ts over a database. What both make of their rows is here, pure.
 *
 * A driver may work in the calling thread: who must not be held up asks from a thread of its own, and pauses between batches.
 */
import { FAULTS } from '../../core/faults.ts';
import { fieldOf } from './head-field.ts';
import type { CertFacts, FlowFacts, OriginFacts } from '../../core/facts.ts';
import type { FaultCode } from '../../core/faults.ts';
import type { FlowId } from '../../core/records.ts';
import type { Action, BlockKind, CaptureLevel, MaskProfile, Verdict } from '../../core/verdict.ts';

export interface HistoryRange {
  /** Accept time, inclusive and exclusive, ms. */
  since?: number;
  until?: number;
  /** A day that cannot be read is told and left out; without it the question fails. */
  onProblem?: (day: string, message: string) => void;
}

export interface RequestRange extends HistoryRange {
  /**
   * `all`, or only requests inside TLS that were decided by another rule than the flows of their day: those that a rule on
   * requests decided.
   */
  which: 'all' | 'decided-apart';
  /** Read the request's header block for its content type. */
  contentType: boolean;
}

export interface AuditHistory {
  /** Batches of flows with everything their decision looked at, oldest ingested first. */
  flows(range: HistoryRange): AsyncIterable<WalkedFlow[]>;
  /** Batches of requests with the facts of the flow they came in, oldest ingested first. */
  requests(range: RequestRange): AsyncIterable<WalkedRequest[]>;
  /**
   * Hits of each rule and action, most hits first: flows that it decided, or in which it decided a request. Decisions per
   * request of plain HTTP count once a flow, as the flow's own.
   */
  ruleHits(range: HistoryRange): Promise<RuleHits[]>;
  /** Who accepted and who refused our certificates (audit/uptake.ts). Days that cannot be read are named. */
  uptake(range: UptakeRange): Promise<Uptake>;
  /** Whether nothing was ever recorded here. */
  isEmpty(): Promise<boolean>;
  close(): Promise<void>;
}

export interface WalkedFlow {
  /** Accept time, ms. */
  time: number;
  client: string;
  /**
   * Null for connections that ended before they said what they want. What the origin showed is put in from the row even
   * where the policy then in force did not look at it, so that another policy may.
   */
  facts: FlowFacts | null;
  verdict: Verdict | null;
  fault: string | null;
  bytes: number;
  /** Requests inside. */
  exchanges: number;
}

export interface WalkedRequest {
  time: number;
  /** Of the flow it came in: flows can be told apart by it, and nothing more. */
  id: FlowId | string;
  client: string;
  user: string | null;
  method: string;
  scheme: 'http' | 'https';
  host: string;
  port: number;
  /** As recorded: with query, masked. */
  target: string;
  /** Media type of its body without parameters, lower case; null when it named none, or nobody asked for it. */
  contentType: string | null;
  /** How it was decided then. */
  verdict: Verdict;
  fault: string | null;
  /** Null when its flow is not among the records: the request cannot be judged then. */
  flow: Pick<WalkedFlow, 'facts' | 'verdict'> | null;
}

/** How often a rule decided, and when last. */
export interface RuleHits {
  rule: string;
  action: Action;
  flows: number;
  /** Accept time of the last one, ms. */
  last: number;
  /** Versions of the policy under which it did, newest hit first, at most `MAX_VERSIONS`. */
  versions: string[];
}

export interface UptakeRow {
  client: string;
  user: string | null;
  /** Fingerprint of the software, or null. */
  ja4: string | null;
  /** SHA-256 of the root, hex; null when nobody knows any more. */
  root: string | null;
  /** Flows in which the client sent requests under the leaf, and in which it refused it. */
  accepted: number;
  refused: number;
  /** Accept time of the last of them, ms. */
  last: number;
}

export interface Uptake {
  since: number;
  until: number;
  /** Latest first. */
  rows: UptakeRow[];
  /** Flows of clients beyond the bound. */
  left: number;
  /** Days that could not be read. */
  unread: string[];
}

export interface UptakeRange {
  /** Accept time, inclusive and exclusive, ms. */
  since: number;
  until: number;
  /** Default 200,000. */
  maxRows?: number;
}

/** First day (UTC) of which rows at or after `since` can be: a flow is never stored before it began. */
export const firstDay = (since: number | undefined): string =>
  since === undefined ? '' : new Date(Math.max(0, Math.min(since, MAX_TIME))).toISOString().slice(0, 10);

/** Last time that a Date can hold (ECMA-262 §21.4.1.1), ms. */
const MAX_TIME = 8.64e15;

// ---------------------------------------------------------------------------------------------------- flows

/** The facts of a decision, with what the origin showed even where nobody looked at it then. */
export function withOrigin(
  facts: FlowFacts | null,
  cert: CertFacts | null,
  fault: string | null,
): FlowFacts | null {
  if (facts === null) return null;
  const origin = facts.origin ?? originOf(cert, fault);
  return { ...facts, ...(origin === null ? {} : { origin }) };
}

/** What the origin showed, or null when nobody asked it or it showed nothing. */
function originOf(cert: CertFacts | null, fault: string | null): OriginFacts | null {
  const refused = fault !== null && isFaultCode(fault) && FAULTS[fault].phase === 'origin-tls' ? fault : null;
  if (cert === null && refused === null) return null;
  return { subject: cert?.subject ?? '', issuer: cert?.issuer ?? '', fault: refused };
}

function isFaultCode(text: string): text is FaultCode {
  return Object.hasOwn(FAULTS, text);
}

// ---------------------------------------------------------------------------------------------------- requests

/** The columns of a request that say how it was decided. */
export interface DecidedColumns {
  action: Action;
  rule: string;
  policy: string;
  reason: string;
  capture: CaptureLevel;
  block: BlockKind;
  mask: MaskProfile | null;
  parent: string | null;
}

export function verdictOf(r: DecidedColumns): Verdict {
  return {
    action: r.action,
    rule: r.rule,
    policy: r.policy,
    reason: r.reason,
    capture: r.capture,
    block: r.block,
    ...(r.mask === null ? {} : { mask: r.mask }),
    ...(r.parent === null ? {} : { parent: { group: r.parent, via: [] } }),
  };
}

/** Media type that a header block names, without parameters, lower case; null when it names none. */
export function contentTypeIn(head: string): string | null {
  const type = (fieldOf(head, 'content-type') ?? '').split(';', 1)[0]?.trim().toLowerCase() ?? '';
  return type === '' ? null : type;
}

// ---------------------------------------------------------------------------------------------------- hits

/** Hits of one rule under one version of the policy, in a part of the records. */
export type PartHits = { policy: string } & Pick<RuleHits, 'rule' | 'action' | 'flows' | 'last'>;

const MAX_VERSIONS = 20;

/** The parts put together, most hits first. */
export function sumHits(parts: Iterable<PartHits>): RuleHits[] {
  const totals = new Map<string, Omit<RuleHits, 'versions'> & { seen: Map<string, number> }>();
  for (const { rule, action, flows, last, policy } of parts) {
    const key = `${action} ${rule}`;
    const total = totals.get(key) ?? { rule, action, flows: 0, last: 0, seen: new Map<string, number>() };
    total.flows += flows;
    total.last = Math.max(total.last, last);
    total.seen.set(policy, Math.max(total.seen.get(policy) ?? 0, last));
    totals.set(key, total);
  }
  return [...totals.values()]
    .map(({ seen, ...hits }) => ({
      ...hits,
      versions: [...seen]
        .sort(([, a], [, b]) => b - a)
        .slice(0, MAX_VERSIONS)
        .map(([version]) => version),
    }))
    .sort((a, b) => b.flows - a.flows || (a.rule < b.rule ? -1 : 1));
}
