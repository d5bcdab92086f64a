/**
 * Reads the responses of one origin connection. Say `expect` for each request before its octets are sent: the
 * method decides where the response ends, and octets that nobody asked for are an attack on the next client
 * request, not a response (RFC 9112 §9.2).
 *
 * Interim responses (1xx) are `head` events without `end`; the expectation stays. After 101, and 2xx to CONNECT
 * (`head.upgrade`), the rest is raw: `takeRest`.
 */
import { responseHead } from './head.ts';
import type { Http1Limits } from './limits.ts';
import type { MalformedEvent, ResponseHead } from './message.ts';
import { MessageReader } from './reader.ts';
import type { RuleBroken } from './reader.ts';

const UNASKED: RuleBroken = { rule: 'RFC 9112 §9.2: octets from the origin that no request asked for' };
const NO_STATUS: RuleBroken = { rule: 'RFC 9112 §4: the response does not start with HTTP/' };

export class ResponseReader extends MessageReader<ResponseHead> {
  private method: string | null = null;
  private mayUpgrade = true;
  private interim = 0;

  constructor(limits?: Partial<Http1Limits>) {
    super('response', limits);
  }

  /**
   * A request with `method` is about to be sent; its response comes next. With `upgradeAsked: false` a 101 is
   * malformed (say so whenever Upgrade was not forwarded). If octets are there already, they are nobody's: `next`
   * will say `malformed`. Throws when the response before it has not ended.
   */
  expect(method: string, upgradeAsked = true): void {
    if (this.method !== null) throw new Error('expect: the previous response has not ended');
    if (this.buffered > 0) this.malformed(UNASKED.rule);
    this.method = method;
    this.mayUpgrade = upgradeAsked;
    this.interim = 0;
  }

  protected override awaiting(): boolean {
    return this.method !== null;
  }

  protected override begun(): boolean {
    return this.interim > 0;
  }

  protected override begin(buf: Buffer, pos: number, _end: number): number | RuleBroken {
    if (this.method === null) return UNASKED;
    return buf[pos] === 72 ? 0 : NO_STATUS;
  }

  protected override head(buf: Buffer, pos: number): ResponseHead | string {
    return responseHead(buf, pos, this.method ?? 'GET');
  }

  protected override accept(head: ResponseHead): MalformedEvent | null {
    if (head.upgrade) {
      if (head.status === 101 && !this.mayUpgrade)
        return this.malformed('RFC 9110 §15.2.2: 101 although no upgrade was asked for');
      this.state = 'raw';
    } else if (head.status < 200) {
      if (++this.interim > this.limits.interim)
        return this.malformed(`more than ${this.limits.interim} interim responses`);
    } else this.follow(head.framing);
    return null;
  }

  protected override done(): void {
    this.method = null;
    this.interim = 0;
  }
}
