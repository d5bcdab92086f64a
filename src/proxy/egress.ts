/**
 * Which addresses may be dialled. By default never loopback, link-local, metadata, unspecified, multicast or reserved
 * ones, and never our own listeners (DESIGN §7, requirement S4): a proxy that dials what its client cannot reach is a
 * hole in the network. Private addresses are origins of every enterprise and are allowed.
 */
import { networkInterfaces } from 'node:os';
import { addressText, classifyAddress, inNetworks, type Network } from '../core/network.ts';

export interface EgressRules {
  /** Networks allowed although their class is refused. */
  allow: readonly Network[];
  /** `host:port` pairs we listen on, with wildcard hosts as bound. */
  ownListeners: readonly { host: string; port: number }[];
}

/** Null when the address may be dialled, otherwise the reason. Our own listeners stay refused whatever `allow` says. */
export function refusedEgress(address: string, port: number, rules: EgressRules): string | null {
  if (rules.ownListeners.some(l => l.port === port && isOwn(address, l.host)))
    return `${address}:${port} is a listener of this proxy`;
  if (inNetworks(address, rules.allow)) return null;
  const kind = classifyAddress(address);
  return kind === 'public' || kind === 'private' ? null : `${address} is a ${kind} address`;
}

function isOwn(address: string, listener: string): boolean {
  const canonical = addressText(address);
  const kind = classifyAddress(address);
  if (listener === '::' || listener === '0.0.0.0')
    return kind === 'loopback' || kind === 'unspecified' || ownAddresses().has(canonical);
  if (listener === 'localhost') return kind === 'loopback' || kind === 'unspecified';
  // Connecting to an unspecified address arrives at loopback.
  if (kind === 'unspecified') return classifyAddress(listener) === 'loopback';
  return canonical === addressText(listener);
}

let cached: { at: number; addresses: Set<string> } = { at: Number.NEGATIVE_INFINITY, addresses: new Set() };

/** Addresses of this host, looked up at most every ten seconds. */
function ownAddresses(): ReadonlySet<string> {
  const now = performance.now();
  if (now - cached.at > 10_000) {
    const all = Object.values(networkInterfaces()).flatMap(list => list ?? []);
    cached = { at: now, addresses: new Set(all.map(i => addressText(i.address))) };
  }
  return cached.addresses;
}
