/**
 * The ClientHello at the start of a connection, gathered from any number of TCP segments and TLS records (RFC 8446
 * §5.1, §4.1.2). Feed bytes as they come; the answer is one of four outcomes that a caller must tell apart, and it
 * depends on the bytes alone, never on how they were cut. Nothing is consumed: the caller keeps what it read and
 * replays it to whoever takes the connection.
 *
 * Bounds: a message of more than MAX_HELLO bytes or in more than MAX_RECORDS records is malformed, so a caller that
 * keeps the bytes keeps at most MAX_HELLO + 5 × MAX_RECORDS of them plus its last read. Each byte is looked at once
 * and copied at most twice; the buffer grows with what has arrived, never by what a length field claims.
 *
 * It does not promise that a TLS stack will accept the hello; it promises that a stack that does sees the same name.
 * Where readers are known to differ (two names, duplicate extensions, bytes after the message in its record) the
 * hello is malformed. Deadlines belong to the caller.
 */
import type { HelloFacts } from '../core/facts.ts';
import { Malformed } from './bytes.ts';
import { isGrease, isGreaseAlpn, withoutGrease } from './grease.ts';
import { readHelloFields, type HelloFields } from './hello-fields.ts';
import { ja3 } from './ja3.ts';
import { ja4 } from './ja4.ts';

/** Longest handshake message read, header included. Real ones with post-quantum key shares are under 4 KiB. */
export const MAX_HELLO = 64 * 1024;
/** Enough for a 16 KiB hello in records of one byte; real clients use one to three. */
export const MAX_RECORDS = 16 * 1024;

export type HelloResult =
  | { outcome: 'need-more' }
  | { outcome: 'hello'; hello: HelloFacts }
  | { outcome: 'not-tls'; reason: string }
  | { outcome: 'malformed'; reason: string };

/** What a finished message parses to; `decode` makes HelloFacts of it, `hello decode` shows more. */
export type FieldsResult =
  | { outcome: 'need-more' }
  | { outcome: 'hello'; fields: HelloFields; size: number }
  | { outcome: 'not-tls'; reason: string }
  | { outcome: 'malformed'; reason: string };

const HANDSHAKE = 22;
const RECORD_HEADER = 5;
const MESSAGE_HEADER = 4;
/** RFC 8446 §5.1: longest fragment of a plaintext record; a longer one must end the connection. */
const MAX_FRAGMENT = 2 ** 14;
const CLIENT_HELLO = 1;
const NEED_MORE = { outcome: 'need-more' } as const;

/** Read a hello from all bytes that a client has sent so far. */
export function readHello(bytes: Buffer): HelloResult {
  return new HelloReader().push(bytes);
}

/** Gathers one hello. `push` may be called after a final outcome: it repeats that outcome. */
export class HelloReader {
  readonly #assembly = new Assembly();
  #result: HelloResult = NEED_MORE;

  /** Feed the next bytes of the connection, in order, each once. The chunk is not kept and not changed. */
  push(chunk: Buffer): HelloResult {
    if (this.#result.outcome !== 'need-more') return this.#result;
    const r = this.#assembly.push(chunk);
    return (this.#result =
      r.outcome === 'hello' ? { outcome: 'hello', hello: helloFacts(r.fields, r.size) } : r);
  }
}

/** As `readHello`, with the parsed fields (GREASE included) in place of the facts. */
export function readHelloMessage(bytes: Buffer): FieldsResult {
  return new Assembly().push(bytes);
}

/** Facts (core/facts) of parsed fields; `size` is the length of the handshake message. */
export function helloFacts(f: HelloFields, size: number): HelloFacts {
  return {
    sni: f.serverName?.sni ?? null,
    rawSni: f.serverName?.raw ?? null,
    alpn: (f.alpn ?? []).filter(name => !isGreaseAlpn(name)),
    versions: withoutGrease(f.supportedVersions ?? [f.legacyVersion]).map(versionText),
    ciphers: withoutGrease(f.ciphers),
    groups: withoutGrease(f.groups),
    ja3: ja3(f),
    ja4: ja4(f),
    ech: f.ech,
    grease: hasGrease(f),
    size,
  };
}

/** `TLS 1.3` for 0x0304; a number nobody registered stays a number. */
export function versionText(version: number): string {
  if (version === 0x0300) return 'SSL 3.0';
  if (version > 0x0300 && version <= 0x0304) return `TLS 1.${version - 0x0301}`;
  return `0x${version.toString(16).padStart(4, '0')}`;
}

function hasGrease(f: HelloFields): boolean {
  const lists = [f.ciphers, f.extensions, f.groups, f.supportedVersions ?? [], f.signatureAlgorithms];
  return lists.some(list => list.some(isGrease)) || (f.alpn ?? []).some(isGreaseAlpn);
}

/** Records in, one handshake message out. */
class Assembly {
  /** Header of the record being read, `headerLength` bytes of it present. */
  readonly #header = Buffer.alloc(RECORD_HEADER);
  #headerLength = 0;
  /** Bytes of the current record's fragment still to come. */
  #fragmentLeft = 0;
  #records = 0;
  /** The handshake message so far; `#length` bytes are filled. Invariant: length ≤ wanted once wanted is known. */
  #message: Buffer = Buffer.alloc(0);
  #length = 0;
  /** Whole message length with its header, null until the header is there. */
  #wanted: number | null = null;

  push(chunk: Buffer): FieldsResult {
    let at = 0;
    while (at < chunk.length) {
      if (this.#fragmentLeft === 0) {
        const byte = chunk[at++] as number;
        this.#header[this.#headerLength++] = byte;
        const problem = this.#checkHeader();
        if (problem !== null) return problem;
        continue;
      }
      const take = Math.min(this.#fragmentLeft, chunk.length - at, this.#roomLeft());
      this.#append(chunk, at, at + take);
      at += take;
      this.#fragmentLeft -= take;
      const done = this.#checkMessage();
      if (done !== null) return done;
    }
    return NEED_MORE;
  }

  /** Judges the record header after each of its bytes, so that garbage is named by its first byte. */
  #checkHeader(): FieldsResult | null {
    const n = this.#headerLength;
    const type = this.#header[0] as number;
    const first = this.#records === 0;
    if (n === 1) {
      if (first && (type < 20 || type > 24)) return notTls(firstByteReason(type));
      return null;
    }
    if (n === 2) {
      const major = this.#header[1] as number;
      // OpenSSL 3.5 reads a hello in a record of any version, so a handshake record of a strange one is no hello for us and
      // yet must not pass for something that is no TLS: where policy lets that through, an origin would understand it.
      if (major !== 3)
        return first && type !== HANDSHAKE
          ? notTls(`second byte 0x${byteHex(major)} is not the 3 of a TLS record`)
          : malformed(`record ${this.#records + 1} has version byte 0x${byteHex(major)}`);
      if (type !== HANDSHAKE)
        return malformed(
          first
            ? `the first TLS record is of type ${type} (${recordType(type)}), not a handshake`
            : `record ${this.#records + 1} is of type ${type} (${recordType(type)}) in the middle of the ClientHello`,
        );
      return null;
    }
    if (n < RECORD_HEADER) return null;
    const length = this.#header.readUInt16BE(3);
    // RFC 8446 §5.1: handshake fragments are never empty, so an empty one only serves to keep a reader busy.
    if (length === 0) return malformed('empty TLS record');
    if (length > MAX_FRAGMENT)
      return malformed(`TLS record of ${length} bytes, ${MAX_FRAGMENT} are the most`);
    this.#records++;
    if (this.#records > MAX_RECORDS) return malformed(`ClientHello in more than ${MAX_RECORDS} TLS records`);
    this.#headerLength = 0;
    this.#fragmentLeft = length;
    return this.#checkTrailing();
  }

  /** After new message bytes: the header as soon as it is there, the whole as soon as it is. */
  #checkMessage(): FieldsResult | null {
    if (this.#wanted === null) {
      const type = this.#message[0] as number;
      if (type !== CLIENT_HELLO) return malformed(`handshake message of type ${type}, not a ClientHello`);
      if (this.#length < MESSAGE_HEADER) return null;
      this.#wanted = MESSAGE_HEADER + this.#message.readUIntBE(1, 3);
      if (this.#wanted > MAX_HELLO)
        return malformed(`ClientHello of ${this.#wanted} bytes, longer than the ${MAX_HELLO} that are read`);
      const trailing = this.#checkTrailing();
      if (trailing !== null) return trailing;
    }
    if (this.#length < this.#wanted) return null;
    try {
      const fields = readHelloFields(this.#message, MESSAGE_HEADER, this.#wanted);
      return { outcome: 'hello', fields, size: this.#wanted };
    } catch (error) {
      if (error instanceof Malformed) return malformed(error.message);
      throw error;
    }
  }

  /**
   * A record that reaches beyond the end of the message carries another message in the same breath: TLS 1.3 forbids
   * it (RFC 8446 §5.1, key change boundary) and no TLS 1.2 client has anything to say yet.
   */
  #checkTrailing(): FieldsResult | null {
    if (this.#wanted === null || this.#length + this.#fragmentLeft <= this.#wanted) return null;
    return malformed('bytes after the ClientHello in its record');
  }

  /** Before the message header is whole, take no more than it, so that claims are judged before bytes are kept. */
  #roomLeft(): number {
    return (this.#wanted ?? MESSAGE_HEADER) - this.#length;
  }

  #append(chunk: Buffer, from: number, to: number): void {
    const needed = this.#length + (to - from);
    if (needed > this.#message.length) {
      const grown = Buffer.allocUnsafe(
        Math.max(needed, Math.min(MAX_HELLO, Math.max(512, this.#length * 2))),
      );
      this.#message.copy(grown, 0, 0, this.#length);
      this.#message = grown;
    }
    chunk.copy(this.#message, this.#length, from, to);
    this.#length = needed;
  }
}

function notTls(reason: string): FieldsResult {
  return { outcome: 'not-tls', reason };
}

function malformed(reason: string): FieldsResult {
  return { outcome: 'malformed', reason };
}

/** By the first byte alone: a longer look would make the words depend on how the bytes were cut. `sniff` says more. */
function firstByteReason(byte: number): string {
  if (byte >= 0x80) return `first byte 0x${byteHex(byte)}: binary data or an SSLv2 hello, not a TLS record`;
  if (byte >= 0x20 && byte < 0x7f) return `first byte "${String.fromCharCode(byte)}": text, not a TLS record`;
  return `first byte 0x${byteHex(byte)} is not the start of a TLS record`;
}

function recordType(type: number): string {
  return (
    ['change_cipher_spec', 'alert', 'handshake', 'application_data', 'heartbeat'][type - 20] ?? 'unknown'
  );
}

function byteHex(byte: number): string {
  return byte.toString(16).padStart(2, '0');
}
