/**
 * A bounded cursor over bytes that somebody else sent. Each read checks its length first and throws `Malformed`
 * with a reason for people; nothing is allocated by a length that the bytes only claim. The parsers of this room
 * catch `Malformed` at their own border and turn it into an outcome: it never leaves `wire`.
 */

/** Thrown inside a parser when the bytes break their format. The message is the reason shown to people. */
export class Malformed extends Error {
  override name = 'Malformed';
}

export class Cursor {
  readonly #bytes: Buffer;
  readonly #what: string;
  readonly #end: number;
  #at: number;

  /** `what` names the structure in reasons, such as `supported_groups`. Reads stay in [start, end) of `bytes`. */
  constructor(bytes: Buffer, what: string, start = 0, end = bytes.length) {
    this.#bytes = bytes;
    this.#what = what;
    this.#at = start;
    this.#end = end;
  }

  get left(): number {
    return this.#end - this.#at;
  }

  u8(): number {
    const at = this.#take(1);
    return this.#bytes[at] as number;
  }

  u16(): number {
    const at = this.#take(2);
    return ((this.#bytes[at] as number) << 8) | (this.#bytes[at + 1] as number);
  }

  u24(): number {
    const at = this.#take(3);
    return (
      ((this.#bytes[at] as number) << 16) |
      ((this.#bytes[at + 1] as number) << 8) |
      (this.#bytes[at + 2] as number)
    );
  }

  skip(count: number): void {
    this.#take(count);
  }

  /** The next `count` bytes as a cursor of their own, named `what`. Copies nothing. */
  slice(count: number, what: string): Cursor {
    const at = this.#take(count);
    return new Cursor(this.#bytes, what, at, at + count);
  }

  /** Everything that is left, as latin1: one character for each byte, whatever the bytes are. */
  latin1(): string {
    const at = this.#take(this.left);
    return this.#bytes.toString('latin1', at, this.#end);
  }

  /** Everything that is left, as 16-bit numbers. */
  u16List(): number[] {
    if (this.left % 2 !== 0) this.fail('has an odd length');
    const out = new Array<number>(this.left / 2);
    for (let i = 0; i < out.length; i++) out[i] = this.u16();
    return out;
  }

  /** Refuse trailing bytes: a structure must fill the length that was given for it. */
  done(): void {
    if (this.left > 0) this.fail(`has ${this.left} bytes too many`);
  }

  fail(problem: string): never {
    throw new Malformed(`${this.#what} ${problem}`);
  }

  #take(count: number): number {
    if (count > this.#end - this.#at) this.fail(`ends ${count - (this.#end - this.#at)} bytes too early`);
    const at = this.#at;
    this.#at += count;
    return at;
  }
}
