/**
 * One whole ClientHello handshake message taken apart (RFC 8446 §4.1.2, RFC 5246 §7.4.1.2), GREASE still in place:
 * this is what the fingerprints and the facts are made from. Every structure must fill its length exactly. Values
 * nobody knows are kept, values that break the format are `Malformed`; there is no third way.
 *
 * It does not judge whether the offer makes sense (ciphers for the version, key shares for the groups): the TLS
 * stack that terminates the connection does. Extensions that decide nothing here (key_share, padding, …) are
 * passed over unread, so their contents cost nothing.
 */
import { Cursor } from './bytes.ts';
import { readServerName, type ServerName } from './server-name.ts';

export const EXTENSION = {
  serverName: 0,
  groups: 10,
  pointFormats: 11,
  signatureAlgorithms: 13,
  alpn: 16,
  preSharedKey: 41,
  supportedVersions: 43,
  ech: 0xfe0d,
  /** The draft that became ECH; abandoned in 2020, still seen. */
  esni: 0xffce,
} as const;

export interface HelloFields {
  /** The version field of the message itself; 0x0303 for TLS 1.2 and everything later. */
  legacyVersion: number;
  /** Numbers in the client's order. */
  ciphers: number[];
  /** Extension types in the client's order, no type twice. */
  extensions: number[];
  serverName: ServerName | null;
  /** Protocol identifiers as latin1, or null without the extension. */
  alpn: string[] | null;
  /** From supported_versions, or null without the extension. */
  supportedVersions: number[] | null;
  groups: number[];
  pointFormats: number[];
  signatureAlgorithms: number[];
  ech: 'none' | 'grease-or-real' | 'inner';
}

/**
 * Parse a ClientHello message body: the bytes after the four of the handshake header, all of them.
 * Throws `Malformed`.
 */
export function readHelloFields(message: Buffer, start: number, end: number): HelloFields {
  const c = new Cursor(message, 'ClientHello', start, end);
  const legacyVersion = c.u16();
  if (legacyVersion >> 8 !== 3) c.fail(`has version 0x${legacyVersion.toString(16).padStart(4, '0')}`);
  c.skip(32);
  const sessionId = c.u8();
  if (sessionId > 32) c.fail(`has a session id of ${sessionId} bytes, 32 are the most`);
  c.skip(sessionId);
  const ciphers = c.slice(c.u16(), 'cipher_suites').u16List();
  if (ciphers.length === 0) c.fail('offers no cipher suite');
  const compression = c.u8();
  if (compression === 0) c.fail('offers no compression method');
  c.skip(compression);
  const fields: HelloFields = {
    legacyVersion,
    ciphers,
    extensions: [],
    serverName: null,
    alpn: null,
    supportedVersions: null,
    groups: [],
    pointFormats: [],
    signatureAlgorithms: [],
    ech: 'none',
  };
  // RFC 5246 §7.4.1.2: whether there are extensions is told by bytes following the compression methods.
  if (c.left > 0) {
    const block = c.slice(c.u16(), 'extension block');
    c.done();
    readExtensions(block, fields);
  }
  return fields;
}

function readExtensions(block: Cursor, fields: HelloFields): void {
  const seen = new Set<number>();
  while (block.left > 0) {
    const type = block.u16();
    const data = block.slice(block.u16(), `extension ${type}`);
    // RFC 8446 §4.2: no type twice, GREASE or not. Readers that take the first and readers that take the last
    // would see two different hellos.
    if (seen.has(type)) block.fail(`holds extension ${type} twice`);
    seen.add(type);
    fields.extensions.push(type);
    // RFC 8446 §4.2.11: it signs everything before it, so a server must refuse it anywhere but last.
    if (type === EXTENSION.preSharedKey && block.left > 0) block.fail('goes on after pre_shared_key');
    readExtension(type, data, fields);
  }
}

function readExtension(type: number, data: Cursor, fields: HelloFields): void {
  switch (type) {
    case EXTENSION.serverName:
      fields.serverName = readServerName(data);
      return;
    case EXTENSION.alpn:
      fields.alpn = readAlpn(data);
      return;
    case EXTENSION.supportedVersions:
      fields.supportedVersions = filled(data, data.u8(), 'supported_versions');
      return;
    case EXTENSION.groups:
      fields.groups = filled(data, data.u16(), 'supported_groups');
      return;
    case EXTENSION.signatureAlgorithms:
      fields.signatureAlgorithms = filled(data, data.u16(), 'signature_algorithms');
      return;
    case EXTENSION.pointFormats: {
      const list = data.slice(data.u8(), 'ec_point_formats');
      data.done();
      if (list.left === 0) list.fail('is an empty list');
      while (list.left > 0) fields.pointFormats.push(list.u8());
      return;
    }
    case EXTENSION.ech: {
      // RFC 9849 §5: first byte 0 is the outer form, 1 the inner one, which belongs inside the encryption.
      const form = data.u8();
      if (form > 1) data.fail(`has ECH form ${form}, only 0 and 1 exist`);
      fields.ech = form === 1 ? 'inner' : 'grease-or-real';
      return;
    }
    case EXTENSION.esni:
      if (fields.ech === 'none') fields.ech = 'grease-or-real';
      return;
    default:
      return;
  }
}

/** A list of 16-bit numbers that fills the extension and is not empty. */
function filled(data: Cursor, length: number, what: string): number[] {
  const list = data.slice(length, what);
  data.done();
  if (list.left === 0) list.fail('is an empty list');
  return list.u16List();
}

/** RFC 7301 §3.1: a list of at least one identifier, each of 1 to 255 bytes. */
function readAlpn(data: Cursor): string[] {
  const list = data.slice(data.u16(), 'ALPN');
  data.done();
  if (list.left === 0) list.fail('is an empty list');
  const names: string[] = [];
  while (list.left > 0) {
    const length = list.u8();
    if (length === 0) list.fail('holds an empty protocol name');
    names.push(list.slice(length, 'ALPN name').latin1());
  }
  return names;
}
