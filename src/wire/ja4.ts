/**
 * JA4, the TLS client fingerprint of FoxIO's public technical description (the JA4 part alone is BSD licensed; the
 * other members of that family are not and are not here). Three parts joined by underscores: a readable head, a
 * hash of the sorted cipher suites, a hash of the sorted extensions with the signature algorithms as sent. Sorting
 * makes it survive the shuffled extensions of today's browsers.
 *
 * Vectors from the description and from other implementations are in test/wire/ja4.test.ts.
 */
import { hash } from 'node:crypto';
import { isGrease, isGreaseAlpn, withoutGrease } from './grease.ts';
import { EXTENSION, type HelloFields } from './hello-fields.ts';

/** What carried the hello: TLS over TCP or QUIC. */
export type Ja4Transport = 't' | 'q';

const VERSIONS: Readonly<Record<number, string>> = {
  0x0304: '13',
  0x0303: '12',
  0x0302: '11',
  0x0301: '10',
  0x0300: 's3',
  0x0002: 's2',
};
/** Stands for a part with nothing in it, so that it is told apart from a hash. */
const NOTHING = '000000000000';

/** The fingerprint, such as `t13d1516h2_8daaf6152771_e5627efa2ab1`. */
export function ja4(f: HelloFields, transport: Ja4Transport = 't'): string {
  const ciphers = sortedHex(f.ciphers);
  const extensions = hashedExtensions(f);
  return `${head(f, transport)}_${short(ciphers)}_${extensions === '' ? NOTHING : short(withAlgorithms(extensions, f))}`;
}

/** The same with the lists in place of their hashes (`JA4_r`), to see why two fingerprints differ. */
export function ja4Raw(f: HelloFields, transport: Ja4Transport = 't'): string {
  return `${head(f, transport)}_${sortedHex(f.ciphers)}_${withAlgorithms(hashedExtensions(f), f)}`;
}

function head(f: HelloFields, transport: Ja4Transport): string {
  const offered = f.supportedVersions === null ? [f.legacyVersion] : withoutGrease(f.supportedVersions);
  const version = VERSIONS[Math.max(0, ...offered)] ?? '00';
  // The presence of the extension counts, not what is in it.
  const name = f.serverName === null ? 'i' : 'd';
  return `${transport}${version}${name}${count(f.ciphers)}${count(f.extensions)}${alpnChars(f.alpn ?? [])}`;
}

/** Two digits; more than 99 is shown as 99. */
function count(values: readonly number[]): string {
  let n = 0;
  for (const v of values) if (!isGrease(v)) n++;
  return String(Math.min(99, n)).padStart(2, '0');
}

/**
 * First and last character of the first protocol. When either is not an ASCII letter or digit: first and last digit
 * of the whole value in hexadecimal, so that the fingerprint stays printable (`0x30 0xAB` gives `3b`).
 */
function alpnChars(alpn: readonly string[]): string {
  const first = alpn.find(name => !isGreaseAlpn(name));
  if (first === undefined || first === '') return '00';
  const a = first.charAt(0);
  const z = first.charAt(first.length - 1);
  if (/^[0-9A-Za-z]{2}$/.test(a + z)) return a + z;
  return hex(a.charCodeAt(0), 2).charAt(0) + hex(z.charCodeAt(0), 2).charAt(1);
}

function hashedExtensions(f: HelloFields): string {
  return sortedHex(f.extensions.filter(e => e !== EXTENSION.serverName && e !== EXTENSION.alpn));
}

function withAlgorithms(extensions: string, f: HelloFields): string {
  const algorithms = withoutGrease(f.signatureAlgorithms).map(v => hex(v, 4));
  return algorithms.length === 0 ? extensions : `${extensions}_${algorithms.join(',')}`;
}

function sortedHex(values: readonly number[]): string {
  return withoutGrease(values)
    .sort((a, b) => a - b)
    .map(v => hex(v, 4))
    .join(',');
}

function short(text: string): string {
  return text === '' ? NOTHING : hash('sha256', text).slice(0, 12);
}

function hex(value: number, digits: number): string {
  return value.toString(16).padStart(digits, '0');
}
