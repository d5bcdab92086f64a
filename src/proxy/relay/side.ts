/**
 * What a relay needs to know about where it stands: which requests it may carry, and where their origin is. The relay
 * does not know why; `intercept` and `plain` answer these questions.
 */
import type { Duplex } from 'node:stream';
import { Fault } from '../../core/faults.ts';
import type { Verdict } from '../../core/verdict.ts';
import { ResponseReader } from '../../wire/http1/index.ts';
import type { Http1Limits, RequestHead } from '../../wire/http1/index.ts';
import type { Login } from '../parent-tunnel.ts';
import { errorCode } from '../tunnel.ts';
import { originTlsFault } from '../verify.ts';

/** One request may go on, and where to. */
export interface Admitted {
  ok: true;
  /** What the request names: for the record. */
  host: string;
  port: number;
  /** Whose connection carries it, through which parent group if any; `host` differs only where policy lets a request name another host. */
  origin: { host: string; port: number; via?: string | null };
  /** Origin-form target for the origin. */
  target: string;
  verdict: Verdict;
}

/** One request is refused before any of its bytes reach an origin. */
export interface Refused {
  ok: false;
  fault: Fault;
  host: string;
  port: number;
  target: string;
  verdict: Verdict;
  /** Further header lines of the answer, each ending in CRLF (a 407 carries its challenge). */
  extra?: string;
}

export interface RelaySide {
  scheme: 'http' | 'https';
  /** Decides about one request head. A promise only where somebody must be asked (credentials). */
  admit(head: RequestHead): Admitted | Refused | Promise<Admitted | Refused>;
  /** A fresh connection to the origin of an admitted request. Rejects with a Fault. */
  connect(host: string, port: number): Promise<OriginLink>;
}

const STRAIGHT = { via: null, prefix: '', login: null };

/** One origin connection as the relay uses it: one client connection's own, one exchange at a time. */
export class OriginLink {
  readonly socket: Duplex;
  readonly host: string;
  readonly port: number;
  /** Parent group that plain requests go through; null for a connection to the origin itself. */
  readonly via: string | null;
  /** Stands before each target: the beginning of the absolute-form that a parent wants, else nothing. */
  readonly prefix: string;
  /** What each request carries for the parent; never for an origin, and in no record. */
  readonly login: Login | null;
  readonly reader: ResponseReader;
  /** Exchanges that were answered on it. */
  used = 0;
  /** What the socket died of. It may die while nobody looks: during the client's handshake, or idle. */
  failure: Fault | null = null;

  constructor(
    socket: Duplex,
    host: string,
    port: number,
    limits: Http1Limits,
    way: { via: string | null; prefix: string; login: Login | null } = STRAIGHT,
  ) {
    this.socket = socket;
    this.host = host;
    this.port = port;
    this.via = way.via;
    this.prefix = way.prefix;
    this.login = way.login;
    this.reader = new ResponseReader(limits);
    socket.on('error', (error: NodeJS.ErrnoException) => {
      this.failure ??= linkFault(error);
    });
  }
}

/** A TLS 1.3 origin says that it wants a client certificate only after the handshake (RFC 8446 §4.4.2.4). */
function linkFault(error: NodeJS.ErrnoException): Fault {
  return error.code?.startsWith('ERR_SSL') === true
    ? originTlsFault(error)
    : new Fault('origin-reset', errorCode(error));
}
