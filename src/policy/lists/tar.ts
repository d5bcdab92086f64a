/**
 * Just enough of tar (POSIX.1-1988 ustar, GNU long names, pax paths) to walk the regular files of an archive as a stream.
 * Nothing is ever written to disk, so paths that climb out of the archive are only names.
 *
 * Bounds: 100,000 members, names of 4 KiB. A damaged header is an error; whatever came before it has been handed out.
 */
const BLOCK = 512;
const MAX_MEMBERS = 100_000;
const MAX_NAME = 4096;

/** Whether these first bytes begin a tar archive. */
export function isTar(bytes: Buffer): boolean {
  return bytes.length >= BLOCK && bytes.toString('latin1', 257, 262) === 'ustar' && checksumHolds(bytes);
}

/** The regular files of an archive in order. The chunks of one must be read or dropped before the next is asked for. */
export async function* readTar(
  chunks: AsyncIterable<Buffer>,
): AsyncGenerator<{ path: string; chunks: AsyncIterable<Buffer> }> {
  const input = new Pieces(chunks);
  let longName: string | null = null;
  try {
    for (let members = 0; ; members++) {
      if (members > MAX_MEMBERS) throw new Error(`the archive has more than ${MAX_MEMBERS} members`);
      const header = await input.exactly(BLOCK);
      if (header === null || header.every(b => b === 0)) return;
      if (!checksumHolds(header)) throw new Error('the archive is damaged: a header has a wrong checksum');
      const size = number(header.subarray(124, 136));
      const padded = Math.ceil(size / BLOCK) * BLOCK;
      const type = String.fromCharCode(header[156] ?? 0);
      if (type === 'L' || type === 'x') {
        if (padded > MAX_NAME * 2) throw new Error('the archive has a name longer than 4 KiB');
        const data = (await input.exactly(padded))?.toString('utf8', 0, size) ?? '';
        if (type === 'L') longName = data.replace(/\0.*$/s, '');
        else longName = /(?:^|\n)\d+ path=([^\n]*)\n/.exec(data)?.[1] ?? longName;
        continue;
      }
      const path = longName ?? nameOf(header);
      longName = null;
      const content = input.take(size, padded);
      if (type === '0' || type === '\0') yield { path, chunks: content };
      // Whatever the consumer left is skipped.
      for await (const _ of content) continue;
    }
  } finally {
    await input.close();
  }
}

function nameOf(header: Buffer): string {
  const field = (from: number, to: number): string => {
    const bytes = header.subarray(from, to);
    const end = bytes.indexOf(0);
    return bytes.toString('utf8', 0, end < 0 ? bytes.length : end);
  };
  const prefix = header.toString('latin1', 257, 263) === 'ustar\0' ? field(345, 500) : '';
  return prefix === '' ? field(0, 100) : `${prefix}/${field(0, 100)}`;
}

/** Octal digits, or GNU's base-256 form marked by the top bit. */
function number(field: Buffer): number {
  if (((field[0] ?? 0) & 0x80) !== 0) {
    let value = (field[0] ?? 0) & 0x7f;
    for (const b of field.subarray(1)) value = value * 256 + b;
    if (!Number.isSafeInteger(value)) throw new Error('the archive is damaged: impossible size');
    return value;
  }
  const text = field
    .toString('latin1')
    .replace(/[\0 ]+$/, '')
    .trim();
  if (!/^[0-7]*$/.test(text)) throw new Error('the archive is damaged: impossible size');
  return text === '' ? 0 : parseInt(text, 8);
}

/** Sum of all bytes with the checksum field itself taken as spaces. */
function checksumHolds(header: Buffer): boolean {
  let sum = 0;
  for (let i = 0; i < BLOCK; i++) sum += i >= 148 && i < 156 ? 32 : (header[i] ?? 0);
  return sum === parseInt(header.toString('latin1', 148, 156).replace(/[\0 ]/g, ''), 8);
}

/** A byte stream that can be asked for exact amounts. */
class Pieces {
  readonly #iterator: AsyncIterator<Buffer>;
  #rest: Buffer = Buffer.alloc(0);

  constructor(chunks: AsyncIterable<Buffer>) {
    this.#iterator = chunks[Symbol.asyncIterator]();
  }

  async close(): Promise<void> {
    await this.#iterator.return?.();
  }

  /** Up to `most` bytes; null at the end. */
  async #some(most: number): Promise<Buffer | null> {
    while (this.#rest.length === 0) {
      const next = await this.#iterator.next();
      if (next.done === true) return null;
      this.#rest = next.value;
    }
    const piece = this.#rest.subarray(0, most);
    this.#rest = this.#rest.subarray(piece.length);
    return piece;
  }

  /** Exactly `length` bytes; null when the stream ended before the first, an error when it ended in between. */
  async exactly(length: number): Promise<Buffer | null> {
    const parts: Buffer[] = [];
    let have = 0;
    while (have < length) {
      const piece = await this.#some(length - have);
      if (piece === null) {
        if (have === 0) return null;
        throw new Error('the archive is cut short');
      }
      parts.push(piece);
      have += piece.length;
    }
    return Buffer.concat(parts);
  }

  /** The next `size` bytes as a stream of its own, with the padding after it; going on after a break is allowed. */
  take(size: number, padded: number): AsyncIterable<Buffer> {
    let at = 0;
    const next = async (): Promise<IteratorResult<Buffer>> => {
      while (at < padded) {
        const piece = await this.#some(Math.min(padded, at < size ? size : padded) - at);
        if (piece === null) throw new Error('the archive is cut short');
        const isContent = at < size;
        at += piece.length;
        if (isContent) return { done: false, value: piece };
      }
      return { done: true, value: undefined };
    };
    return { [Symbol.asyncIterator]: () => ({ next }) };
  }
}
