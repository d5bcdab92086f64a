/** Where the values of a facet are: the row's column that leads there, and the statement that reads one. */
import type { FacetField } from './store.ts';

const WHAT = (column: string) => ({ key: 'what', value: `SELECT ${column} FROM what WHERE id = ?` });
const LANE = (column: string) => ({ key: 'lane', value: `SELECT ${column} FROM lane WHERE id = ?` });
const WHO = (column: string) => ({ key: 'who', value: `SELECT ${column} FROM who WHERE id = ?` });
const HOST_OF = (table: string) =>
  `SELECT h.name FROM ${table} s LEFT JOIN host h ON h.id = s.host WHERE s.id = ?`;

export const FACET_SOURCE: Record<
  'exchanges' | 'flows',
  Partial<Record<FacetField, { key: string; value: string }>>
> = {
  exchanges: {
    host: { key: 'what', value: HOST_OF('what') },
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
    host: { key: 'lane', value: HOST_OF('lane') },
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
