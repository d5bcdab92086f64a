/** Where the policy document of an installation lies: `policy.file`, or `policy.yaml` in the data directory. Nothing is opened. */
import { join } from 'node:path';
import type { Settings } from './catalogue.ts';

/** Path of the policy document that the settings name; whether it exists is the caller's question. */
export function policyFileOf(settings: Pick<Settings, 'policy.file' | 'data-dir'>): string {
  return settings['policy.file'] ?? join(settings['data-dir'], 'policy.yaml');
}
