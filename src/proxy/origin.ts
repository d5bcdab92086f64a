/**
 * TLS to an origin, completed and verified before anything else happens (DESIGN §4.6). One handshake per attempt,
 * never a second one with less (requirement P6); no session is resumed, so every connection is verified afresh.
 */
import { readFileSync } from 'node:fs';
import { createSecureContext, rootCertificates, type SecureContext, type TLSSocket } from 'node:tls';
import { Fault } from '../core/faults.ts';
import type { CertFacts, TlsLeg } from '../core/facts.ts';
import type { TlsProfile } from '../core/verdict.ts';
import type { Flow } from './flow.ts';
import { shakeHands } from './handshake.ts';
import { ORIGIN_PROFILES, type OriginContexts } from './tls-profile.ts';
import { reachOrigin } from './way.ts';
import { startVerifiedTls } from './verified-tls.ts';
import { certFacts, originTlsFault } from './verify.ts';

/** Where Debian, Red Hat and Alpine keep the bundle of the operating system. */
const SYSTEM_BUNDLES = [
  '/etc/ssl/certs/ca-certificates.crt',
  '/etc/pki/tls/certs/ca-bundle.crt',
  '/etc/ssl/cert.pem',
];

/**
 * The origin contexts of a worker: chosen stores plus extra PEM files. `modern` is built at once, since nearly every
 * flow needs it, the others when the first flow asks (19 ms with a full store). Throws when a file cannot be read.
 */
export function originContexts(
  stores: readonly ('bundled' | 'system')[],
  extraFiles: readonly string[],
): OriginContexts {
  const ca = trustAnchors(stores, extraFiles);
  const build = (profile: TlsProfile): SecureContext =>
    createSecureContext({ ca, ...ORIGIN_PROFILES[profile] });
  const built = new Map<TlsProfile, SecureContext>([['modern', build('modern')]]);
  return profile => {
    const known = built.get(profile);
    if (known !== undefined) return known;
    const fresh = build(profile);
    built.set(profile, fresh);
    return fresh;
  };
}

/** PEM of everything in the chosen stores and files. Throws when a file cannot be read. */
export function trustAnchors(
  stores: readonly ('bundled' | 'system')[],
  extraFiles: readonly string[],
): string[] {
  const ca: string[] = [];
  if (stores.includes('bundled')) ca.push(...rootCertificates);
  if (stores.includes('system')) {
    const bundle = SYSTEM_BUNDLES.map(readIfThere).find(text => text !== null);
    if (bundle !== undefined) ca.push(bundle);
  }
  for (const file of extraFiles) ca.push(readFileSync(file, 'utf8'));
  return ca;
}

/** The context for parents reached over TLS, built when the first flow asks. Extra files are read at once. */
export function parentContext(
  stores: readonly ('bundled' | 'system')[],
  extraFiles: readonly string[],
): () => SecureContext {
  const extra = trustAnchors([], extraFiles);
  let built: SecureContext | null = null;
  return () =>
    (built ??= createSecureContext({
      ca: [...trustAnchors(stores, []), ...extra],
      ...ORIGIN_PROFILES.modern,
    }));
}

function readIfThere(file: string): string | null {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    // Another distribution keeps it elsewhere.
    return null;
  }
}

/** One verified connection to an origin, owned by whoever asked for it. */
export interface OriginConnection {
  socket: TLSSocket;
  address: string;
  tls: TlsLeg;
  cert: CertFacts;
}

/** Where an inspected flow goes: what is dialled, and the one name that the origin must prove. */
export interface OriginTarget {
  /** Canonical host that the client asked us to connect to. */
  dial: string;
  port: number;
  /** SNI and certificate name; differs from `dial` when CONNECT named an address and the hello a name. */
  name: string;
  nameKind: 'name' | 'ip';
}

/**
 * Dials, completes TLS with the target's name and verifies it. Rejects with a Fault of side origin or us.
 * `alpn` is what we offer; an origin that chooses none leaves it null.
 */
export async function connectOriginTls(
  flow: Flow,
  target: OriginTarget,
  alpn: string[],
): Promise<OriginConnection> {
  const { ctx } = flow;
  const tcp = await reachOrigin(flow, target.dial, target.port);
  flow.deadline(ctx.settings['timeout.origin-tls'], 'origin-tls-timeout');
  let seen: CertFacts | null = null;
  const tls = startVerifiedTls(tcp, {
    name: target.name,
    secureContext: ctx.originTls(flow.verdict?.tls ?? 'modern'),
    ownCas: ctx.ownCas,
    alpn,
    onShown: cert => {
      seen = certFacts(cert);
    },
  });
  try {
    const leg = await shakeHands(flow, tls, {
      done: 'secureConnect',
      faultOf: originTlsFault,
      hungUp: () => new Fault('origin-tls-failed', 'connection closed during the handshake'),
    });
    const cert = (seen as CertFacts | null) ?? certFacts(tls.getPeerCertificate());
    flow.originTls = leg;
    return { socket: tls, address: flow.originAddress ?? '', tls: leg, cert };
  } finally {
    // A refused origin's certificate is what the auditor wants to see most.
    if (seen !== null) flow.originCert = seen;
  }
}
