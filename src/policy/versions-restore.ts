/**
 * Going back to a version: its document and the contents its lists had come back together, so what is decided afterwards is
 * what was decided then. List files get their text back as their author wrote it, with the signature that lay beside
 * it; a fetched or learned list gets the copy it had and is *held* there: its publisher does not undo the rollback an hour
 * later, until somebody has it fetched (`lists fetch`, the console). How long that lasts shows with the list, and its age
 * raises the same alarm as ever.
 *
 * Everything is unpacked, checked and compiled beside its place first; what is not good or not whole puts nothing in
 * place. Then files are renamed, lists before the document, within milliseconds: the service waits for files to lie still
 * and takes them up as one version. What a crash between two renames leaves is a list of another version, told as such.
 * Contents that are not kept any more (policy/versions-lists) stay as they are now and are named.
 */
import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { chmod, mkdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { loadPolicyFile } from './load.ts';
import type { RefusedPolicy } from './load.ts';
import { parsePolicy } from './parse.ts';
import type { LearnedSource, ListSource, UrlSource } from './rule.ts';
import { copyName, holdCopy } from './list-copies.ts';
import type { KeptText } from './versions-diff.ts';
import { realpathOf, renamed } from './versions-file.ts';
import type { Replaced } from './versions-file.ts';
import { VersionError } from './versions.ts';
import type { PolicyVersion, PolicyVersions, VersionNote } from './versions.ts';
import { draftBeside, writeDraft } from './whole-file.ts';

export interface Restored extends Replaced {
  /** Lists whose contents were put back. */
  restored: string[];
  /** Those of them that are fetched or learned, and now wait for somebody to let them go on. */
  held: string[];
  /** Lists that hold something else than then. */
  otherLists: string[];
}

/** Where a policy lives: its file, the folder of copies, its versions. */
export interface RestorePlace {
  policyFile: string;
  copies: string;
  versions: PolicyVersions;
}

/** Contents that lie ready beside their place. */
interface Staged {
  list: string;
  source: ListSource;
  target: string;
  draft: string;
}

/**
 * Put a version back. `lists` false brings back the document alone. Resolves to the problems when it cannot be used, and
 * rejects with VersionError when contents are damaged, with Error when the disk refuses; then nothing was put in place.
 */
export async function restoreVersion(
  place: RestorePlace,
  wanted: PolicyVersion,
  note: VersionNote,
  options: { lists: boolean; now: number },
): Promise<Restored | RefusedPolicy> {
  const target = await realpathOf(place.policyFile);
  const staged: Staged[] = [];
  const draft = await writeDraft(target, [wanted.text]);
  try {
    if (options.lists) await stage(place, wanted, target, staged);
    const loaded = renamed(
      await loadPolicyFile(draft, {
        copies: place.copies,
        emptyWithoutCopy: true,
        instead: new Map(staged.map(s => [s.target, s.draft])),
      }),
      draft,
      target,
    );
    if (!loaded.ok) return loaded;
    const otherLists = Object.entries(wanted.lists)
      .filter(([name, l]) => loaded.compiled.lists.get(name)?.digest !== l.digest)
      .map(([name]) => name);
    const same = (await readFile(target, 'utf8').catch(() => null)) === wanted.text;
    const restored = [...new Set(staged.map(s => s.list))];
    const written = !same || staged.length > 0;
    if (written) await place.versions.announce(wanted.text, note);
    const held: string[] = [];
    for (const { list, source, target: path, draft: from } of staged) {
      if (!isCopy(source)) {
        await rename(from, path);
        continue;
      }
      // Held before it is there: a refresh that ends just now must not take it away again.
      const { size = 0 } = wanted.lists[list] ?? {};
      await holdCopy(place.copies, source, { n: wanted.n, since: new Date(options.now).toISOString() }, size);
      await rename(from, path);
      held.push(list);
    }
    if (!same) await rename(draft, target);
    return { ok: true, loaded, written, restored, held, otherLists };
  } finally {
    for (const path of [draft, ...staged.map(s => s.draft)]) await rm(path, { force: true });
  }
}

/** Unpack what differs from what lies there now. */
async function stage(
  { copies, versions }: RestorePlace,
  wanted: PolicyVersion,
  policyFile: string,
  staged: Staged[],
): Promise<void> {
  const parsed = parsePolicy(wanted.text);
  // What cannot be parsed has its problems told by the load that follows.
  if (!parsed.ok) return;
  for (const [list, source] of Object.entries(parsed.document.lists)) {
    const kept = Object.hasOwn(wanted.lists, list) ? wanted.lists[list]?.kept : undefined;
    if (source.kind === 'inline' || kept === undefined) continue;
    const beside = (path: string): string => resolve(dirname(policyFile), path);
    const target =
      source.kind === 'file' ? await realpathOf(beside(source.file)) : join(copies, copyName(source));
    if ((await digestOf(target)) !== kept.sha256 && (await versions.kept.has(kept.sha256))) {
      const entry = { list, source, target, draft: draftFor(target, source, versions.kept.dir) };
      staged.push(entry);
      await unpack(versions, kept, entry);
    }
    if (source.kind !== 'file' || source.signed === undefined || kept.signature === undefined) continue;
    const signature = await realpathOf(beside(source.signed.at ?? `${source.file}.minisig`));
    if ((await readFile(signature, 'utf8').catch(() => null)) === kept.signature) continue;
    const entry = { list, source, target: signature, draft: draftFor(signature, source, '') };
    staged.push(entry);
    await mkdir(dirname(signature), { recursive: true });
    await writeFile(entry.draft, kept.signature, { flag: 'wx', mode: 0o644 });
  }
}

async function unpack(
  versions: PolicyVersions,
  kept: KeptText,
  { list, target, draft, source }: Staged,
): Promise<void> {
  await mkdir(dirname(target), { recursive: true, ...(isCopy(source) ? { mode: 0o700 } : {}) });
  const mode = isCopy(source) ? 0o600 : 0o644;
  try {
    await pipeline(
      versions.kept.read(kept.sha256),
      createWriteStream(draft, { flags: 'wx', mode, flush: true }),
    );
  } catch (e) {
    throw new VersionError(
      `the contents of the list ${list} cannot be brought back: ${e instanceof Error ? e.message : String(e)}`,
      'Go back with the document alone, or choose another version.',
    );
  }
  const old = await stat(target).catch(() => null);
  if (old !== null) await chmod(draft, old.mode & 0o777);
}

/** Copies have their drafts elsewhere: whatever lies in their folder and belongs to no list is cleared away. */
function draftFor(target: string, source: ListSource, dir: string): string {
  return draftBeside(isCopy(source) ? join(dir, basename(target)) : target);
}

function isCopy(source: ListSource): source is UrlSource | LearnedSource {
  return source.kind === 'url' || source.kind === 'learned';
}

/** SHA-256 of a file, hex; null when there is none. */
async function digestOf(path: string): Promise<string | null> {
  const hash = createHash('sha256');
  try {
    for await (const chunk of createReadStream(path, { highWaterMark: 1 << 18 }) as AsyncIterable<Buffer>)
      hash.update(chunk);
    return hash.digest('hex');
  } catch {
    return null;
  }
}
