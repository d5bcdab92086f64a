/**
 * Reads the requests of one client connection. Pull as slowly as you answer: pipelined requests wait inside.
 * After CONNECT or a request with `upgrade`, stop pulling behind its `end` until it is answered: if the answer
 * switches protocols, `takeRest` has the first octets of what follows; if not, go on with `next`.
 */
import { requestHead } from './head.ts';
import type { Http1Limits } from './limits.ts';
import type { RequestHead } from './message.ts';
import { CR, LF, OCTETS, TOKEN } from './octets.ts';
import { MessageReader } from './reader.ts';
import type { RuleBroken } from './reader.ts';

const BARE_CR: RuleBroken = { rule: 'RFC 9112 §2.2: bare CR' };
const BLANKS: RuleBroken = { rule: 'RFC 9112 §2.2: more than one empty line before a request' };
const NO_METHOD: RuleBroken = {
  rule: 'RFC 9112 §3: the request line does not start with a method and one space',
};

export class RequestReader extends MessageReader<RequestHead> {
  private blankSkipped = false;

  constructor(limits?: Partial<Http1Limits>) {
    super('request', limits);
  }

  protected override awaiting(): boolean {
    return false;
  }

  protected override begun(): boolean {
    return false;
  }

  /**
   * RFC 9112 §2.2 asks servers to skip at least one empty line before a request (old clients send CRLF behind a
   * body). llhttp skips any number, of bare CR and LF too; one CRLF is all that legitimate clients ever sent.
   */
  protected override begin(buf: Buffer, pos: number, end: number): number | 'wait' | RuleBroken {
    const first = buf[pos]!;
    if ((OCTETS[first]! & TOKEN) !== 0) return 0;
    if (first !== CR) return NO_METHOD;
    if (this.blankSkipped) return BLANKS;
    if (pos + 1 === end) return 'wait';
    if (buf[pos + 1] !== LF) return BARE_CR;
    this.blankSkipped = true;
    return 2;
  }

  protected override head(buf: Buffer, pos: number): RequestHead | string {
    return requestHead(buf, pos);
  }

  protected override accept(head: RequestHead): null {
    this.blankSkipped = false;
    this.follow(head.framing);
    return null;
  }

  protected override done(): void {
    // Nothing is kept from one request to the next.
  }
}
