/**
 * Editing the query text from outside the search box: add or take away one `field:value` term. Pure; it works on the
 * text, so whatever else the reader wrote stays as it is. It does not parse the language: a term inside a bracket or
 * an OR is left alone, and the new one is put at the end.
 */

/** A value as the query language wants it: bare when harmless, else quoted with `"` and `\` escaped. */
export function quoteValue(value: string): string {
  return /^[A-Za-z0-9._/@+-]+$/.test(value) && !/^(AND|OR|NOT)$/i.test(value) && !value.startsWith('-')
    ? value
    : `"${value.replace(/["\\]/g, '\\$&')}"`;
}

export function term(field: string, value: string, how: 'in' | 'out'): string {
  return `${how === 'out' ? '-' : ''}${field}:${quoteValue(value)}`;
}

/** The query with the term added at its end; a term that says the opposite, or the same, gives way first. */
export function withTerm(query: string, field: string, value: string, how: 'in' | 'out'): string {
  const added = term(field, value, how);
  const rest = withoutTerm(withoutTerm(query, term(field, value, 'in')), term(field, value, 'out'));
  // An OR at the top level binds weaker than the term: bracket what was there, or the filter would not filter.
  const kept = /\sOR\s/i.test(outsideQuotes(rest)) ? `(${rest})` : rest;
  return kept === '' ? added : `${kept} ${added}`;
}

/** The query without the first occurrence of this exact term standing on its own. */
export function withoutTerm(query: string, text: string): string {
  let at = -1;
  for (;;) {
    at = query.indexOf(text, at + 1);
    if (at < 0) return query.trim();
    const before = at === 0 ? ' ' : (query[at - 1] ?? ' ');
    const after = query[at + text.length] ?? ' ';
    if (before === ' ' && after === ' ') break;
  }
  return `${query.slice(0, at).trimEnd()} ${query.slice(at + text.length).trimStart()}`.trim();
}

/** The text with what stands in quotes or brackets blanked. */
function outsideQuotes(text: string): string {
  let flat = text.replace(/"(?:[^"\\]|\\.)*"?/g, quoted => ' '.repeat(quoted.length));
  for (;;) {
    const next = flat.replace(/\([^()]*\)/g, group => ' '.repeat(group.length));
    if (next === flat) return flat;
    flat = next;
  }
}
