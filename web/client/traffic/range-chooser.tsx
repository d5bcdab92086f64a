/** Which time the list covers: one of the usual spans up to now, or two instants. Says whose time zone it speaks. */
import { useState } from 'react';
import { fromLocalInput, mediumTime, sameDay, clock, toLocalInput, ZONE } from '../format/time.ts';
import { Field } from '../parts/field.tsx';
import { Icon } from '../parts/icon.tsx';
import { Menu } from '../parts/menu.tsx';
import { SPANS } from '../state/view.ts';
import type { Range } from '../state/view.ts';

export interface RangeChooserProps {
  range: Range;
  choose: (range: Range) => void;
}

export function RangeChooser({ range, choose }: RangeChooserProps) {
  return (
    <div className="range" role="group" aria-label="Time range">
      <div className="segments range-spans">
        {SPANS.map(({ span, label }) => (
          <button
            key={span}
            type="button"
            aria-pressed={range.kind === 'recent' && range.span === span}
            title={`The last ${label}`}
            onClick={() => choose({ kind: 'recent', span })}
          >
            {span}
          </button>
        ))}
      </div>
      <Menu
        className={range.kind === 'fixed' ? 'button button-on' : 'button'}
        title={`Choose a time range (${ZONE})`}
        align="start"
        label={
          <>
            <Icon name="clock" />
            <span>{range.kind === 'fixed' ? rangeText(range) : 'Custom'}</span>
          </>
        }
      >
        {close => (
          <CustomRange
            range={range}
            choose={next => {
              choose(next);
              close();
            }}
          />
        )}
      </Menu>
      {range.kind === 'fixed' ? (
        <button
          type="button"
          className="icon-button"
          title="Back to the last hour"
          onClick={() => choose({ kind: 'recent', span: '1h' })}
        >
          <Icon name="close" />
          <span className="visually-hidden">Back to the last hour</span>
        </button>
      ) : null}
    </div>
  );
}

function rangeText({ since, until }: { since: number; until: number }): string {
  return `${mediumTime(since)} – ${sameDay(since, until) ? clock(until) : mediumTime(until)}`;
}

function CustomRange({ range, choose }: RangeChooserProps) {
  const [start] = useState(() => bounds(range));
  const [since, setSince] = useState(toLocalInput(start.since));
  const [until, setUntil] = useState(toLocalInput(start.until));
  const from = fromLocalInput(since);
  const to = fromLocalInput(until);
  const problem =
    from === null || to === null
      ? 'Give both times.'
      : from >= to
        ? 'The start must lie before the end.'
        : null;
  return (
    <form
      className="custom-range"
      onSubmit={event => {
        event.preventDefault();
        if (from !== null && to !== null && problem === null)
          choose({ kind: 'fixed', since: from, until: to });
      }}
    >
      <Field
        label="From"
        type="datetime-local"
        step={1}
        value={since}
        onChange={event => setSince(event.target.value)}
      />
      <Field
        label="To"
        type="datetime-local"
        step={1}
        value={until}
        onChange={event => setUntil(event.target.value)}
      />
      <p className="fine">{problem ?? `Times are in your zone, ${ZONE}.`}</p>
      <button type="submit" className="button button-strong" disabled={problem !== null}>
        Show this time
      </button>
    </form>
  );
}

function bounds(range: Range): { since: number; until: number } {
  if (range.kind === 'fixed') return range;
  const until = Date.now();
  return { since: until - (SPANS.find(s => s.span === range.span)?.ms ?? 3_600_000), until };
}
