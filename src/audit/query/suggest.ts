/** What may have been meant: nearest names for error messages. Pure. */
import { FIELDS, TIME_WORDS } from './ast.ts';
import type { Kind } from './ast.ts';

/** What people coming from other tools type. */
const OTHER_NAMES: Record<string, string> = {
  ip: 'client',
  src: 'client',
  domain: 'host',
  server: 'host',
  dst: 'host',
  url: 'path',
  uri: 'path',
  query: 'path',
  code: 'status',
  action: 'verdict',
  size: 'bytes',
  duration: 'ms',
  mime: 'type',
  content: 'type',
  error: 'fault',
  headers: 'header',
  payload: 'body',
  post: 'reqbody',
  response: 'resbody',
  date: 'time',
  sent: 'up',
  received: 'down',
  masking: 'mask',
  redacted: 'masked',
  tls: 'tlsprofile',
  profile: 'tlsprofile',
  upstream: 'parent',
  via: 'parent',
  machine: 'proxy',
  node: 'proxy',
  sensor: 'proxy',
};

/** The field of this kind that an unknown name most likely means, or null. */
export function nearestField(name: string, kind: Kind): string | null {
  const candidates = [...FIELDS.filter(f => f.kinds.includes(kind)), ...TIME_WORDS].map(f => f.name);
  const other = OTHER_NAMES[name];
  if (other !== undefined && candidates.includes(other)) return other;
  return nearest(name, candidates);
}

/** The candidate within two edits of `word` (one for short words), or null. */
export function nearest(word: string, candidates: readonly string[]): string | null {
  let best: string | null = null;
  let bestDistance = word.length < 4 ? 2 : 3;
  for (const candidate of candidates) {
    const d = distance(word, candidate);
    if (d < bestDistance) {
      best = candidate;
      bestDistance = d;
    }
  }
  return best;
}

/** Levenshtein distance of two short words. */
function distance(a: string, b: string): number {
  if (Math.abs(a.length - b.length) > 2) return 3;
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const cost = a.charAt(i - 1) === b.charAt(j - 1) ? 0 : 1;
      next.push(Math.min((row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1, (row[j - 1] ?? 0) + cost));
    }
    row = next;
  }
  return row[b.length] ?? 3;
}
