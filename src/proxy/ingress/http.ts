/**
 * The first request of a connection: what does the client want of us? CONNECT, an absolute-form request to be relayed,
 * or an origin-form request meant for the proxy itself (the setup site). Nothing of it is sent on here.
 */
import { canonicalHost, splitHostPort } from '../../core/host-name.ts';
import { Fault } from '../../core/faults.ts';
import { RequestReader, splitAbsolute, type RequestHead } from '../../wire/http1/index.ts';
import { sniff } from '../../wire/sniff.ts';
import type { Flow } from '../flow.ts';
import { readUntil } from '../peek.ts';
import { limitsOf } from '../way.ts';

export interface Target {
  host: string;
  hostKind: 'name' | 'ip';
  port: number;
}

export type Asked =
  | { kind: 'connect'; head: RequestHead; target: Target }
  /** The head is still unread in the socket: the relay reads it again. */
  | { kind: 'absolute' }
  | { kind: 'setup' };

/** Reads one request head. Rejects with ingress-timeout, ingress-closed, ingress-malformed, target-invalid. */
export async function readAsked(flow: Flow): Promise<Asked> {
  const reader = new RequestReader(limitsOf(flow.ctx));
  const chunks: Buffer[] = [];
  return await readUntil<Asked>(
    flow,
    { closed: 'ingress-closed', timeout: 'ingress-timeout' },
    flow.ctx.settings['timeout.ingress'],
    chunk => {
      chunks.push(chunk);
      if (chunks.length === 1) refuseStrangers(chunk);
      reader.push(chunk);
      const event = reader.next();
      if (event.kind === 'need-more') return null;
      if (event.kind === 'malformed') throw new Fault(event.code, event.reason);
      if (event.kind !== 'head') throw new Fault('ingress-malformed');
      const { head } = event;
      if (head.method === 'CONNECT') {
        // What follows the head is the tunnel's, perhaps already the ClientHello.
        return { done: { kind: 'connect', head, target: connectTarget(head) }, keep: connectRest(reader) };
      }
      const absolute = /^https?:\/\//i.test(head.target) && !isCheck(flow, head.target);
      return { done: { kind: absolute ? 'absolute' : 'setup' }, keep: Buffer.concat(chunks) };
    },
  );
}

/** Whether an absolute target names the host that exists only inside the proxy: the setup site answers for it. */
function isCheck(flow: Flow, target: string): boolean {
  const asked = splitAbsolute(target);
  return (
    asked?.scheme === 'http' &&
    /^([^:]*)(:80)?$/.exec(asked.authority.toLowerCase())?.[1] === flow.ctx.settings['setup.check-host']
  );
}

/** The bytes after a CONNECT head. A CONNECT has no body: one that announces one is refused (requirement D4). */
function connectRest(reader: RequestReader): Buffer {
  const end = reader.next();
  if (end.kind === 'malformed') throw new Fault(end.code, end.reason);
  if (end.kind !== 'end') throw new Fault('request-malformed', 'CONNECT with a body');
  return reader.takeRest();
}

function connectTarget(head: RequestHead): Target {
  const split = splitHostPort(head.target, null);
  if (split === null || split.port === 0) throw new Fault('target-invalid', head.target.slice(0, 200));
  return { ...hostOf(split.host), port: split.port };
}

/** Canonical host of a target. Throws target-invalid with the reason. */
export function hostOf(raw: string): { host: string; hostKind: 'name' | 'ip' } {
  const host = canonicalHost(raw);
  if (host.kind === 'invalid') throw new Fault('target-invalid', host.reason);
  return { host: host.name, hostKind: host.kind };
}

const STRANGERS: Partial<Record<ReturnType<typeof sniff>, string>> = {
  tls: 'TLS without CONNECT: transparent clients need a transparent listener',
  socks5: 'SOCKS5 is not spoken on this listener',
  'proxy-protocol': 'PROXY protocol is not enabled on this listener',
  ssh: 'SSH',
};

function refuseStrangers(first: Buffer): void {
  const words = STRANGERS[sniff(first)];
  if (words !== undefined) throw new Fault('ingress-malformed', words);
}
