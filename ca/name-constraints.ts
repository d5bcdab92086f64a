/**
 * Name constraints of CA certificates (RFC 5280 §4.2.1.10): where the names lie that a subordinate may sign for. Read from
 * certificates of our own folder, never from a client's or origin's. Two forms matter to us: DNS names and addresses. A leaf
 * under constraints has an empty subject: directory names then limit nothing in it, and no client takes its common name for
 * a DNS name (OpenSSL does, for an address too). Other forms constrain nothing that a leaf of ours carries.
 *
 * All certificates of a chain count: a name must satisfy each of them. A form that has no permitted subtree is free.
 */
import ipaddr from 'ipaddr.js';
import { children, content, decode, isTagged, oidOf } from './der.ts';
import type { Der } from './der.ts';

export interface Subtrees {
  /** `example.com` holds itself and everything below; `.example.com` only what is below; the empty one everything. */
  dns: readonly string[];
  /** Address and mask, four or sixteen bytes each. */
  ip: readonly { address: Buffer; mask: Buffer }[];
}

export interface NameConstraints {
  permitted: Subtrees;
  excluded: Subtrees;
}

const NAME_CONSTRAINTS = '2.5.29.30';

/** Constraints of one certificate (DER); null when it has none. Throws when they are malformed. */
export function readConstraints(certificate: Buffer): NameConstraints | null {
  const fields = children(children(decode(certificate))[0]);
  const extensions = children(children(fields.find(field => isTagged(field, 3)))[0]);
  const found = extensions.find(extension => oidOf(children(extension)[0]) === NAME_CONSTRAINTS);
  const wrapped = content(children(found).at(-1));
  if (wrapped === null) return null;
  const parts = children(decode(wrapped));
  return {
    permitted: subtrees(parts.find(part => isTagged(part, 0))),
    excluded: subtrees(parts.find(part => isTagged(part, 1))),
  };
}

function subtrees(list: Der | undefined): Subtrees {
  const bases = children(list).flatMap(subtree => children(subtree)[0] ?? []);
  const of = (tag: number): Buffer[] =>
    bases.filter(base => isTagged(base, tag)).flatMap(base => content(base) ?? []);
  return {
    dns: of(2).map(bytes => bytes.toString('latin1').toLowerCase().replace(/\.$/, '')),
    ip: of(7)
      .filter(bytes => bytes.length === 8 || bytes.length === 32)
      .map(bytes => ({
        address: bytes.subarray(0, bytes.length / 2),
        mask: bytes.subarray(bytes.length / 2),
      })),
  };
}

/** Why a canonical name or address may not be signed under these constraints; null when it may. */
export function outsideOf(
  constraints: readonly NameConstraints[],
  name: string,
  kind: 'name' | 'ip',
): string | null {
  for (const { permitted, excluded } of constraints) {
    const within = (trees: Subtrees): string | null =>
      kind === 'name' ? dnsWithin(trees.dns, name) : ipWithin(trees.ip, name);
    const excludedBy = within(excluded);
    if (excludedBy !== null)
      return `${name} lies in ${excludedBy}, which the issuer of the authority excluded`;
    const limited = kind === 'name' ? permitted.dns.length > 0 : permitted.ip.length > 0;
    if (limited && within(permitted) === null)
      return `${name} lies outside of ${treeText(permitted, kind)}, to which the issuer of the authority limited it`;
  }
  return null;
}

function dnsWithin(trees: readonly string[], name: string): string | null {
  for (const tree of trees) {
    if (tree === '') return 'every name';
    if (tree.startsWith('.') ? name.endsWith(tree) : name === tree || name.endsWith(`.${tree}`)) return tree;
  }
  return null;
}

function ipWithin(trees: Subtrees['ip'], text: string): string | null {
  const address = Buffer.from(ipaddr.parse(text).toByteArray());
  const tree = trees.find(
    ({ address: base, mask }) =>
      base.length === address.length &&
      address.every((byte, i) => (byte & (mask[i] ?? 0)) === ((base[i] ?? 0) & (mask[i] ?? 0))),
  );
  return tree === undefined ? null : networkText(tree);
}

/** The subtrees of one form, for people. */
export function treeText(trees: Subtrees, kind: 'name' | 'ip'): string {
  return (kind === 'name' ? trees.dns : trees.ip.map(networkText)).join(', ');
}

/** Masks with holes are legal and shown as what they are. */
function networkText({ address, mask }: { address: Buffer; mask: Buffer }): string {
  const base = ipaddr.fromByteArray([...address]).toString();
  const prefix = ipaddr.fromByteArray([...mask]).prefixLengthFromSubnetMask();
  return `${base}/${prefix ?? ipaddr.fromByteArray([...mask]).toString()}`;
}
