/** What rules on requests would do with recorded requests, and what nobody can tell of the rest. */
import type { ReplayView, RequestReplayView } from '../../contract.ts';
import { count } from '../format/numbers.ts';
import { Captured } from '../parts/captured.tsx';
import { ChangeCard, MannerCard } from './replay-change.tsx';
import type { Span } from './spans.ts';

export function ReplayedRequests({ view, span }: { view: ReplayView; span: Span }) {
  const { requests } = view;
  if (requests === null) return null;
  const unknown = unknowns(requests, view);
  if (requests.requests === 0 && unknown.length === 0) return null;
  const idle = requests.hits.filter(hit => hit.flows === 0);
  return (
    <>
      <h3>Rules on requests</h3>
      <p className="replay-sentence">
        {requests.changed === 0 ? (
          <>Nothing: all {count(requests.requests)} recorded requests would get the verdict they had.</>
        ) : (
          <>
            <strong>
              {count(requests.changed)} of {count(requests.requests)}
            </strong>{' '}
            recorded requests would get another verdict.
          </>
        )}
        {requests.otherManner === 0
          ? ''
          : ` ${count(requests.otherManner)} more would be recorded, masked or told otherwise.`}
      </p>
      <div className="cards">
        {requests.changes.map(change => (
          <ChangeCard
            key={`${change.from} ${change.to}`}
            change={change}
            span={span}
            of="exchanges"
            amount={`${count(change.requests)} requests in ${count(change.flows)} connections`}
            more={{ title: 'Requests', values: change.topRequests }}
          />
        ))}
        {requests.manners.map(manner => (
          <MannerCard
            key={`${manner.what} ${manner.from ?? ''} ${manner.to ?? ''}`}
            manner={manner}
            span={span}
            of="exchanges"
            amount={`${count(manner.count)} requests`}
          />
        ))}
      </div>
      {idle.length === 0 ? null : (
        <p className="fine">
          Rules on requests that would decide nothing in this time:{' '}
          <Captured text={idle.map(hit => hit.rule).join(', ')} max={300} />
        </p>
      )}
      {unknown.length === 0 ? null : (
        <>
          <p className="fine">What cannot be told:</p>
          <ul className="fine">
            {unknown.map(text => (
              <li key={text}>{text}</li>
            ))}
          </ul>
        </>
      )}
    </>
  );
}

function unknowns({ left }: RequestReplayView, view: ReplayView): string[] {
  const cases: readonly (readonly [number, string])[] = [
    [view.requestsUnknown, 'connections would be inspected whose requests nobody recorded'],
    [left.withFlow, 'requests came in connections that would not be inspected any more'],
    [left.undecided, 'requests were refused or given up before any rule was asked'],
    [left.masked, 'requests have a masked path in the record'],
    [left.flowGone, 'requests have no record of their connection'],
  ];
  return cases.filter(([n]) => n > 0).map(([n, what]) => `${count(n)} ${what}`);
}
