/** The parents of an installation: what the settings say of secrets and trust, put together for workers and for the doctor. */
import { join } from 'node:path';
import type { Settings } from '../settings/catalogue.ts';
import { parentContext } from './origin.ts';
import { createParents, type Parents, type ParentsOptions } from './parent.ts';
import { createLogins } from './parent-login.ts';

/** `ownCas` holds the fingerprints (hex) of our own authorities, which no parent may use. */
export function parentsOf(
  settings: Settings,
  { ownCas, ...around }: Pick<ParentsOptions, 'resolve' | 'rules'> & { ownCas: ReadonlySet<string> },
): Parents {
  return createParents({
    ...around,
    logins: createLogins(settings['parent.secrets'] ?? join(settings['data-dir'], 'secrets')),
    trust: { context: parentContext(settings['origin.trust'], settings['parent.extra-ca']), ownCas },
  });
}
