/**
 * What is a user: the form of names, roles, groups and passwords, what a log-in can come to, and how a refusal is told. Pure; one place for the
 * console's set-up, `sightglass user` and whatever comes to make users later.
 */
import { PASSWORD_MAX, PASSWORD_MIN, ROLES, USER_NAME_PATTERN } from '../../web/contract.ts';
import type { Role } from '../../web/contract.ts';
import type { Factor } from './second-factor.ts';

export interface User {
  name: string;
  roles: Role[];
  groups: string[];
  disabled: boolean;
  /** Changes whenever password, roles, groups or the disabled flag do. */
  revision: number;
  /** ms since epoch. */
  created: number;
  lastLogin: number | null;
  /** Since when a code is asked for at log-in; null when none is. */
  secondFactor: number | null;
  /** Comes by single sign-on: has no password and no second factor here. */
  sso: boolean;
  /** One of the roles demands a second factor, and there is none yet: nothing else may be done before. */
  enrol: boolean;
}

export type LoginOutcome =
  | { outcome: 'ok'; user: User; factor: Factor | null }
  | { outcome: 'refused' }
  /** The password is right; a code is wanted too, or the one that came is wrong or used. */
  | { outcome: 'code-needed' | 'wrong-code' }
  /** The password is right, but no role of this account opens the console. */
  | { outcome: 'no-console' }
  /** Too many failures of this account or this address; ms until another try is looked at. */
  | { outcome: 'locked'; waitMs: number }
  | { outcome: 'busy' };

/** What became of a proof that a signed-in person was asked for. */
export type ProofOutcome =
  { outcome: 'ok' } | { outcome: 'refused' | 'busy' } | { outcome: 'locked'; waitMs: number };

export type ProxyOutcome =
  | { outcome: 'ok'; groups: string[] }
  | { outcome: 'refused' }
  /** Too many checks wait at the moment. */
  | { outcome: 'unavailable' };

export interface NewUser {
  name: string;
  roles: readonly string[];
  groups?: readonly string[];
  password: string;
}

export type AccountErrorCode =
  'exists' | 'unknown' | 'sso' | 'bad-name' | 'bad-password' | 'bad-role' | 'last-admin' | 'set-up-refused';

/** A change that was refused; message and hint are for people. */
export class AccountError extends Error {
  override readonly name = 'AccountError';
  readonly code: AccountErrorCode;
  readonly hint: string;
  constructor(code: AccountErrorCode, message: string, hint: string) {
    super(message);
    this.code = code;
    this.hint = hint;
  }
}

/** Names are compared in lower case; the pattern admits ASCII only, so no locale can disagree. */
export function fold(name: string): string {
  return name.trim().toLowerCase();
}

const NAME = new RegExp(USER_NAME_PATTERN);

/** A new user in the form the store keeps. Throws AccountError. */
export function checkedUser(wanted: NewUser): { name: string; roles: Role[]; groups: string[] } {
  const name = fold(wanted.name);
  if (!NAME.test(name))
    throw new AccountError(
      'bad-name',
      'A user name is 1 to 64 letters, digits and . _ @ -, and starts with a letter or digit.',
      'Choose another name.',
    );
  const roles = [...new Set(wanted.roles)];
  const wrong = roles.find(role => !isRole(role));
  if (wrong !== undefined || roles.length === 0)
    throw new AccountError(
      'bad-role',
      wrong === undefined ? 'A user needs at least one role.' : `There is no role "${wrong}".`,
      `The roles are ${ROLES.join(', ')}.`,
    );
  const groups = [...new Set(wanted.groups ?? [])];
  if (groups.some(group => !NAME.test(group)))
    throw new AccountError(
      'bad-name',
      'A group name is 1 to 64 letters, digits and . _ @ -, and starts with a letter or digit.',
      'Choose another group name.',
    );
  checkNewPassword(wanted.password, name);
  return { name, roles: roles.filter(isRole), groups };
}

/** Length is what counts (NIST SP 800-63B §3.1.1.2): no composition rules. */
export function checkNewPassword(password: string, name: string): void {
  const refuse = (message: string): never => {
    throw new AccountError('bad-password', message, 'A few random words make a good password.');
  };
  const length = [...password].length;
  if (length < PASSWORD_MIN)
    refuse(`A password has at least ${PASSWORD_MIN} characters; this one has ${length}.`);
  if (password.length > PASSWORD_MAX) refuse(`A password has at most ${PASSWORD_MAX} characters.`);
  if (new Set(password).size < 4) refuse('This password repeats very few characters.');
  if (password.toLowerCase() === name) refuse('The password must not be the user name.');
}

/** The name is taken. */
export function existsError(name: string): AccountError {
  return new AccountError(
    'exists',
    `There is a user "${name}" already.`,
    'Choose another name, or change the password: `sightglass user passwd NAME`.',
  );
}

/** Nobody has this name. */
export function unknownError(name: string): AccountError {
  return new AccountError('unknown', `There is no user "${name}".`, '`sightglass user list` shows all.');
}

/** True for the roles of this version. */
export function isRole(text: string): text is Role {
  return (ROLES as readonly string[]).includes(text);
}
