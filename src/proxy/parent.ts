/**
 * The way to an origin through an upstream HTTP proxy (RFC 9110 §9.3.6): the members of a group are tried in the order
 * of the policy, the first that takes a connection is asked. A member that did not is tried last for half a minute.
 *
 * The administrator names parents, so they may have private or loopback addresses; our own listeners are refused all
 * the same. Of the origin only what stands in the request can be checked: an address, `localhost`, or the name of a
 * listener of ours. Any other name is resolved by the parent, so what it leads to is for the parent to judge.
 * It does not promise credentials to a parent that wants some, nor to ask a second one after a first refused.
 */
import type { Socket } from 'node:net';
import { canonicalHost, splitHostPort } from '../core/host-name.ts';
import { Fault } from '../core/faults.ts';
import { parseNetwork, type Network } from '../core/network.ts';
import type { ParentWay } from '../core/verdict.ts';
import { ResponseReader, type Http1Limits, type ResponseHead } from '../wire/http1/index.ts';
import { createDialer, type Dialed, type DialOptions } from './dial.ts';
import { refusedEgress, type EgressRules } from './egress.ts';
import type { Resolve } from './resolve.ts';

export interface ParentDialOptions extends Pick<DialOptions, 'onCancellable'> {
  /** ms for the connection to one member, before the next one is tried. */
  patience: number;
}

export interface Parents {
  /**
   * A connection to the first member that takes one, for requests in absolute-form to `host:port`. `address` names the
   * member, for the record. Rejects with egress-refused, parent-unreachable, or what cancelled it.
   */
  dial(way: ParentWay, host: string, port: number, options: ParentDialOptions): Promise<Dialed>;
  /**
   * The same, and then CONNECT: the socket is paused, speaks to the origin, and its first bytes are in it. Rejects
   * with parent-refused and parent-auth too.
   */
  connect(
    way: ParentWay,
    host: string,
    port: number,
    options: ParentDialOptions & { limits: Http1Limits },
  ): Promise<Dialed>;
}

/** ms for which a member that took no connection is tried last. */
const SHUNNED = 30_000;
/** Members remembered as such; policies name fewer. At the bound the memory starts afresh. */
const MAX_SHUNNED = 1_000;

const ANYWHERE: readonly Network[] = ['0.0.0.0/0', '::/0']
  .map(parseNetwork)
  .filter(network => network !== null);

/** `now` gives ms of any clock. */
export function createParents(
  resolve: Resolve,
  rules: () => EgressRules,
  now: () => number = () => performance.now(),
): Parents {
  const dialer = createDialer(resolve, () => ({ ...rules(), allow: ANYWHERE }));
  const shunned = new Map<string, number>();

  async function dial(
    way: ParentWay,
    host: string,
    port: number,
    { onCancellable, patience }: ParentDialOptions,
  ): Promise<Dialed> {
    const refusal = refusedOrigin(host, port, rules());
    if (refusal !== null) throw new Fault('egress-refused', refusal);
    const failing = (member: string): number => ((shunned.get(member) ?? 0) > now() ? 1 : 0);
    const failures: string[] = [];
    for (const member of [...way.via].sort((a, b) => failing(a) - failing(b))) {
      const at = splitHostPort(member, null);
      if (at === null) continue;
      const attempt = new Attempt(onCancellable, patience);
      try {
        const dialed = await dialer.dial(bareHost(at.host), at.port, { onCancellable: attempt.own });
        shunned.delete(member);
        return { socket: dialed.socket, address: `${way.group} (${member})` };
      } catch (e) {
        if (!(e instanceof Fault) || attempt.cancelled) throw e;
        if (shunned.size >= MAX_SHUNNED) shunned.clear();
        shunned.set(member, now() + SHUNNED);
        failures.push(`${member}: ${e.detail ?? e.code}`);
      } finally {
        attempt.over();
      }
    }
    throw new Fault('parent-unreachable', `${way.group}: ${failures.join('; ')}`);
  }

  return {
    dial,
    async connect(way, host, port, options) {
      const dialed = await dial(way, host, port, options);
      await openTunnel(dialed.socket, authority(host, port), options);
      return dialed;
    },
  };
}

/** One connection attempt that can be cancelled from outside and gives up by itself. */
class Attempt {
  /** True when the outside ended it: then no other member is tried. */
  cancelled = false;
  readonly #report: DialOptions['onCancellable'];
  readonly #timer: NodeJS.Timeout;
  #cancel: ((fault: Fault) => void) | null = null;

  constructor(report: DialOptions['onCancellable'], patience: number) {
    this.#report = report;
    this.#timer = setTimeout(() => {
      this.#cancel?.(new Fault('parent-unreachable', 'no answer in time'));
    }, patience);
  }

  readonly own: DialOptions['onCancellable'] = cancel => {
    this.#cancel = cancel;
    this.#report(
      cancel === null
        ? null
        : fault => {
            this.cancelled = true;
            cancel(fault);
          },
    );
  };

  over(): void {
    clearTimeout(this.#timer);
  }
}

/** Null when a parent may be asked for this origin, otherwise the reason; the header tells what this cannot see. */
function refusedOrigin(host: string, port: number, rules: EgressRules): string | null {
  if (canonicalHost(host).kind === 'ip') return refusedEgress(host, port, rules);
  // RFC 6761 §6.3: these names are loopback wherever they are resolved.
  if (host === 'localhost' || host.endsWith('.localhost')) return refusedEgress('127.0.0.1', port, rules);
  const own = rules.ownListeners.some(l => l.port === port && l.host === host);
  return own ? `${host}:${port} is a listener of this proxy` : null;
}

/** Host and port as CONNECT and absolute-form write them. */
export function authority(host: string, port: number): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

function bareHost(host: string): string {
  return host.startsWith('[') ? host.slice(1, -1) : host;
}

/** Asks for the tunnel and reads the answer to its last byte, not further. */
function openTunnel(
  socket: Socket,
  target: string,
  { onCancellable, limits }: { onCancellable: DialOptions['onCancellable']; limits: Http1Limits },
): Promise<void> {
  const reader = new ResponseReader(limits);
  reader.expect('CONNECT', false);
  return new Promise((resolve, reject) => {
    const leave = (): void => {
      socket.pause();
      socket.off('data', onData);
      socket.off('end', onEnd);
      socket.off('close', onEnd);
      socket.off('error', onError);
      onCancellable(null);
    };
    const fail = (fault: Fault): void => {
      leave();
      // Late errors of a socket that is being thrown away are nobody's business.
      socket.on('error', () => undefined);
      socket.destroy();
      reject(fault);
    };
    const onData = (chunk: Buffer): void => {
      reader.push(chunk);
      for (;;) {
        const event = reader.next();
        if (event.kind === 'need-more') return;
        if (event.kind !== 'head') {
          fail(
            new Fault('parent-refused', event.kind === 'malformed' ? event.reason : 'no answer to CONNECT'),
          );
          return;
        }
        if (event.head.status < 200) continue;
        if (!event.head.upgrade) {
          fail(refusalOf(event.head));
          return;
        }
        leave();
        const early = reader.takeRest();
        if (early.length > 0) socket.unshift(Buffer.from(early));
        resolve();
        return;
      }
    };
    const onEnd = (): void => {
      fail(new Fault('parent-refused', 'closed before it answered'));
    };
    const onError = (error: NodeJS.ErrnoException): void => {
      fail(new Fault('parent-refused', error.code ?? error.message));
    };
    socket.on('data', onData);
    socket.on('end', onEnd);
    socket.on('close', onEnd);
    socket.on('error', onError);
    onCancellable(fail);
    socket.write(`CONNECT ${target} HTTP/1.1\r\nHost: ${target}\r\n\r\n`, 'latin1');
  });
}

function refusalOf(head: ResponseHead): Fault {
  const words = `${head.status} ${head.reason}`.trim().slice(0, 200);
  return new Fault(head.status === 407 ? 'parent-auth' : 'parent-refused', words);
}
