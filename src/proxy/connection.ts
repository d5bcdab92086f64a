/**
 * The life of one client connection, as a table of contents: each line of `serve` is a phase, each phase a file of its
 * own (DESIGN §4). No mechanism lives here. Whatever happens, the flow's one ledger row is written at the end.
 */
import type { FlowFacts } from '../core/facts.ts';
import { Fault } from '../core/faults.ts';
import type { Verdict } from '../core/verdict.ts';
import { blockFlow } from './block.ts';
import type { Flow } from './flow.ts';
import type { Identifier } from './identity.ts';
import { readAsked, type Target } from './ingress/http.ts';
import { checkedRoot, serveCheck } from './ingress/check.ts';
import { serveSetupSite } from './ingress/setup-site.ts';
import { intercept } from './intercept.ts';
import { peekHello, type Peeked } from './peek.ts';
import { relayPlain } from './plain.ts';
import { challengeOrIdentify, confirmTunnel, refuseBeforeTls } from './ingress/connect.ts';
import { tunnel } from './tunnel.ts';

/** Serves one accepted connection to its end. Never rejects. */
export async function serve(flow: Flow, identifier: Identifier): Promise<void> {
  try {
    let asked = await readAsked(flow); // ingress
    while (asked.kind === 'connect' && !(await challengeOrIdentify(flow, identifier, asked.head)))
      asked = await readAsked(flow); // identity: a 407 was answered, the client may try again
    if (asked.kind === 'setup') return await serveSetupSite(flow);
    if (asked.kind === 'absolute') return await relayPlain(flow, identifier);
    confirmTunnel(flow, asked.target);
    const facts = gather(flow, asked.target, await peekHello(flow)); // hello
    const checked = checkedRoot(flow, asked.target);
    if (checked !== null) {
      flow.facts = facts;
      return await serveCheck(flow, checked);
    }
    const verdict = flow.ctx.policy.decide(facts); // decide
    flow.open(facts, verdict);
    await carryOut(flow, facts, verdict);
  } catch (e) {
    const fault =
      e instanceof Fault
        ? e
        : new Fault('internal', e instanceof Error ? e.message : String(e), { cause: e });
    flow.fail(fault);
    refuseBeforeTls(flow, fault);
  } finally {
    flow.close();
  }
}

/** What the verdict says. An inspection may come to another one when it sees the origin, and then that is carried out. */
async function carryOut(flow: Flow, facts: FlowFacts, verdict: Verdict): Promise<void> {
  switch (verdict.action) {
    case 'block':
      return await blockFlow(flow, verdict, originOf(facts));
    case 'passthrough':
      flow.ctx.counters.passed++;
      return await tunnel(flow, facts.host, facts.port);
    case 'inspect': {
      flow.ctx.counters.inspected++;
      const other = await intercept(flow, originOf(facts));
      if (other === null) return;
      flow.ctx.counters.inspected--;
      return await carryOut(flow, facts, other);
    }
  }
}

/** All that policy may look at when a flow begins, in one value. */
function gather(flow: Flow, target: Target, peeked: Peeked): FlowFacts {
  if (peeked.outcome === 'malformed') flow.fail(new Fault('hello-malformed', peeked.reason));
  if (peeked.outcome === 'timed-out') flow.fail(new Fault('hello-timeout', peeked.reason));
  return {
    now: Date.now(),
    client: flow.client,
    user: flow.user,
    groups: flow.groups,
    listener: flow.listener,
    ingress: flow.ingress,
    scheme: 'https',
    host: target.host,
    hostKind: target.hostKind,
    port: target.port,
    outcome: peeked.outcome,
    hello: peeked.outcome === 'hello' ? peeked.hello : null,
  };
}

/** Dial what CONNECT named; the name to prove is the SNI where there is one. */
function originOf(facts: FlowFacts): Parameters<typeof intercept>[1] {
  const sni = facts.hello?.sni ?? null;
  return {
    dial: facts.host,
    port: facts.port,
    name: sni ?? facts.host,
    nameKind: sni === null ? facts.hostKind : 'name',
  };
}
