/** Random query texts whose terms meet the random records of sample.ts; every operator of the language occurs. */
import { HOSTILE, flowId } from '../sample.ts';
import { exchangeIdText, flowIdText } from '../../../src/core/records.ts';
import type { Rng } from '../../fuzz/rng.ts';

const quote = (text: string): string => `"${text.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`;

const SHARED: readonly ((rng: Rng) => string)[] = [
  rng =>
    `host:${rng.pick(['example.test', 'www.example.test', '*.example.test', '.example.test', 'EXAMPLE.test', '*', '192.0.2.9', 'w*e*t', 'none.test'])}`,
  rng => `sni:${rng.pick(['www.example.test', '*', '.test', 'x*'])}`,
  rng =>
    `client:${rng.pick(['10.0.0.0/8', '10.0.0.1', '10.0.*', '2001:db8::/32', '2001:db8:1::/48', '::/0', '0.0.0.0/0', '192.168.7.6/31'])}`,
  rng => `user:${rng.pick(['alice', 'bob', 'BOB', '*', 'carol@*', quote('alice'), 'nobody'])}`,
  rng => `verdict:${rng.pick(['inspect', 'passthrough', 'block', 'in*'])}`,
  rng => `rule:${rng.pick(['ads', 'banks_1', 'all-else', 'all?else', 'b*_*', '%'])}`,
  rng => `policy:${rng.pick(['0123456789ab', '0*', '*'])}`,
  rng => `reason:${rng.pick(['login', 'because*', quote('of v1')])}`,
  rng => `fault:${rng.pick(['*', 'response-timeout', 'origin*', 'none'])}`,
  rng => `mask:${rng.pick(['standard', 'strict', 'STRICT', '*', 's*'])}`,
  rng => `tlsprofile:${rng.pick(['modern', 'tls13', 'compatible', '*', '*o*'])}`,
  rng => `parent:${rng.pick(['corp', 'branch', '*', 'c*', 'none'])}`,
  rng => `scheme:${rng.pick(['http', 'https', 'h*'])}`,
  rng => `port:${rng.pick(['443', '80..443', '>443', '*'])}`,
  rng => `ms:${rng.pick(['>1500', '<=750.25', '100..500', '1s..2s', '..300', '2s..'])}`,
  rng => `bytes:${rng.pick(['>1MB', '<10000', '500kB..1.5MB', '>=1MiB'])}`,
  rng => `up:${rng.pick(['>2500', '0..100', '=0'])}`,
  rng => `down:${rng.pick(['>1000000', '<5000'])}`,
  rng => `flow:${flowIdText(flowId(1, 1 + rng.int(40)))}`,
  rng =>
    `time:${rng.pick(['>2026-11-20T12:00:30Z', '2026-11-20T12:01', '<=2026-11-20T12:00:10Z', '5m', '2026-11-19..2026-11-20', '>=2026-11-20T13:00:45+01:00', '30s..now'])}`,
];

const EXCHANGES: readonly ((rng: Rng) => string)[] = [
  ...SHARED,
  rng => `method:${rng.pick(['GET', 'get', 'P*', 'DELETE'])}`,
  rng => `status:${rng.pick(['404', '>=400', '4xx', '200..299', '<300', '*', '5*'])}`,
  rng =>
    `path:${rng.pick(['login', '/api/*', '*.png*', quote('/v1/'), quote('%c3%bc'), 'Q=', '*', quote('100%25'), '/*/*?q=*-3'])}`,
  rng => `type:${rng.pick(['json', 'image/*', 'text/html', '*'])}`,
  rng => `protocol:${rng.pick(['h2', 'http/1.1', 'http/*'])}`,
  rng => `masked:${rng.pick(['card', 'res-body', '*', 'req-head:headers=1', 'path:*=1', 'iban'])}`,
  rng => `wait:${rng.pick(['>500', '*', '<100ms'])}`,
  rng =>
    `header:${rng.pick(['red', 'nginx', 'caddy', 'x-team', 'referer', 'date', quote('x-team: blue'), 're*'])}`,
  rng =>
    `${rng.pick(['body', 'body', 'reqbody', 'resbody'])}:${rng.pick(['invoice', 'cafe', 'ÜBERWEISUNG', 'logi*', '4711', 'octets', 'note', quote('total amount'), quote('under two heads'), 'none'])}`,
  rng => `exchange:${exchangeIdText(flowId(1, 1 + rng.int(40)), 1 + rng.int(4))}`,
  rng =>
    rng.pick([
      'login',
      'Users',
      'v1',
      'ü',
      'u',
      '"api v1"',
      'exam*',
      'example',
      '"www example test"',
      'png',
      'red',
      'NGINX',
      'x-ray',
      '3',
      'img*',
      'latin1',
      'like',
      '"1 1"',
      'invoice',
      '"total amount"',
      'octets',
    ]),
];

const FLOWS: readonly ((rng: Rng) => string)[] = [
  ...SHARED,
  rng => `exchanges:${rng.pick(['>3', '0', '1..2'])}`,
  rng => `ja4:${rng.pick(['t13*', 'x', '*'])}`,
  rng => `alpn:${rng.pick(['h2', 'http', '*'])}`,
  rng => `ingress:${rng.pick(['connect', 'http', 'socks5', '*'])}`,
  rng => rng.pick(['login', 'example', 'exam*', '"because of"', 'timeout', '"www example"']),
];

/** One term of each operator there is. */
export const eachTerm = (rng: Rng, kind: 'exchanges' | 'flows'): string[] =>
  (kind === 'exchanges' ? EXCHANGES : FLOWS).map(term => term(rng));

export function randomQuery(rng: Rng, kind: 'exchanges' | 'flows', depth = 0): string {
  const terms = kind === 'exchanges' ? EXCHANGES : FLOWS;
  const term = (): string => {
    if (rng.oneIn(40))
      return `path:${quote(rng.pick(HOSTILE))}`.replace('path:', kind === 'flows' ? 'reason:' : 'path:');
    return rng.pick(terms)(rng);
  };
  if (depth > 2 || rng.oneIn(3)) return term();
  const parts = Array.from({ length: 2 + rng.int(2) }, () => {
    const part = randomQuery(rng, kind, depth + 1);
    const inner = /\s/.test(part) && !/^\S*"[^"]*"$/.test(part) ? `(${part})` : part;
    return rng.oneIn(4) ? `${rng.pick(['-', 'NOT '])}${inner}` : inner;
  });
  return parts.join(rng.pick([' ', ' AND ', ' OR ']));
}
