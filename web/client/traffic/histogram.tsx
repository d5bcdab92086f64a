/**
 * How much happened when, stacked by verdict. Drag over it to zoom in, click a bar to zoom to it; with the keyboard,
 * arrows walk over the bars and Enter zooms. Drawn as plain SVG in CSS pixels; at most 500 buckets come from the API.
 */
import { useRef, useState } from 'react';
import type { KeyboardEvent, PointerEvent } from 'react';
import type { Histogram as Data, HistogramBucket } from '../../contract.ts';
import { useSize } from '../hooks/use-size.ts';
import { count, shortCount } from '../format/numbers.ts';
import { clock, clockShort, dayShort, mediumTime } from '../format/time.ts';

const SERIES = ['inspect', 'passthrough', 'block', 'none'] as const;
const HEIGHT = 64;
const DRAG_PIXELS = 4;

export interface HistogramProps {
  data: Data;
  stale: boolean;
  zoom: (since: number, until: number) => void;
}

export const total = (bucket: HistogramBucket): number =>
  bucket.inspect + bucket.passthrough + bucket.block + bucket.none;

export function Histogram({ data, stale, zoom }: HistogramProps) {
  const frame = useRef<HTMLDivElement>(null);
  const { width } = useSize(frame);
  const [drag, setDrag] = useState<{ from: number; to: number } | null>(null);
  const [at, setAt] = useState<number | null>(null);
  const { buckets, step } = data;
  const since = Date.parse(data.since);
  const until = Date.parse(data.until);
  const n = buckets.length;
  const slot = n === 0 ? 0 : width / n;
  const most = Math.max(1, ...buckets.map(total));
  const here = at === null ? undefined : buckets[at];

  const place = (event: PointerEvent): number => {
    const box = frame.current?.getBoundingClientRect();
    return box === undefined ? 0 : Math.max(0, Math.min(box.width, event.clientX - box.left));
  };
  const bucketAt = (x: number): number => Math.max(0, Math.min(n - 1, Math.floor(x / (slot || 1))));
  const startOf = (index: number): number => Date.parse(buckets[index]?.time ?? data.since);
  const zoomTo = (from: number, to: number): void =>
    zoom(Math.max(since, startOf(from)), Math.min(Math.max(until, since + 1), startOf(to) + step));

  const press = (event: KeyboardEvent): void => {
    const now = at ?? n - 1;
    const to =
      event.key === 'ArrowLeft'
        ? now - 1
        : event.key === 'ArrowRight'
          ? now + 1
          : event.key === 'Home'
            ? 0
            : event.key === 'End'
              ? n - 1
              : null;
    if (event.key === 'Enter' && at !== null) zoomTo(at, at);
    else if (to !== null) setAt(Math.max(0, Math.min(n - 1, to)));
    else return;
    event.preventDefault();
    event.stopPropagation();
  };

  return (
    <div className={stale ? 'histogram stale' : 'histogram'}>
      <div
        ref={frame}
        className="histogram-plot"
        role="slider"
        tabIndex={0}
        aria-label="Traffic over time; arrows move over the bars, Enter zooms in"
        aria-valuemin={0}
        aria-valuemax={Math.max(0, n - 1)}
        aria-valuenow={at ?? Math.max(0, n - 1)}
        aria-valuetext={describe(here ?? buckets[n - 1], step)}
        onKeyDown={press}
        onBlur={() => setAt(null)}
        onPointerDown={event => {
          if (event.button !== 0) return;
          event.currentTarget.setPointerCapture(event.pointerId);
          const x = place(event);
          setDrag({ from: x, to: x });
        }}
        onPointerMove={event => {
          const x = place(event);
          setAt(bucketAt(x));
          if (drag !== null) setDrag({ ...drag, to: x });
        }}
        onPointerLeave={() => drag === null && setAt(null)}
        onPointerCancel={() => setDrag(null)}
        onPointerUp={event => {
          if (drag === null) return;
          const x = place(event);
          setDrag(null);
          const wide = Math.abs(x - drag.from) > DRAG_PIXELS;
          const bucket = buckets[bucketAt(x)];
          if (wide) zoomTo(bucketAt(Math.min(x, drag.from)), bucketAt(Math.max(x, drag.from)));
          else if (bucket !== undefined && total(bucket) > 0) zoomTo(bucketAt(x), bucketAt(x));
        }}
      >
        <svg width={width} height={HEIGHT} aria-hidden="true" focusable="false">
          <line x1={0} x2={width} y1={HEIGHT - 0.5} y2={HEIGHT - 0.5} className="axis" />
          {buckets.map((bucket, index) => (
            <Bar
              key={bucket.time}
              bucket={bucket}
              x={index * slot}
              width={slot}
              most={most}
              lit={index === at}
            />
          ))}
          {drag === null ? null : (
            <rect
              className="brush"
              x={Math.min(drag.from, drag.to)}
              width={Math.abs(drag.to - drag.from)}
              y={0}
              height={HEIGHT}
            />
          )}
        </svg>
        {buckets.some(bucket => total(bucket) > 0) ? (
          <span className="histogram-most" aria-hidden="true">
            {shortCount(most)}
          </span>
        ) : null}
        {here === undefined || at === null ? null : (
          <div
            className={at > n / 2 ? 'tip tip-left' : 'tip'}
            style={{ left: `${(at + 0.5) * slot}px` }}
            aria-hidden="true"
          >
            {describe(here, step)}
          </div>
        )}
      </div>
      <Ticks since={since} until={until} width={width} />
    </div>
  );
}

function Bar({
  bucket,
  x,
  width,
  most,
  lit,
}: {
  bucket: HistogramBucket;
  x: number;
  width: number;
  most: number;
  lit: boolean;
}) {
  const gap = width > 5 ? 1.5 : width > 3 ? 1 : 0;
  const scale = (HEIGHT - 22) / most;
  const tall = total(bucket) === 0 ? 0 : Math.max(2, total(bucket) * scale);
  const unit = total(bucket) === 0 ? 0 : tall / total(bucket);
  // Bars stand on the axis, one series on top of the other.
  const tops = SERIES.map((_, at) =>
    SERIES.slice(0, at + 1).reduce((sum, name) => sum + bucket[name] * unit, 0),
  );
  return (
    <g className={lit ? 'lit' : undefined}>
      {lit ? <rect className="lit-slot" x={x} y={0} width={width} height={HEIGHT} /> : null}
      {SERIES.map((name, at) =>
        bucket[name] === 0 ? null : (
          <rect
            key={name}
            className={`bar-${name}`}
            x={x + gap / 2}
            width={Math.max(0.5, width - gap)}
            y={HEIGHT - 1 - (tops[at] ?? 0)}
            height={bucket[name] * unit}
          />
        ),
      )}
      {bucket.faults === 0 ? null : (
        <rect
          className="bar-faults"
          x={x + gap / 2}
          width={Math.max(0.5, width - gap)}
          y={HEIGHT - 1 - tall - 4}
          height={2}
        />
      )}
    </g>
  );
}

/** A bucket in words. */
function describe(bucket: HistogramBucket | undefined, step: number): string {
  if (bucket === undefined) return 'no data';
  const start = Date.parse(bucket.time);
  const time = step < 60_000 ? clock(start) : step < 86_400_000 ? mediumTime(start) : dayShort(start);
  if (total(bucket) === 0) return `${time}: nothing`;
  const parts = [
    bucket.inspect > 0 ? `${count(bucket.inspect)} inspect` : '',
    bucket.passthrough > 0 ? `${count(bucket.passthrough)} passthrough` : '',
    bucket.block > 0 ? `${count(bucket.block)} block` : '',
    bucket.none > 0 ? `${count(bucket.none)} no verdict` : '',
    bucket.faults > 0 ? `${count(bucket.faults)} with a fault` : '',
  ].filter(part => part !== '');
  return `${time}: ${parts.join(', ')}`;
}

const TICK_STEPS = [1, 2, 5, 10, 15, 30, 60, 120, 180, 360, 720, 1440, 2880, 10_080].map(m => m * 60_000);

function Ticks({ since, until, width }: { since: number; until: number; width: number }) {
  const span = until - since;
  const room = Math.max(2, Math.floor(width / 110));
  const step = TICK_STEPS.find(s => span / s <= room) ?? span;
  // Ticks stand on round times of the reader's zone.
  const shift = new Date(since).getTimezoneOffset() * 60_000;
  const first = Math.ceil((since - shift) / step) * step + shift;
  const ticks: number[] = [];
  for (let at = first; at <= until && ticks.length < 40; at += step) ticks.push(at);
  return (
    <div className="ticks" aria-hidden="true">
      {ticks.map(at => {
        const x = ((at - since) / span) * width;
        if (x < 16 || x > width - 16) return null;
        return (
          <span key={at} style={{ left: `${x}px` }}>
            {step >= 86_400_000 || new Date(at).getHours() + new Date(at).getMinutes() === 0
              ? dayShort(at)
              : clockShort(at)}
          </span>
        );
      })}
    </div>
  );
}
