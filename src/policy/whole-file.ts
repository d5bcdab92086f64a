/**
 * Files that are written whole or not at all: a draft lies beside the target, is on the disk when it is done, and takes the
 * target's place by one rename, so that readers see the old file or the new one. What stands there already hands its mode
 * and owner on. Two writers of one file do not meet: the last rename counts.
 */
import { randomBytes } from 'node:crypto';
import { chmod, chown, open, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

/** Characters gathered before a write. */
const CHUNK = 1 << 18;

/** A name for a draft of `target`, in its folder and hidden there. */
export function draftBeside(target: string): string {
  return join(dirname(target), `.${basename(target)}.${randomBytes(6).toString('hex')}.draft`);
}

/**
 * Write a draft of `target` and tell its path; who asked renames or removes it. `mode` counts where nothing stands yet.
 * Rejects when the disk or `pieces` do, and leaves nothing then.
 */
export async function writeDraft(target: string, pieces: Iterable<string>, mode = 0o600): Promise<string> {
  const draft = draftBeside(target);
  const old = await stat(target).catch(() => null);
  const handle = await open(draft, 'wx', mode);
  try {
    try {
      let held = '';
      for (const piece of pieces) {
        held += piece;
        if (held.length < CHUNK) continue;
        await handle.writeFile(held);
        held = '';
      }
      await handle.writeFile(held);
      await handle.sync();
    } finally {
      await handle.close();
    }
    if (old !== null) {
      await chmod(draft, old.mode & 0o777);
      // Only root may give a file away; for everybody else it stays the writer's own.
      await chown(draft, old.uid, old.gid).catch(() => undefined);
    }
  } catch (e) {
    await rm(draft, { force: true });
    throw e;
  }
  return draft;
}

/** Put `pieces` in place of `target`, or where nothing stands yet. Rejects as `writeDraft` does; the old file stays then. */
export async function replaceWhole(target: string, pieces: Iterable<string>, mode?: number): Promise<void> {
  const draft = await writeDraft(target, pieces, mode);
  try {
    await rename(draft, target);
  } catch (e) {
    await rm(draft, { force: true });
    throw e;
  }
}
