/**
 * The chunked transfer coding (RFC 9112 §7.1), octet by octet with its state kept between reads. Finds where data
 * lies; never copies it. Sizes are hexadecimal digits only (no sign, no `0x`, no `_`, no white space), extensions
 * must have their grammar, every line ends in CRLF. Extensions are dropped: they are hop-by-hop (§7.1.1).
 */
import { CR, HEX, LF, OCTETS, TOKEN, VALUE } from './octets.ts';

/** 16 hex digits are 2^64; the value is bound to 2^53-1 on top. Leading zeros count. */
const MAX_DIGITS = 16;

const SIZE = 0;
const SIZE_LF = 1;
const EXT_NAME_FIRST = 2;
const EXT_NAME = 3;
const EXT_VALUE_FIRST = 4;
const EXT_VALUE = 5;
const EXT_QUOTED = 6;
const EXT_ESCAPED = 7;
const EXT_QUOTE_END = 8;
const DATA_CR = 9;
const DATA_LF = 10;

const SEMICOLON = 59;
const EQUALS = 61;
const QUOTE = 34;
const BACKSLASH = 92;

/** `more`: a line is not whole. `data`: `left` octets of data lie at the offset. `last`: trailers follow. */
export type ChunkStep = 'more' | 'data' | 'last' | 'broken';

/** One body's decoder. `step` walks the lines between data; the reader hands out the data itself. */
export class ChunkLines {
  /** Octets of the current chunk not yet handed out. The reader counts it down. */
  left = 0;
  /** Where `step` stopped. */
  offset = 0;
  reason = '';
  private state = SIZE;
  private digits = 0;
  private extensions = 0;

  reset(): void {
    this.left = 0;
    this.state = SIZE;
    this.digits = 0;
    this.extensions = 0;
  }

  /** Call when all `left` octets were handed out. */
  dataDone(): void {
    this.state = DATA_CR;
  }

  /** Walk `buf[from, end)` up to data, the last chunk, or the end of what is there. */
  step(buf: Buffer, from: number, end: number, maxExtensions: number): ChunkStep {
    let i = from;
    while (i < end) {
      const c = buf[i++]!;
      switch (this.state) {
        case SIZE:
          if ((OCTETS[c]! & HEX) !== 0) {
            if (++this.digits > MAX_DIGITS) return this.broken('RFC 9112 §7.1: chunk size too long');
            this.left = this.left * 16 + (c <= 57 ? c - 48 : (c | 32) - 87);
            if (this.left > Number.MAX_SAFE_INTEGER)
              return this.broken('RFC 9112 §7.1: chunk size beyond 2^53');
          } else if (this.digits === 0) return this.broken('RFC 9112 §7.1: no chunk size');
          else if (c === CR) this.state = SIZE_LF;
          else if (c === SEMICOLON) this.state = EXT_NAME_FIRST;
          else return this.broken('RFC 9112 §7.1: octet not allowed in a chunk size');
          break;
        case SIZE_LF:
          if (c !== LF) return this.broken('RFC 9112 §7.1: bare CR in a chunk line');
          this.offset = i;
          this.digits = 0;
          this.state = SIZE;
          return this.left === 0 ? 'last' : 'data';
        case DATA_CR:
          if (c !== CR) return this.broken('RFC 9112 §7.1: chunk data is longer than its size');
          this.state = DATA_LF;
          break;
        case DATA_LF:
          if (c !== LF) return this.broken('RFC 9112 §7.1: no CRLF behind chunk data');
          this.state = SIZE;
          break;
        default:
          if (++this.extensions > maxExtensions)
            return this.broken(`RFC 9112 §7.1.1: more than ${maxExtensions} octets of chunk extensions`);
          if (!this.extension(c)) return this.broken('RFC 9112 §7.1.1: malformed chunk extension');
      }
    }
    this.offset = i;
    return 'more';
  }

  /** *( ";" token [ "=" ( token / quoted-string ) ] ) CRLF; the "bad white space" of the grammar is not taken. */
  private extension(c: number): boolean {
    const token = (OCTETS[c]! & TOKEN) !== 0;
    switch (this.state) {
      case EXT_NAME_FIRST:
        this.state = EXT_NAME;
        return token;
      case EXT_NAME:
        if (token) return true;
        if (c === EQUALS) this.state = EXT_VALUE_FIRST;
        else return this.extensionEnd(c);
        return true;
      case EXT_VALUE_FIRST:
        this.state = c === QUOTE ? EXT_QUOTED : EXT_VALUE;
        return token || c === QUOTE;
      case EXT_VALUE:
        return token || this.extensionEnd(c);
      case EXT_QUOTED:
        if (c === QUOTE) this.state = EXT_QUOTE_END;
        else if (c === BACKSLASH) this.state = EXT_ESCAPED;
        return (OCTETS[c]! & VALUE) !== 0;
      case EXT_ESCAPED:
        this.state = EXT_QUOTED;
        return (OCTETS[c]! & VALUE) !== 0;
      default:
        return this.extensionEnd(c);
    }
  }

  private extensionEnd(c: number): boolean {
    if (c === CR) this.state = SIZE_LF;
    else if (c === SEMICOLON) this.state = EXT_NAME_FIRST;
    else return false;
    return true;
  }

  private broken(reason: string): ChunkStep {
    this.reason = reason;
    return 'broken';
  }
}
