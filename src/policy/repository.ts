/**
 * Whether the policy is kept in git: then its repository decides what stands in it, and the console proposes a patch instead of
 * writing. Found as git itself finds it, without needing git: a `.git` at the file's folder or above, up to the edge of the
 * file system; a folder with a HEAD, or, in a worktree or submodule, a file that says where the folder is. Symbolic links are
 * followed first, since what they point at would be written.
 *
 * It does not know whether the file is tracked or ignored; a checkout that came without its `.git`, or a repository that
 * has nothing to do with the policy, is what the setting `policy.git` is for.
 */
import { open, stat } from 'node:fs/promises';
import { basename, dirname, join, relative, sep } from 'node:path';
import { realpathOf } from './versions-file.ts';

/** What the setting says: look, or take it as said. */
export type GitSetting = 'auto' | 'yes' | 'no';

export interface KeptInGit {
  /** Folder of the repository; null when it is only said to be one. */
  root: string | null;
  /** Path of the policy as patches name it, with slashes: relative to the repository. */
  path: string;
}

/** How the policy file is kept in git; null when it is not. */
export async function keptInGit(policyFile: string, setting: GitSetting): Promise<KeptInGit | null> {
  if (setting === 'no') return null;
  const file = await realpathOf(policyFile);
  const root = await rootOf(dirname(file));
  if (root !== null) return { root, path: relative(root, file).split(sep).join('/') };
  return setting === 'yes' ? { root: null, path: basename(file) } : null;
}

async function rootOf(folder: string): Promise<string | null> {
  const device = await deviceOf(folder);
  for (let dir = folder; ; dir = dirname(dir)) {
    if ((await deviceOf(dir)) !== device) return null;
    if (await isGit(join(dir, '.git'))) return dir;
    if (dirname(dir) === dir) return null;
  }
}

async function deviceOf(dir: string): Promise<number | null> {
  return stat(dir).then(
    s => s.dev,
    () => null,
  );
}

async function isGit(path: string): Promise<boolean> {
  const found = await stat(path).catch(() => null);
  if (found?.isDirectory() === true)
    return stat(join(path, 'HEAD')).then(
      head => head.isFile(),
      () => false,
    );
  return found?.isFile() === true && (await headOf(path)).startsWith(GITDIR);
}

const GITDIR = 'gitdir: ';

async function headOf(path: string): Promise<string> {
  const handle = await open(path, 'r').catch(() => null);
  if (handle === null) return '';
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(GITDIR.length), 0, GITDIR.length, 0);
    return buffer.toString('latin1', 0, bytesRead);
  } catch {
    return '';
  } finally {
    await handle.close();
  }
}
