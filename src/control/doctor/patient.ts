/** What every check is given: the settings it judges by, the hosts to try, and how long it may wait for an answer. */
import type { Settings } from '../../settings/catalogue.ts';

export interface Patient {
  settings: Settings;
  /** Hosts to try, canonical, with port: named by the user, else the most frequent of the last day. At most ten. */
  hosts: readonly { host: string; port: number }[];
  /** Environment of the shell. */
  env: Readonly<Record<string, string | undefined>>;
  /** ms since epoch. */
  now: () => number;
  /** ms that one attempt on the network may take. */
  patience: number;
}

/** What the machine's words of an error are: its code, else its message. */
export function words(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return 'code' in error && typeof error.code === 'string' ? error.code : error.message;
}
