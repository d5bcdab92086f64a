/** What a look at the whole policy says about a rule or a list: warnings loud, the rest quiet, each with what to do. */
import type { ReactNode } from 'react';
import type { PolicyFinding, RuleNote } from '../../contract.ts';
import { Captured } from './captured.tsx';
import { Icon } from './icon.tsx';

export function Notes({ notes }: { notes: readonly RuleNote[] }) {
  if (notes.length === 0) return null;
  return (
    <ul className="rule-notes">
      {notes.map((note, at) => (
        <Note key={at} note={note}>
          <Captured text={note.text} />
        </Note>
      ))}
    </ul>
  );
}

/** The same for a whole document, with the rule and line each is about. */
export function Findings({ findings }: { findings: readonly PolicyFinding[] }) {
  if (findings.length === 0) return null;
  return (
    <details open={findings.some(f => f.severity === 'warning')}>
      <summary>Worth a look ({findings.length})</summary>
      <ul className="rule-notes">
        {findings.slice(0, 50).map((finding, at) => (
          <Note key={at} note={finding}>
            {finding.line === null ? '' : `Line ${finding.line}: `}
            {finding.rule === null ? null : (
              <>
                <strong>
                  <Captured text={finding.rule} max={80} />
                </strong>
                {': '}
              </>
            )}
            <Captured text={finding.text} />
          </Note>
        ))}
      </ul>
    </details>
  );
}

function Note({ note, children }: { note: RuleNote; children: ReactNode }) {
  const loud = note.severity === 'warning';
  return (
    <li className={loud ? 'warn' : 'quiet'}>
      <Icon name={loud ? 'fault' : 'none'} />
      <span>
        {children}
        {note.hint === '' ? null : (
          <>
            {' '}
            <Captured text={note.hint} />
          </>
        )}
      </span>
    </li>
  );
}
