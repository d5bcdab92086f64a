/**
 * ClientHello messages and TLS records put together by hand, byte by byte, for cases that no real client sends.
 * Independent of src/wire on purpose: it must be able to build what the reader refuses.
 */

export type Extension = readonly [type: number, data: Buffer];

export interface HelloSpec {
  type?: number;
  version?: number;
  random?: Buffer;
  sessionId?: Buffer;
  ciphers?: readonly number[];
  /** In place of `ciphers`: the raw list without its length. */
  cipherBytes?: Buffer;
  compression?: Buffer;
  /** Null leaves the whole extension block out, as clients before TLS 1.2 may. */
  extensions?: readonly Extension[] | null;
  /** Bytes put after the extension block, inside the message. */
  trailer?: Buffer;
  /** Lie about the length of the message. */
  claimedLength?: number;
}

export const u8 = (n: number): Buffer => Buffer.from([n]);
export const u16 = (n: number): Buffer => Buffer.from([n >> 8, n & 0xff]);
export const u24 = (n: number): Buffer => Buffer.from([n >> 16, (n >> 8) & 0xff, n & 0xff]);
export const u16s = (list: readonly number[]): Buffer => Buffer.concat(list.map(u16));
/** Bytes with their length before them in one or two bytes. */
export const vec8 = (data: Buffer): Buffer => Buffer.concat([u8(data.length), data]);
export const vec16 = (data: Buffer): Buffer => Buffer.concat([u16(data.length), data]);
const bytes = (text: string | Buffer): Buffer =>
  typeof text === 'string' ? Buffer.from(text, 'latin1') : text;

export const serverNames = (...entries: Array<readonly [number, string | Buffer]>): Extension => [
  0,
  vec16(Buffer.concat(entries.flatMap(([type, name]) => [u8(type), vec16(bytes(name))]))),
];
export const sni = (name: string | Buffer): Extension => serverNames([0, name]);
export const alpn = (...names: Array<string | Buffer>): Extension => [
  16,
  vec16(Buffer.concat(names.map(n => vec8(bytes(n))))),
];
export const versions = (...list: number[]): Extension => [43, vec8(u16s(list))];
export const groups = (...list: number[]): Extension => [10, vec16(u16s(list))];
export const sigAlgs = (...list: number[]): Extension => [13, vec16(u16s(list))];
export const pointFormats = (...list: number[]): Extension => [11, vec8(Buffer.from(list))];
export const ech = (form: number): Extension => [0xfe0d, Buffer.concat([u8(form), Buffer.alloc(40, 7)])];
export const other = (type: number, data: Buffer = Buffer.alloc(0)): Extension => [type, data];
/** A padding extension (RFC 7685), to make a hello as large as wanted. */
export const padding = (size: number): Extension => [21, Buffer.alloc(size)];

export const PLAIN_CIPHERS = [0x1301, 0x1302, 0xc02f];

/** The handshake message: header and body, no record. */
export function message(spec: HelloSpec = {}): Buffer {
  const extensions = spec.extensions === undefined ? [sni('example.com')] : spec.extensions;
  const body = Buffer.concat([
    u16(spec.version ?? 0x0303),
    spec.random ?? Buffer.alloc(32, 0x11),
    vec8(spec.sessionId ?? Buffer.alloc(32, 0x22)),
    vec16(spec.cipherBytes ?? u16s(spec.ciphers ?? PLAIN_CIPHERS)),
    vec8(spec.compression ?? u8(0)),
    extensions === null
      ? Buffer.alloc(0)
      : vec16(Buffer.concat(extensions.flatMap(([type, data]) => [u16(type), vec16(data)]))),
    spec.trailer ?? Buffer.alloc(0),
  ]);
  return Buffer.concat([u8(spec.type ?? 1), u24(spec.claimedLength ?? body.length), body]);
}

/** One TLS record. */
export function record(fragment: Buffer, type = 22, version = 0x0301): Buffer {
  return Buffer.concat([u8(type), u16(version), vec16(fragment)]);
}

/** A message cut into records of at most `size` bytes of fragment each. */
export function records(msg: Buffer, size = 2 ** 14): Buffer {
  const out: Buffer[] = [];
  for (let at = 0; at < msg.length; at += size) out.push(record(msg.subarray(at, at + size)));
  return Buffer.concat(out);
}

/** The bytes on the wire of a hello. */
export function hello(spec: HelloSpec = {}, recordSize?: number): Buffer {
  return records(message(spec), recordSize);
}

/** The handshake bytes of a run of records: the inverse of `records`, for captures. */
export function unrecord(wire: Buffer): Buffer {
  const out: Buffer[] = [];
  for (let at = 0; at + 5 <= wire.length;) {
    const length = wire.readUInt16BE(at + 3);
    out.push(wire.subarray(at + 5, at + 5 + length));
    at += 5 + length;
  }
  return Buffer.concat(out);
}
