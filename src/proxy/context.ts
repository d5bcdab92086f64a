/**
 * What all phases of all connections of one worker share. Built once by `createProxy`; tests build it with their own
 * ports. Nothing here opens a socket.
 */
import type { CaptureBudget } from '../capture/body.ts';
import type { Maskers } from '../capture/mask/masker.ts';
import type { AuditSink, CredentialCheck, LeafIssuer, PolicySource } from '../core/ports.ts';
import type { SetupTexts } from '../core/setup-texts.ts';
import type { Settings } from '../settings/catalogue.ts';
import type { Dialer } from './dial.ts';
import type { LeafContexts } from './leaf-contexts.ts';
import type { Parents } from './parent.ts';
import type { OriginContexts } from './tls-profile.ts';
import type { Turn } from './turn.ts';

/** What the outside hands to a worker. */
export interface ProxyPorts {
  audit: AuditSink;
  issuer: LeafIssuer;
  policy: PolicySource;
  credentials: CredentialCheck;
}

/** Public facts of the authority: for the setup site and for refusing our own CA as an origin's issuer. */
export interface AuthorityFacts {
  /** PEM of every own CA certificate, current first, earlier ones after. */
  certificates: string[];
  /** PEM of the root that clients have to trust; absent when it is the first of the certificates. */
  root?: string;
  /** DER of the authority's revocation list, replaced as it is renewed; absent in tests without one. */
  crl?: Uint8Array;
}

export interface Counters {
  accepted: number;
  open: number;
  refused: number;
  inspected: number;
  passed: number;
  blocked: number;
  exchanges: number;
  faults: number;
}

export interface ProxyContext extends ProxyPorts {
  settings: Settings;
  authority: AuthorityFacts;
  /** Null in tests without a control process. */
  setup: SetupTexts | null;
  turn: Turn;
  dialer: Dialer;
  parents: Parents;
  leaves: LeafContexts;
  /** The TLS contexts for origins, one per profile. */
  originTls: OriginContexts;
  /** SHA-256 fingerprints (hex) of our own CA certificates: never trusted upstream. */
  ownCas: ReadonlySet<string>;
  budget: CaptureBudget;
  maskers: Maskers;
  counters: Counters;
  nextFlow: () => number;
  /** True from SIGTERM on: no new exchange on kept-alive connections. */
  draining: boolean;
}
