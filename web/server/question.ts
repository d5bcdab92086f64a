/**
 * From URL parameters to a question the store understands: kind, parsed query, time range. The same parser as the command
 * line's, so a query means the same everywhere; a query it refuses is a 400 that says where and what may be meant.
 */
import type { Request } from 'express';
import type { Query } from '../../src/audit/query/ast.ts';
import { liveFilter } from '../../src/audit/query/match.ts';
import type { LiveAnswer } from '../../src/audit/query/match.ts';
import { parseQuery } from '../../src/audit/query/parse.ts';
import type { ParseOptions } from '../../src/audit/query/parse.ts';
import { parseTime, TIME_HINT } from '../../src/audit/query/time.ts';
import type { LiveRow } from '../../src/audit/store/store.ts';
import { KINDS } from '../contract.ts';
import type { Kind, Permission } from '../contract.ts';
import { ApiFailure } from './answer.ts';
import { choiceParam, textParam } from './params.ts';

/** Who asks, by what they may. */
interface Asker {
  can: ReadonlySet<Permission>;
}

export interface Question {
  kind: Kind;
  query: Query;
  /** ms since epoch, inclusive and exclusive. */
  since?: number;
  until?: number;
}

/** A question without times that is asked of every new row. */
export interface LiveQuestion {
  kind: Kind;
  /** Null when the row's bodies would tell and did not come with it. */
  matches(row: LiveRow): LiveAnswer;
}

/** kind, q, since and until, shared by search, histogram, facets and export. Bodies are asked only for who may read them. */
export function questionOf(req: Request, { can }: Asker, now: number): Question {
  const kind = choiceParam(req, 'kind', KINDS, 'exchanges');
  const query = parsed(textParam(req, 'q', MAX_QUERY) ?? '', { kind, now, bodies: can.has('body') });
  const since = timeParam(req, 'since', now);
  const until = timeParam(req, 'until', now);
  if (since !== null && until !== null && since >= until)
    throw new ApiFailure(
      'bad-request',
      'The time range is empty: "since" is not before "until".',
      'Choose another range.',
    );
  return { kind, query, ...(since === null ? {} : { since }), ...(until === null ? {} : { until }) };
}

/** The question of requests that somebody was allowed to export with bodies. */
export function revealedQuestion(
  { q, since, until }: { q: string; since: number | null; until: number },
  now: number,
): Question {
  const query = parsed(q, { kind: 'exchanges', now });
  return { kind: 'exchanges', query, until, ...(since === null ? {} : { since }) };
}

/** kind and q for a live list. */
export function liveQuestionOf(req: Request, { can }: Asker, now: number): LiveQuestion {
  const kind = choiceParam(req, 'kind', KINDS, 'exchanges');
  const query = parsed(textParam(req, 'q', MAX_QUERY) ?? '', { kind, now, bodies: can.has('body') });
  return { kind, matches: liveFilter(query, kind) };
}

function parsed(text: string, options: ParseOptions): Query {
  const outcome = parseQuery(text, options);
  if (outcome.ok) return outcome.query;
  const { message, suggestion, section, start, end } = outcome.error;
  throw new ApiFailure('bad-query', message, suggestion ?? 'The query help (press ?) explains it.', {
    position: start,
    end,
    section,
  });
}

/** ms since epoch, or null when absent. */
function timeParam(req: Request, name: string, now: number): number | null {
  const text = textParam(req, name);
  if (text === null) return null;
  const time = parseTime(text, now);
  if (time === null) throw new ApiFailure('bad-request', `The parameter "${name}" is no time.`, TIME_HINT);
  return time;
}

const MAX_QUERY = 4000;
