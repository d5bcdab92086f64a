/** Every rule in its order with what it did: connections decided, the last one, and what is wrong with it. */
import { useState } from 'react';
import type { OtherHits, RuleRow } from '../../contract.ts';
import { api } from '../api/client.ts';
import { ruleAddress } from '../detail/sentence.tsx';
import { useAsk } from '../hooks/use-ask.ts';
import { count } from '../format/numbers.ts';
import { Captured } from '../parts/captured.tsx';
import { Segments } from '../parts/choice.tsx';
import { LinkTo } from '../parts/link-to.tsx';
import { Moment } from '../parts/moment.tsx';
import { Empty, Failed, Waiting } from '../parts/notes.tsx';
import { Notes } from '../parts/rule-notes.tsx';
import { Verdict } from '../parts/verdict.tsx';
import { term } from '../state/term.ts';
import { listAddress } from '../state/view.ts';
import { SPANS } from './spans.ts';
import type { Span } from './spans.ts';

const SHOWN = 200;

export function Rules({ version }: { version: string }) {
  const [span, setSpan] = useState<Span>('30d');
  const [all, setAll] = useState(false);
  const asked = useAsk(`${version} ${span}`, signal => api.rules(span, signal));
  const view = asked.data;
  const noted = view?.rules.filter(rule => rule.notes.some(note => note.severity === 'warning')).length ?? 0;
  const rules = view?.rules.slice(0, all ? undefined : SHOWN) ?? [];
  return (
    <section className="stack" aria-busy={asked.loading}>
      <div className="tab-tools">
        <p className="lead">
          Rules are tried from the top; the first that matches decides.
          {noted === 0 ? '' : ` ${count(noted)} ${noted === 1 ? 'rule wants' : 'rules want'} a look.`}
        </p>
        <Segments label="Count connections of" value={span} choose={setSpan} options={SPANS} />
      </div>
      {view === null ? (
        asked.failure === null ? (
          <Waiting what="the rules" />
        ) : (
          <Failed failure={asked.failure} again={asked.again} />
        )
      ) : (
        <>
          {view.counted ? null : (
            <p className="quiet">
              Connections could not be counted: there are no records yet, or too many for now.
            </p>
          )}
          {view.rules.length === 0 ? (
            <Empty title="No rules">
              <p>Doubt and the default decide every connection. Add rules under Change.</p>
            </Empty>
          ) : (
            <div
              className={`table-scroll${asked.stale ? ' stale' : ''}`}
              tabIndex={0}
              role="region"
              aria-label="Rules"
            >
              <table className="table rules">
                <thead>
                  <tr>
                    <th scope="col" className="number">
                      #
                    </th>
                    <th scope="col">Rule</th>
                    <th scope="col">Action</th>
                    <th scope="col" className="number">
                      Connections
                    </th>
                    <th scope="col">Last</th>
                  </tr>
                </thead>
                <tbody>
                  {rules.map((rule, at) => (
                    <Row key={rule.name} rule={rule} place={at + 1} span={span} />
                  ))}
                  {view.others
                    .filter(o => o.known)
                    .map(other => (
                      <OtherRow key={other.rule} other={other} span={span} />
                    ))}
                </tbody>
              </table>
            </div>
          )}
          {all || view.rules.length <= SHOWN ? null : (
            <button type="button" className="button" onClick={() => setAll(true)}>
              Show all {count(view.rules.length)} rules
            </button>
          )}
          <Gone others={view.others.filter(o => !o.known)} span={span} />
        </>
      )}
    </section>
  );
}

function Row({ rule, place, span }: { rule: RuleRow; place: number; span: Span }) {
  return (
    <tr>
      <td className="number quiet">{place}</td>
      <td className="rule-cell">
        <LinkTo to={ruleAddress(rule.name)} className="rule-name" title="See it in the document">
          <Captured text={rule.name} max={100} />
        </LinkTo>
        <span className="fine mono">
          {rule.when === null ? 'every connection' : <Captured text={rule.when} max={200} />}
        </span>
        {rule.owner === null && rule.rollout === null ? null : (
          <span className="fine">
            {rule.owner === null ? null : (
              <>
                owner <Captured text={rule.owner} max={60} />{' '}
              </>
            )}
            {rule.rollout === null ? '' : `for ${rule.rollout} % of clients`}
          </span>
        )}
        <Notes notes={rule.notes} />
      </td>
      <td>
        <Verdict action={rule.action} />
      </td>
      <Hits rule={rule.name} hits={rule.hits} span={span} />
      <td className="nowrap">
        {rule.last === null ? <span className="nothing">–</span> : <Moment at={rule.last} form="row" />}
      </td>
    </tr>
  );
}

function OtherRow({ other, span }: { other: OtherHits; span: Span }) {
  return (
    <tr className="rule-other">
      <td />
      <td className="rule-cell">
        <LinkTo to={ruleAddress(other.rule)}>
          <Captured text={other.rule} max={100} />
        </LinkTo>{' '}
        <span className="fine">
          {other.rule === 'default' ? 'when no rule matches' : 'answer to doubt, before any rule'}
        </span>
      </td>
      <td />
      <Hits rule={other.rule} hits={other.hits} span={span} />
      <td className="nowrap">
        <Moment at={other.last} form="row" />
      </td>
    </tr>
  );
}

function Hits({ rule, hits, span }: { rule: string; hits: number | null; span: Span }) {
  return (
    <td className="number">
      {hits === null ? (
        <span className="nothing">–</span>
      ) : hits === 0 ? (
        '0'
      ) : (
        <LinkTo
          to={listAddress({
            show: 'flows',
            q: term('rule', rule, 'in'),
            range: { kind: 'recent', span },
            live: false,
          })}
          title="See these connections"
        >
          {count(hits)}
        </LinkTo>
      )}
    </td>
  );
}

function Gone({ others, span }: { others: readonly OtherHits[]; span: Span }) {
  if (others.length === 0) return null;
  return (
    <details>
      <summary>Rules of earlier versions that decided in this time ({count(others.length)})</summary>
      <div className="table-scroll" tabIndex={0} role="region" aria-label="Rules of earlier versions">
        <table className="table">
          <thead>
            <tr>
              <th scope="col">Rule</th>
              <th scope="col" className="number">
                Connections
              </th>
              <th scope="col">Last</th>
            </tr>
          </thead>
          <tbody>
            {others.map(other => (
              <tr key={other.rule}>
                <td>
                  <Captured text={other.rule} max={100} />
                </td>
                <Hits rule={other.rule} hits={other.hits} span={span} />
                <td className="nowrap">
                  <Moment at={other.last} form="row" />
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </details>
  );
}
