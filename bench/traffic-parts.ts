/** What made-up traffic (traffic.ts) is made of: chance, words, browsers, verdicts. */
import type { HelloFacts } from '../src/core/facts.ts';
import type { FlowOpenRecord } from '../src/core/records.ts';
import type { Verdict } from '../src/core/verdict.ts';

/** Mulberry32: small, quick and good enough for made-up traffic. */
export function random(seed: number): () => number {
  let a = seed >>> 0;
  return () => {
    a = (a + 0x6d2b79f5) >>> 0;
    let t = Math.imul(a ^ (a >>> 15), a | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Draws 0 … n-1, small numbers far more often (exponent `s`). */
export function zipf(n: number, s: number): (r: number) => number {
  const sums = new Float64Array(n);
  let sum = 0;
  for (let i = 0; i < n; i++) sums[i] = sum += 1 / (i + 1) ** s;
  return r => {
    const wanted = r * sum;
    let low = 0;
    let high = n - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((sums[middle] ?? 0) < wanted) low = middle + 1;
      else high = middle;
    }
    return low;
  };
}

export const WORDS =
  'account admin alert api archive asset audit basket billing board calendar catalog chart chat checkout cloud comment contact content customer dashboard data delivery design detail device document draft event export feed file filter finance folder forum gallery group guide health help history home image import index invoice item job journal label list login mail manage map market media member message metric mobile module news note notify office order page partner payment people photo plan player policy portal post press price product profile project query queue rating report request result review route sales schedule search season section service session share shop signal site social source staff stats status stock store stream studio style summary support survey system table task team theme thread ticket time tool topic track travel trend tutorial update upload user vendor video view visit vote wallet widget wiki work zone'.split(
    ' ',
  );
export const TLDS = ['com', 'com', 'com', 'net', 'org', 'io', 'de', 'de', 'eu', 'co.uk'];
export const TYPES = {
  page: 'text/html',
  json: 'application/json',
  script: 'application/javascript',
  style: 'text/css',
  image: 'image/webp',
  font: 'font/woff2',
  video: 'video/mp4',
  beacon: 'image/gif',
} as const;
export type Sort = keyof typeof TYPES;

export const AGENTS = Array.from({ length: 40 }, (_, i) =>
  i % 5 === 4
    ? `Mozilla/5.0 (X11; Linux x86_64; rv:${120 + (i % 30)}.0) Gecko/20100101 Firefox/${120 + (i % 30)}.0`
    : i % 7 === 6
      ? `python-requests/2.${20 + (i % 12)}.0`
      : `Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/${118 + i}.0.0.0 Safari/537.36${i % 2 === 0 ? ` Edg/${118 + i}.0.0.0` : ''}`,
);

export const verdictOf = (
  action: Verdict['action'],
  rule: string,
  reason: string,
  policy = '0123456789ab',
): Verdict => ({ action, rule, policy, reason, capture: 'headers', block: 'page' });

export const INSPECT = [
  verdictOf('inspect', 'default-inspect', 'No rule matched; the default inspects.'),
  verdictOf('inspect', 'inspect-cloud-storage', 'Uploads to cloud storage are inspected.'),
  verdictOf('inspect', 'inspect-webmail', 'Web mail is inspected.'),
];
export const PASS = verdictOf('passthrough', 'do-not-decrypt-banking', 'Banks are never decrypted.');
export const BLOCK = verdictOf('block', 'deny-ads', 'Advertising is blocked.');

export interface Person {
  client: string;
  user: string | null;
  agents: string[];
  language: string;
}

export interface Site {
  host: string;
  server: string;
  words: string[];
  http2: boolean;
  cdn: boolean;
  verdict: Verdict;
  hello: HelloFacts;
  assets: string[];
}

export interface OpenFlow {
  id: number;
  n: number;
  left: number;
  site: Site;
  person: Person;
  agent: string;
  start: FlowOpenRecord;
  bytesUp: number;
  bytesDown: number;
}
