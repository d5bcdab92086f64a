/** What happened, in words that need no engineer. */
import type { Action, ExchangeDetail, FlowDetail, VerdictInfo } from '../../contract.ts';
import { bytes, counted, duration } from '../format/numbers.ts';
import { Captured } from '../parts/captured.tsx';
import { LinkTo } from '../parts/link-to.tsx';
import { Moment } from '../parts/moment.tsx';

const DID: Readonly<Record<Action, string>> = {
  inspect: 'Sightglass inspected it',
  passthrough: 'Sightglass passed it on undecrypted',
  block: 'Sightglass blocked it',
};

const MEANT: Readonly<Record<'inspect' | 'passthrough', string>> = {
  inspect: 'Sightglass was to inspect it',
  passthrough: 'Sightglass was to pass it on undecrypted',
};

function Who({ client, user }: { client: string; user: string | null }) {
  return user === null ? (
    <strong>
      <Captured text={client} max={80} />
    </strong>
  ) : (
    <>
      <strong>
        <Captured text={user} max={80} />
      </strong>{' '}
      (<Captured text={client} max={80} />)
    </>
  );
}

/** `failed`: something went wrong, so what the verdict said may not have come to pass. */
function Because({ verdict, failed }: { verdict: VerdictInfo; failed: boolean }) {
  const { action, rule, reason } = verdict;
  return (
    <>
      {failed && action !== 'block' ? MEANT[action] : DID[action]} by rule{' '}
      <LinkTo to={ruleAddress(rule)} className="rule-link">
        <Captured text={rule} max={80} />
      </LinkTo>
      {reason === '' ? '.' : <>: {<Captured text={endWithStop(reason)} max={300} />}</>}
    </>
  );
}

/** The rule's place on the policy page. */
export function ruleAddress(rule: string): string {
  return `/policy#${encodeURIComponent(rule)}`;
}

const endWithStop = (text: string): string => (/[.!?]$/.test(text) ? text : `${text}.`);

export function ExchangeSentence({ detail }: { detail: ExchangeDetail }) {
  const { row, verdict } = detail;
  return (
    <p className="sentence">
      <Who client={row.client} user={row.user} /> asked{' '}
      <strong>
        <Captured text={row.host} max={120} />
      </strong>{' '}
      for{' '}
      <span className="mono">
        <Captured text={`${row.method} ${row.path}`} max={120} />
      </span>{' '}
      on <Moment at={row.time} form="medium" />
      {row.status === null ? (
        ' and got no answer.'
      ) : (
        <>
          {' '}
          and got <strong>{row.status}</strong> with {bytes(row.resBytes)} in {duration(row.ms)}.
        </>
      )}{' '}
      <Because verdict={verdict} failed={detail.fault !== null} />
    </p>
  );
}

export function FlowSentence({ detail }: { detail: FlowDetail }) {
  const { row, verdict } = detail;
  return (
    <p className="sentence">
      <Who client={row.client} user={row.user} /> connected on <Moment at={row.time} form="medium" />
      {row.host === null ? (
        ' and asked for nothing a proxy understands.'
      ) : (
        <>
          {' '}
          and asked for{' '}
          <strong>
            <Captured text={row.host} max={120} />
          </strong>
          {row.port === null ? '' : `, port ${row.port}`}.
        </>
      )}{' '}
      {verdict === null ? (
        'It ended before a verdict.'
      ) : (
        <Because verdict={verdict} failed={detail.fault !== null} />
      )}{' '}
      {detail.open ? (
        'It is still open: how long, how much and which TLS is known when it closes.'
      ) : (
        <>
          It lasted {duration(row.ms)} and moved {bytes(row.bytesUp)} up and {bytes(row.bytesDown)} down
          {row.exchanges > 0 ? ` in ${counted(row.exchanges, 'request')}` : ''}.
        </>
      )}
    </p>
  );
}
