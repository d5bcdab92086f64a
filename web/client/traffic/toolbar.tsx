/** What stands above the list: which rows, which query, which time, and what to do with the result. */
import { useState } from 'react';
import { EXPORT_FORMATS, EXPORT_KINDS } from '../../contract.ts';
import type { ExportFormat } from '../../contract.ts';
import { addresses, api } from '../api/client.ts';
import type { ApiFailure } from '../api/failure.ts';
import type { TailState } from '../hooks/use-rows.ts';
import { Icon } from '../parts/icon.tsx';
import { Menu } from '../parts/menu.tsx';
import { useSession } from '../state/session.tsx';
import { RevealDownload } from '../reveals/reveal-download.tsx';
import { viewParams } from '../state/view.ts';
import type { View } from '../state/view.ts';
import { RangeChooser } from './range-chooser.tsx';
import { SearchBox } from './search-box.tsx';

export interface ToolbarProps {
  view: View;
  change: (change: Partial<View>, how?: 'push' | 'replace') => void;
  failure: ApiFailure | null;
  tail: TailState;
}

export function Toolbar({ view, change, failure, tail }: ToolbarProps) {
  const { can } = useSession();
  const [saving, setSaving] = useState(false);
  return (
    <div className="toolbar">
      <div className="toolbar-row">
        <div className="segments" role="group" aria-label="Rows">
          <button
            type="button"
            aria-pressed={view.show === 'exchanges'}
            title="One row for each HTTP request"
            onClick={() => change({ show: 'exchanges' })}
          >
            Requests
          </button>
          <button
            type="button"
            aria-pressed={view.show === 'flows'}
            title="One row for each connection, whatever became of it"
            onClick={() => change({ show: 'flows' })}
          >
            Connections
          </button>
        </div>
        <SearchBox view={view} failure={failure} apply={q => change({ q })} />
      </div>
      <div className="toolbar-row">
        <RangeChooser range={view.range} choose={range => change({ range })} />
        {failure === null ? <Tail view={view} tail={tail} change={change} /> : null}
        <span className="toolbar-gap" />
        <button
          type="button"
          className={view.refine ? 'button button-fold button-on' : 'button button-fold'}
          aria-pressed={view.refine}
          title="Top values of each field"
          onClick={() => change({ refine: !view.refine }, 'replace')}
        >
          <Icon name="funnel" />
          <span>Refine</span>
        </button>
        {can('export') ? (
          <Menu
            className="button button-fold"
            title="Download what this query finds"
            label={
              <>
                <Icon name="download" />
                <span>Export</span>
              </>
            }
          >
            {close => (
              <ul className="menu-list">
                {EXPORT_FORMATS.filter(
                  format => format !== 'har' && EXPORT_KINDS[format].includes(view.show),
                ).map(format => (
                  <li key={format}>
                    <a href={addresses.export(viewParams(view), format)} download onClick={close}>
                      <strong>{FORMAT_WORDS[format][0]}</strong>
                      <span>{FORMAT_WORDS[format][1]}</span>
                    </a>
                  </li>
                ))}
                {view.show === 'exchanges' && can('body') ? (
                  <li>
                    <button
                      type="button"
                      onClick={() => {
                        close();
                        setSaving(true);
                      }}
                    >
                      <strong>{FORMAT_WORDS.har[0]}</strong>
                      <span>{FORMAT_WORDS.har[1]}; asks why</span>
                    </button>
                  </li>
                ) : null}
                <li>
                  <a href={addresses.evidence(viewParams(view))} download onClick={close}>
                    <strong>Evidence bundle (.zip)</strong>
                    <span>rows with signed proofs, verified anywhere</span>
                  </a>
                </li>
              </ul>
            )}
          </Menu>
        ) : null}
        {saving ? (
          <RevealDownload
            title="Export with bodies"
            ask={(reason, number) => api.revealExport(viewParams(view), { reason, case: number })}
            address={row => addresses.revealedExport(row.id)}
            close={() => setSaving(false)}
          />
        ) : null}
      </div>
    </div>
  );
}

const FORMAT_WORDS: Readonly<Record<ExportFormat, readonly [string, string]>> = {
  ndjson: ['NDJSON', 'one JSON object a line'],
  csv: ['CSV', 'for spreadsheets, formulas disarmed'],
  har: ['HAR', 'for browsers, with captured bodies'],
  ecs: ['ECS', 'Elastic Common Schema'],
  ocsf: ['OCSF', 'Open Cybersecurity Schema'],
  cef: ['CEF', 'ArcSight Common Event Format'],
  squid: ['Squid', 'native access log'],
  w3c: ['W3C', 'extended log file'],
};

function Tail({ view, tail, change }: { view: View; tail: TailState; change: ToolbarProps['change'] }) {
  if (view.range.kind === 'fixed') return null;
  const words = !view.live ? 'Paused' : tail === 'following' ? 'Live' : 'Connecting';
  return (
    <button
      type="button"
      className={`button live live-${view.live ? tail : 'paused'}`}
      aria-pressed={view.live}
      title={view.live ? 'Pause: new rows wait' : 'Follow new rows again'}
      onClick={() => change({ live: !view.live }, 'replace')}
    >
      {view.live ? <span className="live-dot" aria-hidden="true" /> : <Icon name="pause" />}
      <span>{words}</span>
    </button>
  );
}
