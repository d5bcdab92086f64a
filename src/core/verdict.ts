/** The outcome of one policy decision. Pure data: the data plane carries it out, the records keep it. */

export type Action = 'inspect' | 'passthrough' | 'block';
export const ACTIONS: readonly Action[] = ['inspect', 'passthrough', 'block'];

/** How much of an inspected flow is recorded: the ledger row only, exchanges with headers, or bodies too. */
export type CaptureLevel = 'flow' | 'headers' | 'bodies';

/** How a block is told to the client: an explanatory page (under a minted leaf), a TLS alert, or a TCP reset. */
export type BlockKind = 'page' | 'alert' | 'reset';

export interface Verdict {
  action: Action;
  /** Name of the rule, or `doubt:<condition>` or `default` when no rule decided. */
  rule: string;
  /** Version of the policy that decided: first 12 hex digits of its SHA-256. */
  policy: string;
  /** One sentence for people. */
  reason: string;
  capture: CaptureLevel;
  block: BlockKind;
}

/** Conditions of doubt: named, each with a default in the policy, never a fall-through (DESIGN §4.5). */
export const DOUBTS = [
  'malformed-hello',
  'hello-timeout',
  'not-tls',
  'no-sni',
  'sni-mismatch',
  'connect-ip',
  'ech-front',
  'host-mismatch',
] as const;
export type Doubt = (typeof DOUBTS)[number];

/** Strictest first: when several names of one flow meet several verdicts, the lowest index wins (requirement S1). */
const STRICTNESS: readonly Action[] = ['block', 'inspect', 'passthrough'];

/** The stricter of two verdicts; the first when equal. */
export function stricter(a: Verdict, b: Verdict): Verdict {
  return STRICTNESS.indexOf(b.action) < STRICTNESS.indexOf(a.action) ? b : a;
}
