/**
 * One exchange under way: what the relay must remember until its record is written. It sits beside the bytes and never
 * holds them up; bodies go through taps whose memory is bounded (capture/body).
 */
import { BodyTap, CountingTap } from '../../capture/body.ts';
import { assembleExchange } from '../../capture/exchange.ts';
import type { Masker } from '../../capture/mask/masker.ts';
import type { Fault } from '../../core/faults.ts';
import type { Verdict } from '../../core/verdict.ts';
import type { Field, RequestHead, ResponseHead } from '../../wire/http1/index.ts';
import type { Flow } from '../flow.ts';
import { undecided } from '../undecided.ts';
import type { Admitted, Refused } from './side.ts';

type Tap = BodyTap | CountingTap;

export class LiveExchange {
  readonly head: RequestHead;
  readonly n: number;
  readonly scheme: 'http' | 'https';
  readonly #flow: Flow;
  readonly #started: number;
  admission: Admitted | Refused | null = null;
  response: ResponseHead | null = null;
  /** Its head went to the origin, so an answer may come. */
  sent = false;
  requestDone = false;
  responseDone = false;
  /** The body goes to the client in chunks. */
  chunkedOut = false;
  /** The request was sent a second time, on a fresh connection. */
  repeated = false;
  upgraded = false;
  #responseAt: number | null = null;
  #requestTap: Tap;
  #responseTap: Tap;
  /** Set when the answer is our own page. */
  #ownAnswer: { status: number; size: number; fields: readonly Field[] } | null = null;

  constructor(flow: Flow, scheme: 'http' | 'https', head: RequestHead, n: number) {
    this.#flow = flow;
    this.scheme = scheme;
    this.head = head;
    this.n = n;
    this.#started = Date.now();
    this.#requestTap = new CountingTap();
    this.#responseTap = this.#requestTap;
  }

  /** True when the request announced no body at all. */
  get bodyless(): boolean {
    const { framing } = this.head;
    return framing.kind === 'none' || (framing.kind === 'length' && framing.length === 0);
  }

  get target(): string {
    return this.admission?.target ?? this.head.target;
  }

  get host(): string {
    return this.admission?.host ?? '';
  }

  get path(): string {
    return this.#masker.path(this.target);
  }

  /** The profile of the request's rule; of the flow's for a request that another rule blocks, and where that is strict. */
  get #masker(): Masker {
    const flow = this.#flow.verdict?.mask;
    const own = this.verdict.action === 'inspect' ? this.verdict.mask : flow;
    return this.#flow.ctx.maskers.of(flow === 'strict' ? flow : own);
  }

  get verdict(): Verdict {
    return this.admission?.verdict ?? this.#flow.verdict ?? undecided(this.#flow.ctx.policy.version, null);
  }

  admit(admission: Admitted | Refused): void {
    this.admission = admission;
    this.#requestTap = this.#tap(admission.verdict);
    this.#responseTap = this.#tap(admission.verdict);
  }

  respond(head: ResponseHead): void {
    this.response = head;
    this.#responseAt = Date.now();
  }

  tapRequest(data: Buffer): void {
    this.#requestTap.push(data);
  }

  tapResponse(data: Buffer): void {
    this.#responseTap.push(data);
  }

  answerOurselves(status: number, size: number): void {
    this.#ownAnswer = { status, size, fields: [] };
  }

  /** Leaves the record. The caller ends the turn afterwards, as turn.ts promises. Call once. */
  record(fault: Fault | null): void {
    const { ctx, id, client, user } = this.#flow;
    ctx.counters.exchanges++;
    const res = this.#responseTap.finish();
    const records = assembleExchange(
      {
        flow: id,
        n: this.n,
        started: this.#started,
        requestAt: this.#started,
        responseAt: this.#responseAt,
        ended: Date.now(),
        client,
        user,
        scheme: this.scheme,
        host: this.host,
        port: this.admission?.port ?? 0,
        request: {
          method: this.head.method,
          target: this.target,
          fields: this.head.fields,
          version: this.head.version,
        },
        response: this.response ?? this.#ownAnswer,
        verdict: this.verdict,
        req: this.#requestTap.finish(),
        res: this.#ownAnswer === null ? res : { ...res, facts: { ...res.facts, size: this.#ownAnswer.size } },
        fault,
        upgraded: this.upgraded,
      },
      this.#masker,
    );
    for (const record of records) ctx.audit.append(record);
    ctx.turn.schedule();
  }

  #tap(verdict: Verdict): Tap {
    const { ctx } = this.#flow;
    if (verdict.capture !== 'bodies') return new CountingTap();
    return new BodyTap({ limit: ctx.settings['capture.body-limit'], hash: true, budget: ctx.budget });
  }
}
