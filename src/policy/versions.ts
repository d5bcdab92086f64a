/**
 * The versions of the policy: every one that was applied, with its document, the digests of its lists, who changed it
 * and why. One file each in `<data-dir>/policy/versions/`, numbered from 1, made whole or not at all and never written
 * again; the text carries its own SHA-256, so a file that was tampered with is noticed when it is read.
 *
 * The policy file stays the source of truth: a version is recorded when the file came into force, never the other way
 * round. Whoever writes the file through this program (a rollback, the console) leaves a note of author and comment
 * before, which the version takes up when it appears; an edit by hand has neither.
 *
 * The texts of lists lie beside them (policy/versions-lists, with bounds of its own), so that a rollback brings back what was
 * in force and not only the document (policy/versions-restore). A version whose lists cannot be kept is recorded all the
 * same, with their digests.
 *
 * Bounds: `MAX_VERSIONS` files and `MAX_BYTES`; beyond either the oldest go, the newest always stays.
 */
import { createHash } from 'node:crypto';
import { link, mkdir, readFile, readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { CompiledPolicy } from './compile.ts';
import type { DomainSet } from './domain-set.ts';
import type { ListFile } from './load.ts';
import { parsePolicy } from './parse.ts';
import { policyChanges } from './versions-diff.ts';
import type { ListContents } from './versions-diff.ts';
import { KeptLists, listDeltas } from './versions-lists.ts';
import type { ListSide } from './versions-lists.ts';
import { replaceWhole, writeDraft } from './whole-file.ts';

export type { ListContents } from './versions-diff.ts';

/** How a version came about. */
export type VersionOrigin = 'first' | 'file' | 'rollback' | 'apply' | 'console';

export interface PolicyVersion {
  /** From 1, one more with every version. */
  n: number;
  /** Version of the compiled policy as it stands in records: 12 hex digits. The same one may come back. */
  version: string;
  /** When it came into force, ISO 8601. */
  time: string;
  origin: VersionOrigin;
  /** Null when the file was edited by hand. */
  author: string | null;
  comment: string | null;
  previous: { n: number; version: string } | null;
  /** Contents of each list by name. */
  lists: Record<string, ListContents>;
  /** What changed against the previous version, in words. */
  changes: string[];
  /** SHA-256 of `text`, hex. */
  sha256: string;
  /** The document as written. */
  text: string;
}

/** A version without its text, for lists. */
export type VersionHead = Omit<PolicyVersion, 'text'>;

/** Who changed the policy and why; waits beside the versions until the change is in force. */
export interface VersionNote {
  origin: VersionOrigin;
  author: string;
  comment: string | null;
}

/** A version cannot be read or found. */
export class VersionError extends Error {
  override readonly name = 'VersionError';
  readonly hint: string;
  constructor(message: string, hint: string) {
    super(message);
    this.hint = hint;
  }
}

const MAX_VERSIONS = 10_000;
const MAX_BYTES = 256 * 1024 * 1024;
const FILE = /^(\d{6,9})-([0-9a-f]{12})\.json$/;
const NOTE = 'note.json';

/** Where the versions of a data directory lie. */
export const versionsDir = (dataDir: string): string => join(dataDir, 'policy', 'versions');

/** What comes into force: `listFiles` as policy/load tells them; without them texts are made of the compiled lists. */
export interface VersionedPolicy {
  text: string;
  compiled: CompiledPolicy;
  listFiles?: Readonly<Record<string, ListFile>>;
}

export class PolicyVersions {
  readonly #dir: string;
  readonly #bounds: { versions: number; bytes: number };
  readonly #kept: KeptLists;
  readonly #onLost: (list: string, message: string) => void;
  #turn: Promise<unknown> = Promise.resolve();

  /** `onLost` hears of lists whose text could not be kept with a version. */
  constructor(
    dir: string,
    bounds: {
      versions?: number;
      bytes?: number;
      lists?: { versions?: number; bytes?: number };
      onLost?: (list: string, message: string) => void;
    } = {},
  ) {
    this.#dir = dir;
    this.#bounds = { versions: bounds.versions ?? MAX_VERSIONS, bytes: bounds.bytes ?? MAX_BYTES };
    this.#kept = new KeptLists(join(dir, 'lists'), bounds.lists);
    this.#onLost = bounds.onLost ?? (() => undefined);
  }

  /** The texts of lists that versions name. */
  get kept(): KeptLists {
    return this.#kept;
  }

  /** The lists of a version as a side of a comparison. */
  side(version: Pick<PolicyVersion, 'lists'>): ListSide {
    return {
      lists: version.lists,
      set: async (name): Promise<DomainSet | null> => {
        const kept = Object.hasOwn(version.lists, name) ? version.lists[name]?.kept : undefined;
        return kept === undefined ? null : this.#kept.set(kept.sha256);
      },
    };
  }

  /**
   * Record that a policy came into force at `now` (ms). Null when the newest version is this very one (a restart).
   * Calls wait for each other. Rejects when the disk refuses.
   */
  record(policy: VersionedPolicy, now: number): Promise<PolicyVersion | null> {
    const mine = this.#turn.then(() => this.#record(policy, now));
    this.#turn = mine.catch(() => undefined);
    return mine;
  }

  /** Heads of the newest versions, newest first. A file that cannot be read is left out. */
  async list(limit = 50): Promise<VersionHead[]> {
    const heads: VersionHead[] = [];
    for (const { name } of (await this.#files()).reverse().slice(0, limit)) {
      const version = await this.#read(name).catch(() => null);
      if (version === null) continue;
      const { text: _, ...head } = version;
      heads.push(head);
    }
    return heads;
  }

  /** The newest version, or null when none was recorded yet. */
  async newest(): Promise<PolicyVersion | null> {
    const last = (await this.#files()).at(-1);
    return last === undefined ? null : this.#read(last.name);
  }

  /** One version by number (`12`) or by the version in records (12 hex digits; then the newest of that name). */
  async get(which: string): Promise<PolicyVersion> {
    const files = (await this.#files()).reverse();
    const found =
      /^\d{1,9}$/.test(which) && which.length !== 12
        ? files.find(f => f.n === Number(which))
        : files.find(f => f.version === which.toLowerCase());
    if (found === undefined)
      throw new VersionError(
        `there is no version "${which}" of the policy`,
        files.length === 0
          ? 'No version was recorded yet; the first start records one.'
          : `Versions go from ${files.at(-1)?.n ?? 0} to ${files[0]?.n ?? 0}; \`sightglass policy history\` lists them.`,
      );
    return this.#read(found.name);
  }

  /** Leave word of who is about to write the policy file with this text. */
  async announce(text: string, note: VersionNote): Promise<void> {
    await mkdir(this.#dir, { recursive: true, mode: 0o700 });
    await replaceWhole(join(this.#dir, NOTE), [JSON.stringify({ ...note, sha256: sha256(text) })]);
  }

  async #record(
    { text, compiled, listFiles = {} }: VersionedPolicy,
    now: number,
  ): Promise<PolicyVersion | null> {
    await mkdir(this.#dir, { recursive: true, mode: 0o700 });
    const last = await this.newest().catch(() => null);
    const lastFile = (await this.#files()).at(-1);
    if (lastFile?.version === compiled.version) return null;
    const digest = sha256(text);
    const note = await this.#takeNote(digest);
    const lists = await this.#kept.keepAll(compiled, listFiles, this.#onLost);
    const before = last === null ? null : parsePolicy(last.text);
    const version: PolicyVersion = {
      n: (lastFile?.n ?? 0) + 1,
      version: compiled.version,
      time: new Date(now).toISOString(),
      origin: lastFile === undefined ? 'first' : (note?.origin ?? 'file'),
      author: note?.author ?? null,
      comment: note?.comment ?? null,
      previous: lastFile === undefined ? null : { n: lastFile.n, version: lastFile.version },
      lists,
      changes:
        before?.ok === true && last !== null
          ? policyChanges(
              { document: before.document, lists: last.lists },
              { document: compiled.document, lists },
              await listDeltas(this.side(last), {
                lists,
                set: name => compiled.lists.get(name)?.set ?? null,
              }),
            )
          : [],
      sha256: digest,
      text,
    };
    await this.#write(version);
    await this.#prune();
    await this.#kept.prune(version.n, () => this.#texts());
    return version;
  }

  /** Texts of the lists of each version, newest first. */
  async *#texts(): AsyncGenerator<string[]> {
    for (const { name } of (await this.#files()).reverse()) {
      const version = await this.#read(name).catch(() => null);
      if (version !== null)
        yield Object.values(version.lists).flatMap(l => (l.kept === undefined ? [] : [l.kept.sha256]));
    }
  }

  async #write(version: PolicyVersion): Promise<void> {
    const target = join(this.#dir, `${String(version.n).padStart(6, '0')}-${version.version}.json`);
    const draft = await writeDraft(target, [JSON.stringify(version)]);
    try {
      // A link fails where a file stands already; a rename would replace it.
      await link(draft, target);
    } finally {
      await rm(draft, { force: true });
    }
  }

  /** The note about a text, used up; null when there is none about this one. */
  async #takeNote(digest: string): Promise<VersionNote | null> {
    const path = join(this.#dir, NOTE);
    try {
      const note = JSON.parse(await readFile(path, 'utf8')) as VersionNote & { sha256: string };
      if (note.sha256 !== digest) return null;
      await rm(path, { force: true });
      return { origin: note.origin, author: note.author, comment: note.comment };
    } catch {
      return null;
    }
  }

  async #read(name: string): Promise<PolicyVersion> {
    const version = JSON.parse(await readFile(join(this.#dir, name), 'utf8')) as PolicyVersion;
    if (typeof version.text !== 'string' || sha256(version.text) !== version.sha256)
      throw new VersionError(
        `the version file ${join(this.#dir, name)} is damaged: its text is not the one that was recorded`,
        'Restore it from a backup, or choose another version.',
      );
    return version;
  }

  /** Oldest first. */
  async #files(): Promise<{ n: number; version: string; name: string }[]> {
    const names = await readdir(this.#dir).catch((e: NodeJS.ErrnoException) => {
      if (e.code === 'ENOENT') return [];
      throw e;
    });
    return names
      .flatMap(name => {
        const m = FILE.exec(name);
        return m === null ? [] : [{ n: Number(m[1]), version: m[2] ?? '', name }];
      })
      .sort((a, b) => a.n - b.n);
  }

  async #prune(): Promise<void> {
    const files = await this.#files();
    let bytes = 0;
    for (const [i, { name }] of files.reverse().entries()) {
      const path = join(this.#dir, name);
      bytes += await stat(path).then(
        s => s.size,
        () => 0,
      );
      if (i > 0 && (i >= this.#bounds.versions || bytes > this.#bounds.bytes))
        await rm(path, { force: true });
    }
  }
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
