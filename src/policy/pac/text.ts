/**
 * The PAC file: steps, proxies and what counts as local → the text that browsers run. Written in the JavaScript of the first
 * browsers, because PAC interpreters differ, and asking no resolver: a look-up for every request would be slow, and would
 * tell names to whoever answers it.
 *
 * It fails closed: no answer ends in DIRECT, so when no proxy can be reached nothing goes out unseen. Only `https:` and
 * `wss:` on the ports that CONNECT may name ever goes direct by policy; everything else is the proxy's to judge.
 */
import { PAC_HERE } from '../../core/setup-texts.ts';
import type { ConnectPorts, PacStep } from './steps.ts';

/** How several proxies share the clients: all take the first, or the order is turned by host or by client address. */
export const PAC_SPREADS = ['none', 'host', 'client'] as const;
export type PacSpread = (typeof PAC_SPREADS)[number];

export interface PacOptions {
  /** `host:port`, the first is preferred; empty for the address by which the file was fetched. */
  proxies: readonly string[];
  spread: PacSpread;
  /** What goes direct whatever the policy says. Loopback always does: through a proxy it would be the proxy's own. */
  plainNames: boolean;
  privateNetworks: boolean;
  /** Canonical names; they and everything below go direct. */
  localDomains: readonly string[];
  ports: ConnectPorts;
  /** Version of the policy, for the head of the file. */
  policy: string;
}

const NAMES_PER_LINE = 8;

/** The whole file. */
export function pacText(steps: readonly PacStep[], options: PacOptions): string {
  const proxies =
    options.proxies.length === 0 ? PAC_HERE : options.proxies.map(p => JSON.stringify(p)).join(', ');
  const tables = steps.map(
    step =>
      `  { direct: ${step.direct}, exact: names(${joined(step.exact)}), below: names(${joined(step.below)}) }`,
  );
  return `// Sightglass: which way to the web. Policy ${options.policy}.
// No answer ends in DIRECT: without a proxy nothing goes out.
var PROXIES = [${proxies}];
function names(text) {
  var table = {}, all = text.split(" ");
  for (var i = 0; i < all.length; i++) table["=" + all[i]] = true;
  return table;
}
// What goes direct for everybody and always, asked in the order of the rules; the first step that holds a name decides.
var STEPS = [
${tables.join(',\n')}
];
var LOCAL = { direct: true, exact: names(${joined(options.localDomains)}), below: names(${joined(options.localDomains)}) };

function holds(step, host) {
  if (step.exact["=" + host] === true) return true;
  for (var dot = host.indexOf("."); dot >= 0; dot = host.indexOf(".", dot + 1))
    if (step.below["=" + host.substring(dot + 1)] === true) return true;
  return false;
}

function isLocal(host) {
  if (host === "localhost" || /\\.localhost$/.test(host) || host === "::1") return true;
  if (/^127\\.\\d+\\.\\d+\\.\\d+$/.test(host)) return true;
  if (isAddress(host)) return ${options.privateNetworks} && isPrivate(host);
  if (${options.plainNames} && host.indexOf(".") < 0) return true;
  return holds(LOCAL, host);
}

// Numbers in any spelling count as addresses: they are no names of a local network.
function isAddress(host) {
  return host === "" || host.indexOf(":") >= 0 || /^(0x[0-9a-f]*|\\d+)(\\.(0x[0-9a-f]*|\\d+))*$/.test(host);
}

function isPrivate(host) {
  return /^10\\.\\d+\\.\\d+\\.\\d+$/.test(host) || /^192\\.168\\.\\d+\\.\\d+$/.test(host) ||
    /^172\\.(1[6-9]|2\\d|3[01])\\.\\d+\\.\\d+$/.test(host) || /^169\\.254\\.\\d+\\.\\d+$/.test(host) ||
    /^f[cd][0-9a-f][0-9a-f]:/.test(host) || /^fe[89ab][0-9a-f]:/.test(host);
}

function isPolicyPort(url) {
  var parts = /^(https|wss):\\/\\/([^\\/?#@]+)([\\/?#]|$)/i.exec(url);
  if (parts === null) return false;
  var port = /:(\\d*)$/.exec(parts[2]);
  return ${portTest(options.ports)};
}

function throughProxies(host) {
  var start = 0, ways = [];
${spreadLine(options.spread)}  for (var i = 0; i < PROXIES.length; i++) ways.push("PROXY " + PROXIES[(start + i) % PROXIES.length]);
  return ways.join("; ");
}

function turned(text) {
  var hash = 7;
  for (var i = 0; i < text.length; i++) hash = (hash * 31 + text.charCodeAt(i)) % 1000003;
  // Twice more, because neighbours (10.0.0.1, 10.0.0.2) must not only fall on neighbours.
  hash = (hash * 7919 + 104729) % 1000003;
  return ((hash * 7919 + 104729) % 1000003) % PROXIES.length;
}

function FindProxyForURL(url, host) {
  host = host.toLowerCase();
  if (host.charAt(0) === "[") host = host.substring(1, host.length - 1);
  if (host.charAt(host.length - 1) === ".") host = host.substring(0, host.length - 1);
  if (isLocal(host)) return "DIRECT";
  if (!isAddress(host) && isPolicyPort(url))
    for (var i = 0; i < STEPS.length; i++)
      if (holds(STEPS[i], host)) return STEPS[i].direct ? "DIRECT" : throughProxies(host);
  return throughProxies(host);
}
`;
}

/** Names are canonical (letters, digits, dots, dashes, underscores), so they need no escaping inside quotes. */
function joined(names: readonly string[]): string {
  if (names.length <= NAMES_PER_LINE) return JSON.stringify(names.join(' '));
  const lines: string[] = [];
  for (let i = 0; i < names.length; i += NAMES_PER_LINE) {
    const end = i + NAMES_PER_LINE < names.length ? ' ' : '';
    lines.push(JSON.stringify(names.slice(i, i + NAMES_PER_LINE).join(' ') + end));
  }
  // One array and one join: thousands of plus signs are too deep an expression for some interpreters.
  return `[\n${lines.join(',\n')}].join("")`;
}

function portTest(ports: ConnectPorts): string {
  if (ports.includes('any')) return 'true';
  return `${JSON.stringify(` ${ports.join(' ')} `)}.indexOf(" " + (port === null || port[1] === "" ? "443" : port[1]) + " ") >= 0`;
}

function spreadLine(spread: PacSpread): string {
  if (spread === 'none') return '';
  return `  if (PROXIES.length > 1) start = turned(${spread === 'host' ? 'host' : 'myIpAddress()'});\n`;
}
