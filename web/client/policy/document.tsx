/** The policy in force, to read: its document with line numbers, and why a newer one was refused. */
import { useEffect, useRef } from 'react';
import { lineOfRule, tokensOf } from '../format/yaml.ts';
import { visible } from '../format/visible.ts';
import { CopyButton } from '../parts/copy-button.tsx';
import { Captured } from '../parts/captured.tsx';
import { Icon } from '../parts/icon.tsx';
import { Moment } from '../parts/moment.tsx';
import { Problems } from '../parts/problem.tsx';
import type { PolicyProblem, PolicyRejection, PolicyView } from '../../contract.ts';

export function PolicyDocument({ policy, rule }: { policy: PolicyView; rule: string }) {
  const lines = policy.text.split(/\r?\n/);
  const target = rule === '' || rule === 'main' ? null : lineOfRule(lines, rule);
  const mark = useRef<HTMLLIElement>(null);
  useEffect(() => {
    // Newer browsers return a promise here, which must not be taken for a clean-up.
    void mark.current?.scrollIntoView({ block: 'center' });
  }, [target, policy.version]);
  return (
    <>
      {policy.rejected === null ? null : (
        <Rejected rejected={policy.rejected} problems={policy.problems ?? []} />
      )}
      {rule !== '' && rule !== 'main' && target === null ? (
        <p className="quiet">
          The rule <Captured text={rule} max={100} /> does not stand in this version
          {rule.startsWith('doubt:') || rule === 'default' ? '; it is a built-in default' : ''}.
        </p>
      ) : null}
      <div className="tab-tools">
        <p className="fine">The first rule that matches decides.</p>
        <CopyButton text={policy.text} label="Copy the document" words="Copy" />
      </div>
      <div className="document" tabIndex={0} role="region" aria-label="Policy document">
        <ol>
          {lines.map((line, at) => (
            <li
              key={at}
              ref={at === target ? mark : undefined}
              className={at === target ? 'line line-marked' : 'line'}
              aria-current={at === target ? 'location' : undefined}
            >
              <code>
                {tokensOf(line).map((token, n) => (
                  <span key={n} className={`yaml-${token.kind}`}>
                    {visible(token.text)}
                  </span>
                ))}
              </code>
            </li>
          ))}
        </ol>
      </div>
    </>
  );
}

function Rejected({ rejected, problems }: { rejected: PolicyRejection; problems: readonly PolicyProblem[] }) {
  const place =
    rejected.line === null
      ? ''
      : ` at line ${rejected.line}${rejected.column === null ? '' : `, column ${rejected.column}`}`;
  return (
    <section className="fault-note" role="alert">
      <Icon name="fault" />
      <div>
        <h2>A newer document was refused{place}</h2>
        {problems.length > 1 ? (
          <Problems problems={problems} />
        ) : (
          <>
            <p>
              <Captured text={rejected.message} />
            </p>
            {rejected.hint === null ? null : (
              <p>
                <Captured text={rejected.hint} />
              </p>
            )}
          </>
        )}
        <p className="fine">
          <Moment at={rejected.time} form="medium" />. The version below stays in force until the document is
          mended.
        </p>
      </div>
    </section>
  );
}
