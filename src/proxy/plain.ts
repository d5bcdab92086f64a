/**
 * Absolute-form plain HTTP: every request names its own host, so every request is identified and decided for itself.
 * A passthrough verdict relays without capturing more than the ledger.
 */
import type { FlowFacts } from '../core/facts.ts';
import { splitHostPort } from '../core/host-name.ts';
import { Fault } from '../core/faults.ts';
import type { Verdict } from '../core/verdict.ts';
import { splitAbsolute, type RequestHead } from '../wire/http1/index.ts';
import type { Flow } from './flow.ts';
import { hostOf, type Target } from './ingress/http.ts';
import type { Identifier } from './identity.ts';
import { originForm } from './intercept.ts';
import { judgePlain } from './late.ts';
import { relayHttp1 } from './relay/h1.ts';
import { undecided } from './undecided.ts';
import { limitsOf, reachPlain } from './way.ts';
import { OriginLink, type Admitted, type Refused } from './relay/side.ts';

/** Relays plain HTTP until the client is done. */
export async function relayPlain(flow: Flow, identifier: Identifier): Promise<void> {
  flow.ingress = 'http';
  await relayHttp1(
    flow,
    flow.socket,
    {
      scheme: 'http',
      admit: head => admitPlain(flow, identifier, head),
      connect: (host, port) => dialPlain(flow, host, port),
    },
    null,
  );
}

async function dialPlain(flow: Flow, host: string, port: number): Promise<OriginLink> {
  const { socket, prefix, login } = await reachPlain(flow, host, port);
  return new OriginLink(socket, host, port, limitsOf(flow.ctx), {
    prefix,
    login,
    via: flow.verdict?.parent?.group ?? null,
  });
}

async function admitPlain(
  flow: Flow,
  identifier: Identifier,
  head: RequestHead,
): Promise<Admitted | Refused> {
  const parsed = absoluteTarget(head);
  const refuse = (fault: Fault, verdict: Verdict, extra?: string): Refused => ({
    ok: false,
    fault,
    host: parsed instanceof Fault ? '' : parsed.host,
    port: parsed instanceof Fault ? 0 : parsed.port,
    target: parsed instanceof Fault ? head.target : parsed.path,
    verdict,
    ...(extra === undefined ? {} : { extra }),
  });
  if (parsed instanceof Fault) return refuse(parsed, undecided(flow.ctx.policy.version, parsed));
  try {
    const who = await identifier.identify(head.fields, flow.client);
    flow.user = who.user;
    flow.groups = who.groups;
  } catch (e) {
    if (!(e instanceof Fault)) throw e;
    return refuse(
      e,
      undecided(flow.ctx.policy.version, e),
      e.entry.status === 407 ? identifier.challenge : undefined,
    );
  }
  const facts = plainFacts(flow, parsed);
  const verdict = judgePlain(flow, facts, head, parsed.path);
  flow.open(facts, verdict);
  if (verdict.action === 'block') return refuse(new Fault('blocked-by-policy', verdict.rule), verdict);
  if (verdict.action === 'inspect' && !flow.ctx.audit.healthy)
    return refuse(new Fault('audit-unavailable'), verdict);
  return {
    ok: true,
    host: parsed.host,
    port: parsed.port,
    origin: { host: parsed.host, port: parsed.port, via: verdict.parent?.group ?? null },
    target: parsed.path,
    verdict: verdict.action === 'passthrough' ? { ...verdict, capture: 'flow' } : verdict,
  };
}

function absoluteTarget(head: RequestHead): (Target & { path: string }) | Fault {
  const target = splitAbsolute(head.target);
  if (target === null) return new Fault('request-malformed', 'a proxy request needs an absolute target');
  if (target.scheme !== 'http') return new Fault('target-invalid', 'https is asked for by CONNECT');
  const split = splitHostPort(target.authority, 80);
  if (split === null || split.port === 0) return new Fault('target-invalid', target.authority.slice(0, 200));
  try {
    return { ...hostOf(split.host), port: split.port, path: originForm(target.path) };
  } catch (e) {
    if (e instanceof Fault) return e;
    throw e;
  }
}

function plainFacts(flow: Flow, target: Target): FlowFacts {
  return {
    now: Date.now(),
    client: flow.client,
    user: flow.user,
    groups: flow.groups,
    listener: flow.listener,
    ingress: 'http',
    scheme: 'http',
    host: target.host,
    hostKind: target.hostKind,
    port: target.port,
    outcome: 'none',
    hello: null,
  };
}
