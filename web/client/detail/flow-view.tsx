/** One connection: its ledger facts, what it said, what was decided, both legs, and the requests inside. */
import type { ExchangeRow, FlowDetail } from '../../contract.ts';
import { bytes, count, duration } from '../format/numbers.ts';
import type { Opened } from '../state/places.ts';
import { CapturedLine } from '../parts/captured.tsx';
import { FilterValue } from '../parts/filter-value.tsx';
import { LinkTo } from '../parts/link-to.tsx';
import { Moment } from '../parts/moment.tsx';
import { listAddress } from '../state/view.ts';
import { Status } from '../traffic/columns.tsx';
import { Decision } from './decision.tsx';
import { Facts, recordedBy, Section } from './facts.tsx';
import { FaultNote } from './fault-note.tsx';
import { FlowSentence } from './sentence.tsx';
import { CertificateFacts, HelloSection } from './tls-facts.tsx';
import { TlsPicture } from './tls-picture.tsx';

const INGRESS: Readonly<Record<string, string>> = {
  connect: 'HTTP CONNECT',
  http: 'HTTP proxy request',
  socks5: 'SOCKS5',
  transparent: 'transparent',
};

export function FlowView({ detail, go }: { detail: FlowDetail; go: (to: Opened) => void }) {
  const { row } = detail;
  return (
    <div className="flow-view">
      <FlowSentence detail={detail} />
      {detail.fault === null ? null : <FaultNote fault={detail.fault} />}
      <TlsPicture flow={detail} />
      {row.exchanges === 0 ? null : <Exchanges detail={detail} go={go} />}
      <Section title="Ledger">
        <Facts
          facts={[
            ['Host', row.host === null ? null : <FilterValue field="host" value={row.host} mono />],
            ['Port', row.port === null ? null : <FilterValue field="port" value={String(row.port)} mono />],
            ['Client', <FilterValue field="client" value={row.client} mono />],
            ['User', row.user === null ? null : <FilterValue field="user" value={row.user} />],
            ['Groups', detail.groups.length === 0 ? null : <FilterValue value={detail.groups.join(', ')} />],
            ['Opened', <Moment at={row.time} />],
            ['Recorded by', recordedBy(row)],
            ['Lasted', detail.open ? 'still open' : duration(row.ms)],
            ['Bytes', detail.open ? null : `${bytes(row.bytesUp)} up, ${bytes(row.bytesDown)} down`],
            [
              'Reached us by',
              detail.ingress === null
                ? null
                : `${INGRESS[detail.ingress] ?? detail.ingress}${detail.listener === null ? '' : ` at ${detail.listener}`}`,
            ],
            [
              'Dialled',
              detail.originAddress === null ? null : <FilterValue value={detail.originAddress} mono />,
            ],
            [
              'Leaf serial',
              detail.leafSerial === null ? null : <FilterValue value={detail.leafSerial} mono />,
            ],
          ]}
        />
      </Section>
      {detail.verdict === null ? null : (
        <Section title="Decision">
          <Decision verdict={detail.verdict} record={row.flow} row={row} />
        </Section>
      )}
      {detail.outcome === 'none' ? null : <HelloSection hello={detail.hello} outcome={detail.outcome} />}
      {detail.originCert === null ? null : <CertificateFacts cert={detail.originCert} />}
    </div>
  );
}

function Exchanges({ detail, go }: { detail: FlowDetail; go: (to: Opened) => void }) {
  const { row, exchanges } = detail;
  const start = Date.parse(row.time);
  return (
    <Section
      title={`Requests (${count(row.exchanges)})`}
      extra={
        <LinkTo
          className="aside-link"
          to={listAddress({ q: `flow:${row.flow}`, range: { kind: 'recent', span: '30d' } })}
        >
          Show as a list
        </LinkTo>
      }
    >
      {exchanges.length === 0 ? (
        <p className="quiet">Requests were relayed, but the rule records none of them.</p>
      ) : (
        <table className="exchanges">
          <thead>
            <tr>
              <th scope="col">Method</th>
              <th scope="col">Path</th>
              <th scope="col">Status</th>
              <th scope="col" className="number">
                Size
              </th>
              <th scope="col">When in the connection</th>
            </tr>
          </thead>
          <tbody>
            {exchanges.map(exchange => (
              <tr key={exchange.exchange}>
                <td>
                  <CapturedLine text={exchange.method} />
                </td>
                <td className="path">
                  <button
                    type="button"
                    className="link mono"
                    onClick={() => go({ kind: 'exchanges', id: exchange.exchange })}
                  >
                    <CapturedLine text={exchange.path} />
                  </button>
                </td>
                <td>
                  <Status code={exchange.status} />
                </td>
                <td className="number">{bytes(exchange.resBytes)}</td>
                <td>
                  <Span exchange={exchange} start={start} ms={row.ms} />
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      {exchanges.length < row.exchanges && exchanges.length > 0 ? (
        <p className="fine">The first {count(exchanges.length)} are shown.</p>
      ) : null}
      <p className="visually-hidden">
        Opened <Moment at={row.time} />
      </p>
    </Section>
  );
}

/** A bar from the start to the end of the exchange within the life of the connection. */
function Span({ exchange, start, ms }: { exchange: ExchangeRow; start: number; ms: number }) {
  const whole = Math.max(ms, 1);
  const from = Math.max(0, Math.min(1, (Date.parse(exchange.time) - start) / whole));
  const length = Math.max(0.01, Math.min(1 - from, exchange.ms / whole));
  return (
    <span
      className="span"
      title={`${duration(exchange.ms)}, ${duration(Date.parse(exchange.time) - start)} after it opened`}
    >
      <span className="span-track" aria-hidden="true">
        <span style={{ left: `${Math.min(from, 0.99) * 100}%`, width: `${length * 100}%` }} />
      </span>
      <span className="number">{duration(exchange.ms)}</span>
    </span>
  );
}
