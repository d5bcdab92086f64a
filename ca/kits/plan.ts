/**
 * What a kit is made of: the roots, the way to the proxy, the date and the ids. Every file of a kit comes from this one
 * value, so two kits made of the same plan are the same bytes, and whoever compares two kits sees only what changed.
 *
 * Whatever stands here goes into scripts, XML and registry values of other people's machines. Host and PAC URL are
 * therefore read strictly and rewritten in their canonical form; names out of certificates are text of a stranger and each
 * writer quotes them for its own language (`quote.ts`).
 */
import { createHash, X509Certificate } from 'node:crypto';
import { canonicalHost, splitHostPort } from '../../src/core/host-name.ts';
import { pem } from '../x509.ts';
import { KitRefusal } from './refusal.ts';

/** `current` signs now; `next` will sign after the switch; `previous` signed before it and may still be pinned somewhere. */
export type RootRole = 'current' | 'next' | 'previous';

export interface KitRoot {
  /** DER of a self-signed certificate. */
  certificate: Buffer;
  role: RootRole;
}

/** How clients find the proxy. Null in a plan: the kit deploys trust only. */
export type ProxyChoice =
  { kind: 'fixed'; host: string; port: number; bypass: readonly string[] } | { kind: 'pac'; url: string };

export interface KitOptions {
  /** Roots that clients shall trust; two during an overlap. */
  roots: readonly KitRoot[];
  /** Roots that clients shall stop trusting: the kit becomes a removal kit for them, beside the roots above. */
  retired?: readonly Buffer[];
  proxy: ProxyChoice | null;
  /** ms since epoch: the date written into the kit. */
  time: number;
  /** GUID for a purpose, upper case without braces. Default: derived from the plan, so that it does not change with time. */
  id?: (purpose: string) => string;
}

export interface PlannedRoot {
  der: Buffer;
  pem: string;
  role: RootRole | 'retired';
  /** Common name, as text. */
  name: string;
  /** Base name of its files, `sightglass-root-` and eight digits of the SHA-256. */
  file: string;
  /** Upper-case hex: what Windows calls the thumbprint. */
  sha1: string;
  /** Upper-case hex with colons: what people compare. */
  sha256: string;
  /** ISO 8601, to the day. */
  until: string;
}

export interface KitPlan {
  roots: readonly PlannedRoot[];
  retired: readonly PlannedRoot[];
  proxy: ProxyChoice | null;
  /** ISO 8601 without fraction: `2026-11-20T12:00:00`, UTC. */
  time: string;
  id: (purpose: string) => string;
}

/** A file of the kit. Paths use `/` and never leave the kit. */
export interface KitFile {
  path: string;
  data: Buffer;
  /** Scripts that people start. */
  executable?: true;
}

export const textFile = (path: string, text: string): KitFile => ({ path, data: Buffer.from(text, 'utf8') });
export const scriptFile = (path: string, text: string): KitFile => ({
  ...textFile(path, text),
  executable: true,
});

/** Read the options. Throws KitRefusal when there is nothing to deploy or a certificate is no root. */
export function planKit(options: KitOptions): KitPlan {
  const roots = options.roots.map(root => planRoot(root.certificate, root.role));
  const retired = (options.retired ?? []).map(der => planRoot(der, 'retired'));
  if (roots.length === 0 && retired.length === 0)
    throw new KitRefusal('A kit needs at least one root', 'Make the authority: sightglass ca init');
  const seen = new Set<string>();
  for (const root of [...roots, ...retired]) {
    if (seen.has(root.sha256))
      throw new KitRefusal(`The root ${root.name} is named twice`, 'A root is either deployed or removed.');
    seen.add(root.sha256);
  }
  const time = new Date(Math.floor(options.time / 1000) * 1000).toISOString().slice(0, 19);
  const stem = JSON.stringify([roots.map(r => r.sha256), retired.map(r => r.sha256), options.proxy]);
  return { roots, retired, proxy: options.proxy, time, id: options.id ?? (purpose => guidOf(stem, purpose)) };
}

function planRoot(der: Buffer, role: PlannedRoot['role']): PlannedRoot {
  let certificate: X509Certificate;
  try {
    certificate = new X509Certificate(der);
  } catch {
    throw new KitRefusal('What was given as a root is no certificate', 'Give it as PEM or DER.');
  }
  const name = commonName(certificate);
  if (!certificate.ca || certificate.subject !== certificate.issuer)
    throw new KitRefusal(
      `${name} is no root: it is signed by another authority`,
      'Clients are told to trust the root at the top of the chain.',
    );
  const sha256 = createHash('sha256').update(certificate.raw).digest('hex');
  return {
    der: certificate.raw,
    pem: pem('CERTIFICATE', certificate.raw),
    role,
    name,
    file: `sightglass-root-${sha256.slice(0, 8)}`,
    sha1: createHash('sha1').update(certificate.raw).digest('hex').toUpperCase(),
    sha256: colons(sha256),
    until: new Date(certificate.validTo).toISOString().slice(0, 10),
  };
}

/** Node escapes what it writes into `subject`; the legacy form holds the text itself, or several. */
function commonName(certificate: X509Certificate): string {
  const { CN } = certificate.toLegacyObject().subject as { CN?: string | string[] };
  return [CN].flat()[0] ?? 'Sightglass root';
}

const colons = (hex: string): string => (hex.toUpperCase().match(/../g) ?? []).join(':');

/** A GUID that is always the same for the same plan and purpose (the form of RFC 9562 version 8: ours to define). */
function guidOf(stem: string, purpose: string): string {
  const hash = createHash('sha256').update(`sightglass kit\n${purpose}\n${stem}`).digest().subarray(0, 16);
  hash[6] = ((hash[6] ?? 0) & 0x0f) | 0x80;
  hash[8] = ((hash[8] ?? 0) & 0x3f) | 0x80;
  const hex = hash.toString('hex').toUpperCase();
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}

/** `HOST:PORT` as typed by a person. Throws KitRefusal. */
export function fixedProxy(text: string, bypass: readonly string[] = []): ProxyChoice {
  const split = splitHostPort(text, null);
  const host = split === null ? null : canonicalHost(split.host);
  const port = split?.port ?? null;
  if (host === null || host.kind === 'invalid' || port === null || port < 1 || port > 65535)
    throw new KitRefusal(
      `${JSON.stringify(text.slice(0, 80))} is no address of a proxy`,
      'Write HOST:PORT as clients reach it, for instance proxy.example.com:8080.',
    );
  for (const entry of bypass)
    if (!/^(?:\*\.|\.)?[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*$/.test(entry))
      throw new KitRefusal(
        `${JSON.stringify(entry.slice(0, 80))} cannot be reached beside the proxy`,
        'Write names or addresses, with *. in front for everything below a name.',
      );
  return { kind: 'fixed', host: host.name, port, bypass: bypass.map(entry => entry.toLowerCase()) };
}

/** A PAC URL as typed by a person. Throws KitRefusal: Windows takes http and https only, never `file:`. */
export function pacProxy(text: string): ProxyChoice {
  let url: URL | null = null;
  try {
    url = new URL(text);
  } catch {
    // Told below.
  }
  if (url === null || !/^https?:$/.test(url.protocol) || url.username !== '' || url.hash !== '')
    throw new KitRefusal(
      `${JSON.stringify(text.slice(0, 80))} is no URL of a PAC file`,
      'Write http://… or https://…, without user name and fragment; Windows reads no PAC from file: URLs.',
    );
  // What a URL may hold but a script should not have to quote.
  const href = url.href.replace(
    /['"$`;|<>\\^(){}*!]/g,
    c => `%${c.charCodeAt(0).toString(16).toUpperCase()}`,
  );
  return { kind: 'pac', url: href };
}

/** `host:port`, IPv6 in brackets. */
export function hostPort(proxy: { host: string; port: number }): string {
  return `${proxy.host.includes(':') ? `[${proxy.host}]` : proxy.host}:${proxy.port}`;
}

/** The proxy in words, for a README. */
export function proxyText(proxy: ProxyChoice | null): string {
  if (proxy === null) return 'none (this kit deploys trust only)';
  return proxy.kind === 'pac'
    ? `automatic configuration ${proxy.url}`
    : `${hostPort(proxy)} for HTTP and HTTPS`;
}
