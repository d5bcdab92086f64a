/**
 * Export of a question's rows as a file, streamed page by page: memory holds one page, a slow reader slows the store's
 * reading down, and a reader that goes away ends it. No more than EXPORT_MAX rows, two exports at a time.
 *
 * The last line says the truth about completeness (`rows`, `truncated`); a file without that line was cut off.
 * Start and end are in the trail, with how much left the house.
 */
import { once } from 'node:events';
import type { Response, Router } from 'express';
import {
  csvLine,
  EVENT_FIELDS,
  EXCHANGE_FIELDS,
  exported,
  FLOW_FIELDS,
  jsonLine,
} from '../../../src/audit/export/lines.ts';
import type { RowOf } from '../../../src/audit/store/store.ts';
import { API, EXPORT_FORMATS, EXPORT_MAX } from '../../contract.ts';
import type { ExportFormat, Kind } from '../../contract.ts';
import { ApiFailure } from '../answer.ts';
import { requireCaller } from '../auth.ts';
import type { Caller } from '../auth.ts';
import type { ConsoleDeps } from '../deps.ts';
import { choiceParam } from '../params.ts';
import { questionOf } from '../question.ts';
import type { Question } from '../question.ts';
import { attach } from './detail.ts';

const PAGE = 1000;
const MAX_RUNNING = 2;

export function exportRoutes(router: Router, deps: ConsoleDeps, max = EXPORT_MAX): void {
  const now = deps.now ?? Date.now;
  let running = 0;

  router.get(API.export, async (req, res) => {
    const caller = requireCaller(req, deps.sessions, 'export');
    const format = choiceParam(req, 'format', EXPORT_FORMATS, 'ndjson');
    const question = questionOf(req, now());
    // Rows that come while the export runs stay out of it: it is the answer as of its start.
    const until = question.until ?? now() + 1;
    if (running >= MAX_RUNNING)
      throw new ApiFailure('too-many', 'Other exports are running.', 'Wait until they have ended.', {
        retryAfter: 30,
      });
    const write = (action: string, more: Record<string, unknown>): void =>
      deps.trail.append({
        user: caller.session.user.name,
        address: caller.address,
        action,
        detail: { kind: question.kind, q: question.query.text, format, ...more },
      });
    running++;
    try {
      write('export.started', {
        since: question.since === undefined ? null : new Date(question.since).toISOString(),
        until: new Date(until).toISOString(),
      });
      const done: Progress = { rows: 0, truncated: false, aborted: true };
      try {
        await send(res, { ...question, until }, format, caller, done);
      } finally {
        write('export.ended', { ...done });
      }
    } finally {
      running--;
    }
  });

  async function send(
    res: Response,
    { query, ...options }: Question,
    format: ExportFormat,
    caller: Caller,
    done: Progress,
  ): Promise<void> {
    const pageAfter = (before: string | null) =>
      deps.audit.search(query, {
        ...options,
        limit: Math.min(PAGE, max - done.rows),
        ...(before === null ? {} : { before }),
      });
    // The first page is asked for before anything is sent, so that a failing store still gets a plain error answer.
    let page = await pageAfter(null);
    const stamp = new Date(now()).toISOString().slice(0, 19).replaceAll(':', '');
    attach(res, `sightglass-${options.kind}-${stamp}.${format}`);
    res.status(200).type(format === 'csv' ? 'text/csv' : 'application/x-ndjson');
    if (format === 'csv') res.write(`${csvLine(FIELDS[options.kind])}\r\n`);
    for (;;) {
      done.rows += page.rows.length;
      if (!(await put(res, lines(options.kind, page.rows, format)))) return;
      if (page.next === null || done.rows >= max) break;
      // A log-out ends what it started.
      if (deps.sessions.get(caller.token, false) === null) {
        res.destroy();
        return;
      }
      page = await pageAfter(page.next);
    }
    done.truncated = page.next !== null;
    done.aborted = false;
    res.end(
      format === 'csv'
        ? `# rows=${done.rows} truncated=${done.truncated}\r\n`
        : `${JSON.stringify({ end: true, rows: done.rows, truncated: done.truncated })}\n`,
    );
  }
}

interface Progress {
  rows: number;
  truncated: boolean;
  aborted: boolean;
}

const FIELDS: Readonly<Record<Kind, readonly string[]>> = {
  exchanges: EXCHANGE_FIELDS,
  flows: FLOW_FIELDS,
  events: EVENT_FIELDS,
};

/** The same lines that `sightglass search --format` writes. */
function lines(kind: Kind, rows: readonly RowOf[Kind][], format: ExportFormat): string {
  return rows
    .map(row => exported(row, FIELDS[kind]))
    .map(row => (format === 'csv' ? `${csvLine(Object.values(row))}\r\n` : `${jsonLine(row)}\n`))
    .join('');
}

/** Write and wait until there is room again. False when the reader has gone. */
async function put(res: Response, text: string): Promise<boolean> {
  if (res.destroyed) return false;
  if (text === '' || res.write(text)) return true;
  const gone = new AbortController();
  const close = (): void => gone.abort();
  res.once('close', close);
  try {
    await once(res, 'drain', { signal: gone.signal });
    return !res.destroyed;
  } catch {
    return false;
  } finally {
    res.off('close', close);
  }
}
