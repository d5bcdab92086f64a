/**
 * The authority's life after it was made: another one is prepared beside it, clients learn to trust both, the signing is
 * switched, and the old one is given up when nobody needs it. Or an enterprise CA signs us and takes the root's place.
 *
 * Nothing here asks how many clients are ready: that is measured elsewhere and judged by `switchAdvice`. A running service
 * holds its own pair and takes a switch over at its next start; it loses no connection then (its drain sees to that).
 */
import { createHash, createPublicKey, randomBytes, sign as cryptoSign, X509Certificate } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { join } from 'node:path';
import { CERTIFICATE_FILE, ensureFolder, listFolder, readCertificateFile } from './key-file.ts';
import { DAY } from './leaf.ts';
import { makeKey, makeRoot, rootName } from './make-root.ts';
import type { RootName } from './make-root.ts';
import { readConstraints } from './name-constraints.ts';
import { AuthorityRefusal } from './refusal.ts';
import { buildRequest, requestedKey } from './request.ts';
import { NEXT_CERTIFICATE_FILE, PREVIOUS_CERTIFICATE_FILE, readChain } from './roots.ts';
import {
  answerRequest,
  dropRequest,
  completeSwitch,
  moveNext,
  NEXT_KEY_FILE,
  PREVIOUS_KEY_FILE,
  readPair,
  REQUEST_FILE,
  retirePair,
  writeNext,
} from './switch.ts';
import { sealKey, openKey } from './unlock.ts';
import {
  caPathLength,
  distinguishedName,
  mayServeTls,
  maySignCertificates,
  p256Point,
  pem,
  readIssuer,
} from './x509.ts';

export interface LifeOptions {
  /** Folder of the authority. */
  dir: string;
  /** Encrypts a key that is made here and opens one that is there; null leaves keys protected by their mode. */
  passphrase: string | null;
  /** ms since epoch. */
  now?: () => number;
  random?: (size: number) => Buffer;
  subject?: Partial<RootName>;
}

/** Make the root that will follow. Refuses with `busy` when one is prepared already. Gives its certificate, DER. */
export function prepareNext(options: LifeOptions): Buffer {
  const { dir, passphrase, random = randomBytes } = options;
  completeSwitch(dir);
  const names = listFolder(dir) ?? [];
  if (!names.includes(CERTIFICATE_FILE))
    throw new AuthorityRefusal('absent', `There is no authority in ${dir}`, 'Make one: sightglass ca init');
  refuseBusy(dir, names);
  const root = makeRoot(rootName(options.subject, random), (options.now ?? Date.now)(), random);
  writeNext(
    dir,
    NEXT_CERTIFICATE_FILE,
    pem('CERTIFICATE', root.certificate),
    sealKey(root.key, passphrase, random),
  );
  return root.certificate;
}

/** A request for an enterprise CA, PEM. The one that waits already is given again, so that it can be sent twice. */
export function requestSignature(options: LifeOptions): { request: string; again: boolean } {
  const { dir, passphrase, random = randomBytes } = options;
  ensureFolder(dir);
  completeSwitch(dir);
  const names = listFolder(dir) ?? [];
  if (names.includes(REQUEST_FILE) && names.includes(NEXT_KEY_FILE))
    return { request: readCertificateFile(join(dir, REQUEST_FILE)), again: true };
  refuseBusy(dir, names);
  const { organization, commonName } = rootName(options.subject, random);
  const { key, spki } = makeKey();
  const request = pem(
    'CERTIFICATE REQUEST',
    buildRequest(distinguishedName(organization, commonName), spki, info => cryptoSign('sha256', info, key)),
  );
  writeNext(dir, REQUEST_FILE, request, sealKey(key, passphrase, random));
  return { request, again: false };
}

function refuseBusy(dir: string, names: readonly string[]): void {
  if (names.includes(NEXT_KEY_FILE))
    throw new AuthorityRefusal(
      'busy',
      names.includes(REQUEST_FILE)
        ? 'A request waits for its answer'
        : 'A following authority is prepared already',
      names.includes(REQUEST_FILE)
        ? 'Bring the answer: sightglass ca import FILE. Or drop the request: sightglass ca rotate --cancel'
        : 'Switch to it (sightglass ca rotate --switch) or drop it (sightglass ca rotate --cancel).',
    );
  if (names.includes(PREVIOUS_CERTIFICATE_FILE))
    throw new AuthorityRefusal(
      'busy',
      `The rotation before this one is not finished in ${dir}`,
      'Give the previous authority up first: sightglass ca rotate --finish',
    );
}

/**
 * The answer of the enterprise CA: our certificate and the chain above it up to the root, PEM or several files' PEM together,
 * in any order. It becomes the authority at once when there is none, else the one that follows.
 */
export function importAnswer(options: LifeOptions, texts: readonly string[]): 'current' | 'next' {
  const { dir, passphrase, now = Date.now } = options;
  completeSwitch(dir);
  const names = listFolder(dir) ?? [];
  if (!names.includes(REQUEST_FILE) || !names.includes(NEXT_KEY_FILE))
    throw new AuthorityRefusal(
      'absent',
      `No request waits for an answer in ${dir}`,
      'Make one (sightglass ca csr), or import a PKCS#12 file that holds the key too.',
    );
  const request = readCertificateFile(join(dir, REQUEST_FILE));
  const spki = requestedKey(Buffer.from(request.replace(/-----[^-]+-----|\s/g, ''), 'base64'));
  const chain = orderChain(texts, spki);
  refuseUnfit(chain, now());
  const certificatePem = chain.map(link => pem('CERTIFICATE', link.raw)).join('');
  // The key must open and sign before anything is put in its place.
  const keyPem = readPairKey(dir);
  openKey(dir, { keyPem, certificatePem }, first(chain), passphrase, NEXT_KEY_FILE);
  answerRequest(dir, certificatePem);
  return promoteFirst(dir);
}

/** A key with its certificate and chain, as a PKCS#12 file holds them. Same outcome and refusals as an answer. */
export function importPair(
  options: LifeOptions,
  pair: { key: KeyObject; certificates: readonly Buffer[] },
): 'current' | 'next' {
  const { dir, passphrase, now = Date.now, random = randomBytes } = options;
  ensureFolder(dir);
  completeSwitch(dir);
  refuseBusy(dir, listFolder(dir) ?? []);
  const chain = orderChain(
    pair.certificates.map(der => pem('CERTIFICATE', der)),
    publicHalf(pair.key),
  );
  refuseUnfit(chain, now());
  const certificatePem = chain.map(link => pem('CERTIFICATE', link.raw)).join('');
  writeNext(dir, NEXT_CERTIFICATE_FILE, certificatePem, sealKey(pair.key, passphrase, random));
  return promoteFirst(dir);
}

/** `next` begins to sign; what signed becomes `previous`. Opens the key first: a switch must not be found out at a start. */
export function switchToNext({ dir, passphrase }: LifeOptions): void {
  completeSwitch(dir);
  const pair = readPair(dir, NEXT_KEY_FILE, NEXT_CERTIFICATE_FILE);
  if (pair === null)
    throw new AuthorityRefusal(
      'absent',
      'No authority is prepared to follow this one',
      'Prepare one: sightglass ca rotate, or sightglass ca csr',
    );
  if ((listFolder(dir) ?? []).includes(PREVIOUS_CERTIFICATE_FILE))
    refuseBusy(dir, [PREVIOUS_CERTIFICATE_FILE]);
  const chain = readChain(join(dir, NEXT_CERTIFICATE_FILE), pair.certificatePem);
  openKey(dir, pair, first(chain), passphrase, NEXT_KEY_FILE);
  moveNext(dir);
}

/** Give the previous authority up: its key is deleted, kits begin to remove its root. Gives its SHA-256, hex. */
export function finishRotation(dir: string): string {
  return retire(
    dir,
    PREVIOUS_KEY_FILE,
    PREVIOUS_CERTIFICATE_FILE,
    'There is no previous authority to give up',
  );
}

/** Drop what was prepared, or the request. Its root may have been deployed already, so kits remove it. */
export function cancelNext(dir: string): string | null {
  completeSwitch(dir);
  const names = listFolder(dir) ?? [];
  if (names.includes(REQUEST_FILE) && !names.includes(NEXT_CERTIFICATE_FILE)) {
    dropRequest(dir);
    return null;
  }
  return retire(dir, NEXT_KEY_FILE, NEXT_CERTIFICATE_FILE, 'No authority is prepared to follow this one');
}

function retire(dir: string, keyFile: string, certificateFile: string, absent: string): string {
  if (!(listFolder(dir) ?? []).includes(certificateFile))
    throw new AuthorityRefusal('absent', absent, 'See where the rotation stands: sightglass ca show');
  const [certificate] = readChain(
    join(dir, certificateFile),
    readCertificateFile(join(dir, certificateFile)),
  );
  const sha256 = createHash('sha256')
    .update(certificate?.raw ?? '')
    .digest('hex');
  retirePair(dir, keyFile, certificateFile, sha256);
  return sha256;
}

/** What handshakes told about the root of `next`. Null: nobody measured. */
export interface TrustShare {
  /** Clients seen in the time that was looked at. */
  clients: number;
  /** Of these, how many completed a handshake under the new root. */
  accepting: number;
}

/** Why a switch should not happen now; null when it may. `least` in percent. */
export function switchAdvice(share: TrustShare | null, least: number): string | null {
  if (share === null) return 'How many clients accept the new root is not measured';
  if (share.clients === 0) return 'No client was seen yet, so nobody knows who accepts the new root';
  const percent = (100 * share.accepting) / share.clients;
  return percent >= least
    ? null
    : `${share.accepting} of ${share.clients} clients (${Math.floor(percent)} %) accept the new root; ${least} % are asked for`;
}

function promoteFirst(dir: string): 'current' | 'next' {
  if ((listFolder(dir) ?? []).includes(CERTIFICATE_FILE)) return 'next';
  moveNext(dir);
  return 'current';
}

function readPairKey(dir: string): string {
  return readPair(dir, NEXT_KEY_FILE, REQUEST_FILE)?.keyPem ?? '';
}

/** DER SPKI of a private key. */
function publicHalf(key: KeyObject): Buffer {
  const spki = createPublicKey(key).export({ type: 'spki', format: 'der' });
  if (p256Point(spki) === null)
    throw new AuthorityRefusal(
      'unfit',
      'The key is no P-256 key',
      'Sightglass signs with ECDSA P-256 only: let it make the key (sightglass ca csr) and have that one signed.',
    );
  return spki;
}

const first = (chain: readonly X509Certificate[]): X509Certificate => {
  const [certificate] = chain;
  if (certificate === undefined)
    throw new AuthorityRefusal('unfit', 'The answer holds no certificate', GIVE_CHAIN);
  return certificate;
};
const GIVE_CHAIN =
  'Give the certificate and all CA certificates above it up to the root, as PEM, for instance: sightglass ca import ours.pem chain.pem';

/** From certificates in any order to ours, its issuer, …, the root. */
function orderChain(texts: readonly string[], spki: Buffer): X509Certificate[] {
  const pool = texts
    .flatMap(text => text.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [])
    .slice(0, 32)
    .map(readOne);
  const ours = pool.find(c => c.publicKey.export({ type: 'spki', format: 'der' }).equals(spki));
  if (ours === undefined)
    throw new AuthorityRefusal(
      'mismatch',
      'None of these certificates is for the key of the request',
      GIVE_CHAIN,
    );
  const chain = [ours];
  for (let at = ours; !selfSigned(at);) {
    const issuer = pool.find(c => !chain.includes(c) && at.checkIssued(c) && at.verify(c.publicKey));
    if (issuer === undefined)
      throw new AuthorityRefusal(
        'unfit',
        `The certificate of the issuer is missing: ${at.issuer.replaceAll('\n', ', ')}`,
        GIVE_CHAIN,
      );
    chain.push(issuer);
    at = issuer;
  }
  return chain;
}

const selfSigned = (c: X509Certificate): boolean => c.checkIssued(c) && c.verify(c.publicKey);

function readOne(text: string): X509Certificate {
  try {
    return new X509Certificate(text);
  } catch {
    throw new AuthorityRefusal('unfit', 'One of the certificates cannot be read', GIVE_CHAIN);
  }
}

/** Whether clients would accept leaves under this chain. Everything is said before it is used, not by the first client. */
function refuseUnfit(chain: readonly X509Certificate[], now: number): void {
  const ask = 'Ask the enterprise CA for a certificate of a subordinate CA (AD CS: template SubCA).';
  const refuse = (why: string): never => {
    throw new AuthorityRefusal('unfit', why, ask);
  };
  const ours = first(chain);
  chain.forEach((link, i) => {
    const name = /^CN=(.*)$/m.exec(link.subject)?.[1] ?? 'A certificate of the chain';
    if (!link.ca || !maySignCertificates(link.raw)) refuse(`${name} may not sign certificates`);
    if (!mayServeTls(link.raw)) refuse(`${name} is not for authorities of web servers (extended key usage)`);
    const length = caPathLength(link.raw);
    // Between this certificate and a leaf of ours stand `i` other authorities.
    if (length !== null && length < i)
      refuse(`${name} allows ${length} authorities below it, and there would be ${i} (path length)`);
    if (now >= Date.parse(link.validTo)) refuse(`${name} has expired`);
    // Roots constrain nobody; a constraint that cannot be read constrains everybody.
    try {
      readConstraints(link.raw);
    } catch {
      refuse(`${name} has name constraints that cannot be read`);
    }
  });
  if (p256Point(ours.publicKey.export({ type: 'spki', format: 'der' })) === null)
    refuse('The key is no P-256 key');
  if (readIssuer(ours.raw) === null) refuse('The certificate has no subject key identifier');
  if (Date.parse(ours.validTo) - now < DAY) refuse('The certificate ends within a day');
}
