/**
 * What the search bench asks, as a table: names, the bar each belongs to, and the query texts, of which several values are
 * drawn from the store itself so that no single lucky value decides.
 */
import { NEEDLES } from './traffic.ts';
import type { AuditStore, FacetField } from '../src/audit/store/store.ts';
import type { Query } from '../src/audit/query/ast.ts';

/** Bars of issue 4, ms at the 95th percentile. */
export const BARS = { field: 100, text: 300, chart: 500 } as const;

/** `page`: the newest 50 rows. `chart`: 120 bars over all days. `count` and `facets`: whole answers. */
export type Ask = 'page' | 'chart' | 'count' | 'facets';

export interface Question {
  name: string;
  ask: Ask;
  /** Null: reported, no bar of its own. */
  bar: keyof typeof BARS | null;
  kind: 'exchanges' | 'flows';
  queries: string[];
}

const page = (
  bar: 'field' | 'text',
  name: string,
  queries: string[],
  kind: Question['kind'] = 'exchanges',
): Question => ({
  name,
  ask: 'page',
  bar,
  kind,
  queries,
});

/** The table for a store. */
export async function questions(store: AuditStore, all: Query): Promise<Question[]> {
  const values = async (field: FacetField, limit = 1000): Promise<string[]> => {
    const { values: found } = await store.facets(all, { kind: 'exchanges', field, limit, budget: Infinity });
    return found.flatMap(v => (v.value === null ? [] : String(v.value)));
  };
  const hosts = await values('host');
  const users = await values('user');
  const clients = await values('client');
  const at = (list: string[], ...places: number[]): string[] => places.flatMap(p => list.at(p) ?? []);
  const frequentHosts = at(hosts, 0, 1, 2, 3, 4);
  const someUsers = at(users, 0, 10, 100, 500, -1);

  const pages: Question[] = [
    page('field', 'everything', ['']),
    page(
      'field',
      'host, frequent',
      frequentHosts.map(h => `host:${h}`),
    ),
    page(
      'field',
      'host, middling',
      at(hosts, 200, 400, 600, 800, 999).map(h => `host:${h}`),
    ),
    page('field', 'host, once in a month', [`host:${NEEDLES.host.host}`]),
    page('field', 'host, never', ['host:nobody.nowhere.example', 'host:.absent.example']),
    page('field', 'host, wildcard', [
      'host:*shop*',
      'host:api.*',
      'host:.de',
      'host:*quokka*',
      'host:cdn.*.io',
    ]),
    page(
      'field',
      'user',
      someUsers.map(u => `user:${u}`),
    ),
    page('field', 'user, once', [`user:${NEEDLES.user.user}`]),
    page(
      'field',
      'client',
      at(clients, 0, 50, 500, -1).map(c => `client:${c}`),
    ),
    page('field', 'client, network', [
      'client:10.1.0.0/16',
      'client:10.2.7.0/24',
      'client:10.3.3.128/25',
      'client:192.168.0.0/16',
    ]),
    page('field', 'status', [
      'status:200',
      'status:404',
      'status:5xx',
      'status:500..599',
      'status:>=400',
      'status:418',
    ]),
    page('field', 'method', ['method:PUT', 'method:POST', 'method:DELETE']),
    page('field', 'type and verdict', [
      'type:video',
      'verdict:inspect',
      'rule:inspect-webmail',
      'fault:*',
      'fault:origin-reset',
    ]),
    page('field', 'path, frequent piece', ['path:api', 'path:/static/*', 'path:.webp', 'path:search?q=']),
    page('field', 'path, rare piece', [
      'path:xylophone-9f3ab',
      'path:contract.pdf',
      'path:/vault/*',
      'path:9f3ab/con',
    ]),
    page('field', 'path, never', [
      'path:wombat',
      'path:/no/such/place',
      'path:%2e%2e',
      'path:qqqq7',
      'path:sqlmap',
    ]),
    page('field', 'path, one number', [
      'path:/orders/483920',
      'path:777123',
      'path:/271828/',
      'path:314159?page',
    ]),
    page('field', 'path, two letters', ['path:zq', 'path:~']),
    page('field', 'sizes and times', [
      'bytes:>5MB',
      'bytes:>100MB',
      'ms:>=5s',
      'ms:>1h',
      'up:>1kB status:403',
      'wait:>8s',
    ]),
    page('field', 'one day of many', [
      'time:2026-11-03 status:404',
      'time:2026-10-25',
      'time:2026-11-03T10:00..2026-11-03T10:05 method:POST',
      'time:2025-01-01',
    ]),
    page('field', 'combinations', [
      ...frequentHosts.map((h, i) => `host:${h} user:${users[(i * 37) % users.length] ?? ''}`),
      ...someUsers.map(u => `user:${u} status:>=500`),
      'client:10.1.0.0/16 method:PUT status:403 path:api',
      'host:*bank* method:POST bytes:>1MB',
    ]),
    page('field', 'NOT', [
      '-status:200',
      '-method:GET -method:POST',
      '-host:*.com -host:*.de status:500',
      '-verdict:inspect',
      '-user:* fault:*',
      '-path:/* ',
    ]),
    page('field', 'OR', [
      'status:503 OR fault:*',
      `user:${users[3] ?? ''} OR host:${NEEDLES.host.host}`,
      'path:wombat OR path:xylophone-9f3ab',
      'status:418 OR method:DELETE OR user:nobody',
    ]),
    page(
      'field',
      'flows',
      [
        '',
        'verdict:block',
        'fault:*',
        'verdict:passthrough -sni:*.com',
        'ja4:t13d1516h2_8daaf6152773*',
        'down:>100MB',
        'sni:nobody.example',
      ],
      'flows',
    ),
    page('text', 'text, frequent', ['order', 'dashboard', 'mozilla', 'com', 'static']),
    page('text', 'text, some', ['dashboard invoice', '"search billing"', 'python', 'AmazonS3', 'FRA']),
    page('text', 'text, once', [
      NEEDLES.header.value,
      'quokka',
      'xylophone',
      '"9f3ab contract pdf"',
      `header:${NEEDLES.header.value}`,
    ]),
    page('text', 'text, never', [
      'wombat',
      '"no such words here"',
      'header:wombat',
      'aardvark OR wombat',
      'wombat*',
    ]),
    page('text', 'text, prefix', ['dash*', 'quok*', 'inv*', 'zanz*']),
    page('text', 'text and fields', [
      'dashboard status:500',
      'invoice method:PUT',
      `mozilla user:${users[20] ?? ''}`,
      'search -order status:404',
      '(quokka OR xylophone) status:200',
    ]),
    page('text', 'text in flows', ['bank*', 'shop', 'dial timeout', 'wombat'], 'flows'),
  ];
  const conditions = [
    ...frequentHosts.slice(0, 2).map(h => `host:${h}`),
    `user:${users[0] ?? ''}`,
    'status:>=400',
    '-status:200',
    'method:POST',
    'client:10.1.0.0/16',
    'bytes:>1MB',
    'ms:>500',
    `host:${NEEDLES.host.host}`,
    'host:nobody.nowhere.example',
    'path:xylophone-9f3ab',
    'path:api',
    'dashboard',
    'wombat',
    'client:10.1.0.0/16 -status:200 bytes:>100kB',
  ];
  const charts: Question[] = [
    { name: 'chart, everything', ask: 'chart', bar: 'chart', kind: 'exchanges', queries: [''] },
    ...conditions.map(c => ({
      name: `chart, ${c}`,
      ask: 'chart' as const,
      bar: 'chart' as const,
      kind: 'exchanges' as const,
      queries: [c],
    })),
    {
      name: 'chart, flows',
      ask: 'chart',
      bar: 'chart',
      kind: 'flows',
      queries: ['', 'verdict:block', 'fault:*'],
    },
  ];
  const wholes: Question[] = (['count', 'facets'] as const).flatMap(ask =>
    ['', 'status:>=400', `user:${users[0] ?? ''}`, 'client:10.1.0.0/16', 'dashboard', 'path:api'].map(q => ({
      name: `${ask}, ${q === '' ? 'everything' : q}`,
      ask,
      bar: null,
      kind: 'exchanges' as const,
      queries: [q],
    })),
  );
  return [...pages, ...charts, ...wholes];
}
