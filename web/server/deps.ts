/**
 * What the console needs from the rest of the house, as small interfaces beside their user. The control process hands
 * in its own accounts, sessions, store, policy and authority; tests hand in what they like. Nothing here is held by the
 * console beyond a request or an open stream.
 */
import type { AuditStore, LiveRow } from '../../src/audit/store/store.ts';
import type { PolicyStore } from '../../src/policy/store.ts';
import type { PolicyVersions } from '../../src/policy/versions.ts';
import type {
  AlertAdded,
  AlertRow,
  CaFormat,
  PolicyView,
  RevealSide,
  Role,
  SsoFailure,
  Status,
  StreamsView,
  TrailPage,
} from '../contract.ts';
import type { ConsoleDesk } from './desk.ts';
import type { Question } from './question.ts';

type Soon<T> = T | Promise<T>;

export interface ConsoleDeps {
  audit: AuditReader;
  accounts: ConsoleAccounts;
  sessions: ConsoleSessions;
  reveals: ConsoleReveals;
  /** Single sign-on; without it there is none. */
  sso?: ConsoleSso;
  trail: ConsoleTrail;
  policy: { view(): Soon<PolicyView> };
  /** What the pages that work on policy and lists need; a console without it shows the policy and changes nothing. */
  policyWork?: PolicyWork;
  /** Tokens of devices that poll lists: the name of a valid one, else null. Without it nobody may poll. */
  listTokens?: ConsoleListTokens;
  /** Where records are sent, and the alert rules; a console without them shows that there are none. */
  streams?: { view(): StreamsView };
  alerts?: ConsoleAlerts;
  authority: ConsoleAuthority;
  /** Makes evidence bundles; a console that searches what another machine stored and signed has none. */
  evidence?: ConsoleEvidence;
  /** Legal holds on the days that are searched; a console of a machine that keeps no records has none. */
  holds?: ConsoleHolds;
  /** What the Deploy page needs; a console without it has none. */
  deployment?: ConsoleDeployment;
  status(): Soon<Status>;
  live: LiveSource;
  /** Names by which browsers may call the console beside localhost and its own addresses (`console.hosts`). */
  hosts: readonly string[];
  version: string;
  /** Folder of the built client; by default the one of this build. */
  clientDir?: string;
  /** Clock, ms since epoch. */
  now?: () => number;
  /** Where unexpected errors are told, in full; browsers are told nothing of them. */
  log?: (message: string, error: unknown) => void;
}

// ---------------------------------------------------------------------------------------------------- audit

/** The part of the store that the console reads. */
export type AuditReader = Pick<
  AuditStore,
  'search' | 'histogram' | 'facets' | 'exchange' | 'flow' | 'body' | 'days'
>;

/** Rows as they are committed, oldest first; `dropped` more were committed but not handed on. */
export interface LiveSource {
  /** Returns the way to stop listening. */
  subscribe(onRows: (rows: readonly LiveRow[], dropped: number) => void): () => void;
}

// ---------------------------------------------------------------------------------------------------- policy

export interface PolicyWork {
  store: Pick<PolicyStore, 'file' | 'loaded' | 'snapshot' | 'problems' | 'reload'>;
  versions: Pick<PolicyVersions, 'list' | 'get' | 'newest'>;
  desk: ConsoleDesk;
  /** Folder of the copies of fetched and learned lists. */
  copies: string;
  /** How the policy is kept in git, null when it is not: then the console may write it. */
  repository(): Promise<{ path: string } | null>;
  /** Have a fetched or learned list refreshed now, a held one too; what became of it stands with its copy. */
  refresh(list: string): Promise<void>;
}

/** `add` and `revoke` throw errors with a `hint` when there is such a name already, or none. */
export interface ConsoleListTokens {
  use(token: string): string | null;
  list(): { name: string; created: number; used: number | null }[];
  add(name: string): string;
  revoke(name: string): void;
}

// ---------------------------------------------------------------------------------------------------- people

export interface ConsoleUser {
  name: string;
  roles: Role[];
  /** Comes by single sign-on. */
  sso: boolean;
  /** A second factor is demanded and there is none yet. */
  enrol: boolean;
}

/** Times are ms since epoch. */
export interface ConsolePerson extends ConsoleUser {
  groups: string[];
  disabled: boolean;
  created: number;
  lastLogin: number | null;
  /** Since when; null without one. */
  secondFactor: number | null;
}

export interface ConsoleSession<U extends ConsoleUser = ConsoleUser> {
  /** Names the session in memory; opens nothing. */
  id: string;
  user: U;
  /** ms since epoch. */
  expires: number;
  idleExpires: number;
}

/** `redeemSetup` rejects with an error that carries `code` and `hint` when token, name or password are refused. */
export interface ConsoleAccounts<U extends ConsolePerson = ConsolePerson> {
  list(): U[];
  get(name: string): U | null;
  /** Roles that demand a second factor. */
  readonly demand: readonly Role[];
  readonly secondFactors: ConsoleSecondFactors;
  provePassword(name: string, password: string, address: string): Promise<ConsoleProof>;
  proveCode(name: string, code: string): ConsoleProof;
  needsSetup(): boolean;
  issueSetupToken(): string | null;
  redeemSetup(token: string, name: string, password: string): Promise<U>;
  login(name: string, password: string, address: string, code?: string): Promise<ConsoleLogin<U>>;
}

export type ConsoleProof =
  { outcome: 'ok' } | { outcome: 'refused' | 'busy' } | { outcome: 'locked'; waitMs: number };

/** Times are ms since epoch. */
export interface ConsoleReveal {
  id: number;
  user: string;
  what:
    { exchange: string; side: RevealSide; host: string } | { q: string; since: number | null; until: number };
  reason: string;
  case: string;
  created: number;
  state: 'open' | 'waiting' | 'denied' | 'ended';
  decidedBy: string | null;
  until: number;
}

/** `ask` and `decide` write the trail in the same transaction; they throw errors with a `hint` when they cannot be done. */
export interface ConsoleReveals {
  readonly secondPerson: boolean;
  ask(
    who: { user: string; address: string },
    what: ConsoleReveal['what'],
    reason: string,
    caseNumber: string,
  ): ConsoleReveal;
  decide(who: { user: string; address: string }, id: number, agree: boolean): ConsoleReveal;
  forBody(user: string, exchange: string, side: RevealSide): { id: number } | null;
  forExport(
    user: string,
    id: number,
  ): { id: number; what: { q: string; since: number | null; until: number } } | null;
  list(user: string): { own: ConsoleReveal[]; waiting: ConsoleReveal[] };
}

/** What a browser carries while it is at the provider. */
export interface ConsoleSsoTicket {
  state: string;
  nonce: string;
  verifier: string;
}

/** `reason` is for the trail and holds no secret; `name` is what the provider calls somebody. */
export interface ConsoleSsoRefused {
  refused: SsoFailure;
  reason?: string;
  name?: string;
}

export interface ConsoleSso {
  /** Origin under which browsers reach the console. */
  readonly consoleUrl: string;
  /** Whether other local accounts than one may log in. */
  readonly localAccounts: boolean;
  begin(): Promise<{ url: string; ticket: ConsoleSsoTicket } | ConsoleSsoRefused>;
  finish(search: string, ticket: ConsoleSsoTicket): Promise<{ user: ConsoleUser } | ConsoleSsoRefused>;
  /** Where to log out at the provider; null when there is no such place. */
  logoutUrl(): string | null;
}

/** Null or false: it cannot be done in the state that the account is in, or the code is wrong. */
export interface ConsoleSecondFactors {
  recoveryLeft(name: string): number;
  begin(name: string): { secret: string; uri: string } | null;
  confirm(name: string, code: string): string[] | null;
  renewRecovery(name: string): string[];
  remove(name: string): boolean;
}

export type ConsoleLogin<U extends ConsoleUser = ConsoleUser> =
  | { outcome: 'ok'; user: U; factor: 'code' | 'recovery' | null }
  | { outcome: 'refused' | 'no-console' | 'busy' | 'code-needed' | 'wrong-code' }
  | { outcome: 'locked'; waitMs: number };

export interface ConsoleSessions<U extends ConsoleUser = ConsoleUser> {
  create(user: U, address: string): { token: string; session: ConsoleSession<U> };
  /** `touch` false: merely looking, which keeps no session alive. */
  get(token: string, touch?: boolean): ConsoleSession<U> | null;
  end(token: string): void;
}

export interface ConsoleTrail {
  /** Durable when it returns; throws when it cannot be, and then nothing may be shown. */
  append(event: {
    user: string | null;
    address: string;
    action: string;
    detail?: Record<string, unknown>;
  }): void;
  page(cursor: string | null, limit: number): TrailPage;
}

/** `add` and `change` throw an error that carries `hint` when the rule cannot be used. */
export interface ConsoleAlerts {
  /** Whether a mail server is set. */
  readonly mail: boolean;
  list(): AlertRow[];
  add(rule: unknown): AlertAdded;
  /** False when there is no such rule. */
  change(id: number, rule: unknown): boolean;
  remove(id: number): boolean;
  /** The first error of its ways in words, or null. */
  test(id: number): Promise<string | null>;
}

/** `add` and `lift` write the trail too; they throw errors with a `hint` when they cannot be done. */
export interface ConsoleHolds {
  list(): Soon<ConsoleHold[]>;
  add(person: HoldPerson, first: string, last: string, reason: string): Soon<ConsoleHold>;
  lift(person: HoldPerson, id: number, reason: string): Soon<void>;
}

export interface HoldPerson {
  user: string;
  address: string;
  name: string;
}

/** Times are ms since epoch. */
export interface ConsoleHold {
  id: number;
  first: string;
  last: string;
  reason: string;
  by: string;
  created: number;
  lifted: number | null;
  liftedBy: string | null;
}

export interface EvidenceWanted extends Question {
  /** Rows at most, newest first. */
  limit: number;
  by: string;
  now: number;
}

/** `make` rejects with an error that carries `hint` when there is no room, and with the reason of `signal` when that ends it. */
export interface ConsoleEvidence {
  make(wanted: EvidenceWanted, signal: AbortSignal): Promise<EvidenceMade>;
}

export interface EvidenceMade {
  rows: number;
  /** The pieces of the zip, made as they are taken. */
  zip: Iterable<Uint8Array>;
  /** Delete what it is made from; to be called in any case. */
  done(): void;
}

export interface ConsoleAuthority {
  /** The root certificate to deploy: PEM text or DER bytes. */
  certificate(format: CaFormat): Soon<string | Buffer>;
}

export interface ConsoleDeployment {
  /** Folder of the authority; certificates are read, never keys. */
  dir: string;
  /** Addresses that clients may know the proxy by, best first: `host:port`. */
  suggestions(): string[];
}
