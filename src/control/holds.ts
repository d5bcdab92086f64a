/**
 * Legal holds: days that retention must not touch until somebody lifts the hold, with who laid it and why. A lifted hold stays in
 * the list. Those on day files (`Holds`) lie in `control.db` beside the trail, and both change in one transaction: there
 * is no hold without its line and no line without its hold. Those on a database are in fleet-holds.ts. Bound: holds
 * are laid by hand.
 */
import type { ControlDb } from './control-db.ts';
import type { Trail } from './trail.ts';

export interface Hold {
  id: number;
  /** First and last day, inclusive. */
  first: string;
  last: string;
  reason: string;
  /** Who laid it. */
  by: string;
  /** ms since epoch. */
  created: number;
  /** When and by whom it was lifted; null while it holds. */
  lifted: number | null;
  liftedBy: string | null;
}

/** Who does something, as the trail names them. */
export interface Person {
  user: string | null;
  address: string;
  /** Name for the list of holds. */
  name: string;
}

/** Where holds are laid, listed and lifted. Refuses with HoldError. */
export interface HoldBook {
  /** Lay a hold on the days `first` … `last`. */
  add(person: Person, first: string, last: string, reason: string): Hold | Promise<Hold>;
  lift(person: Person, id: number, reason: string): void | Promise<void>;
  /** All holds, newest first. */
  list(): Hold[] | Promise<Hold[]>;
}

/** The hold that keeps a day; null when none does. */
export function holdOn(holds: readonly Hold[], day: string): Hold | null {
  return holds.find(hold => hold.lifted === null && hold.first <= day && day <= hold.last) ?? null;
}

/** A day of the calendar: 31 November is none. */
function isDay(text: string): boolean {
  const time = /^\d{4}-\d\d-\d\d$/.test(text) ? Date.parse(text) : NaN;
  return !Number.isNaN(time) && new Date(time).toISOString().startsWith(text);
}

export class HoldError extends Error {
  readonly hint: string;
  readonly exitCode = 2;
  constructor(message: string, hint: string) {
    super(message);
    this.hint = hint;
  }
}

/** What a hold may say, as it is kept. Throws HoldError when these are no days or the reason is missing. */
export function checkedHold(
  first: string,
  last: string,
  reason: string,
): { first: string; last: string; reason: string } {
  for (const day of [first, last])
    if (!isDay(day)) throw new HoldError(`"${day}" is no day.`, 'Write it as 2026-11-20.');
  if (first > last) throw new HoldError(`${first} is after ${last}.`, 'Write the earlier day first.');
  if (reason.trim() === '')
    throw new HoldError('A hold needs a reason.', 'Say why, such as the case it is for.');
  return { first, last, reason: reason.trim().slice(0, MAX_REASON) };
}

/** Throws HoldError when nobody says why. */
export function checkLifting(reason: string): void {
  if (reason.trim() === '')
    throw new HoldError('Lifting a hold needs a reason.', 'Say why, such as what became of the case.');
}

export const noSuchHold = (id: number): HoldError =>
  new HoldError(`There is no hold ${id} to lift.`, '`sightglass audit hold list` shows them.');

const MAX_REASON = 1000;

export class Holds implements HoldBook {
  readonly #db: ControlDb;
  readonly #trail: Pick<Trail, 'append'>;
  readonly #now: () => number;

  constructor(db: ControlDb, trail: Pick<Trail, 'append'>, now: () => number = Date.now) {
    this.#db = db;
    this.#trail = trail;
    this.#now = now;
  }

  add(person: Person, first: string, last: string, reason: string): Hold {
    const hold = checkedHold(first, last, reason);
    return this.#db.transaction(() => {
      const { lastInsertRowid } = this.#db
        .prepare('INSERT INTO holds (first, last, reason, made_by, created) VALUES (?, ?, ?, ?, ?)')
        .run(first, last, hold.reason, person.name, this.#now());
      const id = Number(lastInsertRowid);
      this.#write(person, 'audit.held', { hold: id, first, last, reason });
      return this.list().find(hold => hold.id === id) as Hold;
    })();
  }

  lift(person: Person, id: number, reason: string): void {
    checkLifting(reason);
    this.#db.transaction(() => {
      const { changes } = this.#db
        .prepare('UPDATE holds SET lifted = ?, lifted_by = ? WHERE id = ? AND lifted IS NULL')
        .run(this.#now(), person.name, id);
      if (changes === 0) throw noSuchHold(id);
      this.#write(person, 'audit.hold-lifted', { hold: id, reason });
    })();
  }

  list(): Hold[] {
    return this.#db
      .prepare(
        'SELECT id, first, last, reason, made_by AS "by", created, lifted, lifted_by AS liftedBy FROM holds ORDER BY id DESC',
      )
      .all() as Hold[];
  }

  /** The hold that keeps a day; null when none does. */
  on(day: string): Hold | null {
    return holdOn(this.list(), day);
  }

  #write(person: Person, action: string, detail: Record<string, unknown>): void {
    this.#trail.append({ user: person.user, address: person.address, action, detail });
  }
}
