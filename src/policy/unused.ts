/**
 * Rules that recorded traffic never met: of a policy and the hits that were counted, those without any. Pure.
 *
 * Only rules that the policy in force has too are told: a rule that was never applied cannot have met anything, and saying so
 * of each new one would bury what matters. Rules with a warning of their own (hidden, expired) are left out as well: that
 * they met nothing is what the warning explains.
 */
import type { Finding } from './analyse.ts';
import type { Positions } from './parse.ts';

export interface UnusedOptions {
  /** Names of the rules of the policy that is looked at, in order. */
  rules: readonly string[];
  /** Names of the rules of the policy in force. */
  inForce: ReadonlySet<string>;
  /** Names of rules that decided something. */
  met: ReadonlySet<string>;
  /** What was found otherwise. */
  findings: readonly Finding[];
  positions: Pick<Positions, 'rules'>;
  /** Since when records were counted, in words for people. */
  since: string;
}

/** A note for each rule that nothing met. */
export function unusedRules({ rules, inForce, met, findings, positions, since }: UnusedOptions): Finding[] {
  const warned = new Set(findings.filter(f => f.severity === 'warning').map(f => f.rule));
  return rules.flatMap((rule, i): Finding[] =>
    !inForce.has(rule) || met.has(rule) || warned.has(rule)
      ? []
      : [
          {
            kind: 'unused',
            severity: 'note',
            rule,
            list: null,
            line: positions.rules[i] ?? 0,
            message: `has decided nothing since ${since}`,
            hint: 'Keep it if it waits for something rare; otherwise it may go.',
          },
        ],
  );
}
