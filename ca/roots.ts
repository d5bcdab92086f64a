/**
 * The certificates of the authority's folder, without any key: which roots clients shall trust now, which they shall
 * forget, and the chain that leads from the signing certificate to its root. Kits, the console and `ca show` read this; no
 * passphrase is needed, and a running service is not asked.
 *
 *     authority.crt   signs now: its certificate, followed by the chain up to the root when an enterprise CA signed it
 *     next.crt        will sign after the switch; deploy its root before
 *     previous.crt    signed before the switch; its root may go when nobody needs it any more
 *     retired-*.crt   out of use: only kits that remove it still look at it
 */
import { X509Certificate } from 'node:crypto';
import { join } from 'node:path';
import { CERTIFICATE_FILE, listFolder, readCertificateFile } from './key-file.ts';
import { AuthorityRefusal } from './refusal.ts';

export const NEXT_CERTIFICATE_FILE = 'next.crt';
export const PREVIOUS_CERTIFICATE_FILE = 'previous.crt';
export const RETIRED_CERTIFICATE = /^retired-[0-9a-f]{8,64}\.crt$/;

export type AuthorityRole = 'current' | 'next' | 'previous';

export interface StoredChain {
  role: AuthorityRole;
  /** The CA's own certificate first, its root last; one entry for a root. */
  chain: readonly X509Certificate[];
}

const FILES: readonly (readonly [AuthorityRole, string])[] = [
  ['current', CERTIFICATE_FILE],
  ['next', NEXT_CERTIFICATE_FILE],
  ['previous', PREVIOUS_CERTIFICATE_FILE],
];

/** Chains of the folder, current first. Refuses with `absent` when there is no authority, `corrupt` when one is unreadable. */
export function storedChains(dir: string): StoredChain[] {
  const names = listFolder(dir);
  if (names === null || !names.includes(CERTIFICATE_FILE))
    throw new AuthorityRefusal('absent', `There is no authority in ${dir}`, 'Make one: sightglass ca init');
  return FILES.filter(([, file]) => names.includes(file)).map(([role, file]) => ({
    role,
    chain: readChain(join(dir, file), readCertificateFile(join(dir, file))),
  }));
}

/** Roots that clients shall trust, current first, each once; and those they shall forget. DER. */
export function deployableRoots(dir: string): {
  roots: { certificate: Buffer; role: AuthorityRole }[];
  retired: Buffer[];
} {
  const roots: { certificate: Buffer; role: AuthorityRole }[] = [];
  for (const { role, chain } of storedChains(dir)) {
    const root = chain.at(-1);
    if (root !== undefined && !roots.some(known => known.certificate.equals(root.raw)))
      roots.push({ certificate: root.raw, role });
  }
  const retired = (listFolder(dir) ?? [])
    .filter(name => RETIRED_CERTIFICATE.test(name))
    .sort()
    .flatMap(name => readChain(join(dir, name), readCertificateFile(join(dir, name))).at(-1)?.raw ?? [])
    .filter(der => !roots.some(known => known.certificate.equals(der)));
  return { roots, retired };
}

/**
 * A chain out of PEM text: every certificate signed by the next, the last by itself. Refuses with `corrupt`.
 * @param path only for the sentence.
 */
export function readChain(path: string, text: string): X509Certificate[] {
  const corrupt = (why: string): AuthorityRefusal =>
    new AuthorityRefusal('corrupt', `${path} ${why}`, 'Restore it from a backup.');
  const blocks = text.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
  if (blocks.length === 0 || blocks.length > MAX_CHAIN) throw corrupt('holds no readable certificate');
  let chain: X509Certificate[];
  try {
    chain = blocks.map(block => new X509Certificate(block));
  } catch {
    throw corrupt('holds no readable certificate');
  }
  chain.forEach((certificate, i) => {
    const issuer = chain[i + 1] ?? certificate;
    if (!issuer.ca || !certificate.checkIssued(issuer) || !certificate.verify(issuer.publicKey))
      throw corrupt('holds certificates that do not form a chain up to a root');
  });
  return chain;
}
/** More than this is no chain that a client would accept. */
const MAX_CHAIN = 8;
