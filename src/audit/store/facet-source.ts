/** Where the values of a facet are: the row's column that leads there, and the statement that reads all (or, with
 * `WHERE s.id = ?`, one). */
import type { FacetField } from './store.ts';

const WHAT = (column: string) => ({ key: 'what', values: `SELECT s.id, s.${column} FROM what s` }) as const;
const LANE = (column: string) => ({ key: 'lane', values: `SELECT s.id, s.${column} FROM lane s` }) as const;
const WHO = (column: string) => ({ key: 'who', values: `SELECT s.id, s.${column} FROM who s` }) as const;
const HOST_OF = (table: 'what' | 'lane') =>
  ({ key: table, values: `SELECT s.id, h.name FROM ${table} s LEFT JOIN host h ON h.id = s.host` }) as const;

export const FACET_SOURCE: Record<
  'exchanges' | 'flows',
  Partial<Record<FacetField, { key: 'what' | 'lane' | 'who'; values: string }>>
> = {
  exchanges: {
    host: HOST_OF('what'),
    sni: WHAT('sni'),
    client: WHO('client'),
    user: WHO('user'),
    method: WHAT('method'),
    status: WHAT('status'),
    type: WHAT('type'),
    verdict: WHAT('action'),
    rule: WHAT('rule'),
    policy: WHAT('policy'),
    fault: WHAT('fault'),
    scheme: WHAT('scheme'),
    port: WHAT('port'),
    protocol: WHAT('protocol'),
    mask: WHAT('mask'),
    tlsprofile: WHAT('tls'),
    parent: WHAT('parent'),
  },
  flows: {
    host: HOST_OF('lane'),
    sni: LANE('sni'),
    client: WHO('client'),
    user: WHO('user'),
    verdict: LANE('action'),
    rule: LANE('rule'),
    policy: LANE('policy'),
    fault: LANE('fault'),
    scheme: LANE('scheme'),
    port: LANE('port'),
    mask: LANE('mask'),
    tlsprofile: LANE('tls'),
    parent: LANE('parent'),
  },
};
