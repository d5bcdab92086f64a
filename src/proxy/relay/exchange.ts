/**
 * One exchange under way: what the relay must remember until its record is written. It sits beside the bytes and never
 * holds them up; bodies go through taps whose memory is bounded (capture/body).
 */
import { BodyTap, CountingTap } from '../../capture/body.ts';
import { maskHeaders, maskPath } from '../../capture/mask.ts';
import type { Fault } from '../../core/faults.ts';
import type { BodyFacts } from '../../core/records.ts';
import type { Verdict } from '../../core/verdict.ts';
import type { RequestHead, ResponseHead } from '../../wire/http1/index.ts';
import type { Flow } from '../flow.ts';
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
  #ownAnswer: { status: number; size: number } | null = null;

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
    return maskPath(this.target, this.#flow.ctx.queryMask);
  }

  get verdict(): Verdict {
    const verdict = this.admission?.verdict ?? this.#flow.verdict;
    if (verdict === null) throw new Error('an exchange without a verdict');
    return verdict;
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
    this.#ownAnswer = { status, size };
  }

  /** Leaves the record. The caller ends the turn afterwards, as turn.ts promises. Call once. */
  record(fault: Fault | null): void {
    const { verdict } = this;
    const { ctx } = this.#flow;
    const req = this.#finish('req', this.#requestTap);
    const res = this.#finish('res', this.#responseTap);
    ctx.counters.exchanges++;
    if (verdict.capture === 'flow') return;
    const now = Date.now();
    ctx.audit.append({
      kind: 'exchange',
      flow: this.#flow.id,
      n: this.n,
      time: this.#started,
      ms: now - this.#started,
      wait: this.#responseAt === null ? null : this.#responseAt - this.#started,
      client: this.#flow.client,
      user: this.#flow.user,
      method: this.head.method,
      scheme: this.scheme,
      host: this.host,
      port: this.admission?.port ?? 0,
      path: this.path,
      status: this.response?.status ?? this.#ownAnswer?.status ?? null,
      protocol: this.head.version === '1.1' ? 'HTTP/1.1' : 'HTTP/1.0',
      verdict,
      capture: verdict.capture,
      reqHeaders: maskHeaders(this.head.fields),
      resHeaders: this.response === null ? '' : maskHeaders(this.response.fields),
      contentType: this.response === null ? null : mediaType(this.response),
      req,
      res: this.#ownAnswer === null ? res : { ...res, size: this.#ownAnswer.size },
      fault: fault?.code ?? null,
      faultDetail: fault?.detail ?? null,
      upgraded: this.upgraded,
    });
    ctx.turn.schedule();
  }

  #tap(verdict: Verdict): Tap {
    const { ctx } = this.#flow;
    if (verdict.capture !== 'bodies') return new CountingTap();
    return new BodyTap({ limit: ctx.settings['capture.body-limit'], hash: true, budget: ctx.budget });
  }

  #finish(side: 'req' | 'res', tap: Tap): BodyFacts {
    const { facts, kept } = tap.finish();
    if (kept !== null && kept.length > 0)
      this.#flow.ctx.audit.append({ kind: 'body', flow: this.#flow.id, n: this.n, side, data: kept });
    return facts;
  }
}

function mediaType(head: ResponseHead): string | null {
  const field = head.fields.find(f => f.name === 'content-type');
  if (field === undefined) return null;
  const semicolon = field.value.indexOf(';');
  return (
    (semicolon < 0 ? field.value : field.value.slice(0, semicolon)).trim().toLowerCase().slice(0, 100) || null
  );
}
