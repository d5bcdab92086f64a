/**
 * Keeps the lists that come from elsewhere fresh: looks at each when its time has come, fetches or learns it, and tells in
 * events what became of it. The policy store notices the new copy by itself.
 *
 * One list at a time. A list that fails keeps its last good copy; each failure is told. An alarm is raised once when a
 * copy is older than `ALARM_AFTER` of its own pauses (`list.stale`), and at once when what came has not the digest or the
 * signature that the policy asks for (`list.untrusted`); when the list is well again, that is told too (`list.fresh`).
 * Before the first policy is loaded `prepare` fetches what has no copy at all, since a policy with a missing list does not
 * start.
 */
import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { rootCertificates } from 'node:tls';
import type { Learned } from '../policy/learned.ts';
import type { LearnedSource, PolicyDocument, UrlSource } from '../policy/rule.ts';
import { copyFacts, isDue, pruneCopies, refreshUrl, storeLearned } from '../policy/sources.ts';
import type { CopyFacts, Fetch, Refreshed } from '../policy/sources.ts';
import { parsePolicy } from '../policy/parse.ts';
import { fetchList } from '../policy/sources-fetch.ts';
import type { Settings } from '../settings/catalogue.ts';
import type { StoreSettings } from './fleet.ts';
import { learnInThread } from './learn-thread.ts';

export interface ListKeeperOptions {
  /** Folder of the copies. */
  dir: string;
  /** Where the records are, to learn from. */
  records: StoreSettings;
  fetch: Fetch;
  onEvent: (name: string, detail: Record<string, unknown>) => void;
  /** Learns a list; in a thread of its own when not given. */
  learn?: (task: Parameters<typeof learnInThread>[0]) => Learned[] | Promise<Learned[]>;
  now?: () => number;
  /** How often the clock is looked at, ms. */
  tickMs?: number;
}

/** A list as the console and the command line tell of it. */
export interface ListState extends CopyFacts {
  name: string;
  /** Time since the contents were last found current, ms; null when they never were. */
  age: number | null;
  /** What to look after; null when the list is well. */
  alarm: ListAlarm | null;
}

/** Older than it should be; or its publisher serves what digest or signature speak against. */
export type ListAlarm = 'stale' | 'untrusted';

const ALARM_AFTER = 3;
const TICK_MS = 10_000;

type Source = UrlSource | LearnedSource;

export class ListKeeper {
  readonly #options: ListKeeperOptions;
  readonly #now: () => number;
  readonly #alarmed = new Map<string, ListAlarm>();
  #document: PolicyDocument | null = null;
  #timer: NodeJS.Timeout | null = null;
  #busy: Promise<void> | null = null;

  constructor(options: ListKeeperOptions) {
    this.#options = options;
    this.#now = options.now ?? Date.now;
  }

  /** The lists of another policy are to be kept; copies of others go. */
  async follow(document: PolicyDocument): Promise<void> {
    this.#document = document;
    await pruneCopies(
      this.#options.dir,
      sourcesOf(document).map(([, source]) => source),
    );
  }

  /** Fetch what a document names and has no copy yet. Never rejects for what publishers do. */
  async prepare(document: PolicyDocument): Promise<void> {
    for (const [name, source] of sourcesOf(document))
      if (source.kind === 'url' && (await copyFacts(this.#options.dir, source)).fetched === null)
        await this.#refresh(name, source);
  }

  start(): void {
    const tick = (): void => {
      this.#timer = setTimeout(() => {
        void this.look().finally(tick);
      }, this.#options.tickMs ?? TICK_MS);
      this.#timer.unref();
    };
    tick();
  }

  /** Refresh what is due, or with `force` everything, held lists too; or one list. Never rejects. */
  async look(force = false, only: string | null = null): Promise<void> {
    while (this.#busy !== null) await this.#busy;
    this.#busy = this.#lookNow(force, only).finally(() => {
      this.#busy = null;
    });
    await this.#busy;
  }

  /** How each list stands. */
  async states(): Promise<ListState[]> {
    if (this.#document === null) return [];
    return listStates(this.#document, this.#options.dir, this.#now());
  }

  stop(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }

  async #lookNow(force: boolean, only: string | null): Promise<void> {
    if (this.#document === null) return;
    for (const [name, source] of sourcesOf(this.#document)) {
      if (only !== null && only !== name) continue;
      const facts = await copyFacts(this.#options.dir, source);
      if (force || isDue(facts, source.refresh, this.#now())) await this.#refresh(name, source);
      await this.#judge(name, source);
    }
  }

  async #refresh(name: string, source: Source): Promise<void> {
    const { dir, fetch, onEvent } = this.#options;
    try {
      const result: Refreshed =
        source.kind === 'url'
          ? await refreshUrl(source, dir, this.#now(), fetch)
          : await this.#learnAnew(source);
      const { facts } = result;
      if (result.outcome === 'failed')
        onEvent('list.failed', {
          list: name,
          from: facts.from,
          message: result.message,
          tries: facts.failed?.tries,
        });
      else if (result.outcome === 'new')
        onEvent('list.refreshed', {
          list: name,
          from: facts.from,
          entries: facts.entries,
          rejected: facts.rejected,
        });
    } catch (e) {
      onEvent('list.failed', { list: name, message: e instanceof Error ? e.message : String(e) });
    }
  }

  async #learnAnew(source: LearnedSource): Promise<Refreshed> {
    const { dir } = this.#options;
    const before = await copyFacts(dir, source);
    return storeLearned(source, dir, this.#now(), await this.#learn(source), before);
  }

  #learn(source: LearnedSource): Promise<Learned[]> {
    const { records, learn = learnInThread } = this.#options;
    return Promise.resolve(learn({ records, since: this.#now() - source.within, source }));
  }

  async #judge(name: string, source: Source): Promise<void> {
    const facts = await copyFacts(this.#options.dir, source);
    const alarm = alarmOf(facts, source, this.#now());
    if (alarm === (this.#alarmed.get(name) ?? null)) return;
    if (alarm === null) this.#alarmed.delete(name);
    else this.#alarmed.set(name, alarm);
    this.#options.onEvent(alarm === null ? 'list.fresh' : `list.${alarm}`, {
      list: name,
      from: facts.from,
      checked: facts.checked,
      failed: facts.failed?.message ?? null,
    });
  }
}

/** How each fetched or learned list of a document stands, without a running service too. */
export async function listStates(document: PolicyDocument, dir: string, now: number): Promise<ListState[]> {
  const states: ListState[] = [];
  for (const [name, source] of sourcesOf(document)) {
    const facts = await copyFacts(dir, source);
    states.push({
      ...facts,
      name,
      age: facts.checked === null ? null : now - Date.parse(facts.checked),
      alarm: alarmOf(facts, source, now),
    });
  }
  return states;
}

function alarmOf(facts: CopyFacts, source: Source, now: number): ListAlarm | null {
  if (facts.failed?.untrusted === true) return 'untrusted';
  if (facts.checked === null) return source.kind === 'url' && facts.failed !== null ? 'stale' : null;
  return now - Date.parse(facts.checked) > ALARM_AFTER * source.refresh ? 'stale' : null;
}

function sourcesOf(document: PolicyDocument): [string, Source][] {
  return Object.entries(document.lists).filter(
    (entry): entry is [string, Source] => entry[1].kind === 'url' || entry[1].kind === 'learned',
  );
}

/** The part of the policy store that is followed. */
export interface FollowedStore {
  readonly file: string;
  loaded(): { document: PolicyDocument };
  on(event: 'applied' | 'rejected', listener: () => void): void;
}

/** The fetcher of an installation: its egress rules and the authorities it trusts for origins. */
export function listFetcher(settings: Settings): ListKeeperOptions['fetch'] {
  const ca = [...rootCertificates, ...settings['origin.extra-ca'].map(file => readFileSync(file, 'utf8'))];
  return (what, known) =>
    fetchList({ url: what.url, maxSize: what.maxSize, ...known, allow: settings['egress.allow'], ca });
}

/** Fetch what the policy file names and has no copy yet, so that it can be loaded. */
export async function prepareLists(keeper: ListKeeper, file: string): Promise<void> {
  const text = await readFile(file, 'utf8').catch(() => null);
  const parsed = text === null ? null : parsePolicy(text);
  if (parsed?.ok === true) await keeper.prepare(parsed.document);
}

/** Keep the lists of the policy in force, and prepare those of one that was refused for want of them. */
export async function followPolicy(keeper: ListKeeper, store: FollowedStore): Promise<void> {
  store.on('applied', () => {
    void keeper.follow(store.loaded().document).then(() => keeper.look());
  });
  store.on('rejected', () => void prepareLists(keeper, store.file));
  await keeper.follow(store.loaded().document);
  keeper.start();
  void keeper.look();
}
