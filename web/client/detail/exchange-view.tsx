/** One exchange: what happened in a sentence, then its sides, its connection and its timing behind tabs. */
import { useState } from 'react';
import type { ExchangeDetail } from '../../contract.ts';
import { curlCommand } from '../format/curl.ts';
import { bytes, duration } from '../format/numbers.ts';
import type { Opened } from '../state/places.ts';
import { CopyButton } from '../parts/copy-button.tsx';
import { FilterValue } from '../parts/filter-value.tsx';
import { Moment } from '../parts/moment.tsx';
import { Tabs } from '../parts/tabs.tsx';
import { Status } from '../traffic/columns.tsx';
import { Decision } from './decision.tsx';
import { Facts, recordedBy, Section } from './facts.tsx';
import { FaultNote } from './fault-note.tsx';
import { Masked } from './masked.tsx';
import { Message } from './message.tsx';
import { ExchangeSentence } from './sentence.tsx';
import { Timing } from './timing.tsx';
import { CertificateFacts, HelloSection } from './tls-facts.tsx';
import { TlsPicture } from './tls-picture.tsx';
import { exchangeUrl } from './url.ts';

const TABS = [
  { id: 'overview', label: 'Overview' },
  { id: 'request', label: 'Request' },
  { id: 'response', label: 'Response' },
  { id: 'connection', label: 'Connection' },
] as const;
type TabId = (typeof TABS)[number]['id'];

/** The tab stays the same while the reader steps through exchanges. */
let lastTab: TabId = 'overview';

export function ExchangeView({ detail, go }: { detail: ExchangeDetail; go: (to: Opened) => void }) {
  const [tab, setTab] = useState<TabId>(lastTab);
  const choose = (next: TabId): void => {
    lastTab = next;
    setTab(next);
  };
  const { row } = detail;
  return (
    <Tabs tabs={TABS} chosen={tab} choose={choose} label="Parts of the request">
      {tab === 'overview' ? (
        <Overview detail={detail} go={go} />
      ) : tab === 'connection' ? (
        <Connection detail={detail} go={go} />
      ) : tab === 'request' ? (
        <Message
          id={row.exchange}
          side="req"
          message={detail.request}
          startLine={requestLine(detail)}
          revealed={detail.revealed.req}
        />
      ) : (
        <Message
          id={row.exchange}
          side="res"
          message={detail.response}
          startLine={statusLine(detail)}
          revealed={detail.revealed.res}
        />
      )}
    </Tabs>
  );
}

const requestLine = ({ row }: ExchangeDetail): string => `${row.method} ${row.path} ${row.protocol}`;
const statusLine = ({ row }: ExchangeDetail): string => `${row.protocol} ${row.status ?? ''}`;

function Overview({ detail, go }: { detail: ExchangeDetail; go: (to: Opened) => void }) {
  const { row } = detail;
  const url = exchangeUrl(row);
  const command = curlCommand({
    method: row.method,
    url,
    headers: detail.request.headers,
    hasBody: detail.request.body.size > 0,
  });
  return (
    <>
      <ExchangeSentence detail={detail} />
      {detail.fault === null ? null : <FaultNote fault={detail.fault} />}
      <Section title="Facts" extra={<CopyButton text={command} label="Copy as curl" words="Copy as curl" />}>
        <Facts
          facts={[
            ['Address', <FilterValue value={url} mono />],
            ['Host', <FilterValue field="host" value={row.host} mono />],
            ['Method', <FilterValue field="method" value={row.method} />],
            [
              'Status',
              row.status === null ? (
                'no response'
              ) : (
                <span className="filter-value">
                  <Status code={row.status} />
                  <FilterValue field="status" value={String(row.status)} shown="" />
                </span>
              ),
            ],
            [
              'Media type',
              row.contentType === null ? null : <FilterValue field="type" value={row.contentType} />,
            ],
            ['Client', <FilterValue field="client" value={row.client} mono />],
            ['User', row.user === null ? null : <FilterValue field="user" value={row.user} />],
            ['Time', <Moment at={row.time} />],
            ['Recorded by', recordedBy(row)],
            ['Sizes', `${bytes(row.reqBytes)} sent, ${bytes(row.resBytes)} received`],
            ['Upgrade', detail.upgraded ? 'The connection was handed over to another protocol' : null],
            [
              'Connection',
              <button
                type="button"
                className="link mono"
                onClick={() => go({ kind: 'flows', id: row.flow })}
                title="Open the connection"
              >
                {row.flow}
              </button>,
            ],
          ]}
        />
      </Section>
      <Section title="Decision">
        <Decision verdict={detail.verdict} record={row.exchange} row={row} />
      </Section>
      <Masked items={detail.masked} />
      <Section title="Timing" extra={<span className="fine">{duration(row.ms)}</span>}>
        <Timing ms={row.ms} wait={detail.wait} />
      </Section>
    </>
  );
}

function Connection({ detail, go }: { detail: ExchangeDetail; go: (to: Opened) => void }) {
  const { flow, row } = detail;
  if (flow === null)
    return (
      <p className="quiet">The row of this connection is gone: it may be older than the retention time.</p>
    );
  return (
    <>
      <TlsPicture flow={flow} />
      <p className="after-picture">
        <button type="button" className="button" onClick={() => go({ kind: 'flows', id: row.flow })}>
          Open this connection
        </button>
      </p>
      {flow.originCert === null ? null : <CertificateFacts cert={flow.originCert} />}
      {flow.hello === null ? null : <HelloSection hello={flow.hello} outcome={flow.outcome} />}
    </>
  );
}
