/** Why a query was refused, with the place where it stops making sense marked in its text. */
import type { ApiFailure } from '../api/failure.ts';
import { visible } from '../format/visible.ts';

const AROUND = 60;

export function QueryError({ id, query, failure }: { id: string; query: string; failure: ApiFailure }) {
  const at = failure.position;
  const end = at === null ? 0 : Math.max(at + 1, Math.min(failure.end ?? at + 1, at + AROUND));
  return (
    <div id={id} className="query-error" role="alert">
      {at === null ? null : (
        <code className="query-place">
          {at > AROUND ? '…' : ''}
          {visible(query.slice(Math.max(0, at - AROUND), at))}
          <mark>{at < query.length ? visible(query.slice(at, end)) : ' '}</mark>
          {visible(query.slice(end, end + AROUND))}
          {query.length > end + AROUND ? '…' : ''}
        </code>
      )}
      <p>
        <strong>{failure.message}</strong> {failure.hint}
      </p>
    </div>
  );
}
