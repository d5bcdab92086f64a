/** Each stream with how far it is; trouble is said first, in a sentence. */
import type { StreamRow, StreamsView } from '../../contract.ts';
import { count, duration } from '../format/numbers.ts';
import { Captured } from '../parts/captured.tsx';
import { Icon } from '../parts/icon.tsx';
import { Moment } from '../parts/moment.tsx';
import { Empty } from '../parts/notes.tsx';

const STATE: Readonly<Record<StreamRow['state'], string>> = {
  waiting: 'everything is sent',
  sending: 'sending',
  failing: 'the receiver does not take it',
};

export function AllStreams({ view }: { view: StreamsView }) {
  return (
    <section className="stack">
      {view.problem === null ? null : (
        <p className="form-error" role="alert">
          <strong>The newest document is not in force.</strong> <Captured text={view.problem} />
        </p>
      )}
      {view.streams.length === 0 ? (
        <Empty title="No streams yet">
          <p>
            Records can follow to syslog, Splunk, Elasticsearch, OpenTelemetry or a file. Name a stream in{' '}
            <span className="mono">{view.file === '' ? 'streams.yaml' : view.file}</span>; the examples stand
            in docs/streams.md, and <span className="mono">sightglass streams check</span> looks at it first.
          </p>
        </Empty>
      ) : (
        <ul className="versions">
          {view.streams.map(stream => (
            <li key={stream.name} className="card version">
              <Stream stream={stream} />
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}

function Stream({ stream }: { stream: StreamRow }) {
  return (
    <>
      <header>
        <h2>{stream.name}</h2>
        <span className="fine">
          {stream.to} ·{' '}
          <span className="mono">
            <Captured text={stream.target} max={120} />
          </span>{' '}
          · {stream.format}
        </span>
      </header>
      {stream.error === null ? null : (
        <p className="form-error" role="alert">
          <Captured text={stream.error} max={400} />
          {stream.nextTry === null ? null : (
            <>
              {' '}
              Tried again at <Moment at={stream.nextTry} form="medium" />.
            </>
          )}
        </p>
      )}
      <p>
        {stream.state === 'failing' ? <Icon name="fault" /> : null}
        {stream.lagRows === 0
          ? STATE[stream.state]
          : `${count(stream.lagRows)} rows wait, ${duration(stream.lagMs)} behind`}
        {' · '}
        {count(stream.sent)} sent
        {stream.lastSent === null ? null : (
          <>
            , last <Moment at={stream.lastSent} form="medium" />
          </>
        )}
        {stream.refused === 0 ? '' : ` · ${count(stream.refused)} refused by the receiver`}
        {stream.dropped === 0 ? '' : ` · ${count(stream.dropped)} deleted before they were sent`}
      </p>
    </>
  );
}
