/**
 * What a batch adds to the sums of a day file: rows and times per block (`span`), rows and bytes per minute and verdict
 * (`minute`). Gathered in memory, written once per batch. Bound: blocks and minutes that one batch touches.
 */
import type { Statements } from './statements.ts';

interface Span {
  kind: number;
  block: number;
  n: number;
  lo: number;
  hi: number;
}

interface Minute {
  kind: number;
  minute: number;
  action: string;
  n: number;
  faults: number;
  bytes: number;
}

export class Tallies {
  private readonly spans = new Map<number, Span>();
  private readonly minutes = new Map<string, Minute>();
  // The ones counted last: the next row nearly always belongs to them.
  private span: Span | null = null;
  private minute: Minute | null = null;

  /** Count a row. `time` is ms since epoch, whole; `action` is empty without a verdict. */
  add(kind: number, block: number, time: number, action: string, fault: boolean, bytes: number): void {
    let span = this.span;
    if (span === null || span.block !== block || span.kind !== kind) {
      const key = block * 4 + kind;
      span = this.spans.get(key) ?? { kind, block, n: 0, lo: time, hi: time };
      this.spans.set(key, span);
      this.span = span;
    }
    span.n++;
    if (time < span.lo) span.lo = time;
    if (time > span.hi) span.hi = time;

    const at = Math.floor(time / 60_000);
    let minute = this.minute;
    if (minute === null || minute.minute !== at || minute.kind !== kind || minute.action !== action) {
      const key = `${kind} ${at} ${action}`;
      minute = this.minutes.get(key) ?? { kind, minute: at, action, n: 0, faults: 0, bytes: 0 };
      this.minutes.set(key, minute);
      this.minute = minute;
    }
    minute.n++;
    if (fault) minute.faults++;
    minute.bytes += bytes;
  }

  /** Write the sums and begin anew. */
  save(sql: Statements): void {
    for (const s of this.spans.values()) sql.span.run(s.kind, s.block, s.n, s.lo, s.hi);
    for (const m of this.minutes.values()) sql.minute.run(m.kind, m.minute, m.action, m.n, m.faults, m.bytes);
    this.spans.clear();
    this.minutes.clear();
    this.span = null;
    this.minute = null;
  }
}
