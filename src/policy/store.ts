/**
 * The policy in force, kept in step with its files. Opens the policy file (writing the shipped one when there is none),
 * looks at it and at its lists four times a second, and applies what changed once it lies still for one look, so an
 * editor or a copy in progress is not read half-way. Looking works where notifications do not (renames by editors,
 * network file systems, swapped symbolic links) and costs a few stat calls.
 *
 * Any error keeps the version in force; the problems go out with file, line, column and hint, once per change.
 * Compiling a long list happens in small pieces between other work. The files of compiled lists of the last three
 * versions are kept, older ones are removed: a worker that is still loading does not lose its list.
 */
import { EventEmitter } from 'node:events';
import { resolve } from 'node:path';
import type { CompiledPolicy, PolicySnapshot } from './compile.ts';
import { fileSignature, loadPolicyFile, problemText } from './load.ts';
import type { FileProblem, ListCache, LoadedPolicy } from './load.ts';
import { pruneSetFiles } from './set-file.ts';
import { copiesDir } from './sources.ts';
import { writeShippedPolicy } from './shipped.ts';

export type { FileProblem } from './load.ts';

export interface PolicyStoreOptions {
  /** The policy document. */
  file: string;
  /** Where compiled lists lie for the workers. */
  cacheDir: string;
  /** Told about `policy.created`, `policy.applied` and `policy.rejected`; details are JSON-safe. */
  onEvent?: (name: string, detail: Record<string, unknown>) => void;
  /** Pause between two looks at the files, ms. Default 250. */
  pollMs?: number;
}

interface StoreEvents {
  applied: [snapshot: PolicySnapshot, compiled: CompiledPolicy];
  rejected: [problems: FileProblem[]];
}

export interface PolicyStore {
  readonly file: string;
  current(): CompiledPolicy;
  /** When that version came into force in this process, ms since epoch. */
  appliedAt(): number;
  snapshot(): PolicySnapshot;
  /** Document and positions of the version in force, for the console. */
  loaded(): LoadedPolicy;
  /** Problems of the files as they are now; empty when the version in force is what the files say. */
  problems(): readonly FileProblem[];
  /** Look at once and apply what is there. Resolves to true when the files are good. */
  reload(): Promise<boolean>;
  on<E extends keyof StoreEvents>(event: E, listener: (...args: StoreEvents[E]) => void): void;
  off<E extends keyof StoreEvents>(event: E, listener: (...args: StoreEvents[E]) => void): void;
  /** Stop looking. */
  close(): void;
}

/** Problems quoted in the message of an error. */
const TOLD = 10;

/** The first load failed: nothing can be in force. `problems` says where and why. */
export class PolicyRefused extends Error {
  readonly problems: FileProblem[];
  /** For whoever tells the error on a terminal. */
  readonly hint = '`sightglass policy check FILE` checks a policy without applying it';
  constructor(problems: FileProblem[]) {
    const told = problems.slice(0, TOLD).map(problemText);
    if (problems.length > TOLD) told.push(`and ${problems.length - TOLD} more problems`);
    super(told.join('\n'));
    this.name = 'PolicyRefused';
    this.problems = problems;
  }
}

/** Open the store. Rejects with PolicyRefused when the files are no usable policy, with Error when the disk fails. */
export async function openPolicyStore(options: PolicyStoreOptions): Promise<PolicyStore> {
  const file = resolve(options.file);
  const onEvent = options.onEvent ?? (() => undefined);
  if (await writeShippedPolicy(file)) onEvent('policy.created', { file });
  const store = new FileStore(file, options.cacheDir, onEvent);
  await store.open();
  store.watch(options.pollMs ?? 250);
  return store;
}

/** Digests of the lists of the last versions, newest first. */
const GENERATIONS = 3;

class FileStore implements PolicyStore {
  readonly file: string;
  readonly #cacheDir: string;
  readonly #onEvent: (name: string, detail: Record<string, unknown>) => void;
  readonly #events = new EventEmitter<StoreEvents>();
  readonly #cache: ListCache = new Map();
  #loaded: (LoadedPolicy & { snapshot: PolicySnapshot }) | null = null;
  #appliedAt = 0;
  #problems: FileProblem[] = [];
  #files: string[] = [];
  /** Signature of what was last read, and of what the last look saw. */
  #read = '';
  #seen = '';
  #generations: string[][] = [];
  #timer: NodeJS.Timeout | null = null;
  #busy: Promise<boolean> | null = null;
  #closed = false;

  constructor(
    file: string,
    cacheDir: string,
    onEvent: (name: string, detail: Record<string, unknown>) => void,
  ) {
    this.file = file;
    this.#cacheDir = cacheDir;
    this.#onEvent = onEvent;
    this.#files = [file];
  }

  async open(): Promise<void> {
    await this.#load();
    if (this.#loaded === null) throw new PolicyRefused(this.#problems);
  }

  current(): CompiledPolicy {
    return this.loaded().compiled;
  }

  appliedAt(): number {
    return this.#appliedAt;
  }

  snapshot(): PolicySnapshot {
    return this.#inForce().snapshot;
  }

  loaded(): LoadedPolicy {
    return this.#inForce();
  }

  problems(): readonly FileProblem[] {
    return this.#problems;
  }

  reload(): Promise<boolean> {
    return this.#exclusive(() => this.#load());
  }

  on<E extends keyof StoreEvents>(event: E, listener: (...args: StoreEvents[E]) => void): void {
    this.#events.on(event, listener as never);
  }

  off<E extends keyof StoreEvents>(event: E, listener: (...args: StoreEvents[E]) => void): void {
    this.#events.off(event, listener as never);
  }

  close(): void {
    this.#closed = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }

  watch(pollMs: number): void {
    if (this.#closed) return;
    this.#timer = setTimeout(() => {
      void this.#look().finally(() => this.watch(pollMs));
    }, pollMs);
    this.#timer.unref();
  }

  #inForce(): LoadedPolicy & { snapshot: PolicySnapshot } {
    if (this.#loaded === null) throw new Error('the policy store is not open');
    return this.#loaded;
  }

  async #look(): Promise<void> {
    const now = await this.#signature();
    const still = now === this.#seen;
    this.#seen = now;
    if (!still || now === this.#read || this.#closed) return;
    await this.reload().catch((e: unknown) => {
      // The disk under the cacheDir: the policy in force stays, and the next look tries again.
      this.#onEvent('policy.rejected', {
        file: this.file,
        message: e instanceof Error ? e.message : String(e),
      });
    });
  }

  async #signature(): Promise<string> {
    return (await Promise.all(this.#files.map(fileSignature))).join(' ');
  }

  /** One load at a time; who asks meanwhile waits for it and then has its own. */
  async #exclusive(work: () => Promise<boolean>): Promise<boolean> {
    while (this.#busy !== null) await this.#busy.catch(() => false);
    this.#busy = work();
    try {
      return await this.#busy;
    } finally {
      this.#busy = null;
    }
  }

  async #load(): Promise<boolean> {
    // Signatures first: a change while reading then shows at the next look.
    const before = await this.#signature();
    const filesBefore = this.#files;
    const result = await loadPolicyFile(this.file, {
      cacheDir: this.#cacheDir,
      cache: this.#cache,
      copies: copiesDir(this.#cacheDir),
    });
    this.#files = result.ok ? result.files : [...new Set([...result.files, ...filesBefore])];
    // Files that this load met for the first time have no signature from before: the next look loads once more.
    this.#read = this.#files.join('\n') === filesBefore.join('\n') ? before : '';
    if (!result.ok) {
      const told = JSON.stringify(result.problems) === JSON.stringify(this.#problems);
      this.#problems = result.problems;
      if (told) return false;
      const [first] = result.problems;
      this.#onEvent('policy.rejected', { ...first, problems: result.problems.length, kept: this.#version() });
      this.#events.emit('rejected', result.problems);
      return false;
    }
    this.#problems = [];
    const { snapshot } = result;
    if (snapshot === null) throw new Error('a policy loaded with a cache folder has no snapshot');
    const previous = this.#version();
    this.#loaded = { ...result, snapshot };
    if (previous === snapshot.version) return true;
    this.#appliedAt = Date.now();
    this.#generations = [Object.values(snapshot.lists).map(l => l.digest), ...this.#generations].slice(
      0,
      GENERATIONS,
    );
    await pruneSetFiles(this.#cacheDir, new Set(this.#generations.flat()));
    this.#onEvent('policy.applied', {
      file: this.file,
      version: snapshot.version,
      previous,
      rules: result.document.rules.length,
      lists: Object.fromEntries([...result.compiled.lists].map(([name, l]) => [name, l.set.size])),
    });
    this.#events.emit('applied', snapshot, result.compiled);
    return true;
  }

  #version(): string | null {
    return this.#loaded?.snapshot.version ?? null;
  }
}
