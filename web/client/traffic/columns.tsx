/** What the traffic list shows of a row, column by column. `value` is what the filter actions of a cell work with. */
import type { ReactNode } from 'react';
import type { ExchangeRow, FlowRow } from '../../contract.ts';
import type { TrafficRow } from '../hooks/use-rows.ts';
import type { Show } from '../state/view.ts';
import { bytes, count, duration } from '../format/numbers.ts';
import { CapturedLine } from '../parts/captured.tsx';
import { Icon } from '../parts/icon.tsx';
import { Moment } from '../parts/moment.tsx';
import { Verdict } from '../parts/verdict.tsx';

export interface Column<R> {
  id: string;
  label: string;
  /** Numbers stand on the right. */
  number?: boolean;
  /** Field of the query language and this row's value in it; null when there is nothing to filter by. */
  value?: (row: R) => { field: string; value: string } | null;
  cell: (row: R) => ReactNode;
}

const some = (field: string, value: string | number | null): { field: string; value: string } | null =>
  value === null || value === '' ? null : { field, value: String(value) };

const STANDARD_PORT: Readonly<Record<string, number>> = { http: 80, https: 443 };

function hostPort(host: string, port: number | null, scheme: string): string {
  const shown = host.includes(':') ? `[${host}]` : host;
  return port === null || port === STANDARD_PORT[scheme] ? shown : `${shown}:${port}`;
}

const who = (row: TrafficRow): ReactNode => (
  <>
    <CapturedLine text={row.user ?? row.client} />
    {row.user === null ? null : (
      <span className="second">
        <CapturedLine text={row.client} />
      </span>
    )}
  </>
);

const whoValue = (row: TrafficRow): { field: string; value: string } | null =>
  row.user === null ? some('client', row.client) : some('user', row.user);

const verdict = (row: TrafficRow): ReactNode => (
  <>
    <Verdict action={row.verdict} />
    {row.rule === null ? null : (
      <span className="rule">
        <CapturedLine text={row.rule} />
      </span>
    )}
  </>
);

const fault = (row: TrafficRow): ReactNode =>
  row.fault === null ? null : (
    <span className="fault-code" title={`Fault: ${row.fault}`}>
      <Icon name="fault" />
      <CapturedLine text={row.fault} />
    </span>
  );

const EXCHANGES: readonly Column<ExchangeRow>[] = [
  { id: 'time', label: 'Time', cell: row => <Moment at={row.time} form="row" /> },
  { id: 'who', label: 'Client', value: whoValue, cell: who },
  {
    id: 'method',
    label: 'Method',
    value: row => some('method', row.method),
    cell: row => <CapturedLine text={row.method} />,
  },
  {
    id: 'host',
    label: 'Host',
    value: row => some('host', row.host),
    cell: row => (
      <>
        {row.scheme === 'http' ? <span className="tag">http</span> : null}
        <CapturedLine text={hostPort(row.host, row.port, row.scheme)} />
      </>
    ),
  },
  {
    id: 'path',
    label: 'Path',
    value: row => some('path', row.path),
    cell: row => <CapturedLine text={row.path} />,
  },
  {
    id: 'status',
    label: 'Status',
    value: row => some('status', row.status),
    cell: row => <Status code={row.status} />,
  },
  { id: 'verdict', label: 'Verdict and rule', value: row => some('rule', row.rule), cell: verdict },
  { id: 'size', label: 'Size', number: true, cell: row => bytes(row.resBytes) },
  { id: 'ms', label: 'Took', number: true, cell: row => duration(row.ms) },
  { id: 'fault', label: 'Fault', value: row => some('fault', row.fault), cell: fault },
];

const FLOWS: readonly Column<FlowRow>[] = [
  { id: 'time', label: 'Time', cell: row => <Moment at={row.time} form="row" /> },
  { id: 'who', label: 'Client', value: whoValue, cell: who },
  {
    id: 'host',
    label: 'Host',
    value: row => some('host', row.host),
    cell: row =>
      row.host === null ? (
        <span className="nothing">asked for nothing</span>
      ) : (
        <CapturedLine text={hostPort(row.host, row.port, 'https')} />
      ),
  },
  {
    id: 'sni',
    label: 'SNI',
    value: row => some('sni', row.sni),
    cell: row =>
      row.sni === null ? (
        <span className="nothing">none</span>
      ) : row.sni === row.host ? (
        <span className="nothing">same</span>
      ) : (
        <CapturedLine text={row.sni} />
      ),
  },
  { id: 'verdict', label: 'Verdict and rule', value: row => some('rule', row.rule), cell: verdict },
  {
    id: 'requests',
    label: 'Requests',
    number: true,
    cell: row => (row.exchanges === 0 ? <span className="nothing">–</span> : count(row.exchanges)),
  },
  { id: 'up', label: 'Up', number: true, cell: row => bytes(row.bytesUp) },
  { id: 'size', label: 'Down', number: true, cell: row => bytes(row.bytesDown) },
  { id: 'ms', label: 'Lasted', number: true, cell: row => duration(row.ms) },
  { id: 'fault', label: 'Fault', value: row => some('fault', row.fault), cell: fault },
];

/** The client, and behind it the machine that recorded it. */
const whoAndWhere = (row: TrafficRow): ReactNode => (
  <>
    {who(row)}
    {row.proxy === null ? null : (
      <span className="second" title={`Recorded by ${row.proxy}`}>
        <CapturedLine text={row.proxy} />
      </span>
    )}
  </>
);

const ofFleet = <R extends TrafficRow>(columns: readonly Column<R>[]): readonly Column<R>[] =>
  columns.map(column => (column.id === 'who' ? { ...column, cell: whoAndWhere } : column));
const SEVERAL = { exchanges: ofFleet(EXCHANGES), flows: ofFleet(FLOWS) };

/**
 * The columns of a list. Rows of one list are all of its kind, which the types of `show` cannot say. `several`: they come from
 * more than one proxy, so each tells from which.
 */
export function columnsOf(show: Show, several = false): readonly Column<TrafficRow>[] {
  const one = show === 'exchanges' ? EXCHANGES : FLOWS;
  return (several ? SEVERAL[show] : one) as readonly Column<TrafficRow>[];
}

export const fromSeveral = (rows: readonly TrafficRow[]): boolean =>
  rows.some(row => row.proxy !== rows[0]?.proxy);

export function Status({ code }: { code: number | null }) {
  if (code === null)
    return (
      <span className="status status-none" title="No response">
        –<span className="visually-hidden"> no response</span>
      </span>
    );
  return <span className={`status status-${Math.floor(code / 100)}`}>{code}</span>;
}
