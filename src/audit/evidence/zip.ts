/**
 * An evidence bundle as one zip file, for whoever cannot carry a folder. Written as a stream: memory holds one piece of one
 * file. The zip's own comment is the SHA-256 of every byte before it, so that damage shows also where a zip has bytes that
 * nobody reads; the evidence itself is signed inside and needs no zip.
 *
 * A zip comes from outside when it is read: nothing is unpacked to disk, names are looked up and never followed, and one
 * that is larger than ZIP_MAX or says it holds more than UNPACKED_MAX is refused with the way out: unpack it, verify the folder.
 */
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { unzipSync, Zip, ZipDeflate } from 'fflate';

/** Bytes of a zip that is read. */
export const ZIP_MAX = 256 * 1024 * 1024;
/** Bytes of everything in it. */
export const UNPACKED_MAX = 768 * 1024 * 1024;
const PIECE = 64 * 1024;
const FOLDER = 'evidence/';
const UNIX = 3;
/** The earliest date a zip can hold (in local time, which is what zip files store): the manifest says when it was made. */
const DATE = new Date(1980, 0, 1);
const SEAL = 'sha256 ';
const SEAL_BYTES = SEAL.length + 64;

/** The pieces of the zip of a bundle's folder, in order. Throws when a file cannot be read. */
export function* zipFolder(dir: string): Generator<Uint8Array, void> {
  const hash = createHash('sha256');
  const ready: { data: Uint8Array; final: boolean }[] = [];
  const zip = new Zip((error, data, final) => {
    if (error !== null) throw error;
    ready.push({ data, final });
  });
  function* flush(): Generator<Uint8Array, void> {
    for (const { data, final } of ready.splice(0)) {
      // The last piece ends with the length of the comment, which is not written yet.
      if (final) new DataView(data.buffer, data.byteOffset).setUint16(data.length - 2, SEAL_BYTES, true);
      hash.update(data);
      yield data;
    }
  }
  for (const name of fs.readdirSync(dir).sort()) {
    const entry = new ZipDeflate(`${FOLDER}${name}`, { level: 6 });
    Object.assign(entry, { os: UNIX, attrs: 0o100600 << 16, mtime: DATE });
    zip.add(entry);
    const fd = fs.openSync(path.join(dir, name), 'r');
    try {
      for (;;) {
        const piece = Buffer.allocUnsafe(PIECE);
        const got = fs.readSync(fd, piece);
        entry.push(piece.subarray(0, got), got === 0);
        yield* flush();
        if (got === 0) break;
      }
    } finally {
      fs.closeSync(fd);
    }
  }
  zip.end();
  yield* flush();
  yield Buffer.from(`${SEAL}${hash.digest('hex')}`);
}

/**
 * Write the zip of a folder into a new file, with a turn for others after every piece. Rejects when the file is there
 * already, and with the reason of `signal` when that ends it; the file is then left half-written.
 */
export async function writeZip(dir: string, file: string, signal?: AbortSignal): Promise<void> {
  const fd = fs.openSync(file, 'wx', 0o600);
  try {
    for (const data of zipFolder(dir)) {
      signal?.throwIfAborted();
      for (let at = 0; at < data.length;) at += fs.writeSync(fd, data, at);
      await setImmediate();
    }
    fs.fsyncSync(fd);
  } finally {
    fs.closeSync(fd);
  }
}

export interface ReadZip {
  /** By name, without the folder; null when nothing can be taken out. */
  files: ReadonlyMap<string, Buffer> | null;
  /** What is wrong with the zip as such, in words. */
  problem: string | null;
}

/** What lies in a zip. Throws only when the file cannot be read. */
export function readZip(file: string): ReadZip {
  if (fs.statSync(file).size > ZIP_MAX) return { files: null, problem: TOO_LARGE };
  return filesOfZip(fs.readFileSync(file));
}

const TOO_LARGE = 'the zip is too large to be read as one; unpack it and verify the folder';

/** The same of bytes; `max` bounds what they may unpack to. */
export function filesOfZip(bytes: Buffer, max = UNPACKED_MAX): ReadZip {
  const files = new Map<string, Buffer>();
  let total = 0;
  try {
    const found = unzipSync(bytes, {
      filter: ({ originalSize }) => {
        total += originalSize;
        if (total > max) throw new RangeError(TOO_LARGE);
        return true;
      },
    });
    for (const [name, data] of Object.entries(found))
      files.set(
        name.slice(name.lastIndexOf('/') + 1),
        Buffer.from(data.buffer, data.byteOffset, data.byteLength),
      );
  } catch (error) {
    return {
      files: null,
      problem:
        error instanceof RangeError && error.message === TOO_LARGE ? TOO_LARGE : 'the zip cannot be read',
    };
  }
  const body = bytes.subarray(0, -SEAL_BYTES);
  const seal = bytes.subarray(-SEAL_BYTES).toString('latin1');
  const whole = seal === `${SEAL}${createHash('sha256').update(body).digest('hex')}`;
  return {
    files,
    problem: whole
      ? null
      : 'the zip is not the one that was exported, whatever is in it; one that was packed anew is verified as a folder',
  };
}
