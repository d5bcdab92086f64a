/** Is the service well: workers, recording, policy, addresses. Trouble is said first, in a sentence. */
import type { Status } from '../../contract.ts';
import { bytes, count, counted, duration } from '../format/numbers.ts';
import { Captured } from '../parts/captured.tsx';
import { CopyButton } from '../parts/copy-button.tsx';
import { Facts } from '../detail/facts.tsx';
import { Icon } from '../parts/icon.tsx';
import { LinkTo } from '../parts/link-to.tsx';
import { Moment } from '../parts/moment.tsx';

const LAG_LIMIT = 10_000;

export function ServiceCard({ status }: { status: Status }) {
  const { audit, shipping, workers, policy } = status;
  const trouble = troubles(status);
  return (
    <section className="card service">
      <h2>Service</h2>
      {trouble.length === 0 ? (
        <p className="well">
          <Icon name="check" />
          Everything runs: {counted(workers.length, 'worker')}, records are written.
        </p>
      ) : (
        <ul className="troubles" role="alert">
          {trouble.map(words => (
            <li key={words}>
              <Icon name="fault" />
              <Captured text={words} />
            </li>
          ))}
        </ul>
      )}
      <Facts
        facts={[
          [
            'Proxy',
            status.proxy.map(address => (
              <span key={address} className="with-badge mono">
                {address} <CopyButton text={address} label={`Copy ${address}`} />
              </span>
            )),
          ],
          ['Console', <span className="mono">{status.console.join(', ')}</span>],
          ['Running since', <Moment at={status.started} form="medium" />],
          [
            'Recording',
            <>
              {audit.healthy ? 'healthy' : <span className="warn">stopped</span>},{' '}
              {lag(audit.lagMs, audit.spoolBytes)}
            </>,
          ],
          [
            'Shipping',
            shipping === null ? null : (
              <>
                {shipping.healthy ? '' : <span className="warn">stopped, </span>}
                {shipping.waitingBytes === 0
                  ? 'nothing waits'
                  : `${bytes(shipping.waitingBytes)} wait, ${duration(shipping.lagMs)} behind`}{' '}
                for <span className="mono">{shipping.collector}</span>
              </>
            ),
          ],
          [
            'Store',
            `${counted(audit.flows, 'connection')} and ${counted(audit.exchanges, 'request')}, ${bytes(audit.storeBytes)} in ${counted(audit.days, 'day')}`,
          ],
          [
            'Policy',
            <>
              version{' '}
              <LinkTo to="/policy" className="mono">
                {policy.version}
              </LinkTo>
              {policy.rejected === null ? '' : ', a newer document was refused'}
            </>,
          ],
          ['Version', status.version],
        ]}
      />
      <div className="workers-scroll" tabIndex={0} role="region" aria-label="Workers">
        <table className="table">
          <caption className="visually-hidden">Workers</caption>
          <thead>
            <tr>
              <th scope="col">Worker</th>
              <th scope="col">State</th>
              <th scope="col" className="number">
                Open
              </th>
              <th scope="col" className="number">
                Since start
              </th>
              <th scope="col" className="number">
                Memory
              </th>
              <th scope="col" className="number">
                Restarts
              </th>
            </tr>
          </thead>
          <tbody>
            {workers.map(worker => (
              <tr key={worker.id}>
                <td>
                  {worker.id}
                  {worker.pid === null ? '' : <span className="fine"> pid {worker.pid}</span>}
                </td>
                <td>
                  <span className={`state state-${worker.state}`}>{worker.state}</span>
                </td>
                <td className="number">{count(worker.connections)}</td>
                <td className="number">{count(worker.flows)}</td>
                <td className="number">{bytes(worker.rssBytes)}</td>
                <td className="number">{count(worker.restarts)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}

function lag(ms: number, spool: number): string {
  if (spool === 0) return 'nothing waits in the spool';
  return `${bytes(spool)} in the spool, ${duration(ms)} behind`;
}

function troubles({ audit, shipping, workers, policy }: Status): string[] {
  const dead = workers.filter(worker => worker.state === 'dead').length;
  return [
    audit.healthy ? null : `Records cannot be written. ${audit.problem ?? 'See the log of the service.'}`,
    audit.healthy && audit.problem !== null ? audit.problem : null,
    audit.lagMs > LAG_LIMIT ? `The store is ${duration(audit.lagMs)} behind the traffic.` : null,
    shipping !== null && !shipping.healthy && audit.healthy
      ? `Records do not reach the collector. ${shipping.problem ?? ''}`.trimEnd()
      : null,
    shipping !== null && shipping.lagMs > LAG_LIMIT
      ? `The collector is ${duration(shipping.lagMs)} behind the traffic of this machine.`
      : null,
    dead > 0 ? `${dead} worker${dead === 1 ? ' is' : 's are'} down and will be restarted.` : null,
    workers.length === 0 ? 'No worker serves.' : null,
    policy.rejected === null ? null : `A newer policy was refused: ${policy.rejected.message}`,
  ].filter(words => words !== null);
}
