/**
 * Addresses and networks as values: parse CIDR text once, ask often. No sockets, no DNS.
 * IPv4-mapped IPv6 (`::ffff:a.b.c.d`) is always the IPv4 address it carries, so a dual-stack listener and a rule
 * written for 10.0.0.0/8 agree (requirement S4).
 */
import ipaddr from 'ipaddr.js';

export type Address = ipaddr.IPv4 | ipaddr.IPv6;
export type Network = readonly [Address, number];

/** Parse an address, unwrapping IPv4-mapped IPv6; null when it is none. Zones (`fe80::1%eth0`) are dropped. */
export function parseAddress(text: string): Address | null {
  const zone = text.indexOf('%');
  const bare = zone < 0 ? text : text.slice(0, zone);
  if (!ipaddr.IPv4.isValidFourPartDecimal(bare) && !ipaddr.IPv6.isValid(bare)) return null;
  const address = ipaddr.parse(bare);
  return address instanceof ipaddr.IPv6 && address.isIPv4MappedAddress() ? address.toIPv4Address() : address;
}

/** Canonical text of an address; text that is no address comes back unchanged. */
export function addressText(text: string): string {
  const a = parseAddress(text);
  return a === null ? text : a instanceof ipaddr.IPv6 ? a.toRFC5952String() : a.toString();
}

/** `10.0.0.0/8`, `fd00::/8` or a single address. Null when it is neither. Host bits must be zero. */
export function parseNetwork(text: string): Network | null {
  const slash = text.indexOf('/');
  const address = parseAddress(slash < 0 ? text : text.slice(0, slash));
  if (address === null) return null;
  const bits = address.kind() === 'ipv4' ? 32 : 128;
  if (slash < 0) return [address, bits];
  const lengthText = text.slice(slash + 1);
  if (!/^\d{1,3}$/.test(lengthText)) return null;
  const length = Number(lengthText);
  if (length > bits) return null;
  const bytes = address.toByteArray();
  for (let bit = length; bit < bits; bit++) if (((bytes[bit >> 3] ?? 0) >> (7 - (bit & 7))) & 1) return null;
  return [address, length];
}

/** True when `address` lies in one of `networks`. Families never match each other (mapped ones are unwrapped). */
export function inNetworks(address: Address | string, networks: readonly Network[]): boolean {
  const a = typeof address === 'string' ? parseAddress(address) : address;
  if (a === null) return false;
  return networks.some(([net, length]) => {
    if (a instanceof ipaddr.IPv4) return net instanceof ipaddr.IPv4 && a.match(net, length);
    return net instanceof ipaddr.IPv6 && a.match(net, length);
  });
}

/** What kind of place an address is; everything but `public` and `private` is refused as an origin by default. */
export type AddressClass =
  'public' | 'private' | 'loopback' | 'link-local' | 'metadata' | 'unspecified' | 'multicast' | 'reserved';

/** Cloud metadata services that answer on routable-looking addresses (AWS v4/v6, Alibaba, Oracle, Azure's wire server). */
const METADATA = [
  '169.254.169.254',
  '169.254.170.2',
  'fd00:ec2::254',
  '100.100.100.200',
  '192.0.0.192',
  '168.63.129.16',
];

/** Classify an address (RFC 6890 registries as ipaddr.js names them). Text that is no address is `reserved`. */
export function classifyAddress(text: string): AddressClass {
  const a = parseAddress(text);
  if (a === null) return 'reserved';
  if (METADATA.includes(addressText(text))) return 'metadata';
  // NAT64 and 6to4 carry an IPv4 address inside: judge that one, or a private host is reachable by another spelling.
  if (a instanceof ipaddr.IPv6) {
    const inner = embeddedIPv4(a);
    if (inner !== null) return classifyAddress(inner);
  }
  switch (a.range()) {
    case 'unicast':
      return 'public';
    case 'private':
    case 'uniqueLocal':
    case 'carrierGradeNat':
      return 'private';
    case 'loopback':
      return 'loopback';
    case 'linkLocal':
      return 'link-local';
    case 'unspecified':
      return 'unspecified';
    case 'broadcast':
    case 'multicast':
      return 'multicast';
    default:
      return 'reserved';
  }
}

function embeddedIPv4(a: ipaddr.IPv6): string | null {
  const b = a.toByteArray();
  if (a.range() === 'rfc6052') return b.slice(12).join('.');
  if (a.range() === '6to4') return b.slice(2, 6).join('.');
  return null;
}
