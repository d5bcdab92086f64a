/**
 * A connection drawn: client, Sightglass, origin, and on each leg what was negotiated, or where it broke. The picture
 * is a list for screen readers, and stands upright where there is no width.
 */
import type { FlowDetail, TlsLegInfo } from '../../contract.ts';
import { Captured } from '../parts/captured.tsx';
import { Icon } from '../parts/icon.tsx';
import { Verdict } from '../parts/verdict.tsx';
import { legsOf } from './legs.ts';
import type { Leg } from './legs.ts';

export function TlsPicture({ flow }: { flow: FlowDetail }) {
  const { row } = flow;
  const legs = legsOf(flow);
  return (
    <ol className="picture" aria-label="The connection from client to origin">
      <li className="node">
        <strong>Client</strong>
        <span className="mono">
          <Captured text={`${row.client}:${flow.clientPort}`} max={80} />
        </span>
        {row.user === null ? null : <Captured text={row.user} max={60} />}
      </li>
      <LegLine leg={legs.client} name="Client to Sightglass" />
      <li className="node node-us">
        <strong>Sightglass</strong>
        <Verdict action={row.verdict} />
        {legs.us === null ? null : <span className="leg-broken-words">{legs.us}</span>}
      </li>
      <LegLine leg={legs.origin} name="Sightglass to origin" />
      <li className={legs.origin.state === 'none' ? 'node node-absent' : 'node'}>
        <strong>Origin</strong>
        <span className="mono">
          {row.host === null ? (
            '–'
          ) : (
            <Captured text={`${row.host}${row.port === null ? '' : `:${row.port}`}`} max={120} />
          )}
        </span>
        {flow.originAddress === null ? null : (
          <span className="mono fine">
            <Captured text={flow.originAddress} max={80} />
          </span>
        )}
      </li>
    </ol>
  );
}

function LegLine({ leg, name }: { leg: Leg; name: string }) {
  return (
    <li className={`leg leg-${leg.state}`}>
      <span className="visually-hidden">{name}: </span>
      <span className="leg-line" aria-hidden="true">
        {leg.state === 'broken' ? <Icon name="close" /> : leg.state === 'tls' ? <Icon name="lock" /> : null}
      </span>
      <span className="leg-words">
        {leg.tls === null ? null : <Negotiated tls={leg.tls} />}
        <span className={leg.state === 'broken' ? 'leg-broken-words' : undefined}>{leg.words}</span>
      </span>
    </li>
  );
}

function Negotiated({ tls }: { tls: TlsLegInfo }) {
  return (
    <>
      <strong>
        <Captured text={tls.version.replace(/^TLSv/, 'TLS ')} max={40} />
      </strong>
      <span className="mono fine">
        <Captured text={tls.cipher} max={60} />
      </span>
      <span className="fine">
        {tls.alpn === null ? 'no ALPN' : <Captured text={`ALPN ${tls.alpn}`} max={40} />}
        {tls.resumed ? ', resumed' : ''}
      </span>
    </>
  );
}
