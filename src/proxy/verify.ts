/**
 * Our own checks on top of Node's verifier (DESIGN §7): chain building, dates, signatures and key usage are Node's;
 * names only in the SAN, key sizes, and never our own CA as an issuer are ours. Pure: certificate in, fault out.
 *
 * It does not look at revocation.
 */
import { checkServerIdentity, type DetailedPeerCertificate, type PeerCertificate } from 'node:tls';
import type { CertFacts } from '../core/facts.ts';
import { Fault, type FaultCode } from '../core/faults.ts';

/** Requirement V11; 2048 is also what browsers and the CA/Browser Forum baseline demand. */
const MIN_RSA_BITS = 2048;
/** NIST P-256 and larger, and the Edwards curves. */
const STRONG_CURVES = new Set(['P-256', 'P-384', 'P-521', 'prime256v1', 'secp384r1', 'secp521r1']);
/** A chain longer than this is refused rather than walked (requirement V17). */
const MAX_CHAIN = 12;
/** Names kept for the record; a certificate may carry thousands (requirement V13). */
const MAX_NAMES = 50;

/** Returns why a certificate that Node accepted is still refused, or null. `host` is canonical. */
export function refuseCertificate(
  host: string,
  cert: DetailedPeerCertificate,
  ownCas: ReadonlySet<string>,
): Fault | null {
  if (cert.subjectaltname === undefined || cert.subjectaltname === '')
    return new Fault('cert-no-san', `common name ${text(cert.subject.CN)}`);
  const mismatch = checkServerIdentity(host, cert);
  if (mismatch !== undefined)
    return new Fault('cert-name-mismatch', `wanted ${host}; ${cert.subjectaltname.slice(0, 300)}`);
  let link: DetailedPeerCertificate | undefined = cert;
  for (let depth = 0; link !== undefined; depth++) {
    if (depth >= MAX_CHAIN) return new Fault('cert-invalid', `chain longer than ${MAX_CHAIN}`);
    if (ownCas.has(fingerprint(link))) return new Fault('cert-own-ca', text(link.subject.CN));
    const weak = weakKey(link);
    if (weak !== null) return new Fault('cert-weak-key', weak);
    const issuer: DetailedPeerCertificate | undefined = link.issuerCertificate;
    // A root names itself; its own key was checked above.
    link = issuer === link || issuer?.fingerprint256 === link.fingerprint256 ? undefined : issuer;
  }
  return null;
}

function weakKey(cert: PeerCertificate): string | null {
  // `bits` and `asn1Curve` are absent for Ed25519 and Ed448, which have no weak form.
  if (cert.modulus !== undefined) {
    const bits = cert.bits ?? 0;
    return bits >= MIN_RSA_BITS ? null : `RSA ${bits} bits`;
  }
  const curve = cert.nistCurve ?? cert.asn1Curve;
  return curve === undefined || STRONG_CURVES.has(curve) ? null : `curve ${curve}`;
}

/** Facts of a certificate for the records. */
export function certFacts(cert: PeerCertificate): CertFacts {
  return {
    subject: nameText(cert.subject),
    issuer: nameText(cert.issuer),
    names: (cert.subjectaltname ?? '')
      .split(', ')
      .slice(0, MAX_NAMES)
      .map(n => n.replace(/^(DNS|IP Address):/, '')),
    notBefore: isoTime(cert.valid_from),
    notAfter: isoTime(cert.valid_to),
    fingerprint: fingerprint(cert),
    serial: cert.serialNumber.toLowerCase(),
  };
}

export function fingerprint(cert: PeerCertificate): string {
  return cert.fingerprint256.replaceAll(':', '').toLowerCase();
}

function isoTime(openssl: string): string {
  const ms = Date.parse(openssl);
  return Number.isNaN(ms) ? openssl : new Date(ms).toISOString();
}

function nameText(name: PeerCertificate['subject'] | undefined): string {
  if (name === undefined) return '';
  return Object.entries(name)
    .map(([k, v]) => `${k}=${text(v)}`)
    .join(', ');
}

/** A distinguished name may repeat a part; Node then gives an array. */
function text(value: unknown): string {
  return Array.isArray(value) ? value.join('+') : typeof value === 'string' ? value : '';
}

/** OpenSSL's verification results as Node names them (X509_V_ERR_*), by what they mean for an operator. */
const VERIFY_FAULTS: Record<string, FaultCode> = {
  CERT_HAS_EXPIRED: 'cert-expired',
  CERT_NOT_YET_VALID: 'cert-not-yet-valid',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'cert-self-signed',
  SELF_SIGNED_CERT_IN_CHAIN: 'cert-untrusted',
  UNABLE_TO_GET_ISSUER_CERT: 'cert-untrusted',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'cert-untrusted',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'cert-untrusted',
  CERT_UNTRUSTED: 'cert-untrusted',
  CERT_CHAIN_TOO_LONG: 'cert-untrusted',
  CERT_REVOKED: 'cert-revoked',
  CERT_SIGNATURE_FAILURE: 'cert-invalid',
  CERT_REJECTED: 'cert-invalid',
  INVALID_CA: 'cert-invalid',
  INVALID_PURPOSE: 'cert-invalid',
  PATH_LENGTH_EXCEEDED: 'cert-invalid',
  HOSTNAME_MISMATCH: 'cert-name-mismatch',
  ERR_TLS_CERT_ALTNAME_INVALID: 'cert-name-mismatch',
  EE_KEY_TOO_SMALL: 'cert-weak-key',
  CA_KEY_TOO_SMALL: 'cert-weak-key',
  CA_MD_TOO_WEAK: 'cert-weak-key',
};

/** Turns what `tls.connect` raised into a fault of the catalogue. */
export function originTlsFault(error: NodeJS.ErrnoException): Fault {
  if (error instanceof Fault) return error;
  const code = error.code ?? '';
  const known = VERIFY_FAULTS[code];
  if (known !== undefined) return new Fault(known, code);
  const words = `${code} ${error.message}`;
  // TLS 1.2 servers say handshake_failure, TLS 1.3 ones certificate_required, when they insist on one.
  if (/CERTIFICATE_REQUIRED|certificate required/i.test(words)) return new Fault('origin-client-cert', code);
  // Node 24 has no code of its own for these, only OpenSSL's words: "EE certificate key too weak".
  if (/KEY_TOO_SMALL|MD_TOO_WEAK|(key|algorithm) too (small|weak)/i.test(words))
    return new Fault('cert-weak-key', code);
  if (code === 'ECONNRESET' || code === 'EPIPE')
    return new Fault('origin-tls-failed', 'connection closed during the handshake');
  if (/^(ERR_SSL|ERR_TLS|EPROTO|ETIMEDOUT|ENOTCONN)/.test(code)) return new Fault('origin-tls-failed', code);
  // What is left are verification results without a name of their own (Node says UNSPECIFIED). An unknown reason to
  // distrust is a reason to distrust: the page then stands under the leaf that nobody trusts.
  return new Fault('cert-invalid', code || error.message.slice(0, 200));
}
