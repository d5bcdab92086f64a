/** What a policy looks at of a request, in the one form that relay and replay share. Pure. */
import type { FlowFacts } from './facts.ts';

/**
 * The path in one spelling, so that a rule cannot be passed by writing it otherwise: without query, needless percent
 * escapes decoded (RFC 3986 §6.2.2.2), dot segments and doubled slashes removed.
 */
export function plainPath(target: string): string {
  const query = target.indexOf('?');
  const raw = query < 0 ? target : target.slice(0, query);
  if (!raw.startsWith('/')) return raw;
  const decoded = raw.replace(/%[0-9a-f]{2}/gi, escape => {
    const char = String.fromCharCode(parseInt(escape.slice(1), 16));
    return /[A-Za-z0-9._~-]/.test(char) ? char : escape.toUpperCase();
  });
  const out: string[] = [];
  const segments = decoded.split('/').slice(1);
  for (const [i, segment] of segments.entries()) {
    const last = i === segments.length - 1;
    if (segment === '..') out.pop();
    if (segment === '.' || segment === '..' || segment === '') {
      if (last) out.push('');
    } else out.push(segment);
  }
  return `/${out.join('/')}`;
}

/** The facts as if the flow had been opened for `host` at `now`: for a request that names it inside the flow. */
export function factsForHost(facts: FlowFacts, host: string, now: number): FlowFacts {
  const { hello } = facts;
  if (host === (hello?.sni ?? facts.host)) return { ...facts, now };
  return {
    ...facts,
    now,
    host,
    hostKind: 'name',
    hello: hello === null || hello.sni === null ? hello : { ...hello, sni: host },
  };
}
