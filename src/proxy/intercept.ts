/**
 * Inspect: the origin first (dial, TLS, verification), then a leaf for the one name that was verified, TLS with the
 * client, and the relay between the two (DESIGN §4.6). Nothing of the client's request exists before all that is done,
 * so a refused origin never sees a byte of it.
 */
import type { Duplex } from 'node:stream';
import { Fault, type FaultCode } from '../core/faults.ts';
import type { CertFacts } from '../core/facts.ts';
import { canonicalHost, splitHostPort } from '../core/host-name.ts';
import { sameWay } from '../core/verdict.ts';
import type { Verdict } from '../core/verdict.ts';
import { splitAbsolute, type RequestHead } from '../wire/http1/index.ts';
import { acceptClientTls } from './client-tls.ts';
import type { Flow } from './flow.ts';
import { connectOriginTls, type OriginTarget } from './origin.ts';
import { judgeOrigin, judgeRequest } from './late.ts';
import { relayHttp1 } from './relay/h1.ts';
import { limitsOf } from './way.ts';
import { OriginLink, type Admitted, type Refused, type RelaySide } from './relay/side.ts';

/**
 * Carries out an `inspect` verdict to the end of the connection. Rejects with the fault that ended it. Resolves to
 * another verdict when a rule that looks at the origin says so; the client has then been told nothing yet, and whoever
 * asked carries that one out.
 */
export async function intercept(flow: Flow, target: OriginTarget): Promise<Verdict | null> {
  const { ctx } = flow;
  if (!ctx.audit.healthy) {
    await pageUnderLeaf(flow, target, new Fault('audit-unavailable'));
    return null;
  }
  const alpn = relayedAlpn(flow);
  let origin: OriginLink;
  let cert: CertFacts;
  try {
    const verified = await connectOriginTls(flow, target, alpn);
    origin = linkTo(flow, target, verified.socket);
    cert = verified.cert;
  } catch (e) {
    if (!(e instanceof Fault)) throw e;
    const other = judgeOrigin(flow, e);
    if (other !== null && other.action !== 'inspect') return other;
    await pageUnderLeaf(flow, target, e);
    return null;
  }
  const other = judgeOrigin(flow, null);
  if (other !== null && other.action !== 'inspect') {
    origin.socket.destroy();
    flow.originTls = null;
    return other;
  }
  let client: Duplex;
  try {
    const leaf = await ctx.leaves.get(target.name, target.nameKind, 'trusted', cert);
    client = await acceptClientTls(flow, leaf, alpn[0] ?? null);
  } catch (e) {
    origin.socket.destroy();
    throw e;
  }
  await relayHttp1(flow, client, interceptSide(flow, target), origin);
  return null;
}

/**
 * Completes TLS with the client only to say what went wrong. When the origin's certificate was at fault the leaf comes
 * from the authority nobody trusts, so the client sees the warning the origin deserves (requirement V16).
 */
export async function pageUnderLeaf(flow: Flow, target: OriginTarget, fault: Fault): Promise<void> {
  flow.fail(fault);
  const trust = fault.code.startsWith('cert-') ? 'untrusted' : 'trusted';
  const leaf = await flow.ctx.leaves.get(target.name, target.nameKind, trust, null);
  const client = await acceptClientTls(flow, leaf, relayedAlpn(flow)[0] ?? null);
  const verdict = flow.verdict;
  if (verdict === null) throw fault;
  await relayHttp1(
    flow,
    client,
    {
      scheme: 'https',
      admit: head => ({
        ok: false,
        fault,
        host: target.name,
        port: target.port,
        target: head.target,
        verdict,
      }),
      connect: () => Promise.reject(fault),
    },
    null,
  );
}

/**
 * What we offer the origin of what the client offered. HTTP/2 has its own relay to come; until then both legs speak
 * HTTP/1.1, and a client that speaks only something else gets an alert.
 */
function relayedAlpn(flow: Flow): string[] {
  const offered = flow.facts?.hello?.alpn ?? [];
  if (offered.length === 0) return [];
  // `curl --http1.0` offers nothing but that; the relay speaks it.
  return offered.includes('http/1.0') && !offered.includes('http/1.1') ? ['http/1.0'] : ['http/1.1'];
}

function interceptSide(flow: Flow, target: OriginTarget): RelaySide {
  return {
    scheme: 'https',
    admit: head => admitInspected(flow, head, target.name, target.port),
    connect: async () => {
      const next = await connectOriginTls(flow, target, relayedAlpn(flow));
      return linkTo(flow, target, next.socket);
    },
  };
}

function linkTo(flow: Flow, target: OriginTarget, socket: Duplex): OriginLink {
  return new OriginLink(socket, target.name, target.port, limitsOf(flow.ctx));
}

/**
 * A request inside an inspected flow must name the host the flow was opened and verified for: anything else would pass
 * policy under one name and be served under another (requirement S1).
 */
function admitInspected(flow: Flow, head: RequestHead, name: string, port: number): Admitted | Refused {
  const verdict = flow.verdict;
  if (verdict === null) throw new Fault('internal', 'request before the verdict');
  const absolute = splitAbsolute(head.target);
  const target = absolute === null ? head.target : originForm(absolute.path);
  const refuse = (code: FaultCode, detail: string): Refused => ({
    ok: false,
    fault: new Fault(code, detail),
    host: name,
    port,
    target,
    verdict,
  });
  if (head.method === 'CONNECT') return refuse('request-malformed', 'CONNECT inside an inspected connection');
  if (!flow.ctx.audit.healthy) return refuse('audit-unavailable', 'records cannot be written');
  const asked = absolute?.authority ?? head.host;
  const origin = { host: name, port };
  const admit = (host: string, by: Verdict): Admitted | Refused => {
    const late = judgeRequest(flow, head, target, host);
    if (late?.action === 'block') return { ...refuse('blocked-by-policy', late.rule), host, verdict: late };
    return { ok: true, host, port, origin, target, verdict: late ?? by };
  };
  if (asked === null) return admit(name, verdict);
  const split = splitHostPort(asked, port);
  const host = split === null ? null : canonicalHost(split.host);
  if (host === null || host.kind === 'invalid')
    return refuse('request-malformed', 'Host is no valid host name');
  // The port in Host is decoration on a connection that already has one; the name is not.
  if (host.name === name) return admit(name, verdict);
  const other = flow.facts === null ? null : flow.ctx.policy.decideHost(flow.facts, host.name);
  if (other?.action === 'inspect') return admit(host.name, sameWay(other, verdict));
  return refuse('host-mismatch', `connection is for ${name}, request names ${host.name}`);
}

export function originForm(rest: string): string {
  return rest.startsWith('/') ? rest : `/${rest}`;
}
