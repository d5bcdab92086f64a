/**
 * Compiled lists as files: the control process writes them, workers read them. The name of a file is the digest of its
 * contents, so a file never changes, a half-written one is never used, and a damaged one is noticed.
 *
 * Reading goes in pieces of 1 MiB into one buffer, hashed as they come: no piece holds the event loop longer than a
 * few milliseconds, whatever the size of the list.
 */
import { createHash, randomBytes } from 'node:crypto';
import { mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';

const PIECE = 1 << 20;
const SUFFIX = '.set';

/** Write a set unless it is there already; resolves to its path. */
export async function writeSetFile(dir: string, buffer: Buffer, digest: string): Promise<string> {
  const path = join(dir, digest + SUFFIX);
  const known = await stat(path).catch(() => null);
  if (known?.size === buffer.length) return path;
  await mkdir(dir, { recursive: true, mode: 0o700 });
  const draft = join(dir, `${digest}.${randomBytes(6).toString('hex')}.draft`);
  const handle = await open(draft, 'wx', 0o600);
  try {
    await handle.writeFile(buffer);
  } finally {
    await handle.close();
  }
  await rename(draft, path);
  return path;
}

/** Read a set and check it against its digest. Rejects with Error when it is missing or damaged. */
export async function readSetFile(path: string, digest: string): Promise<Buffer> {
  const handle = await open(path, 'r');
  try {
    const { size } = await handle.stat();
    const buffer = Buffer.allocUnsafeSlow(size);
    const hash = createHash('sha256');
    for (let at = 0; at < size;) {
      const { bytesRead } = await handle.read(buffer, at, Math.min(PIECE, size - at), at);
      if (bytesRead === 0) throw new Error(`${path} became shorter while it was read`);
      hash.update(buffer.subarray(at, at + bytesRead));
      at += bytesRead;
    }
    if (hash.digest('hex').slice(0, digest.length) !== digest)
      throw new Error(`${path} is damaged: wrong digest`);
    return buffer;
  } finally {
    await handle.close();
  }
}

/** Remove sets that none of `keep` names, and drafts that a dead process left behind. Failures are of no consequence. */
export async function pruneSetFiles(dir: string, keep: ReadonlySet<string>): Promise<void> {
  const names = await readdir(dir).catch(() => []);
  for (const name of names) {
    const isSet = name.endsWith(SUFFIX) && !keep.has(name.slice(0, -SUFFIX.length));
    if (isSet || name.endsWith('.draft')) await rm(join(dir, name), { force: true }).catch(() => undefined);
  }
}
