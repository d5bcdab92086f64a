/**
 * The policy that comes with the program: found beside the program's own files, copied into the data folder on first
 * start. Never overwrites anything.
 */
import { constants } from 'node:fs';
import { access, copyFile, mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Files of the shipped policy, relative to its folder. */
const FILES = ['policy.yaml', 'lists/pinned.txt'];

/** Folder of the shipped examples: beside src in a checkout, above dist in an installed package. */
export async function shippedFolder(): Promise<string> {
  let dir = dirname(fileURLToPath(import.meta.url));
  for (let up = 0; up < 6; up++) {
    const candidate = join(dir, 'examples');
    const found = await access(join(candidate, 'policy.yaml')).then(
      () => true,
      () => false,
    );
    if (found) return candidate;
    dir = dirname(dir);
  }
  throw new Error('the shipped example policy is missing; the installation is incomplete');
}

/** Put the shipped policy at `file` with its lists beside it, when there is no file yet. True when it was written. */
export async function writeShippedPolicy(file: string): Promise<boolean> {
  const exists = await access(file).then(
    () => true,
    () => false,
  );
  if (exists) return false;
  const from = await shippedFolder();
  const target = dirname(file);
  for (const name of [...FILES].reverse()) {
    const to = name === 'policy.yaml' ? file : join(target, name);
    await mkdir(dirname(to), { recursive: true });
    await copyFile(join(from, name), to, constants.COPYFILE_EXCL).catch((e: NodeJS.ErrnoException) => {
      if (e.code !== 'EEXIST') throw e;
    });
  }
  return true;
}
