/** Recorded traffic decided again by the candidate: progress while it runs, then what would change, with links to the rows. */
import { useEffect, useState } from 'react';
import type { ReplayView, TaskView } from '../../contract.ts';
import { api } from '../api/client.ts';
import { ApiFailure, unreachable } from '../api/failure.ts';
import { count, percent } from '../format/numbers.ts';
import { Captured } from '../parts/captured.tsx';
import { Segments } from '../parts/choice.tsx';
import { Moment } from '../parts/moment.tsx';
import { ActFailed } from '../parts/problem.tsx';
import { ChangeCard, MannerCard } from './replay-change.tsx';
import { ReplayedRequests } from './replay-requests.tsx';
import { SPANS } from './spans.ts';
import type { Span } from './spans.ts';

const POLL_MS = 500;

interface Run {
  text: string;
  span: Span;
  task: string | null;
  view: TaskView | null;
  failure: ApiFailure | null;
}

export function ReplayPanel({ text }: { text: string }) {
  const [span, setSpan] = useState<Span>('24h');
  const [run, setRun] = useState<Run | null>(null);
  const task = run?.task ?? null;
  const running = run !== null && run.failure === null && (run.view === null || run.view.state === 'running');

  useEffect(() => {
    if (task === null) return;
    const abort = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const poll = (): void => {
      api.task(task, abort.signal).then(
        view => {
          setRun(now => (now?.task === task ? { ...now, view, failure: failureOf(view) } : now));
          if (view.state === 'running') timer = setTimeout(poll, POLL_MS);
        },
        (error: unknown) => {
          if (abort.signal.aborted) return;
          // The link's banner tells; the task goes on over there.
          if (error instanceof ApiFailure && error.code === 'unreachable')
            timer = setTimeout(poll, 4 * POLL_MS);
          else setRun(now => (now?.task === task ? { ...now, failure: asFailure(error) } : now));
        },
      );
    };
    poll();
    return () => {
      abort.abort();
      clearTimeout(timer);
    };
  }, [task]);

  const at = run?.view?.at ?? null;
  const result = run?.view?.replay ?? null;
  const start = (): void => {
    const begun: Run = { text, span, task: null, view: null, failure: null };
    setRun(begun);
    api.replay({ text, since: span }).then(
      answer => setRun(now => (now === begun ? { ...begun, task: answer.task } : now)),
      (error: unknown) => setRun(now => (now === begun ? { ...begun, failure: asFailure(error) } : now)),
    );
  };
  return (
    <section className="stack replay" aria-label="Replay">
      <div className="tab-tools">
        <div>
          <h2>What would change</h2>
          <p className="fine">
            Decides recorded connections again, as of their own time, by the candidate above.
          </p>
        </div>
        <Segments label="Replay the last" value={span} choose={setSpan} options={SPANS} />
        {running ? (
          <button
            type="button"
            className="button"
            onClick={() => {
              if (task !== null) api.stopTask(task).catch(() => undefined);
              setRun(null);
            }}
          >
            Stop
          </button>
        ) : (
          <button type="button" className="button" disabled={text.trim() === ''} onClick={start}>
            Replay
          </button>
        )}
      </div>
      {run === null ? null : running ? (
        <p role="status" className="replay-progress">
          <span className="spinner" aria-hidden="true" />
          {run.view === null || run.view.done === 0
            ? 'Reading the candidate and its lists …'
            : `${count(run.view.done)} connections decided again …`}
          {at === null ? null : (
            <span className="fine">
              {' '}
              at <Moment at={at} form="medium" />
            </span>
          )}
        </p>
      ) : run.failure !== null ? (
        <ActFailed failure={run.failure} />
      ) : result === null ? null : (
        <Result view={result} span={run.span} outdated={run.text !== text} />
      )}
    </section>
  );
}

function failureOf({ state, error }: TaskView): ApiFailure | null {
  return state === 'failed' && error !== null ? new ApiFailure(error.code, error.message, error.hint) : null;
}

function asFailure(error: unknown): ApiFailure {
  return error instanceof ApiFailure ? error : unreachable();
}

function Result({ view, span, outdated }: { view: ReplayView; span: Span; outdated: boolean }) {
  const idle = view.hits.filter(hit => hit.flows === 0);
  return (
    <div className="stack" role="status">
      {outdated ? <p className="warn">The document was changed after this replay.</p> : null}
      <p className="replay-sentence">
        {view.flows === 0 ? (
          'There are no recorded connections in this time.'
        ) : view.changed === 0 ? (
          <>Nothing: all {count(view.flows)} connections would get the verdict they had.</>
        ) : (
          <>
            <strong>
              {count(view.changed)} of {count(view.flows)}
            </strong>{' '}
            connections ({percent(view.changed, view.flows)}) would get another verdict.
          </>
        )}
        {view.otherManner === 0
          ? ''
          : ` ${count(view.otherManner)} more would be recorded, masked, told or led otherwise.`}
        {view.complete
          ? ''
          : ' Not everything could be looked at in time: choose a shorter time for the whole truth.'}
      </p>
      {view.originUnknown === 0 ? null : (
        <p className="fine">
          What rules on the origin’s certificate say of {count(view.originUnknown)} connections that would be
          inspected cannot be told: nobody saw it then.
        </p>
      )}
      <div className="cards">
        {view.changes.map(change => (
          <ChangeCard
            key={`${change.from} ${change.to}`}
            change={change}
            span={span}
            of="flows"
            amount={`${count(change.flows)} connections`}
          />
        ))}
        {view.manners.map(manner => (
          <MannerCard
            key={`${manner.what} ${manner.from ?? ''} ${manner.to ?? ''}`}
            manner={manner}
            span={span}
            of="flows"
            amount={`${count(manner.count)} connections`}
          />
        ))}
      </div>
      {idle.length === 0 || view.flows === 0 ? null : (
        <p className="fine">
          Rules that would decide nothing in this time:{' '}
          <Captured text={idle.map(hit => hit.rule).join(', ')} max={300} />
        </p>
      )}
      <ReplayedRequests view={view} span={span} />
    </div>
  );
}
