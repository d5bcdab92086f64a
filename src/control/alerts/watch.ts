/**
 * Watches the feed for every alert rule, and tells whoever is to be told. One cursor for all of them, in the same book as those of
 * streams: it moves only after what fired is written down, so a kill loses no alert. A notice is tried again after 5 s, 30 s,
 * 2 min, 10 min and 1 h, then given up, counted and told as `alert.undelivered`.
 *
 * It does not promise more than its window: after a restart windows begin empty, so rows before it no longer count.
 * Bounds: 20 notices on their way per rule (more are counted as failed at once), one delivery at a time.
 */
import { asksBodies } from '../../audit/query/ast.ts';
import { liveFilter } from '../../audit/query/match.ts';
import { streamQuery } from '../streams/document.ts';
import { deliver } from './deliver.ts';
import { MAX_GROUPS, Window } from './window.ts';
import type { AuditStore, FedRow } from '../../audit/store/store.ts';
import type { Book } from '../streams/book.ts';
import type { Alert, AlertShelf, Notice } from './shelf.ts';
import type { AlertRule } from './rule.ts';
import type { Ways } from './deliver.ts';

export const WAITS_MS = [5_000, 30_000, 120_000, 600_000, 3_600_000] as const;
/** No stream can have this name. */
export const BOOK_NAME = '#alerts';
const MAX_PENDING = 20;
const PAGE = 1000;

export interface WatchParts {
  store: Pick<AuditStore, 'feed'>;
  book: Pick<Book, 'get' | 'put'>;
  shelf: Pick<AlertShelf, 'list' | 'get' | 'secret' | 'putState'>;
  ways: Ways;
  tell: (name: string, detail: Record<string, unknown>) => void;
  now?: () => number;
}

interface Watched {
  /** What the rule said when this was made; another text makes it anew. */
  text: string;
  accepts: (fed: FedRow) => boolean;
  /** Bodies may decide. */
  bodies: boolean;
  window: Window;
}

export class Watch {
  readonly #parts: Required<WatchParts>;
  readonly #watched = new Map<number, Watched>();

  constructor(parts: WatchParts) {
    this.#parts = { now: Date.now, ...parts };
  }

  /** Take one page of the feed; true when there may be more. */
  async look(): Promise<boolean> {
    const { store, book, shelf } = this.#parts;
    const alerts = shelf.list().filter(({ rule }) => rule.enabled);
    this.#prepare(alerts);
    const entry = book.get(BOOK_NAME);
    // Nobody watches: the next rule begins with what comes then.
    const after = entry === null || alerts.length === 0 ? 'end' : entry.cursor;
    if (alerts.length === 0 && entry?.cursor === '') return false;
    const page = await store.feed({
      after,
      limit: PAGE,
      kinds: ['exchanges', 'flows', 'events'],
      detail: [...this.#watched.values()].some(({ bodies }) => bodies) ? 'bodies' : 'heads',
    });
    for (const fed of page.rows) for (const alert of alerts) this.#count(alert, fed);
    if (entry?.cursor === page.next) return false;
    book.put(BOOK_NAME, {
      ...{ cursor: page.next, resend: page.next, sent: 0, dropped: 0, refused: 0, waiting: [] },
      ...{ lastSent: null, error: null },
    });
    return page.rows.length > 0;
  }

  /** Try what is on its way and due. */
  async tellDue(): Promise<void> {
    const { shelf, now } = this.#parts;
    for (const alert of shelf.list())
      for (const due of alert.state.pending.filter(({ nextTry }) => nextTry <= now())) {
        const way = alert.rule.deliver[due.way];
        const words = way === undefined ? null : await this.#try(alert.id, way, due.notice);
        // The rule may have gone, or its state been written, while we waited.
        const fresh = shelf.get(alert.id);
        if (fresh === null) break;
        const { state } = fresh;
        const index = state.pending.findIndex(
          p =>
            p.way === due.way && p.notice.fired === due.notice.fired && p.notice.group === due.notice.group,
        );
        if (index < 0) continue;
        const wait = WAITS_MS[due.tries];
        if (words === null) state.pending.splice(index, 1);
        else if (wait === undefined) {
          state.pending.splice(index, 1);
          state.failed++;
          this.#parts.tell('alert.undelivered', {
            alert: alert.rule.name,
            to: way?.to ?? null,
            error: words,
          });
        } else state.pending[index] = { ...due, tries: due.tries + 1, nextTry: now() + wait };
        state.lastError = words;
        shelf.putState(alert.id, state);
      }
  }

  /** Send a test notice now, by every way of the rule. The first error in words, or null. */
  async test(id: number): Promise<string | null> {
    const { shelf, now } = this.#parts;
    const alert = shelf.get(id);
    if (alert === null) return 'there is no such rule';
    const notice = { ...noticeOf(alert.rule, '', alert.rule.threshold, now(), now()), test: true };
    let first: string | null = null;
    for (const way of alert.rule.deliver) {
      const words = await this.#try(id, way, notice);
      first ??= words === null ? null : `${way.to}: ${words}`;
    }
    return first;
  }

  async #try(id: number, way: AlertRule['deliver'][number], notice: Notice): Promise<string | null> {
    try {
      await deliver(way, notice, this.#parts.shelf.secret(id), this.#parts.ways);
      return null;
    } catch (error) {
      return error instanceof Error ? error.message : String(error);
    }
  }

  #prepare(alerts: readonly Alert[]): void {
    const ids = new Set(alerts.map(({ id }) => id));
    for (const id of this.#watched.keys()) if (!ids.has(id)) this.#watched.delete(id);
    for (const { id, rule } of alerts) {
      const { kind, query, threshold, windowMs, groupBy } = rule;
      const text = JSON.stringify([kind, query, threshold, windowMs, groupBy]);
      if (this.#watched.get(id)?.text === text) continue;
      const found = streamQuery(query, kind, this.#parts.now());
      const matches = 'error' in found ? () => false : liveFilter(found.query, kind);
      const bodies = !('error' in found) && asksBodies(kind, found.query.root);
      const window = new Window(threshold, windowMs);
      this.#watched.set(id, { text, accepts: fed => matches(fed) === true, bodies, window });
    }
  }

  #count(alert: Alert, fed: FedRow): void {
    const watched = this.#watched.get(alert.id);
    if (watched === undefined || !watched.accepts(fed)) return;
    const { rule } = alert;
    const group = groupOf(fed, rule.groupBy);
    const end = fed.row.time + (fed.kind === 'event' ? 0 : fed.row.ms);
    const count = watched.window.add(group, end);
    const { now, tell, shelf } = this.#parts;
    if (count === null) return;
    // Deliveries change the state too, between two pages.
    const state = shelf.get(alert.id)?.state;
    if (state === undefined || now() - (state.groups[group] ?? -Infinity) < rule.coolDownMs) return;
    watched.window.clear(group);
    const notice = noticeOf(rule, group, count, now(), end);
    state.lastFired = notice.fired;
    state.fired++;
    state.groups = Object.fromEntries(
      [
        ...Object.entries(state.groups).filter(([name]) => name !== group),
        [group, notice.fired] as const,
      ].slice(-MAX_GROUPS),
    );
    for (const way of rule.deliver.keys())
      if (state.pending.length < MAX_PENDING) state.pending.push({ notice, way, tries: 0, nextTry: 0 });
      else state.failed++;
    shelf.putState(alert.id, state);
    tell('alert.fired', { alert: rule.name, group, groupBy: rule.groupBy, count, query: rule.query });
  }
}

const noticeOf = (rule: AlertRule, group: string, count: number, fired: number, lastRow: number): Notice => ({
  ...{ rule: rule.name, group, groupBy: rule.groupBy, count, threshold: rule.threshold },
  ...{ windowMs: rule.windowMs, query: rule.query, kind: rule.kind, fired, lastRow, test: false },
});

function groupOf(fed: FedRow, by: AlertRule['groupBy']): string {
  if (by === 'none' || fed.kind === 'event') return '';
  // Captured text: a group's name is bounded, so that names cannot fill the store.
  return (fed.row[by] ?? '').slice(0, 300);
}
