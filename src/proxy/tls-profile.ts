/**
 * What the TLS legs offer and accept: towards clients the profile of a modern browser (requirements P1, C1), towards
 * origins that one unless a rule names another. A profile is about versions and suites only; no profile weakens the
 * checks of a certificate, goes below TLS 1.2 or offers a suite without authentication or encryption.
 */
import type { SecureContext, SecureContextOptions } from 'node:tls';
import type { TlsProfile } from '../core/verdict.ts';

/** ECDHE with AEAD on 1.2, everything on 1.3: what a modern browser offers (requirement P1). */
export const MODERN_CIPHERS = [
  'TLS_AES_128_GCM_SHA256',
  'TLS_AES_256_GCM_SHA384',
  'TLS_CHACHA20_POLY1305_SHA256',
  'ECDHE-ECDSA-AES128-GCM-SHA256',
  'ECDHE-RSA-AES128-GCM-SHA256',
  'ECDHE-ECDSA-AES256-GCM-SHA384',
  'ECDHE-RSA-AES256-GCM-SHA384',
  'ECDHE-ECDSA-CHACHA20-POLY1305',
  'ECDHE-RSA-CHACHA20-POLY1305',
].join(':');
export const MODERN_GROUPS = 'X25519:P-256:P-384';

/** For origins that were never renewed: CBC with forward secrecy, then AES with static RSA. After all modern ones. */
const COMPATIBLE_CIPHERS = [
  MODERN_CIPHERS,
  'ECDHE-ECDSA-AES128-SHA256',
  'ECDHE-RSA-AES128-SHA256',
  'ECDHE-ECDSA-AES256-SHA384',
  'ECDHE-RSA-AES256-SHA384',
  'ECDHE-ECDSA-AES128-SHA',
  'ECDHE-RSA-AES128-SHA',
  'ECDHE-ECDSA-AES256-SHA',
  'ECDHE-RSA-AES256-SHA',
  'AES128-GCM-SHA256',
  'AES256-GCM-SHA384',
  'AES128-SHA256',
  'AES256-SHA256',
  'AES128-SHA',
  'AES256-SHA',
].join(':');

/** The context of a profile; one for all connections of a worker. */
export type OriginContexts = (profile: TlsProfile) => SecureContext;

/** What is offered to an origin, by profile. */
export const ORIGIN_PROFILES: Record<
  TlsProfile,
  Required<Pick<SecureContextOptions, 'minVersion' | 'ciphers' | 'ecdhCurve'>>
> = {
  modern: { minVersion: 'TLSv1.2', ciphers: MODERN_CIPHERS, ecdhCurve: MODERN_GROUPS },
  tls13: { minVersion: 'TLSv1.3', ciphers: MODERN_CIPHERS, ecdhCurve: MODERN_GROUPS },
  compatible: { minVersion: 'TLSv1.2', ciphers: COMPATIBLE_CIPHERS, ecdhCurve: `${MODERN_GROUPS}:P-521` },
};
