/**
 * Lists and counts over traffic: search, histogram, facets, live. One question (kind, query, times) drives them all and
 * goes to the store as a parsed value, never as SQL. Every new question lands in the trail before it is answered; the
 * same one asked again within a minute (paging, the chart and the facets beside the list) does not repeat the line.
 */
import { LRUCache } from 'lru-cache';
import type { Request, Router } from 'express';
import { FACETS } from '../../../src/audit/store/store.ts';
import type { FacetField } from '../../../src/audit/store/store.ts';
import { API, FACET_FIELDS } from '../../contract.ts';
import type { Facets, Histogram, Kind, SearchPage } from '../../contract.ts';
import { ApiFailure, sendJson } from '../answer.ts';
import { requireCaller } from '../auth.ts';
import type { Caller } from '../auth.ts';
import type { ConsoleDeps } from '../deps.ts';
import type { LiveHub } from '../live.ts';
import { countParam, textParam } from '../params.ts';
import { liveQuestionOf, questionOf } from '../question.ts';
import { Turns } from '../turns.ts';
import * as view from '../view.ts';

/** Time the store may spend on one count, ms: a chart that comes late helps nobody; it then says "at least". */
const BUDGET_MS = 2000;
/** Time for one page, ms: what is found by then is shown, with how far back it was searched, and the console goes on. */
const PAGE_MS = 1500;

export function trafficRoutes(router: Router, deps: ConsoleDeps, live: LiveHub): void {
  const now = deps.now ?? Date.now;
  const turns = new Turns();
  // Bound: the last 1,000 questions of everybody; one pushed out early only costs another trail line.
  const asked = new LRUCache<string, true>({ max: 1000, ttl: 60_000, perf: { now }, ttlResolution: 0 });

  /** Write the question down as it was typed, unless this session just asked it. */
  function remember(req: Request, caller: Caller, action: 'search' | 'live', kind: Kind): void {
    const detail = {
      kind,
      q: textParam(req, 'q', 4000) ?? '',
      since: textParam(req, 'since'),
      until: textParam(req, 'until'),
    };
    const key = JSON.stringify([caller.session.id, action, detail]);
    if (asked.has(key)) return;
    deps.trail.append({ user: caller.session.user.name, address: caller.address, action, detail });
    asked.set(key, true);
  }

  router.get(API.search, async (req, res) => {
    const caller = requireCaller(req, deps.sessions, 'search');
    const { query, ...options } = questionOf(req, caller, now());
    const limit = countParam(req, 'limit', 100, 1, 500);
    const before = textParam(req, 'cursor', 500);
    remember(req, caller, 'search', options.kind);
    const page = await turns.run(caller.session.user.name, res, signal =>
      deps.audit.search(query, {
        ...options,
        limit,
        budget: PAGE_MS,
        signal,
        ...(before === null ? {} : { before }),
      }),
    );
    sendJson<SearchPage>(res, {
      kind: options.kind,
      rows: view.rowsOf(options.kind, page.rows),
      next: page.next,
      ...view.reachedOf(page.reached),
    });
  });

  router.get(API.histogram, async (req, res) => {
    const caller = requireCaller(req, deps.sessions, 'search');
    const { kind, query, ...range } = questionOf(req, caller, now());
    const buckets = countParam(req, 'buckets', 120, 1, 500);
    remember(req, caller, 'search', kind);
    const until = range.until ?? now() + 1;
    const since = Math.min(range.since ?? (await oldest()) ?? until - 3_600_000, until - 1);
    const found =
      kind === 'events'
        ? { buckets: [], exact: true }
        : await turns.run(caller.session.user.name, res, signal =>
            deps.audit.histogram(query, { kind, since, until, buckets, budget: BUDGET_MS, signal }),
          );
    sendJson<Histogram>(res, view.histogram(since, until, buckets, found));
  });

  router.get(API.facets, async (req, res) => {
    const caller = requireCaller(req, deps.sessions, 'search');
    const { kind, query, ...range } = questionOf(req, caller, now());
    const fields = fieldsParam(req, kind);
    const top = countParam(req, 'top', 10, 1, 50);
    remember(req, caller, 'search', kind);
    const out: Facets = { facets: [] };
    if (kind !== 'events')
      // One after the other: nine counts at once would hold up everybody else's searches.
      for (const field of fields) {
        // One more than shown tells whether there are more, another one stands for rows without a value.
        const found = await turns.run(caller.session.user.name, res, signal =>
          deps.audit.facets(query, {
            kind,
            ...range,
            field,
            limit: top + 2,
            budget: BUDGET_MS / 4,
            signal,
          }),
        );
        out.facets.push(view.facets(field, found, top));
        if (res.destroyed) return;
      }
    sendJson<Facets>(res, out);
  });

  router.get(API.live, (req, res) => {
    const caller = requireCaller(req, deps.sessions, 'search');
    const question = liveQuestionOf(req, caller, now());
    remember(req, caller, 'live', question.kind);
    live.attach(req, res, question, caller);
  });

  /** Time of the oldest record, ms since epoch; null while there is none. */
  async function oldest(): Promise<number | null> {
    const froms = (await deps.audit.days()).map(day => day.from).filter(from => from !== null);
    return froms.length === 0 ? null : Math.min(...froms);
  }
}

function fieldsParam(req: Request, kind: Kind): FacetField[] {
  const known = FACETS.filter(field => FACET_FIELDS[kind].includes(field));
  const asked = textParam(req, 'fields')?.split(',');
  if (asked === undefined) return known;
  const fields = known.filter(field => asked.includes(field));
  if (asked.some(field => !(fields as string[]).includes(field)))
    throw new ApiFailure(
      'bad-request',
      'One of the facet fields does not exist for this kind of rows.',
      `The fields are ${known.join(', ')}.`,
    );
  return fields;
}
