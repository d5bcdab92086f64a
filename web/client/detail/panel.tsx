/**
 * The panel beside the list: one exchange or one connection. On a phone, and when the reader wants it, it is the page.
 * Opening it moves the focus to its heading, so that screen readers hear what was opened.
 */
import { useEffect, useRef, useState } from 'react';
import type { ReactNode } from 'react';
import { addresses, api } from '../api/client.ts';
import { useAsk } from '../hooks/use-ask.ts';
import type { Asked } from '../hooks/use-ask.ts';
import { CopyButton } from '../parts/copy-button.tsx';
import { Icon } from '../parts/icon.tsx';
import { Failed, Waiting } from '../parts/notes.tsx';
import { RevealDownload } from '../reveals/reveal-download.tsx';
import { useSession } from '../state/session.tsx';
import type { View } from '../state/view.ts';
import { pathOf } from '../state/places.ts';
import type { Opened } from '../state/places.ts';
import { ExchangeView } from './exchange-view.tsx';
import { FlowView } from './flow-view.tsx';

export interface PanelProps {
  opened: Opened;
  full: boolean;
  view: View;
  close: () => void;
  toggleFull: () => void;
  go: (to: Opened) => void;
}

export function Panel(props: PanelProps) {
  return props.opened.kind === 'exchanges' ? <ExchangePanel {...props} /> : <FlowPanel {...props} />;
}

function ExchangePanel(props: PanelProps) {
  const { id } = props.opened;
  const { can } = useSession();
  const [saving, setSaving] = useState(false);
  const asked = useAsk(`exchange ${id}`, signal => api.exchange(id, signal));
  const { previous = null, next = null } = asked.data ?? {};
  return (
    <Frame
      {...props}
      title="Request"
      asked={asked}
      extra={
        <>
          {previous === null && next === null ? null : (
            <>
              <Step to={previous} icon="previous" label="Earlier request of this connection" go={props.go} />
              <Step to={next} icon="next" label="Later request of this connection" go={props.go} />
            </>
          )}
          {can('export') && can('body') ? (
            <button type="button" className="icon-button" title="Save as HAR" onClick={() => setSaving(true)}>
              <Icon name="download" />
              <span className="visually-hidden">Save as HAR</span>
            </button>
          ) : null}
          {saving ? (
            <RevealDownload
              title="Save as HAR"
              ask={(reason, number) => api.reveal({ exchange: id, side: 'both', reason, case: number })}
              address={() => addresses.har(id)}
              close={() => setSaving(false)}
            />
          ) : null}
        </>
      }
    >
      {asked.data === null ? null : <ExchangeView key={id} detail={asked.data} go={props.go} />}
    </Frame>
  );
}

function FlowPanel(props: PanelProps) {
  const { id } = props.opened;
  const asked = useAsk(`flow ${id}`, signal => api.flow(id, signal));
  return (
    <Frame {...props} title="Connection" asked={asked} extra={null}>
      {asked.data === null ? null : <FlowView detail={asked.data} go={props.go} />}
    </Frame>
  );
}

interface FrameProps extends PanelProps {
  title: string;
  asked: Asked<unknown>;
  extra: ReactNode;
  children: ReactNode;
}

function Frame({ title, opened, full, asked, extra, close, toggleFull, children }: FrameProps) {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    heading.current?.focus({ preventScroll: true });
  }, [opened.kind]);
  return (
    <section className={asked.stale ? 'panel stale' : 'panel'} aria-labelledby="panel-title">
      <header className="panel-head">
        <button type="button" className="icon-button panel-back" title="Back to the list" onClick={close}>
          <Icon name="back" />
          <span className="visually-hidden">Back to the list</span>
        </button>
        <h2 id="panel-title" ref={heading} tabIndex={-1}>
          {title} <span className="panel-id mono">{opened.id}</span>
        </h2>
        {extra}
        <CopyButton text={`${location.origin}${pathOf(opened)}?full=1`} label="Copy a link to this" />
        <button
          type="button"
          className="icon-button panel-full"
          title={full ? 'Show the list beside it' : 'Use the whole page'}
          onClick={toggleFull}
        >
          <Icon name={full ? 'shrink' : 'expand'} />
          <span className="visually-hidden">{full ? 'Show the list beside it' : 'Use the whole page'}</span>
        </button>
        <button type="button" className="icon-button panel-close" title="Close (Esc)" onClick={close}>
          <Icon name="close" />
          <span className="visually-hidden">Close</span>
        </button>
      </header>
      <div className="panel-body">
        {asked.failure !== null && asked.data === null ? (
          <Failed failure={asked.failure} again={asked.again} />
        ) : asked.data === null ? (
          <Waiting what="the record" />
        ) : (
          children
        )}
      </div>
    </section>
  );
}

function Step({
  to,
  icon,
  label,
  go,
}: {
  to: string | null;
  icon: 'previous' | 'next';
  label: string;
  go: (to: Opened) => void;
}) {
  return (
    <button
      type="button"
      className="icon-button"
      title={label}
      disabled={to === null}
      onClick={() => to !== null && go({ kind: 'exchanges', id: to })}
    >
      <Icon name={icon} />
      <span className="visually-hidden">{label}</span>
    </button>
  );
}
