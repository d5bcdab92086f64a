/**
 * A decision drawn as the path through the rules: what arrived, every rule that was asked and why it did not match, the
 * one that decided, and how many were never asked.
 */
import { useState } from 'react';
import type { ReactNode } from 'react';
import type { Action, ExplainView } from '../../contract.ts';
import { ruleAddress } from '../detail/sentence.tsx';
import { count } from '../format/numbers.ts';
import { Captured } from '../parts/captured.tsx';
import { Icon } from '../parts/icon.tsx';
import { LinkTo } from '../parts/link-to.tsx';
import { Moment } from '../parts/moment.tsx';
import { Verdict } from '../parts/verdict.tsx';

const WOULD: Readonly<Record<Action, string>> = {
  inspect: 'would be decrypted, checked and recorded',
  passthrough: 'would be passed on undecrypted',
  block: 'would be refused',
};
const CAPTURE: Readonly<Record<string, string>> = {
  flow: 'only the connection',
  headers: 'requests with headers, no bodies',
  bodies: 'requests with headers and bodies',
};
const TOLD: Readonly<Record<string, string>> = {
  page: 'with a page that explains it',
  alert: 'with a TLS alert',
  reset: 'by resetting the connection',
};
const FEW = 30;

export function Explained({ view }: { view: ExplainView }) {
  const [all, setAll] = useState(false);
  const { asked, skipped } = view;
  const shown = all ? skipped : skipped.slice(0, FEW);
  const byRule = !view.rule.startsWith('doubt:') && view.rule !== 'default';
  return (
    <section className="explained" aria-label="Decision">
      <p className="explained-sentence">
        This connection to{' '}
        <strong>
          <Captured text={asked.sni ?? asked.host} max={120} />
        </strong>{' '}
        {WOULD[view.verdict]}
        {view.verdict === 'block' ? ` ${TOLD[view.block] ?? ''}` : ''}
        {byRule ? (
          <>
            , because rule{' '}
            <strong>
              <Captured text={view.rule} max={100} />
            </strong>{' '}
            is the first that matches.
          </>
        ) : view.rule === 'default' ? (
          ', because no rule matches and that is the default.'
        ) : (
          ', because something about it is doubtful and the policy has an answer to that.'
        )}
      </p>
      <h2 className="visually-hidden">The path through the rules</h2>
      <ol className="path">
        <Step kind="start" icon="next" title="A connection arrives">
          <Captured text={asked.user ?? 'Nobody signed in'} max={80} />, from{' '}
          <span className="mono">{asked.client}</span>, asks for{' '}
          <span className="mono">
            <Captured text={`${asked.host}:${asked.port}`} max={200} />
          </span>
          {asked.sni === null ? (
            ' without a server name'
          ) : asked.sni === asked.host ? (
            ''
          ) : (
            <>
              {' '}
              and names{' '}
              <span className="mono">
                <Captured text={asked.sni} max={200} />
              </span>
            </>
          )}
          , <Moment at={asked.at} form="medium" />
        </Step>
        {view.doubt === null ? null : (
          <Step
            kind={byRule || view.rule === 'default' ? 'passed' : 'asked'}
            icon="fault"
            title={`Doubt: ${view.doubt}`}
          >
            {view.rule === `doubt:${view.doubt}`
              ? 'The policy answers this before any rule.'
              : 'The policy lets the rules decide.'}
          </Step>
        )}
        {shown.map((step, at) => (
          <Step
            key={`${at} ${step.rule}`}
            kind="passed"
            icon="minus"
            title={<Captured text={step.rule} max={100} />}
            place={at + 1}
          >
            <Captured text={step.why} max={300} />
          </Step>
        ))}
        {shown.length < skipped.length ? (
          <li className="step step-more">
            <button type="button" className="link" onClick={() => setAll(true)}>
              Show {count(skipped.length - shown.length)} more rules that do not match
            </button>
          </li>
        ) : null}
        <Step
          kind={`decided step-${view.verdict}`}
          icon={view.verdict}
          place={byRule ? skipped.length + 1 : undefined}
          title={
            <>
              <LinkTo to={ruleAddress(view.rule)} title="See it in the document">
                <Captured text={view.rule} max={100} />
              </LinkTo>{' '}
              <Verdict action={view.verdict} />
            </>
          }
        >
          {view.when === null ? null : (
            <span className="mono step-when">
              <Captured text={view.when} max={300} />
            </span>
          )}
          <Captured text={view.reason} />
          {view.verdict === 'inspect' ? (
            <span className="fine"> Recorded: {CAPTURE[view.capture] ?? view.capture}.</span>
          ) : null}
        </Step>
        {view.afterCount === 0 ? null : (
          <Step
            kind="after"
            icon="none"
            title={`${count(view.afterCount)} ${view.afterCount === 1 ? 'rule' : 'rules'} behind it`}
          >
            {view.afterCount === 1 ? 'It is' : 'They are'} not asked:{' '}
            <Captured text={`${view.after.slice(0, 5).join(', ')}${view.afterCount > 5 ? ' …' : ''}`} />
          </Step>
        )}
      </ol>
      {view.recorded === null ? null : (
        <p>
          Recorded then: <Verdict action={view.recorded.verdict} /> by{' '}
          <Captured text={view.recorded.rule} max={100} />, policy{' '}
          <span className="mono">
            <Captured text={view.recorded.policy} max={20} />
          </span>
          {view.recorded.verdict === view.verdict && view.recorded.rule === view.rule
            ? '; the same as now.'
            : '; now it would be different.'}
        </p>
      )}
      <p className="fine">
        Decided by policy <span className="mono">{view.policy}</span>, by the same code that decides traffic.
      </p>
    </section>
  );
}

interface StepProps {
  kind: string;
  icon: 'next' | 'fault' | 'minus' | 'none' | Action;
  title: ReactNode;
  place?: number | undefined;
  children: ReactNode;
}

function Step({ kind, icon, title, place, children }: StepProps) {
  return (
    <li className={`step step-${kind}`} aria-current={kind.startsWith('decided') ? 'step' : undefined}>
      <span className="step-mark">
        <Icon name={icon} />
      </span>
      <div>
        <h3>
          {place === undefined ? null : <span className="step-place">{place}</span>}
          {title}
        </h3>
        <p>{children}</p>
      </div>
    </li>
  );
}
