/**
 * TCP to an origin: resolve once, check every address, connect to a checked one (Happy Eyeballs, RFC 8305, by
 * node:net over exactly the addresses that passed). The only file that opens connections to origins.
 */
import { connect, type NetConnectOpts, type OnReadOpts, type Socket } from 'node:net';
import { canonicalHost } from '../core/host-name.ts';
import { Fault, type FaultCode } from '../core/faults.ts';
import { BUFFERS } from './buffers.ts';
import { refusedEgress, type EgressRules } from './egress.ts';
import type { Resolve, ResolvedAddress } from './resolve.ts';

export interface DialOptions {
  /** Reads go straight into these buffers instead of `data` events (tunnel only). */
  onread?: OnReadOpts;
  /** Called with the canceller of the running attempt, and with null when it is over. */
  onCancellable: (cancel: ((fault: Fault) => void) | null) => void;
}

export interface Dialed {
  socket: Socket;
  address: string;
}

export interface Dialer {
  /** `host` is canonical. Rejects with dns-*, egress-refused, origin-refused, origin-unreachable, origin-connect-timeout. */
  dial(host: string, port: number, options: DialOptions): Promise<Dialed>;
}

export function createDialer(resolve: Resolve, rules: () => EgressRules): Dialer {
  return {
    async dial(host, port, options) {
      const addresses = await addressesOf(host, resolve);
      if (addresses.length === 0) throw new Fault('dns-failed', 'no address');
      const current = rules();
      const allowed: ResolvedAddress[] = [];
      let refusal = '';
      for (const a of addresses) {
        const reason = refusedEgress(a.address, port, current);
        if (reason === null) allowed.push(a);
        else refusal = reason;
      }
      if (allowed.length === 0) throw new Fault('egress-refused', refusal);
      return await connectChecked(allowed, port, options);
    },
  };
}

async function addressesOf(host: string, resolve: Resolve): Promise<ResolvedAddress[]> {
  const literal = canonicalHost(host);
  if (literal.kind === 'ip') return [{ address: literal.name, family: literal.family }];
  return await resolve(host);
}

function connectChecked(addresses: ResolvedAddress[], port: number, options: DialOptions): Promise<Dialed> {
  return new Promise((resolve, reject) => {
    const first = addresses[0];
    if (first === undefined) {
      reject(new Fault('dns-failed', 'no address'));
      return;
    }
    const single = addresses.length === 1;
    const target: NetConnectOpts = {
      // With one address no lookup is needed; with several node tries them in turn, from our list only.
      host: single ? first.address : 'checked.invalid',
      port,
      noDelay: true,
      ...BUFFERS,
      allowHalfOpen: true,
      ...(single
        ? {}
        : {
            autoSelectFamily: true,
            autoSelectFamilyAttemptTimeout: 250,
            lookup: (_name, _options, done) => {
              done(null, addresses);
            },
          }),
      ...(options.onread === undefined ? {} : { onread: options.onread }),
    };
    const socket = connect(target);
    const leave = (): void => {
      socket.off('connect', onConnect);
      socket.off('error', onError);
      options.onCancellable(null);
    };
    const onConnect = (): void => {
      leave();
      resolve({ socket, address: socket.remoteAddress ?? first.address });
    };
    const onError = (error: NodeJS.ErrnoException): void => {
      leave();
      reject(dialFault(error));
    };
    socket.on('connect', onConnect);
    socket.on('error', onError);
    options.onCancellable(fault => {
      leave();
      // Late errors of a socket that is being thrown away are nobody's business.
      socket.on('error', () => undefined);
      socket.destroy();
      reject(fault);
    });
  });
}

const CONNECT_FAULTS: Record<string, FaultCode> = {
  ECONNREFUSED: 'origin-refused',
  ECONNRESET: 'origin-refused',
  EHOSTUNREACH: 'origin-unreachable',
  ENETUNREACH: 'origin-unreachable',
  EADDRNOTAVAIL: 'origin-unreachable',
  EACCES: 'origin-unreachable',
  EPERM: 'origin-unreachable',
  ETIMEDOUT: 'origin-connect-timeout',
};

function dialFault(error: NodeJS.ErrnoException): Fault {
  // Several attempts fail as one AggregateError; its last member is the one worth telling.
  const inner: unknown = error instanceof AggregateError ? error.errors.at(-1) : error;
  const code = inner instanceof Error && 'code' in inner && typeof inner.code === 'string' ? inner.code : '';
  return new Fault(CONNECT_FAULTS[code] ?? 'origin-unreachable', code || error.message);
}
