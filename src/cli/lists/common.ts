/**
 * What importing and exporting lists share on the command line: errors with a hint, the place of the policy, and text of
 * foreign lists made fit for a terminal.
 */
import { join } from 'node:path';
import type { Settings } from '../../settings/catalogue.ts';

/** The policy document that the settings name. */
export function policyFileOf(settings: Settings): string {
  return settings['policy.file'] ?? join(settings['data-dir'], 'policy.yaml');
}

/** Bytes of foreign lists go to a terminal here. */
export function printable(text: string): string {
  return text
    .slice(0, 120)
    .replace(/[\u0000-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g, '\ufffd');
}

/** Formats for a help text. */
export function table(of: readonly { format: string; about: string }[]): string {
  return of.map(f => `  ${f.format.padEnd(12)}${f.about}`).join('\n');
}
