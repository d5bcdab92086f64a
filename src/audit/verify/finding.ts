/** What a verifier can find, in a form for people and for programs. Pure. */
import { readCanonical } from '../chain.ts';
import { flowRefText } from '../store/ids.ts';
import type { ChainedKind } from '../chain.ts';

export type Problem =
  /** A row is not what it was when it was chained. */
  | 'changed'
  /** A row, or something it points at, is gone. */
  | 'missing'
  /** A row that was never chained. */
  | 'inserted'
  /** A row stands where another one was. */
  | 'reordered'
  /** The end of the chain, of a file or of the days is cut off. */
  | 'truncated'
  /** The chain itself was rewritten: rows and digests agree with each other, but not with what was signed. */
  | 'chain'
  /** A signature is bad, missing where one must be, or of another key. */
  | 'signature'
  /** The file has other bytes than were sealed, although every row is as it was. */
  | 'outside-rows'
  /** A file or statement cannot be read. */
  | 'unreadable';

export interface Finding {
  problem: Problem;
  /** Day of the file, `trail`, or the name of an export. */
  day: string;
  /** The row, as far as it is known. */
  kind: ChainedKind | 'trail' | null;
  /** Its id: `flow.n` of an exchange, flow id, or the number of an event or trail line. */
  id: string | null;
  /** ms since epoch. */
  time: number | null;
  /** Its number in the chain. */
  seq: number | null;
  /** The finding in words. */
  text: string;
}

/** Id and time of a row, from its canonical text; the row number where the text says no id. `machine`: its number in a fleet. */
export function nameRow(
  kind: ChainedKind,
  row: number,
  text: string | null,
  machine: number | null = null,
): Pick<Finding, 'kind' | 'id' | 'time'> {
  const fields = text === null ? undefined : readCanonical(text)?.fields;
  const number = (at: number): number => (typeof fields?.[at] === 'number' ? fields[at] : NaN);
  const flow = flowRefText({ proxy: machine, flow: number(0) });
  switch (fields === undefined ? null : kind) {
    case 'exchange':
      return { kind, id: `${flow}.${number(1)}`, time: number(2) };
    case 'flow':
      return { kind, id: flow, time: number(1) };
    case 'event':
      return { kind, id: String(row), time: number(0) };
    case null:
      return { kind, id: kind === 'event' ? String(row) : null, time: null };
  }
}

/** Findings kept per report; more are counted. */
export const MAX_FINDINGS = 100;

/** Gathers findings up to the bound. */
export class Findings {
  readonly list: Finding[] = [];
  count = 0;
  private readonly day: string;

  constructor(day: string) {
    this.day = day;
  }

  add(problem: Problem, text: string, row: Partial<Omit<Finding, 'problem' | 'text' | 'day'>> = {}): void {
    this.count++;
    if (this.list.length < MAX_FINDINGS)
      this.list.push({ problem, day: this.day, kind: null, id: null, time: null, seq: null, text, ...row });
  }
}

/** A row that no entry of a chain names. */
export function insertedRow(
  findings: Findings,
  kind: ChainedKind,
  row: number,
  place: string,
  text: string | null,
  machine: number | null = null,
): void {
  findings.add('inserted', `${kind} row ${row} was never chained; it stands ${place}`, {
    ...nameRow(kind, row, text, machine),
  });
}
