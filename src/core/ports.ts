/**
 * The few small interfaces that a worker needs from the rest of the house. Tests hand in their own; a worker runs
 * without a control process as long as something stands behind these (DESIGN §3).
 */
import type { FlowFacts, OriginFacts, RequestFacts } from './facts.ts';
import type { MaskingProfile } from './masking.ts';
import type { AuditRecord } from './records.ts';
import type { Verdict } from './verdict.ts';

/**
 * Where records go. `append` only queues in memory; `flush` hands everything queued to the operating system before
 * it returns, so a caller that flushes before it lets a response's last bytes go cannot lose the row to `kill -9`.
 * Neither throws: a sink that cannot write says so in `healthy` and keeps up to its bound for a later try.
 */
export interface AuditSink {
  append(record: AuditRecord): void;
  flush(): void;
  /**
   * False while records cannot be written and `audit.onFailure` is `block`: no new inspected exchange may proceed.
   * Always true under `continue`.
   */
  readonly healthy: boolean;
}

/** What a worker asks of the authority: a leaf for one name, for the worker's own key, after the origin was verified. */
export interface LeafAsk {
  /** The one name, canonical: DNS name or IP literal. */
  name: string;
  nameKind: 'name' | 'ip';
  /** DER of the worker's leaf public key (SPKI). */
  publicKey: Buffer;
  /** Validity of the verified origin certificate, ms since epoch; null for a page that needs no origin. */
  originNotBefore: number | null;
  originNotAfter: number | null;
  /** SHA-256 of the verified origin certificate, hex; null where there is none. Links the leaf to it in the audit. */
  originFingerprint: string | null;
  /**
   * `trusted`: signed by the authority that clients trust; only after verification succeeded, or for our own block page
   * when policy says so. `untrusted`: signed by the separate authority nobody trusts, for pages about an origin whose
   * certificate failed: the user sees the warning the origin deserves. `next`: signed by the authority that will follow
   * (`ca rotate`), for a page that finds out whether a client accepts it already; refused when none is prepared.
   */
  trust: 'trusted' | 'untrusted' | 'next';
}

export interface IssuedLeaf {
  /** PEM: leaf first, then the issuing CA when it is no self-signed root. */
  certificate: string;
  serial: string;
  /** ms since epoch. */
  notAfter: number;
}

/** Mints leaves. Rejects with a Fault (`mint-refused`, `mint-busy`, `control-gone`). Single-flight and cached per name. */
export interface LeafIssuer {
  issue(ask: LeafAsk): Promise<IssuedLeaf>;
}

/** The policy in force. `decide` is pure and never throws; `version` changes when another policy is applied. */
export interface PolicySource {
  readonly version: string;
  decide(facts: FlowFacts): Verdict;
  /** A request inside an inspected flow names another host: only `inspect` lets it go on. */
  decideHost(facts: FlowFacts, otherHost: string): Verdict;
  /** The verdict of a rule that looks at the origin's certificate, now that it is known; null when none decides. */
  decideOrigin?(facts: FlowFacts, origin: OriginFacts): Verdict | null;
  /** The verdict of a rule that looks at requests, `inspect` or `block`; null when none decides. */
  decideRequest?(facts: FlowFacts, request: RequestFacts): Verdict | null;
  /** A masking profile by its name; profiles of earlier versions stay known for what is still under way. */
  masking?(name: string): MaskingProfile | undefined;
  /** The block by which a rule with `apply: immediate` ends an open flow with these facts; null when none does. */
  ends?(facts: FlowFacts): Verdict | null;
}

/** Checks proxy credentials. `unavailable` when nobody can tell now (control process gone). */
export interface CredentialCheck {
  /** True when clients must authenticate. */
  readonly required: boolean;
  verify(
    user: string,
    password: string,
    /** Address of the client, so that guessing can be slowed down per address too. */
    client: string,
  ): Promise<{ outcome: 'ok'; groups: string[] } | { outcome: 'refused' | 'unavailable' }>;
}
