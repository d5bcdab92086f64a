/**
 * The fields of a record that many records share, by their names and in the order of the canonical form (canon.ts): that order is
 * hashed and must never change. Every driver of the store takes them from here. Pure.
 */
import { mannerOf } from '../../core/verdict.ts';
import type { LANE_FIELDS, WHAT_FIELDS } from '../canon.ts';
import type { ExchangeRecord, FlowRecord } from '../../core/records.ts';

type Part<Names extends readonly string[]> = Record<Names[number], string | number | null>;

/** What an exchange was and what became of it. */
export function whatOf(r: ExchangeRecord, sni: string | null) {
  const v = r.verdict;
  const { mask, tls, parent } = mannerOf(v, r.scheme);
  return {
    host: r.host,
    port: r.port,
    scheme: r.scheme,
    protocol: r.protocol,
    method: r.method,
    status: r.status,
    type: r.contentType,
    fault: r.fault,
    sni,
    action: v.action,
    rule: v.rule,
    policy: v.policy,
    reason: v.reason,
    capture: r.capture,
    block: v.block,
    mask,
    tls,
    parent,
    masked: r.masked ?? null,
  } satisfies Part<typeof WHAT_FIELDS>;
}

/** What a flow wanted and how it was decided. */
export function laneOf(r: FlowRecord) {
  const f = r.facts;
  const v = r.verdict;
  const hello = f?.hello ?? null;
  const manner = v === null ? null : mannerOf(v, f?.scheme ?? null);
  return {
    host: f?.host ?? null,
    port: f?.port ?? null,
    scheme: f?.scheme ?? null,
    ingress: f?.ingress ?? null,
    sni: hello?.sni ?? null,
    alpn: hello?.alpn.join(',') ?? null,
    ja4: hello?.ja4 ?? null,
    outcome: f?.outcome ?? null,
    action: v?.action ?? null,
    rule: v?.rule ?? null,
    policy: v?.policy ?? null,
    reason: v?.reason ?? null,
    fault: r.fault,
    mask: manner?.mask ?? null,
    tls: manner?.tls ?? null,
    parent: manner?.parent ?? null,
  } satisfies Part<typeof LANE_FIELDS>;
}

/** Texts of a lane that free text finds a flow by. */
export const laneWords = (lane: ReturnType<typeof laneOf>): (string | null)[] => [
  lane.host,
  lane.sni,
  lane.reason,
  lane.fault,
];
