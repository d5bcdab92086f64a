/**
 * The one list of settings: name, kind, default, help. Command-line flags, environment variables, the settings file, the
 * README table, `--help` and the console's settings page all come from here; a test fails when one of them drifts.
 *
 * A name is the same everywhere: `proxy.listen` in YAML (nested or dotted), `--proxy.listen` as a flag,
 * `SIGHTGLASS_PROXY_LISTEN` in the environment. Defaults are text and are read like any other value.
 */
import { availableParallelism, hostname } from 'node:os';
import { join } from 'node:path';
import { claimRole, issuerUrl } from './access-kinds.ts';
import { httpsUrl, postgresUrl, proxyName, recordStore } from './fleet-kinds.ts';
import {
  choice,
  count,
  creatableFile,
  duration,
  hostName,
  hostPort,
  network,
  portOrAny,
  proxyPlace,
  readableFile,
  readableFolder,
  size,
  staticName,
  text,
  webUrl,
  word,
  writableFolder,
} from './kinds.ts';
import type { Kind } from './kinds.ts';

/** What a default may depend on. */
export interface DefaultContext {
  env: Readonly<Record<string, string | undefined>>;
  home: string | null;
}

interface Common {
  /** One or two sentences for people: meaning, unit, and why the default is what it is. */
  readonly help: string;
  /** How the default is written where it depends on the machine. */
  readonly defaultText?: string;
}

/** A setting with one value. A default of null means "not set" and reads as null. */
export interface Single<T> extends Common {
  readonly repeatable: false;
  readonly kind: Kind<T>;
  readonly default: string | null | ((context: DefaultContext) => string | null);
}

/** A setting with a list of values. The word `none` stands for the empty list. */
export interface Repeatable<T> extends Common {
  readonly repeatable: true;
  readonly kind: Kind<T>;
  readonly default: readonly string[];
}

export type Setting = Single<unknown> | Repeatable<unknown>;

function one<T>(
  kind: Kind<T>,
  value: string | ((context: DefaultContext) => string),
  help: string,
  defaultText?: string,
): Single<T> {
  return {
    repeatable: false,
    kind,
    default: value,
    help,
    ...(defaultText === undefined ? {} : { defaultText }),
  };
}

function optional<T>(kind: Kind<T>, help: string, defaultText = 'none'): Single<T | null> {
  return { repeatable: false, kind: kind, default: null, help, defaultText };
}

function many<T>(kind: Kind<T>, value: readonly string[], help: string, defaultText?: string): Repeatable<T> {
  return {
    repeatable: true,
    kind,
    default: value,
    help,
    ...(defaultText === undefined ? {} : { defaultText }),
  };
}

const S = 1000;
const MINUTE = 60 * S;
const HOUR = 60 * MINUTE;
const KiB = 1024;
const MiB = 1024 * KiB;
const GiB = 1024 * MiB;

/** XDG base directory specification: an unset or relative XDG_DATA_HOME means ~/.local/share. */
function defaultDataDir({ env, home }: DefaultContext): string | null {
  const xdg = env['XDG_DATA_HOME'];
  if (xdg !== undefined && xdg.startsWith('/')) return join(xdg, 'sightglass');
  return home === null ? null : join(home, '.local/share/sightglass');
}

/** The host name as far as it may be a name of a proxy. */
function defaultProxyName(): string {
  const name = hostname()
    .toLowerCase()
    .replace(/[^a-z0-9.-]+/g, '-')
    .slice(0, 63)
    .replace(/^[.-]+|[.-]+$/g, '');
  return name === '' ? 'local' : name;
}

export const CATALOGUE = {
  'data-dir': {
    repeatable: false,
    kind: writableFolder,
    default: defaultDataDir,
    help: 'Folder of the authority, the spool, the audit and control databases and the policy. Created with mode 0700.',
    defaultText: '$XDG_DATA_HOME/sightglass, else ~/.local/share/sightglass',
  } satisfies Single<string> as Single<string>,
  workers: one(
    count(1, 256),
    () => String(Math.min(256, availableParallelism())),
    'Data-plane processes.',
    'number of cores',
  ),

  'proxy.listen': many(
    hostPort,
    ['[::]:8080'],
    'Address at which clients reach the proxy. `[::]` also takes IPv4. Port 0 picks a free one; the ready line tells it.',
  ),
  'proxy.allow-clients': many(
    network,
    ['127.0.0.0/8', '::1', '10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', 'fc00::/7', 'fe80::/10'],
    'Networks that may use the proxy. 100.64.0.0/10 is left out: behind a carrier it is shared with strangers.',
  ),
  'proxy.connect-ports': many(portOrAny, ['443', '8443'], 'Ports that CONNECT may name, or `any`.'),
  'proxy.auth': one(
    choice('none', 'basic'),
    'none',
    'Whether clients must present proxy credentials of local users.',
  ),
  'proxy.realm': one(
    text('TEXT', 100),
    'Sightglass',
    'Realm shown by clients when they ask for proxy credentials.',
  ),

  'console.listen': many(
    hostPort,
    ['127.0.0.1:9080'],
    'Address of the console. It speaks plain HTTP: keep it on loopback or behind a TLS front.',
  ),
  'console.hosts': many(
    hostName,
    [],
    'Names by which browsers may call the console, beside localhost and its own addresses. Guards against DNS rebinding.',
  ),
  'console.second-factor': many(
    choice('admin', 'policy-author', 'auditor', 'viewer'),
    [],
    'Roles whose people must have a second factor: after log-in the console shows them nothing but how to set it up.',
  ),

  'reveal.second-person': one(
    choice('no', 'yes'),
    'no',
    'Whether somebody else has to agree before captured bodies are shown or exported in the console. A reason has to be stated in any case.',
  ),
  'reveal.wait': one(
    duration(MINUTE, 24 * HOUR),
    '1h',
    'How long a request for bodies waits for somebody to agree; then it is void.',
  ),
  'reveal.open': one(
    duration(MINUTE, 24 * HOUR),
    '15m',
    'How long bodies are open to who stated a reason, from that moment or from the agreement.',
  ),

  'sso.issuer': optional(
    issuerUrl,
    'Issuer of an OpenID Connect provider: people log in to the console there (docs/accounts.md).',
    'no single sign-on',
  ),
  'sso.client-id': optional(text('TEXT', 300), 'Identifier under which the provider knows the console.'),
  'sso.client-secret-file': optional(
    readableFile,
    'File whose first line is the client secret. It must be readable by the service alone. Without one the console is a public client, guarded by PKCE.',
  ),
  'sso.console-url': optional(
    webUrl,
    'Address of the console as browsers know it: https://audit.example.com. The provider must allow <sso.console-url>/sso/callback.',
  ),
  'sso.extra-ca': many(
    readableFile,
    [],
    'PEM file with further CA certificates trusted for the provider, beside those shipped with Node.',
  ),
  'sso.user-claim': one(
    text('CLAIM', 100),
    'preferred_username',
    'Claim that names somebody in the trail. Who it is, is told by issuer and subject alone.',
  ),
  'sso.role-claim': one(
    text('CLAIM', 100),
    'groups',
    'Claim, a text or a list of texts, that `sso.roles` reads.',
  ),
  'sso.roles': many(
    claimRole,
    [],
    'Which value of the claim gives which role of the console: `audit-team=auditor`. Nobody comes in without a role.',
  ),
  'sso.local-accounts': one(
    choice('all', 'break-glass'),
    'all',
    'Which local accounts may still log in to the console: `all`, or only the one that `sso.break-glass` names.',
  ),
  'sso.break-glass': optional(
    text('NAME', 64),
    'Local admin who may log in when the provider is away. Its password belongs into a safe.',
  ),

  'metrics.listen': many(
    hostPort,
    [],
    'Address of `/metrics` (Prometheus), `/healthz` and `/readyz`. Off by default. It asks for no credentials and tells no host, user or client.',
  ),

  'egress.allow': many(
    network,
    [],
    'Networks in which origins may live although they are otherwise refused: loopback, link-local, metadata.',
  ),

  'origin.trust': many(
    choice('bundled', 'system'),
    ['bundled', 'system'],
    'Stores of root certificates that origins are verified against: those shipped with Node, those of the system.',
  ),
  'origin.extra-ca': many(readableFile, [], 'PEM file with further CA certificates trusted for origins.'),
  'origin.resolve': many(
    staticName,
    [],
    'Fixed address for one origin name, instead of asking the resolver; several lines for one name are tried in order. ' +
      'For split DNS, tests and demos. The addresses are still subject to the egress rules.',
  ),

  'parent.extra-ca': many(
    readableFile,
    [],
    'PEM file with further CA certificates trusted for parent proxies that are reached over TLS, beside `origin.trust`.',
  ),
  'parent.secrets': optional(
    readableFolder,
    'Folder of the credentials for parent proxies: one file each, its first line `user:password`. The policy names a file of it as `credentials` of a group.',
    '`<data-dir>/secrets`',
  ),

  'policy.file': optional(
    creatableFile,
    'The policy document; reloaded when it changes.',
    '`<data-dir>/policy.yaml`, written on first start',
  ),

  'policy.git': one(
    choice('auto', 'yes', 'no'),
    'auto',
    'Whether the policy is kept in git, so that the console proposes patches instead of writing; `auto`: when its folder, or one above, is a repository.',
  ),

  role: one(
    choice('proxy', 'collector'),
    'proxy',
    '`proxy`: take connections of clients; `collector`: take the records of other proxies instead (docs/fleet.md).',
  ),
  'audit.store': one(
    recordStore,
    'sqlite',
    'Where records are kept and searched: `sqlite` for day files of this machine, `postgres://user@host/database` for a fleet, ' +
      '`none` when they are only shipped to a collector. The address never holds a password.',
  ),
  'audit.store-password-file': optional(
    readableFile,
    'File whose first line is the password for `audit.store`; without one PGPASSWORD is used.',
  ),
  'audit.store-read': optional(
    postgresUrl,
    'PostgreSQL address with which console and search read, for a role that may only read.',
    'the one of `audit.store`',
  ),
  'audit.store-read-password-file': optional(
    readableFile,
    'File whose first line is the password for `audit.store-read`.',
  ),

  'fleet.name': one(
    proxyName,
    () => defaultProxyName(),
    'Name of this machine in the fleet: the common name of its certificate, under which its records are kept.',
    'host name',
  ),
  'fleet.collector': optional(
    httpsUrl,
    'Collector to which records are shipped: https://HOST:PORT. Needs certificate, key and CA of the fleet.',
  ),
  'fleet.listen': optional(
    hostPort,
    'Address at which a collector takes the records of proxies, over TLS with certificates on both sides.',
  ),
  'fleet.proxies': many(
    proxyName,
    [],
    'Names of proxies that may ship to this collector.',
    'every name that the CA of the fleet signed',
  ),
  'fleet.certificate': optional(readableFile, 'PEM certificate of this machine in the fleet.'),
  'fleet.key': optional(
    readableFile,
    'PEM key of that certificate. It must be readable by the service alone.',
  ),
  'fleet.ca': optional(
    readableFile,
    'PEM certificate of the CA that signs the certificates of the fleet, and nothing else.',
  ),

  'audit.durability': one(
    choice('normal', 'strict'),
    'normal',
    '`normal`: a record survives the death of any process; `strict`: it is also synced to disk, so it survives a power cut.',
  ),
  'audit.onFailure': one(
    choice('block', 'continue'),
    'block',
    'When records cannot be written: `block` lets no new inspected exchange proceed, `continue` counts and alarms.',
  ),
  'audit.spool-max': one(
    size(16 * MiB, 1024 * GiB),
    '2GiB',
    'Bytes of records that may wait for the store. When they are used up, `audit.onFailure` applies.',
  ),
  'audit.witness-file': optional(
    creatableFile,
    'A file outside the data directory that every signed checkpoint is appended to, best on another machine’s disk: ' +
      'with it even a wholesale rewrite of the store by somebody who has the key shows.',
  ),
  'audit.retain-days': one(
    count(1, 3650),
    '30',
    'Days after which a day of records is deleted, unless a legal hold keeps it.',
  ),
  'audit.retain-size': one(
    size(64 * MiB, 1024 * 1024 * GiB),
    '20GiB',
    'Bytes that all days of records may have together; beyond it the oldest days are deleted. The newest, days under legal hold and attached days always stay.',
  ),

  'streams.file': optional(
    creatableFile,
    'The document that names where records are sent besides the store; reloaded when it changes (docs/streams.md).',
    '`<data-dir>/streams.yaml`, no streams without it',
  ),

  'alerts.mail-server': optional(
    text('HOST:PORT', 300),
    'Mail server that alerts are sent through, with TLS always: port 465 from the first byte, any other by STARTTLS.',
  ),
  'alerts.mail-from': one(text('ADDRESS', 254), 'sightglass@localhost', 'Sender of the mails of alerts.'),
  'alerts.mail-credentials-file': optional(
    readableFile,
    'File whose first line is `user:password` for the mail server. It must be readable by the service alone.',
  ),

  'capture.body-limit': one(
    size(0, 64 * MiB),
    '256KiB',
    'Bytes kept of each captured body. Size and SHA-256 always speak of the whole body.',
  ),
  'capture.memory': one(
    size(1 * MiB, 16 * GiB),
    '64MiB',
    'Memory for bodies being captured, per worker. When it is used up, further bodies are cut short and marked.',
  ),
  'capture.mask-query': many(
    word('KEY'),
    [
      'access_token',
      'api-key',
      'api_key',
      'apikey',
      'auth',
      'client_assertion',
      'client_secret',
      'code',
      'credential',
      'id_token',
      'jwt',
      'key',
      'passwd',
      'password',
      'pwd',
      'refresh_token',
      'samlresponse',
      'secret',
      'session',
      'session_id',
      'sessionid',
      'sid',
      'sig',
      'signature',
      'token',
      'x-amz-credential',
      'x-amz-security-token',
      'x-amz-signature',
      'x-goog-signature',
    ],
    'Query parameters whose values are masked before they are written. Compared without case.',
  ),

  'privacy.users': one(
    choice('clear', 'pseudonym'),
    'clear',
    'How users stand in the records: by name, or by a keyed pseudonym that only the holder of the officer key can resolve.',
  ),
  'privacy.clients': one(
    choice('clear', 'pseudonym'),
    'clear',
    'The same for addresses of clients. Networks can then no longer be searched for.',
  ),
  'privacy.officer-key': optional(
    readableFile,
    'Public key (X25519, PEM) of the data-protection officer, to which the names behind pseudonyms are sealed.',
  ),
  'privacy.period-days': one(
    count(1, 3650),
    '30',
    'Days for which a person keeps a pseudonym; then the key is destroyed and everybody gets another.',
  ),

  'limits.connections': one(
    count(1, 1_000_000),
    '10000',
    'Client connections per worker. An idle inspected one costs about 50 KiB, so this is about 500 MiB.',
  ),
  'limits.connections-per-client': one(
    count(1, 1_000_000),
    '512',
    'Connections one client address may hold in one worker. A browser holds up to 256; raise it for clients behind one NAT.',
  ),
  'limits.head': one(
    size(4 * KiB, 1 * MiB),
    '64KiB',
    'Bytes of one request or response head. Node allows 16 KiB, nginx 32 KiB; cookies of single sign-on need more.',
  ),
  'limits.mint-queue': one(count(1, 100_000), '1000', 'Leaves that may be waited for in one worker.'),
  'limits.leaf-cache': one(
    count(1, 1_000_000),
    '2000',
    'Leaves kept ready in each worker, least recently used dropped first. One costs about 30 KiB.',
  ),

  'timeout.ingress': one(
    duration(100, 10 * MINUTE),
    '10s',
    'From accept to a complete CONNECT or first request head.',
  ),
  'timeout.hello': one(
    duration(100, 10 * MINUTE),
    '10s',
    'From the answer to CONNECT to a complete ClientHello.',
  ),
  'timeout.dial': one(
    duration(100, 10 * MINUTE),
    '10s',
    'Resolving the origin and connecting to it, all addresses together.',
  ),
  'timeout.origin-tls': one(duration(100, 10 * MINUTE), '10s', 'TLS handshake with the origin.'),
  'timeout.client-tls': one(duration(100, 10 * MINUTE), '10s', 'TLS handshake with the client.'),
  'timeout.request': one(duration(100, HOUR), '60s', 'One request head, from its first byte to its last.'),
  'timeout.response': one(
    duration(100, HOUR),
    '120s',
    'From the end of the request to the head of the response.',
  ),
  'timeout.idle': one(
    duration(100, 24 * HOUR),
    '5m',
    'No byte in either direction on a tunnel or kept-alive connection.',
  ),
  'timeout.drain': one(
    duration(100, HOUR),
    '30s',
    'What is in flight at SIGTERM may take this long to finish.',
  ),

  'ca.passphrase-file': optional(
    readableFile,
    'File whose first line encrypts the key of the authority at rest. It must be readable by the service alone. ' +
      'Without it the systemd credential sightglass-ca-passphrase is looked for, then the variable SIGHTGLASS_CA_PASSPHRASE.',
  ),
  'setup.url': optional(
    webUrl,
    'Address at which clients reach the setup site, which is the proxy itself: http://proxy.example.com:8080. ' +
      'Leaves then name <setup.url>/ca.crl as the place of the revocation list, which clients built on Schannel ask for.',
  ),
  'setup.check-host': one(
    hostName,
    'check.sightglass.internal',
    'Name that exists only inside the proxy: whoever reaches it uses the proxy, and by https trusts its root. It and `next.` before it are never looked up nor sent on.',
  ),
  'pac.proxies': many(
    proxyPlace,
    [],
    'Proxies that the PAC file names, the preferred one first; the others are tried in this order when it cannot be reached.',
    'the address by which the file was fetched',
  ),
  'pac.spread': one(
    choice('none', 'host', 'client'),
    'none',
    'How clients share several proxies: all prefer the first, or the order is turned by the host or by the address of the client.',
  ),
  'pac.plain-names': one(
    choice('direct', 'proxy'),
    'direct',
    'Where the PAC file sends names without a dot, which are names of the local network.',
  ),
  'pac.private-networks': one(
    choice('direct', 'proxy'),
    'proxy',
    'Where the PAC file sends addresses of private and link-local networks. Names are not resolved for that.',
  ),
  'pac.local-domains': many(
    hostName,
    [],
    'Domains of the local network: the PAC file sends them and all names below them past the proxy.',
  ),
  'ca.leaf-days': one(
    count(1, 45),
    '30',
    'Longest validity of a minted leaf in days, the day it is backdated included. Never longer than the origin’s own certificate; 45 leaves room below what clients will accept in the years to come.',
  ),

  'log.level': one(
    choice('error', 'warn', 'info', 'debug'),
    'info',
    'How much the service writes to standard error.',
  ),
} as const;

export type SettingName = keyof typeof CATALOGUE;

type Value<E> = E extends Repeatable<infer T> ? readonly T[] : E extends Single<infer T> ? T : never;

/** All settings by their flat names. Durations are ms, sizes bytes, paths absolute. */
export type Settings = { readonly [N in SettingName]: Value<(typeof CATALOGUE)[N]> };

export const SETTING_NAMES = Object.keys(CATALOGUE) as readonly SettingName[];

export function isSettingName(name: string): name is SettingName {
  return Object.hasOwn(CATALOGUE, name);
}

/** `proxy.connect-ports` → `SIGHTGLASS_PROXY_CONNECT_PORTS`. No two settings share a variable (tested). */
export function variableOf(name: string): string {
  return `SIGHTGLASS_${name.replace(/[.-]/g, '_').toUpperCase()}`;
}

/** The default as people read it in help and tables. */
export function defaultText(name: SettingName): string {
  const setting: Setting = CATALOGUE[name];
  if (setting.defaultText !== undefined) return setting.defaultText;
  if (setting.repeatable) return setting.default.length === 0 ? 'none' : setting.default.join(', ');
  return typeof setting.default === 'string' ? setting.default : 'none';
}
