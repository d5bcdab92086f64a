/**
 * Legal holds on the days of a fleet's store: they lie in the database, where they bind every collector, and their lines in the
 * trail of the machine at which somebody laid or lifted them. The line is written before the change is committed: there
 * is no hold without its line. When the database breaks at the commit, a second line says that nobody knows what came of it.
 */
import { withConnection } from '../audit/store/postgres/connection.ts';
import { addHold, holds, liftHold } from '../audit/store/postgres/holds.ts';
import type { PostgresTarget } from '../audit/store/postgres/connect.ts';
import { checkedHold, checkLifting, noSuchHold } from './holds.ts';
import type { Hold, HoldBook, Person } from './holds.ts';
import type { Trail } from './trail.ts';

const MAX_ID = 2 ** 31 - 1;

export class FleetHolds implements HoldBook {
  readonly #target: PostgresTarget;
  readonly #trail: Pick<Trail, 'append'>;
  readonly #now: () => number;

  /** `target`: with the role that writes. */
  constructor(target: PostgresTarget, trail: Pick<Trail, 'append'>, now: () => number = Date.now) {
    this.#target = target;
    this.#trail = trail;
    this.#now = now;
  }

  async add(person: Person, first: string, last: string, reason: string): Promise<Hold> {
    const hold = { ...checkedHold(first, last, reason), by: person.name, created: this.#now() };
    const id = await this.#told(person, 'audit.held', write =>
      withConnection(this.#target, client =>
        addHold(client, hold, number => write({ hold: number, first, last, reason })),
      ),
    );
    return { id, ...hold, lifted: null, liftedBy: null };
  }

  async lift(person: Person, id: number, reason: string): Promise<void> {
    checkLifting(reason);
    if (!Number.isInteger(id) || id < 1 || id > MAX_ID) throw noSuchHold(id);
    const lift = { id, by: person.name, at: this.#now() };
    const lifted = await this.#told(person, 'audit.hold-lifted', write =>
      withConnection(this.#target, client => liftHold(client, lift, () => write({ hold: id, reason }))),
    );
    if (!lifted) throw noSuchHold(id);
  }

  list(): Promise<Hold[]> {
    return withConnection(this.#target, holds);
  }

  /** A change with its line, and a second one when it failed after the first was written. */
  async #told<T>(
    { user, address }: Person,
    action: string,
    change: (write: (detail: Record<string, unknown>) => void) => Promise<T>,
  ): Promise<T> {
    let written: Record<string, unknown> | null = null;
    try {
      return await change(detail => {
        this.#trail.append({ user, address, action, detail });
        written = detail;
      });
    } catch (error) {
      if (written !== null)
        this.#trail.append({
          user,
          address,
          action: 'audit.hold-unsure',
          detail: { of: action, ...(written as object) },
        });
      throw error;
    }
  }
}
