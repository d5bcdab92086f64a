/**
 * Numbers and texts as bytes and back: the alphabet of the record codec. Pure.
 *
 * Strings travel one byte per character where all fit, else as UTF-16. Half a surrogate pair is read as U+FFFD: no database can
 * hold it, and what is stored, searched, shown live and chained must be one and the same text.
 */

/** A byte buffer that grows. `bytes` and `view` change when it does. */
export class ByteWriter {
  bytes: Buffer;
  view: DataView;
  at = 0;

  constructor(capacity: number) {
    this.bytes = Buffer.allocUnsafeSlow(capacity);
    this.view = new DataView(this.bytes.buffer);
  }

  /** Make room for `more` bytes. */
  need(more: number): void {
    const wanted = this.at + more;
    if (wanted <= this.bytes.length) return;
    const grown = Buffer.allocUnsafeSlow(Math.max(wanted, this.bytes.length * 2));
    this.bytes.copy(grown, 0, 0, this.at);
    this.bytes = grown;
    this.view = new DataView(grown.buffer);
  }

  /** Replace the (empty) buffer by a small one after a burst. */
  shrink(capacity: number): void {
    this.bytes = Buffer.allocUnsafeSlow(capacity);
    this.view = new DataView(this.bytes.buffer);
  }

  u8(value: number): void {
    this.bytes[this.at++] = value;
  }

  f64(value: number): void {
    this.view.setFloat64(this.at, value, true);
    this.at += 8;
  }

  /** Non-negative integer up to 2^53, 7 bits a byte. What is no such number becomes 0. */
  uint(value: number): void {
    if (!(value >= 1)) {
      this.bytes[this.at++] = 0;
      return;
    }
    let rest = value;
    while (rest >= 0x80000000) {
      this.bytes[this.at++] = (rest % 128) | 128;
      rest = Math.floor(rest / 128);
    }
    let small = rest | 0;
    while (small > 127) {
      this.bytes[this.at++] = (small & 127) | 128;
      small >>>= 7;
    }
    this.bytes[this.at++] = small;
  }

  /** Length and characters. The caller has made room for 2 × length + 10. */
  text(value: string): void {
    const length = value.length;
    const before = this.at;
    this.uint(length * 2);
    if (length > 64) {
      if (isLatin1(value)) {
        this.at += this.bytes.write(value, this.at, 'latin1');
        return;
      }
    } else {
      const bytes = this.bytes;
      let i = 0;
      for (; i < length; i++) {
        const code = value.charCodeAt(i);
        if (code > 255) break;
        bytes[this.at + i] = code;
      }
      if (i === length) {
        this.at += length;
        return;
      }
    }
    this.at = before;
    this.uint(length * 2 + 1);
    this.at += this.bytes.write(value, this.at, 'utf16le');
  }
}

const WIDE = /[^\u0000-\u00ff]/;
const isLatin1 = (text: string): boolean => !WIDE.test(text);

/** Thrown by the decoder: the frame was sound, its content is not. The reader counts it and goes on. */
export class CodecError extends Error {}

/** Reads what ByteWriter wrote. Throws CodecError at the end of the bytes. */
export class ByteReader {
  bytes: Buffer = Buffer.alloc(0);
  view: DataView = new DataView(new ArrayBuffer(0));
  at = 0;
  end = 0;

  reset(bytes: Buffer, start: number, end: number): void {
    if (bytes !== this.bytes) {
      this.bytes = bytes;
      this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    }
    this.at = start;
    this.end = end;
  }

  u8(): number {
    if (this.at >= this.end) throw new CodecError('payload too short');
    return this.bytes[this.at++] ?? 0;
  }

  f64(): number {
    if (this.at + 8 > this.end) throw new CodecError('payload too short');
    const value = this.view.getFloat64(this.at, true);
    this.at += 8;
    return value;
  }

  uint(): number {
    let byte = this.u8();
    if (byte < 128) return byte;
    let value = byte & 127;
    let scale = 128;
    do {
      byte = this.u8();
      value += (byte & 127) * scale;
      scale *= 128;
      if (scale > 2 ** 63) throw new CodecError('number too long');
    } while (byte > 127);
    return value;
  }

  text(): string {
    const tag = this.uint();
    const length = Math.floor(tag / 2);
    const wide = tag % 2 === 1;
    const size = wide ? length * 2 : length;
    if (this.at + size > this.end) throw new CodecError('payload too short');
    const from = this.at;
    this.at += size;
    return wide
      ? wellFormed(this.bytes.toString('utf16le', from, this.at))
      : this.bytes.toString('latin1', from, this.at);
  }
}

/** The text with every half surrogate pair replaced by U+FFFD. */
export const wellFormed = (text: string): string => text.replace(/\p{Surrogate}/gu, '\ufffd');
