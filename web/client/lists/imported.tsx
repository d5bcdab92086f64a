/** What was read of a list, what would change, and what was written. */
import type { ImportPlan, ImportView } from '../../contract.ts';
import { count, counted } from '../format/numbers.ts';
import { Captured } from '../parts/captured.tsx';
import { Icon } from '../parts/icon.tsx';

export function Report({ view, choose }: { view: ImportView; choose: (category: string) => void }) {
  return (
    <section className="card stack" role="status" aria-label="What was read">
      <p className="replay-sentence">
        Read as <strong>{view.format}</strong>
        {view.detected ? ' (told from the content)' : ''}: <strong>{count(view.entries)}</strong>{' '}
        {view.entries === 1 ? 'name' : 'names'}
        {view.rejected === 0 ? ', nothing rejected' : `, ${counted(view.rejected, 'line')} rejected`}
        {view.ignored === 0 ? '' : `, ${counted(view.ignored, 'line')} without names`}.
      </p>
      {view.exceptionsLeft === 0 ? null : (
        <p className="warn">
          {count(view.exceptionsLeft)} exceptions are left out: a list here either holds names or excepts
          them. Name a list for them above.
        </p>
      )}
      {view.entries === 0 ? (
        <p className="warn">There is no usable name in it, so nothing would change.</p>
      ) : null}
      {view.plan === null && view.categories.length > 1 ? (
        <div>
          <p>It holds several categories. Choose one:</p>
          <div className="form-row">
            {view.categories.slice(0, 100).map(category => (
              <button
                key={category.name}
                type="button"
                className="button"
                onClick={() => choose(category.name)}
              >
                <Captured text={category.name} max={60} />{' '}
                <span className="fine">{count(category.entries)}</span>
              </button>
            ))}
          </div>
        </div>
      ) : null}
      {view.rejects.length === 0 ? null : (
        <details open={view.rejects.length <= 10}>
          <summary>Rejected lines ({count(view.rejected)})</summary>
          <div className="table-scroll" tabIndex={0} role="region" aria-label="Rejected lines">
            <table className="table">
              <thead>
                <tr>
                  <th scope="col" className="number">
                    Line
                  </th>
                  <th scope="col">Reason</th>
                  <th scope="col">Text</th>
                </tr>
              </thead>
              <tbody>
                {view.rejects.map((reject, at) => (
                  <tr key={at}>
                    <td className="number">{count(reject.line)}</td>
                    <td>
                      <Captured text={reject.reason} />
                    </td>
                    <td className="mono">
                      <Captured text={reject.text} max={120} />
                    </td>
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
          {view.rejected > view.rejects.length ? (
            <p className="fine">
              The first {count(view.rejects.length)} of {count(view.rejected)}.
            </p>
          ) : null}
        </details>
      )}
    </section>
  );
}

/** What would change in one list. */
export function Difference({ plan }: { plan: ImportPlan }) {
  return (
    <section className="card stack" aria-label={`What would change in ${plan.name}`}>
      <h2>
        {plan.known ? 'The list ' : 'The new list '}
        <Captured text={plan.name} />
      </h2>
      <p>
        {plan.known && plan.added + plan.removed === 0
          ? 'It holds these very names already.'
          : `${count(plan.before)} names now, ${count(plan.after)} then: ${count(plan.added)} added, ${count(plan.removed)} removed.`}
        {plan.duplicates + plan.covered === 0
          ? ''
          : ` Left out: ${counted(plan.duplicates, 'duplicate')}, ${count(plan.covered)} covered by wider names.`}
      </p>
      {plan.sample.length === 0 ? null : (
        <pre
          className="document preview mono"
          tabIndex={0}
          role="region"
          aria-label={`First changes of ${plan.name}`}
        >
          {plan.sample.map((line, at) => (
            <span key={at} className={`diff-line ${line.startsWith('+') ? 'diff-in' : 'diff-out'}`}>
              {line}
              {'\n'}
            </span>
          ))}
        </pre>
      )}
    </section>
  );
}

interface PlanProps {
  plan: ImportPlan;
  /** The list of the exceptions. */
  others: ImportPlan | null;
  inGit: boolean;
  mayApply: boolean;
  ask: () => void;
}

/** The difference of the list itself, and the way to write it. */
export function Plan({ plan, others, inGit, mayApply, ask }: PlanProps) {
  const plans = others === null ? [plan] : [plan, others];
  const same = plans.every(p => p.known && p.added + p.removed === 0);
  return (
    <>
      <Difference plan={plan} />
      {same ? null : inGit ? (
        <p className="fine">
          The policy is kept in git, so the console writes nothing: run <code>sightglass lists import</code>{' '}
          there and commit <Files plans={plans} />.
        </p>
      ) : mayApply ? (
        <div className="form-row">
          <button type="button" className="button button-strong" onClick={ask}>
            {others === null ? 'Write the list …' : 'Write both lists …'}
          </button>
          <span className="fine">
            Writes <Files plans={plans} />
            {plans.every(p => p.known) ? '' : ' and names what is new in the policy'}.
          </span>
        </div>
      ) : (
        <p className="fine">A policy author or an admin can write it.</p>
      )}
    </>
  );
}

function Files({ plans }: { plans: readonly ImportPlan[] }) {
  return <span className="mono">{plans.map(p => p.file).join(', ')}</span>;
}

export function Done({ view }: { view: ImportView }) {
  const { plan } = view;
  return (
    <div className="well" role="status">
      <Icon name="check" />
      <p>
        The list {plan?.name} is written: {count(plan?.added ?? 0)} added, {count(plan?.removed ?? 0)}{' '}
        removed.
        {plan?.known === false ? ' Name it in a rule now, as list:' + plan.name + '.' : ''}
        {view.exceptionsPlan === null
          ? ''
          : ` Its exceptions are in ${view.exceptionsPlan.name}: a rule with that list belongs before.`}
      </p>
    </div>
  );
}
