/**
 * People who come by single sign-on, as rows beside the local accounts: sessions, trail and roles are the same for all.
 *
 * Somebody is known by issuer and subject, never by name: a name that a local account or another subject has is refused,
 * since whoever may choose names at the provider must not become somebody else here. The name of the first visit
 * stays, because the trail speaks of it. Roles are those of the last log-in; when they changed, other sessions end.
 */
import { USER_NAME_PATTERN } from '../../../web/contract.ts';
import { fold } from '../account-rules.ts';
import type { User } from '../account-rules.ts';
import type { Accounts } from '../accounts.ts';
import type { ControlDb } from '../control-db.ts';
import type { Identity } from './provider.ts';

export type SsoEntry = { user: User } | { refused: 'no-role' | 'bad-name' | 'name-taken' | 'shut' };

const NAME = new RegExp(USER_NAME_PATTERN);

export class SsoUsers {
  readonly #accounts: Accounts;
  readonly #enter: (identity: Identity) => SsoEntry;

  constructor(db: ControlDb, accounts: Accounts, now: () => number = Date.now) {
    this.#accounts = accounts;
    const known = db.prepare<[string], { name: string; roles: string; disabled: number }>(
      'SELECT name, roles, disabled FROM users WHERE subject = ?',
    );
    const insert = db.prepare<[string, string, number, string]>(
      `INSERT INTO users (name, roles, groups, password, created, subject) VALUES (?, ?, '[]', '', ?, ?)
       ON CONFLICT DO NOTHING`,
    );
    const roles = db.prepare<[string, string]>(
      'UPDATE users SET roles = ?, revision = revision + 1 WHERE subject = ?',
    );
    const login = db.prepare<[number, string]>('UPDATE users SET last_login = ? WHERE subject = ?');
    const enter = db.transaction((identity: Identity): SsoEntry => {
      const { subject } = identity;
      const wanted = JSON.stringify(identity.roles);
      const row = known.get(subject);
      if (row?.disabled === 1) return { refused: 'shut' };
      // Roles that were taken away at the provider are taken away here, whatever becomes of this visit.
      if (row !== undefined && row.roles !== wanted) roles.run(wanted, subject);
      if (identity.roles.length === 0) return { refused: 'no-role' };
      const name = row?.name ?? fold(identity.name);
      if (!NAME.test(name)) return { refused: 'bad-name' };
      if (row === undefined && insert.run(name, wanted, now(), subject).changes === 0)
        return { refused: 'name-taken' };
      login.run(now(), subject);
      const user = this.#accounts.get(name);
      return user === null ? { refused: 'name-taken' } : { user };
    });
    this.#enter = identity => enter.immediate(identity);
  }

  /** The account of somebody whom the provider has just vouched for, made at the first visit; or why there is none. */
  enter(identity: Identity): SsoEntry {
    return this.#enter(identity);
  }
}
