/**
 * HTTP/1.1 on both legs: one client connection, one origin connection at a time, one exchange at a time. Heads are
 * validated and written anew, bodies stream as they come with back-pressure, the capture is a bounded tap beside them
 * (DESIGN §4.7). A pipelined request waits, unparsed, until the answer before it is complete.
 *
 * The last bytes of an answer leave in the turn in which its record was handed to the operating system (turn.ts).
 * Decisions are not made here: `RelaySide` admits requests and opens origins.
 */
import type { Duplex } from 'node:stream';
import { Fault } from '../../core/faults.ts';
import { serializeRequest, type Field, type RequestHead, type ResponseHead } from '../../wire/http1/index.ts';
import { clientTlsFault } from '../client-tls.ts';
import type { ProxyContext } from '../context.ts';
import type { Flow } from '../flow.ts';
import { refusalResponse } from '../refuse.ts';
import { errorCode } from '../tunnel.ts';
import { loginWords } from '../parent-tunnel.ts';
import { limitsOf } from '../way.ts';
import { ClientSide } from './client-side.ts';
import { LiveExchange } from './exchange.ts';
import {
  cutOff,
  endOfChunks,
  interimHead,
  mayRepeat,
  mayUpgrade,
  planResponse,
  switchingHead,
  writeBody,
} from './forward.ts';
import { OriginSide } from './origin-side.ts';
import { ownAnswer } from './own-answer.ts';
import type { Admitted, OriginLink, Refused, RelaySide } from './side.ts';
import { relayUpgrade } from './upgrade.ts';

/** Relays until the client connection is over. Never rejects: what goes wrong is left on the flow. */
export function relayHttp1(
  flow: Flow,
  client: Duplex,
  side: RelaySide,
  origin: OriginLink | null,
): Promise<void> {
  return new Promise(resolve => {
    new H1Relay(flow, client, side, resolve).start(origin);
  });
}

class H1Relay {
  readonly #flow: Flow;
  readonly #ctx: ProxyContext;
  readonly #client: ClientSide;
  readonly #side: RelaySide;
  readonly #over: () => void;
  readonly #origin: OriginSide;
  #exchange: LiveExchange | null = null;
  /** The connection ends after the exchange under way. */
  #lastExchange = false;
  #finished = false;

  constructor(flow: Flow, client: Duplex, side: RelaySide, over: () => void) {
    this.#flow = flow;
    this.#ctx = flow.ctx;
    this.#side = side;
    this.#over = over;
    // The pieces report back by plain calls; every arrow below is one of the methods that follow.
    // prettier-ignore
    this.#client = new ClientSide(client, limitsOf(flow.ctx), {
      begun: () => { this.#onRequestBegun(); },
      head: head => { this.#onRequestHead(head); },
      data: data => { this.#onRequestData(data); },
      end: trailers => { this.#onRequestEnd(trailers); },
      malformed: fault => { this.#refuseUnread(fault); },
      cutShort: () => { this.#onRequestCutShort(); },
      saidAll: () => { if (this.#exchange === null) this.#endClient(); },
      failed: error => { this.#onClientError(error); },
      closed: () => { this.#onClientClosed(); },
      drained: () => { this.#origin.link?.socket.resume(); },
    });
    // prettier-ignore
    this.#origin = new OriginSide({
      expecting: () => !this.#finished && this.#exchange?.sent === true && !this.#exchange.responseDone,
      head: (head, link) => this.#onResponseHead(head, link),
      data: (data, link) => { this.#onResponseData(data, link); },
      end: trailers => { this.#onResponseEnd(trailers); },
      malformed: fault => { this.#failExchange(fault); },
      drained: () => { this.#client.socket.resume(); },
      over: link => { if (!this.#finished) this.#onOriginOver(link); },
    });
  }

  start(origin: OriginLink | null): void {
    if (origin !== null) this.#origin.adopt(origin);
    this.#flow.onAbort = this.#onAbort;
    this.#awaitRequest();
    this.#client.start();
  }

  // ── the client's side ────────────────────────────────────────────────────────────────────────────────────────

  #onRequestBegun(): void {
    if (this.#exchange !== null || this.#flow.busy) return;
    this.#flow.busy = true;
    this.#touch('request-timeout', this.#ctx.settings['timeout.request']);
  }

  #onRequestHead(head: RequestHead): void {
    this.#flow.busy = true;
    this.#flow.exchanges++;
    const exchange = new LiveExchange(this.#flow, this.#side.scheme, head, this.#flow.exchanges);
    this.#exchange = exchange;
    this.#touch('request-timeout', this.#ctx.settings['timeout.request']);
    const admission = this.#side.admit(head);
    if (admission instanceof Promise) {
      this.#client.hold();
      admission.then(
        a => {
          this.#admitted(exchange, a);
          this.#client.pump();
        },
        (e: unknown) => {
          this.#failExchange(asFault(e));
        },
      );
    } else this.#admitted(exchange, admission);
  }

  #admitted(exchange: LiveExchange, admission: Admitted | Refused): void {
    if (this.#finished || this.#exchange !== exchange) return;
    exchange.admit(admission);
    if (!admission.ok) {
      this.#failExchange(admission.fault, admission.extra);
      return;
    }
    const origin = this.#origin.link;
    const to = admission.origin;
    const there =
      origin !== null &&
      origin.host === to.host &&
      origin.port === to.port &&
      origin.via === (to.via ?? null);
    if (there && !origin.socket.destroyed) this.#sendHead(exchange, origin);
    else if (there && origin.used === 0 && origin.failure !== null) this.#failExchange(origin.failure);
    else this.#dialThenSend(exchange, admission);
  }

  /** The client waits, unread, while an origin is dialled. */
  #dialThenSend(exchange: LiveExchange, to: Admitted): void {
    this.#client.hold();
    this.#origin.drop();
    this.#side.connect(to.origin.host, to.origin.port).then(
      origin => {
        if (this.#finished || this.#exchange !== exchange) {
          origin.socket.destroy();
          return;
        }
        this.#flow.onAbort = this.#onAbort;
        this.#origin.adopt(origin);
        this.#sendHead(exchange, origin);
        this.#client.pump();
      },
      (e: unknown) => {
        if (this.#finished || this.#exchange !== exchange) return;
        this.#flow.onAbort = this.#onAbort;
        this.#failExchange(asFault(e));
      },
    );
  }

  #sendHead(exchange: LiveExchange, origin: OriginLink): void {
    origin.reader.expect(exchange.head.method);
    exchange.sent = true;
    this.#ctx.turn.write(
      origin.socket,
      serializeRequest(exchange.head, {
        target: origin.prefix + exchange.target,
        upgrade: mayUpgrade(exchange.head),
        ...(origin.login === null ? {} : { add: [['Proxy-Authorization', origin.login.value]] }),
      }),
    );
    if (exchange.requestDone) {
      // Sent again on a fresh connection: there is no body to wait for.
      this.#awaitResponse();
      return;
    }
    this.#client.proceed();
  }

  #onRequestData(data: Buffer): void {
    const exchange = this.#exchange;
    const origin = this.#origin.link;
    if (exchange === null) return;
    exchange.tapRequest(data);
    this.#touch('request-timeout', this.#ctx.settings['timeout.idle']);
    if (origin === null) return;
    const chunked = exchange.head.framing.kind === 'chunked';
    if (!writeBody(this.#ctx.turn, origin.socket, data, chunked)) this.#client.socket.pause();
  }

  #onRequestEnd(trailers: readonly Field[]): void {
    const exchange = this.#exchange;
    if (exchange === null) return;
    exchange.requestDone = true;
    const origin = this.#origin.link;
    if (origin !== null && exchange.head.framing.kind === 'chunked')
      this.#ctx.turn.write(origin.socket, endOfChunks(trailers));
    this.#client.hold();
    if (exchange.responseDone) this.#completeExchange();
    else this.#awaitResponse();
  }

  #awaitResponse(): void {
    this.#client.hold();
    this.#touch('response-timeout', this.#ctx.settings['timeout.response']);
  }

  #onRequestCutShort(): void {
    this.#abortExchange(new Fault('request-aborted', 'client closed inside its request'));
  }

  #onClientError(error: NodeJS.ErrnoException): void {
    const fault =
      this.#flow.exchanges === 0 && this.#side.scheme === 'https'
        ? clientTlsFault(error)
        : new Fault('client-reset', errorCode(error));
    this.#flow.fail(fault);
  }

  #onClientClosed(): void {
    if (this.#exchange !== null) this.#abortExchange(this.#flow.fault ?? new Fault('request-aborted'));
    else this.#finish();
  }

  // ── the origin's side ────────────────────────────────────────────────────────────────────────────────────────

  #onResponseHead(head: ResponseHead, origin: OriginLink): boolean {
    const exchange = this.#exchange;
    if (exchange === null) return false;
    const { turn } = this.#ctx;
    this.#touch('response-timeout', this.#ctx.settings['timeout.idle']);
    if (head.status === 407 && origin.via !== null) {
      // The parent asks us, not the client, whose own credentials are not for it.
      this.#failExchange(new Fault('parent-auth', `${origin.via}: ${loginWords(origin.login)}`));
      return false;
    }
    if (head.status < 200 && head.status !== 101) {
      const interim = interimHead(exchange.head, head);
      if (interim !== null) turn.write(this.#client.socket, interim);
      return true;
    }
    if (head.status === 101 && !(mayUpgrade(exchange.head) && exchange.requestDone)) {
      this.#failExchange(new Fault('response-malformed', '101 without a complete request to upgrade'));
      return false;
    }
    exchange.respond(head);
    if (head.status === 101) {
      this.#upgrade(exchange, origin, head);
      return false;
    }
    // An answer to a request that is not all there yet (a refused upload) ends the connection: say so in it.
    const persist = !this.#lastExchange && !this.#ctx.draining && exchange.requestDone;
    const plan = planResponse(exchange.head, head, persist);
    this.#lastExchange = plan.last;
    exchange.chunkedOut = plan.chunked;
    turn.write(this.#client.socket, plan.text);
    return true;
  }

  #onResponseData(data: Buffer, origin: OriginLink): void {
    const exchange = this.#exchange;
    if (exchange === null) return;
    exchange.tapResponse(data);
    this.#touch('response-timeout', this.#ctx.settings['timeout.idle']);
    if (!writeBody(this.#ctx.turn, this.#client.socket, data, exchange.chunkedOut)) origin.socket.pause();
  }

  #onResponseEnd(trailers: readonly Field[]): void {
    const exchange = this.#exchange;
    if (exchange === null) return;
    if (exchange.chunkedOut) this.#ctx.turn.write(this.#client.socket, endOfChunks(trailers));
    exchange.responseDone = true;
    // Answered before the request was all there (a refused upload): the rest has no reader any more.
    if (!exchange.requestDone) this.#lastExchange = true;
    this.#completeExchange();
  }

  #onOriginOver(origin: OriginLink): void {
    const exchange = this.#exchange;
    if (exchange === null || exchange.responseDone) {
      this.#origin.drop();
      return;
    }
    const fault = origin.failure;
    const last = fault === null ? origin.reader.finish() : null;
    if (last?.kind === 'end') this.#onResponseEnd(last.trailers);
    else if (exchange.response !== null) this.#failExchange(fault ?? new Fault('response-truncated'));
    else if (mayRepeat(exchange, origin) && exchange.admission?.ok === true) {
      exchange.repeated = true;
      exchange.sent = false;
      this.#dialThenSend(exchange, exchange.admission);
    } else this.#failExchange(fault ?? new Fault('response-closed'));
  }

  // ── ends ─────────────────────────────────────────────────────────────────────────────────────────────────────

  #completeExchange(): void {
    const exchange = this.#exchange;
    if (exchange === null) return;
    exchange.record(null);
    this.#exchange = null;
    this.#flow.busy = false;
    const origin = this.#origin.link;
    if (origin !== null && exchange.response?.keepAlive === false) this.#origin.drop();
    if (this.#lastExchange || this.#ctx.draining) {
      this.#endClient();
      return;
    }
    this.#nextRequest();
  }

  /** The exchange cannot go on. Tells the client in HTTP when no byte of an answer has left, else cuts it off. */
  #failExchange(fault: Fault, extra?: string): void {
    const exchange = this.#exchange;
    if (exchange === null || this.#finished) return;
    // A 407 is a step of the dialogue, not an ending (RFC 9110 §11.7.1).
    const challenge = fault.entry.status === 407;
    if (!challenge) this.#flow.fail(fault);
    if (exchange.response !== null) {
      exchange.record(fault);
      this.#exchange = null;
      cutOff(this.#client.socket, exchange);
      this.#finish();
      return;
    }
    const keep = challenge && exchange.bodyless && exchange.head.keepAlive;
    const bytes = ownAnswer(exchange, fault, this.#flow.id, keep, extra);
    exchange.answerOurselves(fault.entry.status, bytes.length);
    this.#ctx.turn.write(this.#client.socket, bytes);
    exchange.record(fault);
    this.#exchange = null;
    this.#flow.busy = false;
    this.#origin.drop();
    if (keep) {
      this.#nextRequest();
      return;
    }
    this.#endClient();
  }

  /** Bytes that are no request: answered in HTTP, recorded on the flow, closed. */
  #refuseUnread(fault: Fault): void {
    const exchange = this.#exchange;
    if (exchange !== null) {
      this.#failExchange(fault);
      return;
    }
    this.#flow.fail(fault);
    const facts = {
      fault,
      target: this.#flow.facts?.host ?? '',
      flow: this.#flow.id,
      rule: null,
      reason: null,
    };
    this.#ctx.turn.write(this.#client.socket, refusalResponse(facts));
    this.#endClient();
  }

  /** The exchange ends with nobody left to tell. */
  #abortExchange(fault: Fault): void {
    this.#flow.fail(fault);
    this.#exchange?.record(fault);
    this.#exchange = null;
    this.#client.socket.destroy();
    this.#finish();
  }

  readonly #onAbort = (fault: Fault): void => {
    this.#flow.onAbort = this.#onAbort;
    if (this.#exchange !== null && fault.code !== 'draining') this.#failExchange(fault);
    else if (this.#exchange !== null) this.#abortExchange(fault);
    else if (fault.code === 'request-timeout') this.#refuseUnread(fault);
    else this.#endClient();
  };

  /** Flushes what was written, ends the client's side and then lets go. */
  #endClient(): void {
    this.#client.hold();
    this.#origin.drop();
    this.#flow.busy = false;
    // A client that never closes its own side is not waited for longer than the drain of its last bytes.
    this.#flow.deadline(LINGER_MS, 'idle-timeout');
    this.#flow.onAbort = () => {
      this.#client.socket.destroy();
      this.#finish();
    };
    this.#client.farewell(this.#ctx.turn);
  }

  #finish(): void {
    if (this.#finished) return;
    this.#finished = true;
    this.#flow.onAbort = null;
    this.#origin.drop();
    this.#client.stop();
    if (!this.#client.socket.destroyed) this.#ctx.turn.end(this.#client.socket);
    this.#over();
  }

  #upgrade(exchange: LiveExchange, origin: OriginLink, head: ResponseHead): void {
    this.#finished = true;
    this.#origin.release();
    this.#exchange = null;
    this.#ctx.turn.write(this.#client.socket, switchingHead(head));
    const rest = { fromClient: this.#client.release(), fromOrigin: origin.reader.takeRest() };
    void relayUpgrade(this.#flow, exchange, this.#client.socket, origin.socket, rest).then(this.#over);
  }

  // ── small things ─────────────────────────────────────────────────────────────────────────────────────────────

  #nextRequest(): void {
    this.#awaitRequest();
    this.#client.proceed();
    this.#client.pump();
  }

  #awaitRequest(): void {
    this.#flow.deadline(this.#ctx.settings['timeout.idle'], 'idle-timeout');
  }

  #touch(code: 'request-timeout' | 'response-timeout', ms: number): void {
    this.#flow.deadline(ms, code);
  }
}

/** How long a client may take to read our last bytes and close. */
const LINGER_MS = 5_000;

function asFault(e: unknown): Fault {
  return e instanceof Fault ? e : new Fault('internal', e instanceof Error ? e.message : String(e));
}
