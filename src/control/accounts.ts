/**
 * The people of this installation: who exists, with which roles and groups, and whether a password is theirs. Backs the
 * console's log-in, the proxy's credentials and `sightglass user`.
 *
 * It does not keep sessions (sessions.ts) and does not write the trail (its callers know who asked and from where).
 * Rows are read from the store each time, because the command line changes them while the service runs. An unknown name
 * costs the same scrypt as a known one. Names are lower case: the console folds what people type, the proxy does not,
 * since records and rules carry the name as the client spelled it and `Alice` must not slip past a rule for `alice`.
 *
 * Bounds: a proof that a proxy password is right is kept for five minutes, at most 10,000 of them, as a keyed digest.
 */
import { createHmac, randomBytes } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import { PASSWORD_MAX } from '../../web/contract.ts';
import type { Role } from '../../web/contract.ts';
import {
  AccountError,
  checkedUser,
  checkNewPassword,
  existsError,
  fold,
  isRole,
  unknownError,
} from './account-rules.ts';
import type { LoginOutcome, NewUser, ProofOutcome, ProxyOutcome, User } from './account-rules.ts';
import type { ControlDb } from './control-db.ts';
import { Lockout, networkOf } from './lockout.ts';
import { checkPassword, DEFAULT_COST, HashBusyError, hashPassword } from './password.ts';
import type { ScryptCost } from './password.ts';
import { SecondFactors } from './second-factor.ts';
import type { Factor } from './second-factor.ts';
import type { Entrance } from './sso/plan.ts';
import { SetupToken } from './setup-token.ts';

export interface AccountsOptions {
  /** Clock, ms since epoch. */
  now?: () => number;
  /** Cost of new hashes; tests lower it. */
  cost?: ScryptCost;
  /** Roles that demand a second factor (`console.second-factor`). */
  demand?: readonly Role[];
  /** Who may come in; by default everybody. */
  entrance?: Entrance;
  /** Names this installation in the apps that make codes. */
  place?: string;
}

export class Accounts {
  readonly #db: ControlDb;
  readonly #now: () => number;
  readonly #cost: ScryptCost;
  readonly demand: readonly Role[];
  readonly secondFactors: SecondFactors;
  readonly #entrance: Entrance;
  readonly #setup: SetupToken;
  readonly #sql;
  readonly #accountLock: Lockout;
  readonly #addressLock: Lockout;
  readonly #proofKey = randomBytes(32);
  /** Digest of name and password → revision it was proved under. */
  readonly #proofs: LRUCache<string, number>;
  /** Checks of the same credentials that run now share one scrypt; bounded by password.ts. */
  readonly #running = new Map<string, Promise<ProxyOutcome>>();
  #dummy: Promise<string> | null = null;

  constructor(db: ControlDb, options: AccountsOptions = {}) {
    this.#db = db;
    this.#now = options.now ?? Date.now;
    this.#cost = options.cost ?? DEFAULT_COST;
    this.#setup = new SetupToken(db, this.#now);
    this.#entrance = options.entrance ?? { sso: true, local: 'all' };
    this.demand = options.demand ?? [];
    this.secondFactors = new SecondFactors(db, this.#now, options.place);
    this.#accountLock = new Lockout({ free: 5, now: this.#now });
    // Many people may sit behind one address.
    this.#addressLock = new Lockout({ free: 20, now: this.#now });
    this.#proofs = new LRUCache({
      max: 10_000,
      ttl: PROOF_MS,
      perf: { now: this.#now },
      ttlResolution: 0,
    });
    this.#sql = {
      get: db.prepare<[string], Row>(`${USERS} WHERE name = ?`),
      list: db.prepare<[], Row>(`${USERS} ORDER BY name`),
      insert: db.prepare<[string, string, string, string, number]>(
        'INSERT INTO users (name, roles, groups, password, created) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING',
      ),
      password: db.prepare<[string, string]>(
        'UPDATE users SET password = ?, revision = revision + 1 WHERE name = ?',
      ),
      disabled: db.prepare<[number, string]>(
        'UPDATE users SET disabled = ?, revision = revision + 1 WHERE name = ?',
      ),
      login: db.prepare<[number, string]>('UPDATE users SET last_login = ? WHERE name = ?'),
    };
  }

  /** All users, by name. */
  list(): User[] {
    return this.#sql.list.all().map(row => this.#userOf(row));
  }

  /** One user by exact name, or null. */
  get(name: string): User | null {
    const row = this.#sql.get.get(name);
    return row === undefined ? null : this.#userOf(row);
  }

  /** Make a user. Throws AccountError (`exists`, `bad-name`, `bad-password`, `bad-role`). */
  async add(wanted: NewUser): Promise<User> {
    const user = checkedUser(wanted);
    if (this.get(user.name) !== null) throw existsError(user.name);
    const password = await hashPassword(wanted.password, this.#cost);
    return this.#insert(user, password);
  }

  /** Set another password; ends every session of the user and any lock. Throws AccountError. */
  async setPassword(name: string, password: string): Promise<void> {
    const key = fold(name);
    const user = this.get(key);
    if (user === null) throw unknownError(key);
    if (user.sso)
      throw new AccountError(
        'sso',
        `"${key}" comes by single sign-on and has no password here.`,
        'Change it at the provider.',
      );
    checkNewPassword(password, key);
    const hash = await hashPassword(password, this.#cost);
    if (this.#sql.password.run(hash, key).changes === 0) throw unknownError(key);
  }

  /** Shut an account: sessions end, log-in and proxy refuse it. The last usable admin cannot be shut. */
  disable(name: string): void {
    const key = fold(name);
    this.#db
      .transaction(() => {
        const user = this.get(key);
        if (user === null) throw unknownError(key);
        if (user.disabled) return;
        const others = this.list().filter(u => u.name !== key && !u.disabled && u.roles.includes('admin'));
        if (user.roles.includes('admin') && others.length === 0)
          throw new AccountError(
            'last-admin',
            `"${key}" is the last admin that can log in.`,
            'Add another admin first: `sightglass user add NAME --role admin`.',
          );
        this.#sql.disabled.run(1, key);
      })
      .immediate();
  }

  /** Open an account again, and end any lock of it. */
  enable(name: string): void {
    const key = fold(name);
    if (this.#sql.disabled.run(0, key).changes === 0) throw unknownError(key);
  }

  /** True until the first admin exists: the console then offers nothing but the set-up. */
  needsSetup(): boolean {
    return !this.list().some(user => user.roles.includes('admin'));
  }

  /**
   * A new one-time token for the set-up link, valid for a day; the one before is void. Null when an admin exists.
   * Only its hash is stored, so call it once a start and print the link.
   */
  issueSetupToken(): string | null {
    if (!this.needsSetup()) return null;
    return this.#setup.issue();
  }

  /** Use the set-up token up and make the first admin. Throws AccountError; a token survives a refused name or password. */
  async redeemSetup(token: string, name: string, password: string): Promise<User> {
    this.#checkSetup(token);
    const user = checkedUser({ name, roles: ['admin'], password });
    const hash = await hashPassword(password, this.#cost);
    // Everything is checked again in one write transaction: of two that come at once only one finds the token.
    return this.#db
      .transaction(() => {
        this.#checkSetup(token);
        this.#setup.end();
        return this.#insert(user, hash);
      })
      .immediate();
  }

  /** Check a log-in to the console from `address`. Names are folded to lower case. A wrong code counts like a wrong password. */
  async login(name: string, password: string, address: string, code = ''): Promise<LoginOutcome> {
    const tried = await this.#try(name, password, address);
    if (tried.outcome !== 'ok') return tried;
    const { user, settle } = tried;
    // Told like a wrong password, and only after one was checked: which account is the exception is nobody's business.
    if (!this.mayEnter(user)) return { outcome: 'refused' };
    if (!user.roles.some(role => role !== 'proxy')) {
      settle('right');
      return { outcome: 'no-console' };
    }
    let factor: Factor | null = null;
    if (user.secondFactor !== null) {
      if (code.trim() === '') {
        settle('undecided');
        return { outcome: 'code-needed' };
      }
      factor = this.secondFactors.use(user.name, code);
      if (factor === null) return { outcome: 'wrong-code' };
    }
    settle('right');
    this.#sql.login.run(this.#now(), user.name);
    return { outcome: 'ok', user, factor };
  }

  /** Whether the settings let somebody of this kind into the console. */
  mayEnter({ name, sso }: Pick<User, 'name' | 'sso'>): boolean {
    const { local } = this.#entrance;
    return sso ? this.#entrance.sso : local === 'all' || local.only === name;
  }

  /** Whether somebody who is signed in knows the password of the account. */
  async provePassword(name: string, password: string, address: string): Promise<ProofOutcome> {
    const tried = await this.#try(name, password, address);
    if (tried.outcome !== 'ok') return tried;
    tried.settle('right');
    return { outcome: 'ok' };
  }

  /** Whether somebody who is signed in has a code of the account, which is used up. */
  proveCode(name: string, code: string): ProofOutcome {
    const wait = this.#accountLock.begin(name, this.get(name)?.revision ?? 0);
    if (wait > 0) return { outcome: 'locked', waitMs: wait };
    if (this.secondFactors.use(name, code) === null) return { outcome: 'refused' };
    this.#accountLock.clear(name);
    return { outcome: 'ok' };
  }

  /** An attempt at a password. It counts as failed until it is settled; `undecided` takes it back and forgets no other one. */
  async #try(name: string, password: string, address: string): Promise<Tried> {
    const key = fold(name).slice(0, 256);
    const row = this.#sql.get.get(key);
    const addressKey = networkOf(address);
    const wait = this.#addressLock.begin(addressKey) || this.#accountLock.begin(key, row?.revision ?? 0);
    if (wait > 0) return { outcome: 'locked', waitMs: wait };
    const settle = (how: 'right' | 'undecided'): void => {
      this.#addressLock.forgive(addressKey);
      if (how === 'right') this.#accountLock.clear(key);
      else this.#accountLock.forgive(key);
    };
    try {
      if (!(await this.#matches(row, password))) return { outcome: 'refused' };
    } catch (error) {
      if (!(error instanceof HashBusyError)) throw error;
      settle('undecided');
      return { outcome: 'busy' };
    }
    const user = this.get(key);
    // Read again: it may have been shut or changed while scrypt ran.
    if (user === null || user.disabled || user.revision !== row?.revision) {
      settle('right');
      return { outcome: 'refused' };
    }
    return { outcome: 'ok', user, settle };
  }

  /**
   * Check proxy credentials: any enabled user may pass. The name must be spelled exactly as it is stored.
   * The lock-out applies per account, and per client address where one is given.
   */
  async verifyProxy(name: string, password: string, address?: string): Promise<ProxyOutcome> {
    const proof = createHmac('sha256', this.#proofKey).update(`${name}\0${password}`).digest('base64');
    const row = this.#sql.get.get(name);
    if (row !== undefined && row.disabled === 0 && this.#proofs.get(proof) === row.revision)
      return { outcome: 'ok', groups: this.#userOf(row).groups };
    const running = this.#running.get(proof);
    if (running !== undefined) return running;
    const check = this.#verifyProxy(name, password, address, row, proof);
    this.#running.set(proof, check);
    try {
      return await check;
    } finally {
      this.#running.delete(proof);
    }
  }

  async #verifyProxy(
    name: string,
    password: string,
    address: string | undefined,
    row: Row | undefined,
    proof: string,
  ): Promise<ProxyOutcome> {
    const key = name.slice(0, 256);
    const addressKey = address === undefined ? null : networkOf(address);
    if (addressKey !== null && this.#addressLock.begin(addressKey) > 0) return { outcome: 'refused' };
    if (this.#accountLock.begin(key, row?.revision ?? 0) > 0) return { outcome: 'refused' };
    try {
      if (!(await this.#matches(row, password))) return { outcome: 'refused' };
    } catch (error) {
      if (!(error instanceof HashBusyError)) throw error;
      if (addressKey !== null) this.#addressLock.forgive(addressKey);
      this.#accountLock.forgive(key);
      return { outcome: 'unavailable' };
    }
    if (addressKey !== null) this.#addressLock.forgive(addressKey);
    this.#accountLock.clear(key);
    const user = this.get(name);
    if (user === null || user.disabled || user.revision !== row?.revision) return { outcome: 'refused' };
    this.#proofs.set(proof, user.revision);
    return { outcome: 'ok', groups: user.groups };
  }

  /** One scrypt in every case: an unknown name is checked against a hash nobody has the password of. */
  async #matches(row: Row | undefined, password: string): Promise<boolean> {
    const given = password.length > PASSWORD_MAX ? '' : password;
    // Whoever comes by single sign-on has no password that could be right.
    if (row === undefined || row.subject !== null) {
      this.#dummy ??= hashPassword(randomBytes(32).toString('base64'), this.#cost);
      const dummy = await this.#dummy.catch((error: unknown) => {
        this.#dummy = null;
        throw error;
      });
      await checkPassword(given, dummy);
      return false;
    }
    return (await checkPassword(given, row.password)) && row.disabled === 0;
  }

  #userOf(row: Row): User {
    // A role this version does not know gives nothing.
    const roles = (JSON.parse(row.roles) as string[]).filter(isRole);
    return {
      name: row.name,
      roles,
      groups: JSON.parse(row.groups) as string[],
      disabled: row.disabled !== 0,
      revision: row.revision,
      created: row.created,
      lastLogin: row.last_login,
      secondFactor: row.since,
      sso: row.subject !== null,
      enrol: row.subject === null && row.since === null && roles.some(role => this.demand.includes(role)),
    };
  }

  #insert(user: { name: string; roles: Role[]; groups: string[] }, password: string): User {
    const { changes } = this.#sql.insert.run(
      user.name,
      JSON.stringify(user.roles),
      JSON.stringify(user.groups),
      password,
      this.#now(),
    );
    const made = this.get(user.name);
    if (changes === 0 || made === null) throw existsError(user.name);
    return made;
  }

  #checkSetup(token: string): void {
    if (!this.#setup.isRight(token) || !this.needsSetup())
      throw new AccountError(
        'set-up-refused',
        'This set-up link is not valid: it was used already, is older than a day, or a later start printed another.',
        'Use the link the service printed last, or run `sightglass user add NAME --role admin` on its machine.',
      );
  }
}

interface Row {
  name: string;
  roles: string;
  groups: string;
  password: string;
  disabled: number;
  revision: number;
  created: number;
  last_login: number | null;
  subject: string | null;
  since: number | null;
}

type Tried =
  | Exclude<ProofOutcome, { outcome: 'ok' }>
  | { outcome: 'ok'; user: User; settle: (how: 'right' | 'undecided') => void };

const USERS = 'SELECT users.*, since FROM users LEFT JOIN second_factor ON user = name';

const PROOF_MS = 5 * 60_000;
