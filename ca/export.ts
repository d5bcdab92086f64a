/**
 * The authority's certificate in the forms that machines import: PEM, DER, PKCS#12. The key goes out only inside an
 * encrypted PKCS#12 and only when asked for by name (requirement K3; stip FPT_KST_EXT.1): there is no plaintext form.
 */
import { randomBytes, X509Certificate } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { pkcs12 } from './pkcs12.ts';
import { AuthorityRefusal } from './refusal.ts';
import { pem } from './x509.ts';

export const EXPORT_FORMATS = ['pem', 'der', 'p12'] as const;
export type ExportFormat = (typeof EXPORT_FORMATS)[number];

/** The certificate alone. `passphrase` seals the MAC of a PKCS#12 (many importers ask for one); it may be empty. */
export function exportCertificate(certificate: Buffer, format: ExportFormat, passphrase = ''): Buffer {
  switch (format) {
    case 'pem':
      return Buffer.from(pem('CERTIFICATE', certificate), 'ascii');
    case 'der':
      return certificate;
    case 'p12':
      return pkcs12({ certificate, friendlyName: nameOf(certificate), key: null, passphrase }, randomBytes);
  }
}

/** Certificate and key as an encrypted PKCS#12. Refuses a passphrase below 12 characters: the file may travel. */
export function exportWithKey(certificate: Buffer, key: KeyObject, passphrase: string): Buffer {
  if (passphrase.length < MIN_PASSPHRASE)
    throw new AuthorityRefusal(
      'export-refused',
      `A passphrase of at least ${MIN_PASSPHRASE} characters must protect an exported key`,
      'Make one: openssl rand -base64 24',
    );
  const pkcs8 = key.export({ type: 'pkcs8', format: 'der' });
  try {
    return pkcs12({ certificate, friendlyName: nameOf(certificate), key: pkcs8, passphrase }, randomBytes);
  } finally {
    pkcs8.fill(0);
  }
}
const MIN_PASSPHRASE = 12;

/** Common name of a certificate of ours, for lists and file names. */
export function nameOf(certificate: Buffer): string {
  const m = /^CN=(.*)$/m.exec(new X509Certificate(certificate).subject);
  return m?.[1] ?? 'Sightglass CA';
}
