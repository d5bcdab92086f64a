/** What is worth telling about rules and lists beside their numbers, in sentences. Pure. */
import type { Finding } from '../../src/policy/analyse.ts';
import type { PolicyFinding, RuleNote } from '../contract.ts';

/** Findings as the client shows them. */
export function findingsOf(findings: readonly Finding[]): PolicyFinding[] {
  return findings.map(({ kind, severity, rule, list, line, message, hint }) => ({
    kind,
    severity,
    rule,
    list,
    line: line > 0 ? line : null,
    text: sentence(message),
    hint,
  }));
}

/** Notes of one rule. `hits` is null where nothing was counted. */
export function ruleNotes(rule: string, hits: number | null, findings: readonly PolicyFinding[]): RuleNote[] {
  const notes = findings.filter(f => f.rule === rule).map(noteOf);
  if (hits === 0 && !notes.some(note => note.severity === 'warning'))
    notes.push({
      kind: 'unused',
      severity: 'note',
      text: 'Decided no connection in this time.',
      hint: '',
    });
  return notes;
}

/** Notes of one list. */
export function listNotes(list: string, findings: readonly PolicyFinding[]): RuleNote[] {
  return findings.filter(f => f.list === list && f.rule === null).map(noteOf);
}

function noteOf({ kind, severity, text, hint }: PolicyFinding): RuleNote {
  return { kind, severity, text, hint };
}

function sentence(message: string): string {
  return `${message.charAt(0).toUpperCase()}${message.slice(1)}${/[.!?…]$/.test(message) ? '' : '.'}`;
}
