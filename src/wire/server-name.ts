/**
 * The server_name extension (RFC 6066 §3): exactly one host name, or the hello is malformed. Anything lenient here
 * would let two readers of the same bytes see two different servers, and a policy decides by this name.
 */
import { canonicalHost } from '../core/host-name.ts';
import type { Cursor } from './bytes.ts';

/** RFC 6066 §3: the only name type there is. */
const HOST_NAME = 0;

export interface ServerName {
  /** Canonical name, or null when the client put an IP literal there (which RFC 6066 forbids but clients do). */
  sni: string | null;
  /** As sent, latin1. */
  raw: string;
}

/** Reads the extension's data. Throws `Malformed` with the reason; the caller catches it. */
export function readServerName(data: Cursor): ServerName {
  const list = data.slice(data.u16(), 'SNI');
  data.done();
  if (list.left === 0) list.fail('is an empty list');
  const type = list.u8();
  if (type !== HOST_NAME) list.fail(`has name type ${type}, only 0 (host name) exists`);
  const length = list.u16();
  if (length === 0) list.fail('holds an empty name');
  const raw = list.slice(length, 'SNI name').latin1();
  if (list.left > 0) list.fail('holds more than one name');
  for (let i = 0; i < raw.length; i++) {
    const byte = raw.charCodeAt(i);
    if (byte === 0) list.fail('contains a NUL byte');
    if (byte === 0x20) list.fail('contains a space');
    if (byte < 0x20 || byte === 0x7f) list.fail(`contains the control byte 0x${hexByte(byte)}`);
    if (byte > 0x7f) list.fail(`contains the non-ASCII byte 0x${hexByte(byte)}`);
  }
  const host = canonicalHost(raw);
  if (host.kind === 'invalid') list.fail(`is no host name: ${host.reason}`);
  return { sni: host.kind === 'name' ? host.name : null, raw };
}

function hexByte(byte: number): string {
  return byte.toString(16).padStart(2, '0');
}
