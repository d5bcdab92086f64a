/** What went wrong with something the reader did, and problems of a document with their places. */
import type { ApiFailure } from '../api/failure.ts';
import type { PolicyProblem } from '../../contract.ts';
import { count } from '../format/numbers.ts';
import { Captured } from './captured.tsx';

export function ActFailed({ failure }: { failure: ApiFailure | null }) {
  if (failure === null) return null;
  return (
    <p className="form-error" role="alert">
      <strong>{failure.message}</strong> {failure.hint}
    </p>
  );
}

const SHOWN = 20;

export function Problems({ problems }: { problems: readonly PolicyProblem[] }) {
  return (
    <ol className="problems">
      {problems.slice(0, SHOWN).map((problem, at) => (
        <li key={at}>
          <span className="mono problem-place">
            <Captured text={problem.file} max={80} />
            {problem.line === null ? '' : `:${problem.line}`}
            {problem.line === null || problem.column === null ? '' : `:${problem.column}`}
          </span>{' '}
          <Captured text={problem.message} />
          {problem.hint === null ? null : (
            <span className="problem-hint">
              <Captured text={problem.hint} />
            </span>
          )}
        </li>
      ))}
      {problems.length > SHOWN ? <li>and {count(problems.length - SHOWN)} more</li> : null}
    </ol>
  );
}
