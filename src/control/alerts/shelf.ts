/**
 * Alert rules and their state in control.db. The console writes rules, the thread of streams writes states; neither writes the
 * other's column, so they need no lock between them. The secret that signs webhooks lies beside the rule and is shown once.
 */
import { randomBytes } from 'node:crypto';
import { AlertRuleError, MAX_RULES } from './rule.ts';
import type { ControlDb } from '../control-db.ts';
import type { AlertRule } from './rule.ts';

/** One firing of a rule. */
export interface Notice {
  rule: string;
  /** Value of the field that is grouped by; empty without. Captured text. */
  group: string;
  groupBy: string;
  count: number;
  threshold: number;
  windowMs: number;
  query: string;
  kind: string;
  /** When it fired, and the time of the row that made it fire. ms since epoch. */
  fired: number;
  lastRow: number;
  /** True for one that somebody asked for to try the way. */
  test: boolean;
}

/** A notice on its way to one receiver. */
export interface Pending {
  notice: Notice;
  /** Index in the rule's `deliver`. */
  way: number;
  tries: number;
  nextTry: number;
}

export interface AlertState {
  lastFired: number | null;
  fired: number;
  /** When each group fired last; at most as many as the window keeps. */
  groups: Record<string, number>;
  pending: Pending[];
  lastError: string | null;
  /** Notices given up after the last try. */
  failed: number;
}

export interface Alert {
  id: number;
  rule: AlertRule;
  state: AlertState;
}

const FRESH: AlertState = { lastFired: null, fired: 0, groups: {}, pending: [], lastError: null, failed: 0 };

interface Row {
  id: number;
  rule: string;
  state: string;
}

export class AlertShelf {
  readonly #sql;

  constructor(db: ControlDb) {
    this.#sql = {
      list: db.prepare<[], Row>('SELECT id, rule, state FROM alerts ORDER BY name'),
      get: db.prepare<[number], Row>('SELECT id, rule, state FROM alerts WHERE id = ?'),
      add: db.prepare<[string, string, string]>(
        'INSERT INTO alerts (name, rule, state) VALUES (?, ?, ?) ON CONFLICT DO NOTHING',
      ),
      change: db.prepare<[string, string, number]>(
        'UPDATE OR IGNORE alerts SET name = ?, rule = ? WHERE id = ?',
      ),
      state: db.prepare<[string, number]>('UPDATE alerts SET state = ? WHERE id = ?'),
      remove: db.prepare<[number]>('DELETE FROM alerts WHERE id = ?'),
    };
  }

  list(): Alert[] {
    return this.#sql.list.all().map(read);
  }

  get(id: number): Alert | null {
    const row = this.#sql.get.get(id);
    return row === undefined ? null : read(row);
  }

  /** The key that signs this rule's webhooks. */
  secret(id: number): string {
    const row = this.#sql.get.get(id);
    return row === undefined ? '' : (JSON.parse(row.rule) as Stored).secret;
  }

  /** Put a rule on the shelf; its secret is told this once. Throws AlertRuleError. */
  add(rule: AlertRule): { id: number; secret: string } {
    if (this.list().length >= MAX_RULES)
      throw new AlertRuleError(
        `There are ${MAX_RULES} rules already.`,
        'Delete one that is no longer needed.',
      );
    const secret = randomBytes(32).toString('base64url');
    const stored: Stored = { ...rule, secret };
    const { changes, lastInsertRowid } = this.#sql.add.run(
      rule.name,
      JSON.stringify(stored),
      JSON.stringify(FRESH),
    );
    if (changes === 0) throw taken(rule.name);
    return { id: Number(lastInsertRowid), secret };
  }

  /** False when there is no such rule. Its state stays. Throws AlertRuleError when the name belongs to another. */
  change(id: number, rule: AlertRule): boolean {
    if (this.get(id) === null) return false;
    const stored: Stored = { ...rule, secret: this.secret(id) };
    if (this.#sql.change.run(rule.name, JSON.stringify(stored), id).changes === 0) throw taken(rule.name);
    return true;
  }

  remove(id: number): boolean {
    return this.#sql.remove.run(id).changes > 0;
  }

  putState(id: number, state: AlertState): void {
    this.#sql.state.run(JSON.stringify(state), id);
  }
}

type Stored = AlertRule & { secret: string };

function read(row: Row): Alert {
  const { secret: _secret, ...rule } = JSON.parse(row.rule) as Stored;
  return { id: row.id, rule, state: { ...FRESH, ...(JSON.parse(row.state) as Partial<AlertState>) } };
}

const taken = (name: string): AlertRuleError =>
  new AlertRuleError(`There is a rule "${name}" already.`, 'Choose another name.');
