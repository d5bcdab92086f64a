/**
 * Export of a question's rows as a file, streamed page by page: memory holds one page, a slow reader slows the store's
 * reading down, and a reader that goes away ends it. No more than EXPORT_MAX rows, two exports at a time.
 *
 * The last line of ndjson, csv and HAR says the truth about completeness (`rows`, `truncated`); a file without it was cut
 * off. Start and end are in the trail for every format, with how much left the house.
 */
import { once } from 'node:events';
import type { Request, Response, Router } from 'express';
import { hostname } from 'node:os';
import { fileWriter, FORMAT_INFO } from '../../../src/audit/export/formats.ts';
import { gather } from '../../../src/audit/export/gather.ts';
import { API, EXPORT_FORMATS, EXPORT_KINDS, EXPORT_MAX } from '../../contract.ts';
import type { ExportFormat } from '../../contract.ts';
import { ApiFailure } from '../answer.ts';
import { requireCaller } from '../auth.ts';
import type { Caller } from '../auth.ts';
import type { ConsoleDeps, ConsoleReveals } from '../deps.ts';
import { choiceParam, countParam } from '../params.ts';
import { questionOf, revealedQuestion } from '../question.ts';
import type { Question } from '../question.ts';
import { attach, reasonNeeded } from './detail.ts';

const PAGE = 1000;
const BODY_CHUNK = 20;
const MAX_RUNNING = 2;

export function exportRoutes(router: Router, deps: ConsoleDeps, max = EXPORT_MAX): void {
  const now = deps.now ?? Date.now;
  let running = 0;

  router.get(API.export, async (req, res) => {
    const caller = requireCaller(req, deps.sessions, 'export');
    const format = choiceParam(req, 'format', EXPORT_FORMATS, 'ndjson');
    const asked = FORMAT_INFO[format].detail === 'bodies' ? revealed(req) : null;
    const question = asked === null ? questionOf(req, caller, now()) : revealedQuestion(asked.what, now());
    if (!EXPORT_KINDS[format].includes(question.kind))
      throw new ApiFailure(
        'bad-request',
        `The format ${format} holds no ${question.kind}.`,
        `Choose another format, or look at ${EXPORT_KINDS[format].join(' or ')}.`,
      );
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
        detail: {
          kind: question.kind,
          q: question.query.text,
          format,
          ...(asked === null ? {} : { reveal: asked.id }),
          ...more,
        },
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

  /** The reveal that lets the caller have the bodies of a question. */
  function revealed(req: Request): NonNullable<ReturnType<ConsoleReveals['forExport']>> {
    const { session } = requireCaller(req, deps.sessions, 'body');
    const id = countParam(req, 'reveal', 0, 1, 999_999_999);
    const reveal = deps.reveals.forExport(session.user.name, id);
    if (reveal === null) throw reasonNeeded();
    return reveal;
  }

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
    const { detail, mediaType, extension } = FORMAT_INFO[format];
    const writer = fileWriter(format, options.kind, {
      sender: { host: hostname(), version: deps.version },
      now: now(),
      crlf: true,
    });
    // Records with their bodies are few at a time: a page of them must fit in memory.
    const chunk = detail === 'bodies' ? BODY_CHUNK : PAGE;
    const stamp = new Date(now()).toISOString().slice(0, 19).replaceAll(':', '');
    attach(res, `sightglass-${options.kind}-${stamp}.${extension}`);
    res.status(200).type(mediaType);
    res.write(writer.head);
    for (;;) {
      done.rows += page.rows.length;
      for (let at = 0; at < page.rows.length; at += chunk) {
        const fed = await gather(deps.audit, options.kind, page.rows.slice(at, at + chunk), detail);
        if (!(await put(res, fed.map(one => writer.line(one)).join('')))) return;
      }
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
    res.end(writer.tail({ rows: done.rows, truncated: done.truncated }));
  }
}

interface Progress {
  rows: number;
  truncated: boolean;
  aborted: boolean;
}

/** Write and wait until there is room again. False when the reader has gone. */
export async function put(res: Response, text: string | Uint8Array): Promise<boolean> {
  if (res.destroyed) return false;
  if (text.length === 0 || res.write(text)) return true;
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
