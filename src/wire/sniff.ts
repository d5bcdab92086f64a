/**
 * What the first bytes of a connection are, before anybody parses them. The answer depends only on the bytes so far;
 * `need-more` means that two answers are still possible. Time-outs belong to the caller.
 *
 * Plain HTTP is known by its shape (method token, space, target), never by a list of four methods: a tunnel that
 * recognises only `GET ` lets `PUT /secret` through unread. It does not promise that the request is valid.
 */
export type Sniffed = 'tls' | 'http' | 'socks5' | 'proxy-protocol' | 'ssh' | 'unknown' | 'need-more';

/** PROXY protocol, version 2 signature and the three version 1 openings (its specification, §2). */
const PROXY_V2 = Buffer.from([0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a]);
const PROXY_V1 = ['PROXY TCP4 ', 'PROXY TCP6 ', 'PROXY UNKNOWN'].map(text => Buffer.from(text));
const SSH = Buffer.from('SSH-');

/** Methods of RFC 9110, RFC 5789, RFC 9113 and WebDAV: with one of these and a space, any target means HTTP. */
const METHODS = new Set(
  (
    'GET HEAD POST PUT DELETE CONNECT OPTIONS TRACE PATCH PRI PROPFIND PROPPATCH MKCOL COPY MOVE LOCK UNLOCK ' +
    'REPORT SEARCH QUERY'
  ).split(' '),
);
/** Longer than any method in use; without it a stream of letters would be `need-more` for ever. */
const MAX_METHOD = 128;
/** How far an unknown method's line is searched for ` HTTP/`. */
const MAX_LINE = 1024;
const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;

export function sniff(bytes: Buffer): Sniffed {
  const first = bytes[0];
  if (first === undefined) return 'need-more';
  // All five record types (20 to 24): one that is no handshake is malformed TLS, which is for the hello reader to say.
  // A handshake record of a version that does not exist is malformed as well: some TLS stacks read it all the same.
  if (first >= 20 && first <= 24)
    return bytes.length < 2 ? 'need-more' : bytes[1] === 3 || first === 22 ? 'tls' : 'unknown';
  // RFC 1928 §3: version 5, then the number of methods, at least one.
  if (first === 5) return bytes.length < 2 ? 'need-more' : bytes[1] === 0 ? 'unknown' : 'socks5';

  const openings = [...PROXY_V1.map(mark => prefix(bytes, mark)), prefix(bytes, PROXY_V2)];
  if (openings.includes('yes')) return 'proxy-protocol';
  const ssh = prefix(bytes, SSH);
  if (ssh === 'yes') return 'ssh';
  if (ssh === 'maybe' || openings.includes('maybe')) return 'need-more';
  return sniffHttp(bytes);
}

function sniffHttp(bytes: Buffer): 'http' | 'unknown' | 'need-more' {
  // RFC 9112 §2.2: a server should ignore an empty line before the request line, so some clients get away with it.
  const start = bytes[0] === 0x0d && bytes[1] === 0x0a ? 2 : 0;
  let at = start;
  while (at < bytes.length && at - start <= MAX_METHOD && isTokenByte(bytes[at] as number)) at++;
  if (at - start > MAX_METHOD) return 'unknown';
  if (at === bytes.length) return 'need-more';
  if (at === start || !isBlank(bytes[at] as number)) return 'unknown';
  const method = bytes.toString('latin1', start, at);
  if (METHODS.has(method.toUpperCase())) return 'http';
  return sniffTarget(bytes.toString('latin1', at + 1, Math.min(bytes.length, at + 1 + MAX_LINE)));
}

/** An unknown method: SMTP, IRC and the like also start with a word and a space, so the target must look like one. */
function sniffTarget(rest: string): 'http' | 'unknown' | 'need-more' {
  if (rest === '') return 'need-more';
  if (rest.startsWith('/') || rest.startsWith('*')) return 'http';
  if (/^[A-Za-z][A-Za-z0-9+.-]*:\/\//.test(rest)) return 'http';
  const line = rest.search(/[\r\n]/);
  const text = line < 0 ? rest : rest.slice(0, line);
  if (/[ \t]HTTP\/[0-9]/.test(text)) return 'http';
  return line >= 0 || rest.length >= MAX_LINE ? 'unknown' : 'need-more';
}

/** Whether `bytes` start with `mark`, still could, or do not. */
function prefix(bytes: Buffer, mark: Buffer): 'yes' | 'maybe' | 'no' {
  const n = Math.min(bytes.length, mark.length);
  if (bytes.compare(mark, 0, n, 0, n) !== 0) return 'no';
  return n === mark.length ? 'yes' : 'maybe';
}

const TOKEN_BYTES = Uint8Array.from({ length: 256 }, (_, b) => (TOKEN.test(String.fromCharCode(b)) ? 1 : 0));

function isTokenByte(byte: number): boolean {
  return TOKEN_BYTES[byte] === 1;
}

/** Lenient servers take a tab for the space. */
function isBlank(byte: number): boolean {
  return byte === 0x20 || byte === 0x09;
}
