/**
 * The signature file beside a list file: opened first, then the bytes of the list go through it on their way to the reader, so
 * what was checked is what was read, whatever happens to the file meanwhile.
 *
 * Bounds: `SIGNATURE_MAX` for the signature. A legacy signature is over the file itself, so the list is held in memory
 * until its end; the prehashed kind, which minisign writes today, holds nothing.
 */
import { open } from 'node:fs/promises';
import { parseSignature, parseSigningKey, refuseSignature, SIGNATURE_MAX, SignedBytes } from './minisign.ts';
import type { ListSignature, SigningKey } from './minisign.ts';

/** The check of a list with the signature at `path` by one of these public keys; in words why there can be none. */
export async function openSignature(
  path: string,
  publicKeys: readonly string[],
): Promise<SignatureCheck | string> {
  let bytes: Buffer;
  try {
    bytes = await readHead(path, SIGNATURE_MAX + 1);
  } catch (e) {
    const { code, message } = e as NodeJS.ErrnoException;
    return code === 'ENOENT'
      ? `there is no signature at ${path}`
      : `its signature cannot be read: ${message}`;
  }
  const signature = parseSignature(bytes);
  if ('error' in signature) return `the signature at ${path} cannot be used: ${signature.error}`;
  return new SignatureCheck(
    signature,
    publicKeys.map(parseSigningKey).filter((k): k is SigningKey => k !== null),
  );
}

export class SignatureCheck {
  readonly #signature: ListSignature;
  readonly #keys: readonly SigningKey[];
  readonly #bytes: SignedBytes;

  constructor(signature: ListSignature, keys: readonly SigningKey[]) {
    this.#signature = signature;
    this.#keys = keys;
    this.#bytes = new SignedBytes(signature);
  }

  /** The chunks as they are, looked at. */
  async *through(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    for await (const chunk of chunks) {
      this.#bytes.add(chunk);
      yield chunk;
    }
  }

  /** Why the signature does not count, or null when it does. Once, when all chunks went through. */
  refused(): string | null {
    const why = refuseSignature(this.#signature, this.#keys, this.#bytes.end());
    return why === null ? null : `its signature does not count: ${why}`;
  }
}

async function readHead(path: string, max: number): Promise<Buffer> {
  const handle = await open(path, 'r');
  try {
    const buffer = Buffer.alloc(max);
    let length = 0;
    while (length < max) {
      const { bytesRead } = await handle.read(buffer, length, max - length, length);
      if (bytesRead === 0) break;
      length += bytesRead;
    }
    return buffer.subarray(0, length);
  } finally {
    await handle.close();
  }
}
