/** What to do when the list has no rows: loosen what hides them, or point a client at the proxy. */
import { api } from '../api/client.ts';
import { useAsk } from '../hooks/use-ask.ts';
import { CopyButton } from '../parts/copy-button.tsx';
import { LinkTo } from '../parts/link-to.tsx';
import { Empty } from '../parts/notes.tsx';
import { reachable } from '../format/address.ts';
import { useSession } from '../state/session.tsx';
import type { View } from '../state/view.ts';
import { shellQuote } from '../format/curl.ts';

export interface NoRowsProps {
  view: View;
  change: (change: Partial<View>) => void;
}

export function NoRows({ view, change }: NoRowsProps) {
  const { can } = useSession();
  const status = useAsk(can('status') ? 'status' : null, signal => api.status(signal));
  const proxy = reachable(status.data?.proxy[0] ?? '', location.hostname);
  const what = view.show === 'exchanges' ? 'requests' : 'connections';
  const longest = view.range.kind === 'recent' && view.range.span === '30d';
  const command = `curl --proxy ${shellQuote(`http://${proxy}`)} --cacert sightglass-ca.pem https://www.example.com/`;
  return (
    <Empty title={view.q === '' ? `No ${what} in this time` : `No ${what} match`}>
      <p className="note-actions">
        {view.q === '' ? null : (
          <button type="button" className="button" onClick={() => change({ q: '' })}>
            Clear the search
          </button>
        )}
        {longest ? null : (
          <button
            type="button"
            className="button"
            onClick={() => change({ range: { kind: 'recent', span: '30d' } })}
          >
            Look at the last 30 days
          </button>
        )}
        {view.show === 'exchanges' ? (
          <button type="button" className="button" onClick={() => change({ show: 'flows' })}>
            See connections: they include what is not decrypted
          </button>
        ) : null}
      </p>
      {view.q !== '' ? null : (
        <div className="try-it">
          <p>Point a client at the proxy, and its traffic appears here as it happens:</p>
          <div className="command">
            <code>{command}</code>
            <CopyButton text={command} label="Copy the command" />
          </div>
          {can('status') ? (
            <p className="fine">
              The certificate is on <LinkTo to="/overview">Overview</LinkTo>, ready to download.
            </p>
          ) : null}
        </div>
      )}
    </Empty>
  );
}
