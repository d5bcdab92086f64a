/** An address that is no page, or none that this person may see. */
import { visible } from '../format/visible.ts';
import { LinkTo } from '../parts/link-to.tsx';

export function NotFound({ path }: { path: string }) {
  return (
    <main id="main" className="page">
      <div className="note note-empty">
        <h1>There is nothing here for you</h1>
        <p>
          <bdi className="mono">{visible(path.slice(0, 200))}</bdi> is no page of this console, or your role
          does not open it.
        </p>
        <p>
          <LinkTo to="/traffic" className="button">
            Go to Traffic
          </LinkTo>
        </p>
      </div>
    </main>
  );
}
