/**
 * Reasons for looking at captured bodies. Nobody is shown one before saying why; where the settings want a second person,
 * nobody is shown one before somebody else has agreed.
 *
 * A reveal speaks of one exchange and one side of it (or both), or of one question whose answer leaves with its bodies; for
 * a question the time range is fixed when it is asked, so what was agreed to does not grow. It opens for `open` ms, to the person
 * who asked and nobody else. A request for agreement waits for `wait` ms and is then void. The one who agrees is never the
 * one who asked; two accounts of one person are told apart by nobody here.
 *
 * It lies in `control.db` beside the trail, and both change in one transaction: nothing is open without its line. Bounds: 20
 * requests of one person may wait; what ended 30 days ago is deleted here (the trail keeps it).
 */
import type { ControlDb } from './control-db.ts';
import type { Trail } from './trail.ts';

export type RevealSide = 'req' | 'res' | 'both';

/** What is to be seen: bodies of an exchange, or of everything a question finds (times in ms since epoch). */
export type RevealWhat =
  { exchange: string; side: RevealSide; host: string } | { q: string; since: number | null; until: number };

export interface Reveal {
  id: number;
  user: string;
  what: RevealWhat;
  reason: string;
  /** Number of a case, empty without one. */
  case: string;
  /** ms since epoch: asked, decided; end of waiting or of being open. */
  created: number;
  state: 'open' | 'waiting' | 'denied' | 'ended';
  decidedBy: string | null;
  until: number;
}

/** It cannot be asked or decided; message and hint are for people. */
export class RevealError extends Error {
  override readonly name = 'RevealError';
  readonly hint: string;
  constructor(message: string, hint: string) {
    super(message);
    this.hint = hint;
  }
}

export interface RevealRules {
  secondPerson: boolean;
  /** ms */
  wait: number;
  open: number;
}

interface Who {
  user: string;
  address: string;
}

export class Reveals {
  readonly #db: ControlDb;
  readonly #trail: Pick<Trail, 'append'>;
  readonly #rules: RevealRules;
  readonly #now: () => number;
  readonly #sql;

  constructor(db: ControlDb, trail: Pick<Trail, 'append'>, rules: RevealRules, now: () => number = Date.now) {
    this.#db = db;
    this.#trail = trail;
    this.#rules = rules;
    this.#now = now;
    const columns = 'id, user, what, reason, case_number, created, state, decided_by, until';
    this.#sql = {
      insert: db.prepare<[string, string, string, string, number, string, number]>(
        'INSERT INTO reveals (user, what, reason, case_number, created, state, until) VALUES (?, ?, ?, ?, ?, ?, ?)',
      ),
      get: db.prepare<[number], Row>(`SELECT ${columns} FROM reveals WHERE id = ?`),
      of: db.prepare<[string], Row>(
        `SELECT ${columns} FROM reveals WHERE user = ? ORDER BY id DESC LIMIT 100`,
      ),
      waiting: db.prepare<[number], Row>(
        `SELECT ${columns} FROM reveals WHERE state = 'waiting' AND until > ? ORDER BY id DESC LIMIT 500`,
      ),
      count: db
        .prepare<[string, number], number>(
          `SELECT count(*) FROM reveals WHERE user = ? AND state = 'waiting' AND until > ?`,
        )
        .pluck(),
      decide: db.prepare<[string, string, number, number]>(
        'UPDATE reveals SET state = ?, decided_by = ?, until = ? WHERE id = ?',
      ),
      forget: db.prepare<[number]>('DELETE FROM reveals WHERE until < ?'),
    };
  }

  /** Whether somebody else has to agree. */
  get secondPerson(): boolean {
    return this.#rules.secondPerson;
  }

  /** State a reason: opens at once, or asks for agreement. Throws RevealError. */
  ask(who: Who, what: RevealWhat, reason: string, caseNumber: string): Reveal {
    const why = reason.trim().slice(0, MAX_REASON);
    if (why.length < MIN_REASON)
      throw new RevealError('A reason is missing.', 'Say in a sentence why you need to see it.');
    const now = this.#now();
    const { secondPerson, wait, open } = this.#rules;
    return this.#db
      .transaction(() => {
        this.#sql.forget.run(now - KEEP_MS);
        if ((this.#sql.count.get(who.user, now) ?? 0) >= MAX_WAITING)
          throw new RevealError('Too many of your requests wait.', 'Wait until some of them are decided.');
        const state = secondPerson ? 'waiting' : 'open';
        const end = now + (secondPerson ? wait : open);
        const number = caseNumber.trim().slice(0, MAX_CASE);
        const made = this.#sql.insert.run(who.user, JSON.stringify(what), why, number, now, state, end);
        const id = Number(made.lastInsertRowid);
        this.#write(who, secondPerson ? 'reveal.asked' : 'reveal.opened', {
          reveal: id,
          ...what,
          reason: why,
          case: number,
        });
        return this.#known(id);
      })
      .immediate();
  }

  /** Agree or refuse, as somebody else. Throws RevealError. */
  decide(who: Who, id: number, agree: boolean): Reveal {
    return this.#db
      .transaction(() => {
        const row = this.#sql.get.get(id);
        const reveal = row === undefined ? null : this.#of(row);
        if (reveal?.state !== 'waiting')
          throw new RevealError('This request does not wait any more.', 'Reload the page.');
        if (reveal.user === who.user)
          throw new RevealError(
            'Nobody agrees to a request of their own.',
            'Somebody else has to decide it.',
          );
        const now = this.#now();
        this.#sql.decide.run(agree ? 'open' : 'denied', who.user, now + (agree ? this.#rules.open : 0), id);
        const { user, what, reason } = reveal;
        this.#write(who, agree ? 'reveal.approved' : 'reveal.denied', {
          reveal: id,
          for: user,
          ...what,
          reason,
        });
        return this.#known(id);
      })
      .immediate();
  }

  /** The open reveal that shows somebody a side of an exchange; null when there is none. */
  forBody(user: string, exchange: string, side: RevealSide): Reveal | null {
    return (
      this.#sql.of
        .all(user)
        .map(row => this.#of(row))
        .find(
          ({ state, what }) =>
            state === 'open' &&
            'exchange' in what &&
            what.exchange === exchange &&
            (what.side === side || what.side === 'both'),
        ) ?? null
    );
  }

  /** The question of an open reveal of somebody; null when that one is none, or not theirs. */
  forExport(user: string, id: number): (Reveal & { what: Extract<RevealWhat, { q: string }> }) | null {
    const row = this.#sql.get.get(id);
    const reveal = row === undefined ? null : this.#of(row);
    if (reveal?.user !== user || reveal.state !== 'open' || !('q' in reveal.what)) return null;
    return { ...reveal, what: reveal.what };
  }

  /** What somebody asked lately, and what waits for others to decide; newest first. */
  list(user: string): { own: Reveal[]; waiting: Reveal[] } {
    return {
      own: this.#sql.of.all(user).map(row => this.#of(row)),
      waiting: this.#sql.waiting
        .all(this.#now())
        .map(row => this.#of(row))
        .filter(reveal => reveal.user !== user),
    };
  }

  #known(id: number): Reveal {
    return this.#of(this.#sql.get.get(id) as Row);
  }

  #of({ what, case_number, state, decided_by, ...row }: Row): Reveal {
    const over = state !== 'denied' && row.until <= this.#now();
    return {
      ...row,
      what: JSON.parse(what) as RevealWhat,
      case: case_number,
      state: over ? 'ended' : state,
      decidedBy: decided_by,
    };
  }

  #write({ user, address }: Who, action: string, detail: Record<string, unknown>): void {
    this.#trail.append({ user, address, action, detail });
  }
}

interface Row {
  id: number;
  user: string;
  what: string;
  reason: string;
  case_number: string;
  created: number;
  state: 'open' | 'waiting' | 'denied';
  decided_by: string | null;
  until: number;
}

const MIN_REASON = 5;
const MAX_REASON = 500;
const MAX_CASE = 64;
const MAX_WAITING = 20;
const KEEP_MS = 30 * 24 * 60 * 60_000;
