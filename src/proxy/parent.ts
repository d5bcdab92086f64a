/**
 * The way to an origin through an upstream HTTP proxy: the members of a group are tried one after the other
 * (parent-order.ts), the first that takes a connection is asked, over TLS where the policy says `https://`.
 *
 * The administrator names parents, so they may have private or loopback addresses; our own listeners are refused all
 * the same. Of the origin only what stands in the request can be checked: an address, `localhost`, or the name of a
 * listener of ours. Any other name is resolved by the parent, so what it leads to is for the parent to judge.
 * It does not ask a second member after a first refused, and never goes straight instead.
 */
import type { Socket } from 'node:net';
import { canonicalHost, splitHostPort } from '../core/host-name.ts';
import { Fault } from '../core/faults.ts';
import { parseNetwork, type Network } from '../core/network.ts';
import type { ParentWay } from '../core/verdict.ts';
import type { Http1Limits } from '../wire/http1/index.ts';
import { createDialer, type Dialed, type Dialer, type DialOptions } from './dial.ts';
import { refusedEgress, type EgressRules } from './egress.ts';
import type { Logins } from './parent-login.ts';
import { MemberOrder } from './parent-order.ts';
import { secureParent, type ParentTrust } from './parent-tls.ts';
import { openTunnel, type Login } from './parent-tunnel.ts';
import type { Resolve } from './resolve.ts';

export interface ParentDialOptions extends Pick<DialOptions, 'onCancellable'> {
  /** ms for the connection to one member, before the next one is tried. */
  patience: number;
  /** Address of the client, for groups that are spread by it. */
  client: string;
}

/** A connection to a member, and what requests on it must carry. */
export interface DialedParent extends Dialed {
  login: Login | null;
}

export interface Parents {
  /**
   * A connection to the first member that takes one, for requests in absolute-form to `host:port`. `address` names the
   * member, for the record. Rejects with egress-refused, parent-unreachable, parent-untrusted, parent-login, or what
   * cancelled it.
   */
  dial(way: ParentWay, host: string, port: number, options: ParentDialOptions): Promise<DialedParent>;
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

export interface ParentsOptions {
  resolve: Resolve;
  rules: () => EgressRules;
  logins: Logins;
  trust: ParentTrust;
  /** ms of any clock. */
  now?: () => number;
}

const ANYWHERE: readonly Network[] = ['0.0.0.0/0', '::/0']
  .map(parseNetwork)
  .filter(network => network !== null);

export function createParents(options: ParentsOptions): Parents {
  const { resolve, rules, logins, trust, now = () => performance.now() } = options;
  const dialer = createDialer(resolve, () => ({ ...rules(), allow: ANYWHERE }));
  const order = new MemberOrder(now);

  async function dial(
    way: ParentWay,
    host: string,
    port: number,
    { onCancellable, patience, client }: ParentDialOptions,
  ): Promise<DialedParent> {
    const refusal = refusedOrigin(host, port, rules());
    if (refusal !== null) throw new Fault('egress-refused', refusal);
    // Before anything is dialled: a group whose secret is missing is of no use, and no reason to go without.
    const login = way.login === undefined ? null : { name: way.login, value: await logins(way.login) };
    const failures: Fault[] = [];
    const told: string[] = [];
    for (const member of order.of(way, client, host)) {
      const attempt = new Attempt(onCancellable, patience);
      order.trying(member);
      try {
        const socket = await reach(dialer, member, trust, attempt.own);
        order.took(member);
        return { socket, address: `${way.group} (${member})`, login };
      } catch (e) {
        if (!(e instanceof Fault) || attempt.cancelled) throw e;
        order.failed(member);
        failures.push(e);
        told.push(`${member}: ${e.detail ?? e.code}`);
      } finally {
        attempt.over();
      }
    }
    const distrust = failures.length > 0 && failures.every(f => f.code === 'parent-untrusted');
    throw new Fault(
      distrust ? 'parent-untrusted' : 'parent-unreachable',
      `${way.group}: ${told.join('; ')}`.slice(0, 1000),
    );
  }

  return {
    dial,
    async connect(way, host, port, options) {
      const { login, ...dialed } = await dial(way, host, port, options);
      await openTunnel(dialed.socket, authority(host, port), { ...options, login });
      return dialed;
    },
  };
}

/** A connection to one member, `host:port` or `https://host:port`. */
async function reach(
  dialer: Dialer,
  member: string,
  trust: ParentTrust,
  onCancellable: DialOptions['onCancellable'],
): Promise<Socket> {
  const secure = member.startsWith(SECURE);
  const at = splitHostPort(secure ? member.slice(SECURE.length) : member, null);
  if (at === null) throw new Fault('parent-unreachable', 'no address');
  const host = bareHost(at.host);
  const { socket } = await dialer.dial(host, at.port, { onCancellable });
  return secure ? await secureParent(socket, host, trust, onCancellable) : socket;
}

const SECURE = 'https://';

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
