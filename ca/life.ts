/** Where the authority stands in its life, for `ca show` and the Deploy page: read from certificates alone, no key opened. */
import { createHash, X509Certificate } from 'node:crypto';
import { listFolder } from './key-file.ts';
import { readConstraints, treeText } from './name-constraints.ts';
import type { Subtrees } from './name-constraints.ts';
import { deployableRoots, storedChains } from './roots.ts';
import type { AuthorityRole } from './roots.ts';
import { REQUEST_FILE } from './switch.ts';

export interface CertificateFacts {
  subject: string;
  /** Lower-case hex. */
  sha256: string;
  sha1: string;
  /** ISO 8601. */
  notBefore: string;
  notAfter: string;
}

export interface AuthorityLife {
  /** `root`: clients trust our own certificate; `subordinate`: that of an enterprise CA above us. */
  kind: 'root' | 'subordinate';
  /** `steady`, `requested` (an enterprise CA was asked), `overlap` (another is prepared), `switched` (the old one still stands). */
  state: 'steady' | 'requested' | 'overlap' | 'switched';
  /** The CA certificates of each, its own first and the root last. */
  chains: { role: AuthorityRole; chain: CertificateFacts[] }[];
  /** Roots that clients shall trust now, and those they shall forget. */
  roots: (CertificateFacts & { role: AuthorityRole })[];
  retired: CertificateFacts[];
  /** What the issuers allow the current one to sign: names and networks; empty lists set no limit. */
  constraints: { permitted: string[]; excluded: string[] };
}

/** Refuses as `storedChains` does. */
export function describeLife(dir: string): AuthorityLife {
  const chains = storedChains(dir);
  const { roots, retired } = deployableRoots(dir);
  const has = (role: AuthorityRole): boolean => chains.some(chain => chain.role === role);
  const current = chains[0]?.chain ?? [];
  return {
    kind: current.length > 1 ? 'subordinate' : 'root',
    state: (listFolder(dir) ?? []).includes(REQUEST_FILE)
      ? 'requested'
      : has('next')
        ? 'overlap'
        : has('previous')
          ? 'switched'
          : 'steady',
    chains: chains.map(({ role, chain }) => ({ role, chain: chain.map(factsOf) })),
    roots: roots.map(({ role, certificate }) => ({ role, ...factsOf(new X509Certificate(certificate)) })),
    retired: retired.map(certificate => factsOf(new X509Certificate(certificate))),
    constraints: limits(current.slice(0, Math.max(1, current.length - 1))),
  };
}

function factsOf(certificate: X509Certificate): CertificateFacts {
  const digest = (algorithm: string): string => createHash(algorithm).update(certificate.raw).digest('hex');
  return {
    subject: certificate.subject.replaceAll('\n', ', '),
    sha256: digest('sha256'),
    sha1: digest('sha1'),
    notBefore: new Date(certificate.validFrom).toISOString(),
    notAfter: new Date(certificate.validTo).toISOString(),
  };
}

function limits(chain: readonly X509Certificate[]): AuthorityLife['constraints'] {
  const all = chain.flatMap(certificate => readConstraints(certificate.raw) ?? []);
  const texts = (trees: Subtrees): string[] =>
    (['name', 'ip'] as const).map(kind => treeText(trees, kind)).filter(text => text !== '');
  return {
    permitted: all.flatMap(c => texts(c.permitted)),
    excluded: all.flatMap(c => texts(c.excluded)),
  };
}
