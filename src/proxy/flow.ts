/**
 * The state of one client connection on its way through the phases: its facts, its deadline and its one ledger row.
 *
 * `close` writes the row exactly once, whatever calls it first. A flow owns no mechanism: phases hang their
 * cancellation on `onAbort`, and the watchdog of the listener fires it when the deadline passes.
 */
import type { Socket } from 'node:net';
import type { CertFacts, FlowFacts, Ingress, TlsLeg } from '../core/facts.ts';
import type { Fault, FaultCode } from '../core/faults.ts';
import type { FlowId, FlowStart } from '../core/records.ts';
import type { Verdict } from '../core/verdict.ts';
import type { ProxyContext } from './context.ts';

/** A tunnel in which nothing moved for this long has nothing in flight that anybody could see. */
const QUIET_MS = 1_500;

export class Flow {
  readonly id: FlowId;
  readonly ctx: ProxyContext;
  readonly socket: Socket;
  readonly started: number;
  readonly client: string;
  readonly clientPort: number;
  readonly listener: string;

  ingress: Ingress = 'connect';
  user: string | null = null;
  groups: string[] = [];
  facts: FlowFacts | null = null;
  verdict: Verdict | null = null;
  exchanges = 0;
  originAddress: string | null = null;
  clientTls: TlsLeg | null = null;
  originTls: TlsLeg | null = null;
  originCert: CertFacts | null = null;
  leafSerial: string | null = null;
  /** What CONNECT named, once it was understood. */
  asked: { host: string; port: number } | null = null;
  /** The client was told that its tunnel stands: from here on nothing can be said in plain HTTP. */
  tunnelling = false;
  /** How often the client was sent a 407. */
  challenges = 0;
  /** When bytes last moved through a tunnel or an upgraded connection, ms since epoch. */
  movedAt = 0;
  /** The last 407, so that a client that gives up is recorded with its reason. */
  lastChallenge: Fault | null = null;

  /** ms since epoch; Infinity when nothing is awaited. The watchdog looks once per tick. */
  expiresAt = Number.POSITIVE_INFINITY;
  expiry: FaultCode = 'idle-timeout';
  /** How the current phase is cancelled. Must make the phase's promise settle. */
  onAbort: ((fault: Fault) => void) | null = null;
  /** True while a request is being answered; drain waits for these and ends the others at once. */
  busy = false;

  #fault: Fault | null = null;
  #opened = false;
  #closed = false;

  constructor(ctx: ProxyContext, socket: Socket, listener: string, id: FlowId, client: string) {
    this.ctx = ctx;
    this.socket = socket;
    this.listener = listener;
    this.id = id;
    this.client = client;
    this.clientPort = socket.remotePort ?? 0;
    this.started = Date.now();
  }

  get fault(): Fault | null {
    return this.#fault;
  }

  /** True while ending the flow would cut something short; a drain waits for these. */
  get inFlight(): boolean {
    return this.busy || Date.now() - this.movedAt < QUIET_MS;
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** Sets what the flow waits for: `ms` from now it is aborted with `code`. */
  deadline(ms: number, code: FaultCode): void {
    this.expiresAt = Date.now() + ms;
    this.expiry = code;
  }

  /** Ends the current phase with `fault`; without a phase the connection is dropped. */
  abort(fault: Fault): void {
    this.expiresAt = Number.POSITIVE_INFINITY;
    this.fail(fault);
    const cancel = this.onAbort;
    this.onAbort = null;
    if (cancel === null) this.socket.destroy();
    else cancel(fault);
  }

  /** Remembers the first thing that went wrong; later ones are consequences. */
  fail(fault: Fault): void {
    this.#fault ??= fault;
  }

  /** The verdict fell: leaves the opening record, so that a killed worker's flows can still be accounted for. */
  open(facts: FlowFacts, verdict: Verdict): void {
    this.facts = facts;
    this.verdict = verdict;
    if (this.#opened) return;
    this.#opened = true;
    this.ctx.audit.append({ kind: 'flow-open', ...this.#start() });
    this.ctx.turn.schedule();
  }

  /** Writes the ledger row. Further calls do nothing. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    const fault = this.lastChallenge !== null && this.user === null ? this.lastChallenge : this.#fault;
    if (fault !== null) this.ctx.counters.faults++;
    this.ctx.audit.append({
      kind: 'flow',
      ...this.#start(),
      ms: Date.now() - this.started,
      bytesUp: this.socket.bytesRead,
      bytesDown: this.socket.bytesWritten,
      exchanges: this.exchanges,
      fault: fault?.code ?? null,
      faultDetail: fault?.detail ?? null,
      originAddress: this.originAddress,
      clientTls: this.clientTls,
      originTls: this.originTls,
      originCert: this.originCert,
      leafSerial: this.leafSerial,
    });
    this.ctx.turn.schedule();
  }

  #start(): FlowStart {
    return {
      flow: this.id,
      time: this.started,
      client: this.client,
      clientPort: this.clientPort,
      facts: this.facts,
      verdict: this.verdict,
    };
  }
}
