/**
 * A policy from the disk: the YAML file and the list files it names → a compiled policy and its snapshot, or all
 * problems with file, line, column and hint. Used by the store for the running proxy and by the command line alone.
 *
 * A list file that must be signed counts only with its signature (policy/minisign): without a good one the policy is
 * refused, so the version in force stays. A list file that did not change since the last load is not read again. Lists of more than 500 patterns go into files
 * of their own in `cacheDir` (policy/set-file) for the workers; without a cacheDir there is no snapshot of them.
 */
import { createReadStream } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { setImmediate as breathe } from 'node:timers/promises';
import { compilePolicy, listFromBuffer, listFromPatterns } from './compile.ts';
import type { CompiledList, CompiledPolicy, ListSnapshot, PolicySnapshot } from './compile.ts';
import { readListText } from './list-text.ts';
import { parsePolicy } from './parse.ts';
import type { Positions, Problem } from './parse.ts';
import { patternText } from './pattern.ts';
import type { ListSource, PolicyDocument, SignedBy } from './rule.ts';
import { copyName } from './list-copies.ts';
import { writeSetFile } from './set-file.ts';
import { openSignature } from './signed-file.ts';

export interface FileProblem extends Problem {
  file: string;
}

export interface LoadedPolicy {
  ok: true;
  /** The document as written. */
  text: string;
  document: PolicyDocument;
  positions: Positions;
  compiled: CompiledPolicy;
  /** Null when lists were too long to travel inline and no cacheDir was given. */
  snapshot: PolicySnapshot | null;
  /** The policy file and every list file, absolute. */
  files: string[];
  /** Where lists were read from, by name; inline ones are not among them. */
  listFiles: Record<string, ListFile>;
}

/** A file that a list was read from. */
export interface ListFile {
  path: string;
  /** Its `fileSignature` when it was read: while that stays, the file holds what was loaded. */
  seen: string;
  /** The signature that it was checked with, absolute; null when none was asked for. */
  signature: string | null;
}

export interface RefusedPolicy {
  ok: false;
  problems: FileProblem[];
  /** Files that were looked at, so that a watcher knows what a repair may touch. */
  files: string[];
}

/** Lists already compiled, by file and flag; bounded by the lists of the last policy loaded with it. */
export type ListCache = Map<string, LoadedList>;

/** Sets up to this size travel inside the snapshot. */
const INLINE_MAX = 500;

export interface LoadOptions {
  cacheDir?: string;
  cache?: ListCache;
  /**
   * Folder of the copies of lists that are fetched or learned (policy/sources). Without one such lists count as empty:
   * the document can be checked where it does not run.
   */
  copies?: string;
  /** A list without a copy counts as empty instead of being a problem: for trying out what is not in force. */
  emptyWithoutCopy?: boolean;
  /** Files to read in place of others, by absolute path: for contents that are not in their places yet. */
  instead?: ReadonlyMap<string, string>;
}

/** Load a policy. Rejects never for what the files hold; only when the cacheDir cannot be written. */
export async function loadPolicyFile(
  file: string,
  options: LoadOptions = {},
): Promise<LoadedPolicy | RefusedPolicy> {
  const path = resolve(file);
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (e) {
    return { ok: false, problems: [unreadable(path, 0, e)], files: [path] };
  }
  const parsed = parsePolicy(text);
  if (!parsed.ok)
    return { ok: false, problems: parsed.problems.map(p => ({ ...p, file: path })), files: [path] };
  const { document, positions } = parsed;
  const files = [path];
  const problems: FileProblem[] = [];
  const lists = new Map<string, CompiledList>();
  const snapshots: Record<string, ListSnapshot> = {};
  const used: ListCache = new Map();
  const listFiles: Record<string, ListFile> = {};
  for (const [name, source] of Object.entries(document.lists)) {
    const listFile = listFileOf(source, path, options.copies);
    if (listFile !== null) files.push(listFile);
    const signed = signedFile(source, path);
    if (signed !== null) files.push(signed.path);
    const result = await loadList(
      { source, file: listFile, signed },
      positions.lists[name] ?? 0,
      path,
      options,
    );
    if ('problems' in result) {
      problems.push(...result.problems);
      continue;
    }
    if (listFile !== null) {
      used.set(cacheKey(source, listFile), result);
      const [seen = ''] = result.signature.split(' ', 1);
      listFiles[name] = { path: listFile, seen, signature: signed?.path ?? null };
    }
    lists.set(name, result.list);
    if (result.snapshot !== null) snapshots[name] = result.snapshot;
  }
  if (problems.length > 0) return { ok: false, problems, files };
  if (options.cache !== undefined) {
    options.cache.clear();
    for (const [key, value] of used) options.cache.set(key, value);
  }
  const compiled = compilePolicy(document, lists);
  const complete = Object.keys(snapshots).length === lists.size;
  const snapshot = complete ? { version: compiled.version, document, lists: snapshots } : null;
  return { ok: true, text, document, positions, compiled, snapshot, files, listFiles };
}

/** The file that holds a list; null for what stands in the document, and for copies that nobody keeps here. */
function listFileOf(source: ListSource, policyFile: string, copies: string | undefined): string | null {
  if (source.kind === 'file') return resolve(dirname(policyFile), source.file);
  if (source.kind === 'inline' || copies === undefined) return null;
  return join(copies, copyName(source));
}

/** Where the signature of a list file lies; null when none is asked for. Copies were checked when they came. */
function signedFile(source: ListSource, policyFile: string): { path: string; by: SignedBy } | null {
  if (source.kind !== 'file' || source.signed === undefined) return null;
  const { at } = source.signed;
  return { path: resolve(dirname(policyFile), at ?? `${source.file}.minisig`), by: source.signed };
}

interface LoadedList {
  /** What changes with anything that decides what is loaded; the file's own comes first, up to a space. */
  signature: string;
  list: CompiledList;
  snapshot: ListSnapshot | null;
}

interface ListPlace {
  source: ListSource;
  file: string | null;
  signed: ReturnType<typeof signedFile>;
}

async function loadList(
  { source, file, signed }: ListPlace,
  line: number,
  policyFile: string,
  options: LoadOptions,
): Promise<LoadedList | { problems: FileProblem[] }> {
  if (source.kind === 'inline' || file === null)
    return finish(listFromPatterns(source.kind === 'inline' ? source.domains : []), null, '', undefined);
  const from = (path: string): string => options.instead?.get(path) ?? path;
  let signature = await fileSignature(from(file));
  if (signed !== null) signature += ` ${await fileSignature(from(signed.path))} ${signed.by.keys.join(' ')}`;
  const optional = source.kind === 'learned' || (source.kind === 'url' && options.emptyWithoutCopy === true);
  if (signature === MISSING && optional) return finish(listFromPatterns([]), null, signature, undefined);
  const known = options.cache?.get(cacheKey(source, file));
  if (known?.signature === signature && !signature.includes(MISSING)) return known;
  try {
    const chunks = createReadStream(from(file), { highWaterMark: 1 << 18 }) as AsyncIterable<Buffer>;
    const check = signed === null ? null : await openSignature(from(signed.path), signed.by.keys);
    if (typeof check === 'string') return { problems: [untrusted(policyFile, line, file, check)] };
    const read = await readListText(check === null ? chunks : check.through(chunks), {
      allowPublicSuffix: source.allowPublicSuffix,
      breathe: () => breathe(),
    });
    // Reading ends early at what is no list at all; the signature could not fit then.
    if (read.problems.length > 0) return { problems: read.problems.map(p => ({ ...p, file })) };
    const refused = check?.refused() ?? null;
    if (refused !== null) return { problems: [untrusted(policyFile, line, file, refused)] };
    return await finish(listFromBuffer(read.buffer), read.buffer, signature, options.cacheDir);
  } catch (e) {
    const fetched = source.kind === 'url';
    return {
      problems: [
        {
          ...unreadable(file, 0, e),
          file: policyFile,
          line,
          column: 1,
          message: fetched ? `there is no copy of ${source.url} yet` : `list file ${file}: ${cause(e)}`,
          ...(fetched ? { hint: 'The service fetches it; `sightglass lists fetch` does so now.' } : {}),
        },
      ],
    };
  }
}

function untrusted(policyFile: string, line: number, file: string, why: string): FileProblem {
  return {
    file: policyFile,
    line,
    column: 1,
    message: `list file ${file} is not trusted: ${why}`,
    hint: 'Sign it again (minisign -S), or mend `signed-by`; until then the version in force stays.',
  };
}

async function finish(
  list: CompiledList,
  buffer: Buffer | null,
  signature: string,
  cacheDir: string | undefined,
): Promise<LoadedList> {
  const { set, digest } = list;
  if (set.size <= INLINE_MAX || buffer === null) {
    const patterns = [...set.patterns()].map(patternText);
    return { signature, list, snapshot: { kind: 'inline', patterns, digest } };
  }
  if (cacheDir === undefined) return { signature, list, snapshot: null };
  const path = await writeSetFile(cacheDir, buffer, digest);
  return { signature, list, snapshot: { kind: 'file', path, digest, size: set.size } };
}

function cacheKey(source: ListSource, file: string): string {
  return `${source.allowPublicSuffix ? '+' : '-'}${file}`;
}

export const MISSING = 'missing';

/** Something that changes whenever the file does: identity, size and time of change. */
export async function fileSignature(file: string): Promise<string> {
  try {
    const s = await stat(file, { bigint: true });
    return `${s.dev}:${s.ino}:${s.size}:${s.mtimeNs}`;
  } catch {
    return MISSING;
  }
}

function unreadable(file: string, line: number, e: unknown): FileProblem {
  return {
    file,
    line,
    column: 0,
    message: `cannot be read: ${cause(e)}`,
    hint: 'Check the path and that the account of the proxy may read it.',
  };
}

function cause(e: unknown): string {
  const code = (e as NodeJS.ErrnoException).code;
  switch (code) {
    case 'ENOENT':
      return 'there is no such file';
    case 'EACCES':
      return 'permission denied';
    case 'EISDIR':
      return 'it is a folder';
    default:
      return e instanceof Error ? e.message : String(e);
  }
}

/** One line per problem, as compilers write them. */
export function problemText(p: FileProblem): string {
  const place = p.line > 0 ? `${p.file}:${p.line}:${p.column}` : p.file;
  return `${place}: ${p.message}${p.hint === '' ? '' : `\n    ${p.hint}`}`;
}
