/** What is worth telling about a rule beside its hits: expired, never reached, never used. Pure. */
import type { Rule } from '../../src/policy/rule.ts';
import type { RuleNote } from '../contract.ts';

const SOON = 14 * 86_400_000;

/** Notes for each rule, in order. `hits` is null where nothing was counted; `now` in ms. */
export function ruleNotes(
  rules: readonly Rule[],
  hits: readonly (number | null)[],
  now: number,
): RuleNote[][] {
  let stop: Rule | null = null;
  return rules.map((rule, i) => {
    const notes: RuleNote[] = [];
    const expired = rule.expires !== null && rule.expires <= now;
    if (expired)
      notes.push({ kind: 'expired', text: `Expired on ${day(rule.expires)} and matches nothing any more.` });
    else if (rule.expires !== null && rule.expires - now < SOON)
      notes.push({ kind: 'expires-soon', text: `Expires on ${day(rule.expires)}.` });
    if (stop !== null)
      notes.push({
        kind: 'shadowed',
        text: `Never reached: "${stop.name}" above it matches every connection.`,
      });
    else if (hits[i] === 0 && !expired)
      notes.push({ kind: 'unused', text: 'Decided no connection in this time.' });
    if (stop === null && rule.when === null && rule.rollout === null && rule.expires === null) stop = rule;
    return notes;
  });
}

function day(ms: number | null): string {
  return ms === null ? '' : new Date(ms).toISOString().slice(0, 10);
}
