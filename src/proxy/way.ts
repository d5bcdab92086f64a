/**
 * The way that a flow's verdict chose to its origin: straight, or through a parent group. Whoever needs a connection
 * asks here; the flow's deadline, canceller and the address in its record are set on the way.
 */
import type { OnReadOpts, Socket } from 'node:net';
import { DEFAULT_LIMITS, type Http1Limits } from '../wire/http1/index.ts';
import type { ProxyContext } from './context.ts';
import type { Flow } from './flow.ts';
import { authority } from './parent.ts';
import type { Login } from './parent-tunnel.ts';

export function limitsOf(ctx: ProxyContext): Http1Limits {
  return { ...DEFAULT_LIMITS, head: ctx.settings['limits.head'] };
}

/**
 * A TCP connection whose other end is the origin, whatever lies between. Rejects with a Fault of phase dial. `onread`
 * holds for a straight connection only: through a parent the bytes come as `data` events.
 */
export async function reachOrigin(
  flow: Flow,
  host: string,
  port: number,
  onread?: OnReadOpts,
): Promise<Socket> {
  const { ctx, verdict } = flow;
  const parent = verdict?.parent;
  const options = cancellable(flow);
  if (parent === undefined) {
    flow.deadline(ctx.settings['timeout.dial'], 'origin-connect-timeout');
    const { socket, address } = await ctx.dialer.dial(host, port, {
      ...options,
      ...(onread === undefined ? {} : { onread }),
    });
    flow.originAddress = address;
    return socket;
  }
  const patience = patienceWith(flow, parent.via.length);
  const { socket, address } = await ctx.parents.connect(parent, host, port, {
    ...options,
    patience,
    client: flow.client,
    limits: limitsOf(ctx),
  });
  flow.originAddress = address;
  return socket;
}

/**
 * A TCP connection for plain requests. `prefix` stands before the target of each: empty towards an origin, the
 * beginning of the absolute-form towards a parent (RFC 9112 §3.2.2), which may get credentials with each of them.
 */
export async function reachPlain(
  flow: Flow,
  host: string,
  port: number,
): Promise<{ socket: Socket; prefix: string; login: Login | null }> {
  const { ctx, verdict } = flow;
  const parent = verdict?.parent;
  if (parent === undefined) return { socket: await reachOrigin(flow, host, port), prefix: '', login: null };
  const patience = patienceWith(flow, parent.via.length);
  const { socket, address, login } = await ctx.parents.dial(parent, host, port, {
    ...cancellable(flow),
    patience,
    client: flow.client,
  });
  flow.originAddress = address;
  return {
    socket,
    login,
    prefix: `http://${port === 80 ? authority(host, port).slice(0, -3) : authority(host, port)}`,
  };
}

/** Sets the flow's deadline and gives each member its share of it: the last one must not come too late. */
function patienceWith(flow: Flow, members: number): number {
  const whole = flow.ctx.settings['timeout.dial'];
  // The parent dials too, and has its own time for that.
  flow.deadline(2 * whole, 'parent-unreachable');
  return whole / Math.max(1, members);
}

function cancellable(flow: Flow): { onCancellable: (cancel: Flow['onAbort']) => void } {
  return {
    onCancellable: cancel => {
      flow.onAbort = cancel;
    },
  };
}
