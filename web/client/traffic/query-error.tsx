/** Why a query was refused, with the place where it stops making sense marked in its text, and the page that explains it. */
import type { ApiFailure } from '../api/failure.ts';
import { visible } from '../format/visible.ts';
import { QUERY_LANGUAGE, documentAddress } from '../manual/documents.ts';
import { LinkTo } from '../parts/link-to.tsx';
import { useHelp } from '../state/help.ts';

const AROUND = 60;

export function QueryError({ id, query, failure }: { id: string; query: string; failure: ApiFailure }) {
  const help = useHelp();
  const { position: at, section } = failure;
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
        <strong>{failure.message}</strong> {failure.hint}{' '}
        {section === null ? null : (
          <LinkTo to={`${documentAddress(QUERY_LANGUAGE.name)}#${section}`} act={() => help(section)}>
            How this is written
          </LinkTo>
        )}
      </p>
    </div>
  );
}
