/**
 * A list put in order: one entry per name, nothing that a wider entry covers already. Squid warns about overlaps, nginx
 * refuses doubles, and both counts belong into the report of an import or export.
 */
import { DomainSetBuilder, openDomainSet } from '../domain-set.ts';
import type { DomainSet } from '../domain-set.ts';
import type { Match, Pattern } from '../pattern.ts';

export interface Tidied<T> {
  entries: T[];
  /** Entries that said what another of the same name says; differing kinds were joined. */
  duplicates: number;
  /** Entries that a wider one covers. */
  covered: number;
}

/** Join two kinds of one name. */
export function joinMatch(a: Match, b: Match): Match {
  return a === b ? a : 'both';
}

/** What is left of a kind when parts are taken away; null when nothing is. */
export function leftOf(match: Match, withoutName: boolean, withoutBelow: boolean): Match | null {
  const name = match !== 'subdomains' && !withoutName;
  const below = match !== 'exact' && !withoutBelow;
  return name ? (below ? 'both' : 'exact') : below ? 'subdomains' : null;
}

/**
 * True when an entry above the name covers everything that a pattern of this name can cover. A star is no character of
 * names, so asking for `*.parent` finds wildcards at the parent or above and nothing else.
 */
export function coveredFromAbove(set: DomainSet, name: string): boolean {
  const dot = name.indexOf('.');
  return dot >= 0 && set.match(`*.${name.slice(dot + 1)}`);
}

/**
 * Tidy a list; the first entry of a name keeps its words. Entries that lie inside an exception stay even when covered:
 * there they are what makes the exception smaller.
 */
export function tidy<T extends Pattern>(entries: Iterable<T>, exceptions: Iterable<Pattern> = []): Tidied<T> {
  const byName = new Map<string, T>();
  let duplicates = 0;
  for (const entry of entries) {
    const known = byName.get(entry.name);
    if (known === undefined) byName.set(entry.name, entry);
    else {
      duplicates++;
      const match = joinMatch(known.match, entry.match);
      if (match !== known.match) byName.set(entry.name, { ...known, match });
    }
  }
  const set = setOf(byName.values());
  const excepted = setOf(exceptions);
  const kept: T[] = [];
  for (const entry of byName.values())
    if (!coveredFromAbove(set, entry.name) || excepted.match(entry.name)) kept.push(entry);
  return { entries: kept, duplicates, covered: byName.size - kept.length };
}

/** A set of patterns for asking. */
export function setOf(patterns: Iterable<Pattern>): DomainSet {
  const builder = new DomainSetBuilder();
  for (const p of patterns) builder.add(p);
  return openDomainSet(builder.finish());
}
