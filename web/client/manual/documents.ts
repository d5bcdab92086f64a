/**
 * The documents of the repository that the console offers, in the order in which somebody would look for them. Each is
 * a file of its own that is fetched when it is opened.
 */
import type { ManualPage } from './page.ts';

export interface ManualDocument {
  /** In the address: /help/NAME. The file's name without its ending. */
  name: string;
  label: string;
  load: () => Promise<{ page: ManualPage }>;
}

export const QUERY_LANGUAGE: ManualDocument = {
  name: 'query-language',
  label: 'Query language',
  load: () => import('../../../docs/query-language.md'),
};

export const DOCUMENTS: readonly ManualDocument[] = [
  QUERY_LANGUAGE,
  { name: 'policy', label: 'Policy', load: () => import('../../../docs/policy.md') },
  { name: 'lists', label: 'Lists', load: () => import('../../../docs/lists.md') },
  { name: 'masking', label: 'Masking', load: () => import('../../../docs/masking.md') },
  { name: 'audit', label: 'Audit store', load: () => import('../../../docs/audit.md') },
  { name: 'streams', label: 'Streams and alerts', load: () => import('../../../docs/streams.md') },
  { name: 'deployment', label: 'Deployment', load: () => import('../../../docs/deployment.md') },
  { name: 'accounts', label: 'Accounts', load: () => import('../../../docs/accounts.md') },
  { name: 'authority', label: 'Authority', load: () => import('../../../docs/authority.md') },
  { name: 'pac', label: 'PAC', load: () => import('../../../docs/pac.md') },
  { name: 'operations', label: 'Operations', load: () => import('../../../docs/operations.md') },
  { name: 'fleet', label: 'Fleet', load: () => import('../../../docs/fleet.md') },
  { name: 'faults', label: 'Faults', load: () => import('../../../docs/reference/faults.md') },
  { name: 'settings', label: 'Settings', load: () => import('../../../docs/reference/settings.md') },
  { name: 'doctor', label: 'Doctor', load: () => import('../../../docs/reference/doctor.md') },
  { name: 'metrics', label: 'Metrics', load: () => import('../../../docs/reference/metrics.md') },
  { name: 'architecture', label: 'Architecture', load: () => import('../../../docs/architecture.md') },
];

/** Where a document lies in the console. */
export const documentAddress = (name: string): string => `/help/${name}`;

/** The document of an address; null when it is none of ours. `/help` alone is the first one. */
export function documentAt(path: string): ManualDocument | null {
  const name = /^\/help(?:\/([a-z-]{1,40}))?\/?$/.exec(path);
  if (name === null) return null;
  return DOCUMENTS.find(document => document.name === (name[1] ?? QUERY_LANGUAGE.name)) ?? null;
}
