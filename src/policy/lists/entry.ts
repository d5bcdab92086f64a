/**
 * One entry of a list as it travels between formats: a pattern with an explicit kind, and what is known about it. JSON
 * and CSV carry all of it, other formats the pattern and sometimes the action. Text fields may hold hostile bytes.
 */
import type { Match, Pattern } from '../pattern.ts';

/** What a list says about its names; null when it does not say, like a bare list of names. */
export type EntryAction = 'deny' | 'allow' | 'passthrough';
export const ENTRY_ACTIONS: readonly EntryAction[] = ['deny', 'allow', 'passthrough'];

export interface ListEntry extends Pattern {
  action: EntryAction | null;
  /** Where it comes from: a file, a rule, a feed. */
  source: string | null;
  category: string | null;
  comment: string | null;
  addedBy: string | null;
  /** ISO 8601 date or time. */
  expires: string | null;
}

/** An entry of which only pattern and action are known. */
export function entryOf(pattern: Pattern, action: EntryAction | null): ListEntry {
  return {
    name: pattern.name,
    match: pattern.match,
    action,
    source: null,
    category: null,
    comment: null,
    addedBy: null,
    expires: null,
  };
}

/** Field names in JSON and CSV, in the order they are written. */
export const ENTRY_FIELDS = [
  'pattern',
  'match',
  'action',
  'source',
  'category',
  'comment',
  'added_by',
  'expires',
] as const;
export type EntryField = (typeof ENTRY_FIELDS)[number];

/** The fields of an entry as texts by their written names; empty texts for what is not known. */
export function entryFields(e: ListEntry): Record<EntryField, string> {
  return {
    pattern: e.name,
    match: e.match,
    action: e.action ?? '',
    source: e.source ?? '',
    category: e.category ?? '',
    comment: e.comment ?? '',
    added_by: e.addedBy ?? '',
    expires: e.expires ?? '',
  };
}

/** How a kind reads in reports. */
export const MATCH_WORDS: Record<Match, string> = {
  exact: 'one host alone',
  subdomains: 'subdomains without the name itself',
  both: 'a name with its subdomains',
};
