/** The dialogue around CONNECT: who asks, may this port be asked for, and the 200 after which the tunnel begins. */
import { Fault } from '../../core/faults.ts';
import type { RequestHead } from '../../wire/http1/index.ts';
import type { Flow } from '../flow.ts';
import type { Identifier } from '../identity.ts';
import { ALERTS, alertRecord, reasonPhrase, refusalResponse } from '../refuse.ts';
import type { Target } from './http.ts';

/** Tries on one connection; whoever needs more is guessing, and gets a new connection for it. */
const MAX_CHALLENGES = 5;

/**
 * True when the client is known. False when it was sent a 407 and may ask again on the same connection
 * (RFC 9110 §15.5.8). Rejects with auth-unavailable.
 */
export async function challengeOrIdentify(
  flow: Flow,
  identifier: Identifier,
  head: RequestHead,
): Promise<boolean> {
  try {
    const who = await identifier.identify(head.fields, flow.client);
    flow.user = who.user;
    flow.groups = who.groups;
    return true;
  } catch (e) {
    if (!(e instanceof Fault) || e.entry.status !== 407 || ++flow.challenges > MAX_CHALLENGES) throw e;
    flow.lastChallenge = e;
    const status = 407;
    flow.socket.write(
      `HTTP/1.1 ${status} ${reasonPhrase(status)}\r\n${identifier.challenge}Content-Length: 0\r\n\r\n`,
    );
    return false;
  }
}

/** Refuses ports that CONNECT may not name (requirement S5), else tells the client that the tunnel stands. */
export function confirmTunnel(flow: Flow, target: Target): void {
  const ports = flow.ctx.settings['proxy.connect-ports'];
  flow.asked = target;
  if (!ports.includes('any') && !ports.includes(target.port))
    throw new Fault('port-refused', String(target.port));
  flow.tunnelling = true;
  flow.socket.write('HTTP/1.1 200 Connection Established\r\n\r\n');
}

/** Before the 200 a fault can still be told in HTTP; afterwards the client hears only the close. */
export function refuseBeforeTls(flow: Flow, fault: Fault): void {
  const { socket } = flow;
  if (socket.destroyed) return;
  // A connection on which nothing was ever said (a preconnect, a scanner) is closed without a word.
  const silent = flow.tunnelling || fault.code === 'ingress-closed' || socket.bytesRead === 0;
  if (!silent) {
    const target = flow.asked === null ? '' : `${flow.asked.host}:${flow.asked.port}`;
    socket.write(refusalResponse({ fault, target, flow: flow.id, rule: null, reason: null }));
  }
  // Without a leaf there is no handshake; the client's TLS stack still hears that the fault is ours.
  if (fault.entry.phase === 'mint') socket.write(alertRecord(ALERTS.internalError));
  socket.destroySoon();
}
