/**
 * What policy may look at after a flow has begun: the origin once it answered, and each request. This file gathers those
 * facts and asks; carrying the answer out is the business of the phases.
 */
import { mediaType } from '../capture/exchange.ts';
import { factsForHost, plainPath } from '../core/request-facts.ts';
import type { FlowFacts, OriginFacts, RequestFacts } from '../core/facts.ts';
import type { Fault } from '../core/faults.ts';
import { sameWay } from '../core/verdict.ts';
import type { Verdict } from '../core/verdict.ts';
import type { RequestHead } from '../wire/http1/index.ts';
import type { Flow } from './flow.ts';

/**
 * The verdict of a rule that looks at the origin, now that its handshake succeeded (`fault` null) or was refused. It
 * then is the flow's verdict. Null when no rule looks, or none of those decides.
 */
export function judgeOrigin(flow: Flow, fault: Fault | null): Verdict | null {
  const { facts } = flow;
  if (facts === null || (fault !== null && fault.entry.phase !== 'origin-tls')) return null;
  const origin: OriginFacts = {
    subject: flow.originCert?.subject ?? '',
    issuer: flow.originCert?.issuer ?? '',
    fault: fault?.code ?? null,
  };
  const late = flow.ctx.policy.decideOrigin?.(facts, origin) ?? null;
  if (late === null) return null;
  const verdict = sameWay(late, flow.verdict);
  flow.open({ ...facts, origin }, verdict);
  return verdict;
}

/**
 * The verdict of a rule that looks at requests about one request to `host`, which is the flow's own or one that policy
 * lets it name too. Null when no rule looks, or none of those decides.
 */
export function judgeRequest(flow: Flow, head: RequestHead, target: string, host: string): Verdict | null {
  const { facts, ctx } = flow;
  if (facts === null || ctx.policy.decideRequest === undefined) return null;
  const late = ctx.policy.decideRequest(factsForHost(facts, host, Date.now()), requestFacts(head, target));
  return late === null ? null : sameWay(late, flow.verdict);
}

/**
 * The verdict about a plain request, which is there when its flow is decided: rules on requests are asked in their place
 * among the others. They choose no way, so the way is the one of the rule that decides without looking at the request;
 * else a rule about methods would lead around a parent. The request stays out of the flow's own record.
 */
export function judgePlain(flow: Flow, facts: FlowFacts, head: RequestHead, target: string): Verdict {
  const { policy } = flow.ctx;
  const late = policy.decideRequest?.(facts, requestFacts(head, target)) ?? null;
  const first = policy.decide(facts);
  return late === null ? first : sameWay(late, first);
}

/** Facts of one request head with its target in origin-form. */
export function requestFacts(head: RequestHead, target: string): RequestFacts {
  return { method: head.method, path: plainPath(target), contentType: mediaType(head.fields) };
}
