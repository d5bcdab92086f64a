/** Random policies and flows over a small world, so that rules and flows meet often. */
import fc from 'fast-check';
import type { FlowFacts } from '../../src/core/facts.ts';
import { DOUBTS } from '../../src/core/verdict.ts';
import type { Doubt } from '../../src/core/verdict.ts';
import { DOUBT_ANSWERS } from '../../src/policy/rule.ts';
import type { Condition, DoubtAnswer, PolicyDocument, Rule } from '../../src/policy/rule.ts';
import { flow } from './facts.ts';

const NAMES = [
  'a.test',
  'b.a.test',
  'c.b.a.test',
  'xa.test',
  'b.test',
  'cloudflare-ech.com',
  'deep.c.b.a.test',
];
const ADDRESSES = ['192.0.2.1', '192.0.2.77', '10.0.0.9', '2001:db8::1', '2001:db8:1::1'];
const LISTS = ['one', 'two'];
const ACTIONS = ['inspect', 'passthrough', 'block'] as const;

export const anyName = fc.constantFrom(...NAMES);
export const anyPattern = fc
  .tuple(fc.constantFrom('', '*.', '.'), anyName)
  .map(([kind, name]) => kind + name);
const network = fc.constantFrom(
  '192.0.2.0/24',
  '192.0.2.77/32',
  '0.0.0.0/0',
  '10.0.0.0/8',
  '2001:db8::/32',
  '::/0',
);

function some<T>(of: fc.Arbitrary<T>, maxLength = 3): fc.Arbitrary<T[]> {
  return fc.array(of, { minLength: 1, maxLength });
}

const leaf: fc.Arbitrary<Condition> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      test: fc.constant('host' as const),
      patterns: fc.array(anyPattern, { maxLength: 3 }),
      lists: fc.uniqueArray(fc.constantFrom(...LISTS), { maxLength: 2 }),
      networks: fc.array(network, { maxLength: 1 }),
    }),
  },
  fc.record({ test: fc.constant('client' as const), networks: some(network) }),
  fc.record({ test: fc.constant('user' as const), values: some(fc.constantFrom('alice', 'bob', '*')) }),
  fc.record({ test: fc.constant('group' as const), values: some(fc.constantFrom('staff', 'guests')) }),
  fc.record({
    test: fc.constant('listener' as const),
    values: some(fc.constantFrom(':8080', '127.0.0.1:9', ':9')),
  }),
  fc.record({
    test: fc.constant('port' as const),
    ranges: some(fc.constantFrom<[number, number]>([443, 443], [1, 100], [8000, 9000])),
  }),
  fc.record({
    test: fc.constant('ingress' as const),
    values: some(fc.constantFrom('connect', 'http', 'socks5')),
  }),
  fc.record({ test: fc.constant('scheme' as const), values: some(fc.constantFrom('https', 'http')) }),
  fc.record({ test: fc.constant('alpn' as const), values: some(fc.constantFrom('h2', 'http/1.1')) }),
  fc.record({
    test: fc.constant('tls-version' as const),
    values: some(fc.constantFrom('TLS 1.3', 'TLS 1.2')),
  }),
  fc.record({
    test: fc.constant('ja4' as const),
    values: some(fc.constantFrom('t13d*', 't12d*', 't13d0310h2_000000000000_000000000000')),
  }),
  fc.record({
    test: fc.constant('ech' as const),
    values: some(fc.constantFrom('none' as const, 'grease-or-real' as const)),
  }),
  fc.record({ test: fc.constantFrom('no-sni' as const, 'sni-mismatch' as const), value: fc.boolean() }),
  fc.record({
    test: fc.constantFrom('origin-issuer' as const, 'origin-subject' as const),
    values: some(fc.constantFrom('*', 'CN=*', '*O=good*', '*x*y*', 'cn=bad')),
  }),
  fc.record({
    test: fc.constant('origin-fault' as const),
    values: some(fc.constantFrom('*', 'none', 'cert-expired')),
  }),
  fc.record({ test: fc.constant('method' as const), values: some(fc.constantFrom('GET', 'POST')) }),
  fc.record({
    test: fc.constant('path' as const),
    values: some(fc.constantFrom('/', '/a*', '*b', '/a*a*b', '*')),
  }),
  fc.record({
    test: fc.constant('content-type' as const),
    values: some(fc.constantFrom('application/json', 'multipart/*')),
  }),
  fc.record({
    test: fc.constant('time' as const),
    days: some(fc.nat(6), 7),
    from: fc.constantFrom(0, 480, 1320),
    to: fc.constantFrom(360, 1080, 1440),
    zone: fc.constantFrom('UTC', 'Europe/Berlin', 'America/New_York', 'Asia/Kathmandu'),
  }),
);

const { condition } = fc.letrec<{ condition: Condition }>(tie => ({
  condition: fc.oneof(
    { maxDepth: 3, depthIdentifier: 'condition' },
    leaf,
    fc.record({
      test: fc.constantFrom('all' as const, 'any' as const),
      of: fc.array(tie('condition'), { minLength: 1, maxLength: 3 }),
    }),
    fc.record({ test: fc.constant('not' as const), of: tie('condition') }),
  ),
}));

const rule: fc.Arbitrary<Omit<Rule, 'name'>> = fc.record({
  when: fc.option(condition, { freq: 12 }),
  action: fc.constantFrom(...ACTIONS),
  capture: fc.constantFrom('flow' as const, 'headers' as const, 'bodies' as const),
  block: fc.constantFrom('page' as const, 'alert' as const, 'reset' as const),
  reason: fc.constant(null),
  owner: fc.constant(null),
  expires: fc.option(fc.constantFrom(Date.UTC(2026, 0, 1), Date.UTC(2030, 0, 1)), { freq: 5 }),
  rollout: fc.option(fc.constantFrom(0, 0.5, 30, 50, 100), { freq: 4 }),
});

const doubt = fc.record(
  Object.fromEntries(DOUBTS.map(d => [d, fc.constantFrom(...DOUBT_ANSWERS[d])])),
) as fc.Arbitrary<Record<Doubt, DoubtAnswer>>;

const list = fc
  .array(anyPattern, { maxLength: 4 })
  .map(domains => ({ kind: 'inline' as const, domains, allowPublicSuffix: false }));

/** Documents with so many rules. */
export const documentWith = (minLength: number, maxLength: number): fc.Arbitrary<PolicyDocument> =>
  fc
    .record({
      default: fc.constantFrom(...ACTIONS),
      doubt,
      one: list,
      two: list,
      rules: fc.array(rule, { minLength, maxLength }),
    })
    .map(({ default: action, doubt: answers, one, two, rules }) => ({
      version: 1 as const,
      default: { action, capture: 'headers' as const, block: 'page' as const, reason: null },
      doubt: answers,
      echFronts: ['cloudflare-ech.com'],
      lists: { one, two },
      rules: rules.map((r, i) => ({ name: `rule ${i}`, ...r })),
    }));

export const anyDocument = documentWith(0, 8);

export const anyFlow: fc.Arbitrary<FlowFacts> = fc
  .record({
    now: fc.integer({ min: Date.UTC(2026, 0, 1), max: Date.UTC(2027, 0, 1) }),
    client: fc.constantFrom(...ADDRESSES, '::ffff:192.0.2.1'),
    user: fc.constantFrom(null, 'Alice', 'bob', 'carol'),
    groups: fc.subarray(['Staff', 'guests']),
    listener: fc.constantFrom('[::]:8080', '127.0.0.1:9'),
    ingress: fc.constantFrom('connect' as const, 'socks5' as const, 'http' as const),
    host: fc.oneof(anyName, fc.constantFrom(...ADDRESSES)),
    sni: fc.option(anyName, { freq: 6 }),
    same: fc.boolean(),
    port: fc.constantFrom(443, 80, 8443),
    outcome: fc.constantFrom(
      ...(['hello', 'hello', 'hello', 'hello', 'not-tls', 'malformed', 'timed-out', 'none'] as const),
    ),
    alpn: fc.subarray(['h2', 'http/1.1']),
    versions: fc.subarray(['TLS 1.3', 'TLS 1.2'], { minLength: 1 }),
    ech: fc.constantFrom('none' as const, 'grease-or-real' as const),
    origin: fc.option(
      fc.record({
        subject: fc.constantFrom('CN=a.test', ''),
        issuer: fc.constantFrom('CN=Good, O=Good', 'cn=bad', 'axbyc'),
        fault: fc.constantFrom(null, 'cert-expired', 'cert-self-signed'),
      }),
      { nil: undefined },
    ),
    request: fc.option(
      fc.record({
        method: fc.constantFrom('GET', 'POST'),
        path: fc.constantFrom('/', '/ab', '/aab', '/b', '/a'),
        contentType: fc.constantFrom(null, 'application/json', 'multipart/form-data'),
      }),
      { nil: undefined },
    ),
  })
  .map(({ origin, request, sni, same, alpn, versions, ech, host, outcome, ...rest }) => {
    const isIp = ADDRESSES.includes(host);
    const name = same && !isIp ? host : sni;
    const facts = flow(
      'x.test',
      { ...rest, host, hostKind: isIp ? 'ip' : 'name', outcome },
      { sni: name, alpn, versions, ech },
    );
    return {
      ...facts,
      scheme: outcome === 'none' ? ('http' as const) : ('https' as const),
      hello: outcome === 'hello' ? facts.hello : null,
      ...(origin === undefined ? {} : { origin }),
      ...(request === undefined ? {} : { request }),
    };
  });
