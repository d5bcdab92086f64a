/**
 * Writing the policy file: a candidate is put beside it, checked where its lists lie, announced to the versions and then
 * renamed over the old one, so the proxy reads the old policy or the new one and never half of either. What cannot be
 * used is never put in place.
 */
import { readFile, realpath, rename, rm } from 'node:fs/promises';
import { resolve } from 'node:path';
import { loadPolicyFile } from './load.ts';
import type { LoadedPolicy, RefusedPolicy } from './load.ts';
import type { PolicyVersions, VersionNote } from './versions.ts';
import { writeDraft } from './whole-file.ts';

/** The policy file as it is now and what was put in its place. */
export interface Replaced {
  ok: true;
  loaded: LoadedPolicy;
  /** False when the file had this very text already; nothing was written then. */
  written: boolean;
}

/**
 * Load a candidate text as if it stood in the policy file: lists are found relative to it, and fetched and learned ones
 * in the folder of `copies` (those without a copy count as empty). Problems name the policy file. Nothing is left
 * behind. Rejects when its folder cannot be written.
 */
export async function loadCandidate(
  policyFile: string,
  text: string,
  copies?: string,
): Promise<LoadedPolicy | RefusedPolicy> {
  const target = await realpathOf(policyFile);
  const draft = await writeDraft(target, [text]);
  const options = copies === undefined ? {} : { copies, emptyWithoutCopy: true };
  try {
    return renamed(await loadPolicyFile(draft, options), draft, target);
  } finally {
    await rm(draft, { force: true });
  }
}

/** Check a text and put it in place of the policy file, mode and owner kept. Rejects when the disk refuses. */
export async function replacePolicy(
  policyFile: string,
  text: string,
  versions: PolicyVersions,
  note: VersionNote,
): Promise<Replaced | RefusedPolicy> {
  const target = await realpathOf(policyFile);
  const draft = await writeDraft(target, [text]);
  try {
    const loaded = renamed(await loadPolicyFile(draft), draft, target);
    if (!loaded.ok) return loaded;
    const now = await readFile(target, 'utf8').catch(() => null);
    if (now === text) return { ok: true, loaded, written: false };
    await versions.announce(text, note);
    await rename(draft, target);
    return { ok: true, loaded, written: true };
  } finally {
    await rm(draft, { force: true });
  }
}

/** A symbolic link is kept; what it points at is written. */
export async function realpathOf(file: string): Promise<string> {
  return realpath(file).catch(() => resolve(file));
}

/** What was loaded of a draft, told of the file it stands for. */
export function renamed<T extends LoadedPolicy | RefusedPolicy>(result: T, draft: string, target: string): T {
  const files = result.files.map(f => (f === draft ? target : f));
  if (result.ok) return { ...result, files };
  const problems = result.problems.map(p => (p.file === draft ? { ...p, file: target } : p));
  return { ...result, files, problems };
}
