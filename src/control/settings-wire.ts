/**
 * Settings as one text for a worker. A worker must run with the very settings that the control process checked, also
 * when it is restarted long after the file was edited, so it is told them instead of reading them again.
 */
import ipaddr from 'ipaddr.js';
import { parseNetwork, type Network } from '../core/network.ts';
import type { Settings } from '../settings/catalogue.ts';

const MARK = '$network';

export function encodeSettings(settings: Settings): string {
  return JSON.stringify(settings, (_key, value: unknown) =>
    isNetwork(value) ? { [MARK]: networkText(value) } : value,
  );
}

export function decodeSettings(text: string): Settings {
  return JSON.parse(text, (_key, value: unknown) => {
    if (typeof value === 'object' && value !== null && MARK in value && typeof value[MARK] === 'string')
      return parseNetwork(value[MARK]);
    return value;
  }) as Settings;
}

function isNetwork(value: unknown): value is Network {
  return Array.isArray(value) && (value[0] instanceof ipaddr.IPv4 || value[0] instanceof ipaddr.IPv6);
}

function networkText([address, length]: Network): string {
  return `${address.toString()}/${length}`;
}
