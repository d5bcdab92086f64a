/**
 * The one catalogue of things that go wrong. A fault says whose side it is on, in which phase it struck, whether a
 * retry may help, and what the operator can do. Records, pages, the console and the docs all speak these codes;
 * `test/house/catalogues.test.ts` proves that the documentation lists the same ones.
 */

export type Side = 'client' | 'origin' | 'us';
export type Phase =
  | 'accept'
  | 'ingress'
  | 'identity'
  | 'hello'
  | 'decide'
  | 'dial'
  | 'origin-tls'
  | 'mint'
  | 'client-tls'
  | 'relay'
  | 'audit'
  | 'control';

export interface FaultEntry {
  side: Side;
  phase: Phase;
  /** One plain sentence: what happened. */
  summary: string;
  /** One plain sentence: what to do about it. */
  hint: string;
  retry: boolean;
  /** HTTP status of the page that tells it, where a page is possible. */
  status: number;
}

const entry = (
  side: Side,
  phase: Phase,
  status: number,
  retry: boolean,
  summary: string,
  hint: string,
): FaultEntry => ({
  side,
  phase,
  status,
  retry,
  summary,
  hint,
});

export const FAULTS = {
  // accept
  'client-not-allowed': entry(
    'client',
    'accept',
    403,
    false,
    'The client address is outside the allowed networks.',
    'Add the network to proxy.allow-clients if it should use the proxy.',
  ),
  'connection-cap': entry(
    'us',
    'accept',
    503,
    true,
    'The limit of concurrent connections was reached.',
    'Raise limits.connections or add workers.',
  ),
  'client-cap': entry(
    'client',
    'accept',
    503,
    true,
    'This client holds as many connections as one client may.',
    'Raise limits.connections-per-client or look at what the client does.',
  ),
  // ingress
  'ingress-timeout': entry(
    'client',
    'ingress',
    408,
    false,
    'The client connected but sent no complete request in time.',
    'Usually a preconnect or a scanner; nothing to do.',
  ),
  'ingress-closed': entry(
    'client',
    'ingress',
    400,
    false,
    'The client closed before it said what it wants.',
    'Usually a preconnect or a health check; nothing to do.',
  ),
  'ingress-malformed': entry(
    'client',
    'ingress',
    400,
    false,
    'The first bytes are no request a proxy understands.',
    'Check that the client is set to use an HTTP proxy on this port.',
  ),
  'port-refused': entry(
    'client',
    'ingress',
    403,
    false,
    'CONNECT named a port that is not allowed.',
    'Add the port to proxy.connect-ports if it is needed.',
  ),
  'target-invalid': entry(
    'client',
    'ingress',
    400,
    false,
    'The host or port asked for is not valid.',
    'Check the address the client used.',
  ),
  // identity
  'auth-required': entry(
    'client',
    'identity',
    407,
    true,
    'The proxy wants credentials and none were sent.',
    'Configure proxy credentials in the client.',
  ),
  'auth-refused': entry(
    'client',
    'identity',
    407,
    true,
    'The proxy credentials are wrong.',
    'Check user name and password; `sightglass user list` shows who may use the proxy.',
  ),
  'auth-unavailable': entry(
    'us',
    'identity',
    503,
    true,
    'Credentials could not be checked now.',
    'The control process is not answering; see its log.',
  ),
  // hello
  'hello-malformed': entry(
    'client',
    'hello',
    400,
    false,
    'The bytes after CONNECT look like TLS but are no valid ClientHello.',
    'Look at the flow; a broken client or an attack.',
  ),
  'hello-timeout': entry(
    'client',
    'hello',
    408,
    false,
    'No complete ClientHello arrived in time.',
    'A slow or idle client; raise timeout.hello if it is legitimate.',
  ),
  'hello-closed': entry(
    'client',
    'hello',
    400,
    false,
    'The client closed before its ClientHello was complete.',
    'Usually a cancelled preconnect; nothing to do.',
  ),
  // decide
  'blocked-by-policy': entry(
    'us',
    'decide',
    403,
    false,
    'A policy rule blocks this destination.',
    'See the rule named in the record; `sightglass policy explain` tells why.',
  ),
  'egress-refused': entry(
    'us',
    'dial',
    403,
    false,
    'The destination resolves to an address the proxy never dials (loopback, link-local, metadata or its own listener).',
    'Name the network in egress.allow if origins legitimately live there.',
  ),
  'host-mismatch': entry(
    'client',
    'relay',
    421,
    false,
    'A request names another host than the connection was opened for.',
    'The client confuses connections or tries to pass by the policy.',
  ),
  // dial
  'dns-failed': entry(
    'origin',
    'dial',
    502,
    true,
    'The origin name could not be resolved.',
    'Check the name and the resolver of the proxy host.',
  ),
  'dns-timeout': entry(
    'us',
    'dial',
    504,
    true,
    'The resolver did not answer in time.',
    'Check the resolver of the proxy host.',
  ),
  'origin-refused': entry(
    'origin',
    'dial',
    502,
    true,
    'The origin refused the connection.',
    'Is the service up and reachable from the proxy host?',
  ),
  'origin-unreachable': entry(
    'origin',
    'dial',
    502,
    true,
    'No route to the origin.',
    'Check the network of the proxy host.',
  ),
  'parent-unreachable': entry(
    'origin',
    'dial',
    502,
    true,
    'No parent proxy of the group could be reached, or none answered in time.',
    'The detail names each member; check their addresses in the policy and the network between.',
  ),
  'parent-refused': entry(
    'origin',
    'dial',
    502,
    true,
    'The parent proxy did not open the way to the origin.',
    'The detail holds its answer; look into its log.',
  ),
  'parent-auth': entry(
    'origin',
    'dial',
    502,
    false,
    'The parent proxy wants credentials, or did not take those it got.',
    'The detail says which. Name a secret as "credentials" of the group in the policy, or correct the one that is there.',
  ),
  'parent-login': entry(
    'us',
    'dial',
    502,
    false,
    'The credentials for the parent proxy cannot be read, so it was not asked.',
    'Put user:password into the file of that name in the folder `parent.secrets`, readable by the service alone.',
  ),
  'parent-untrusted': entry(
    'origin',
    'dial',
    502,
    false,
    'No parent proxy of the group showed a certificate that can be verified.',
    'The detail says what is wrong with each. A private authority of parents is named by `parent.extra-ca`.',
  ),
  'origin-connect-timeout': entry(
    'origin',
    'dial',
    504,
    true,
    'The origin did not accept the connection in time.',
    'Is a firewall dropping packets between the proxy and the origin?',
  ),
  // origin TLS
  'origin-tls-failed': entry(
    'origin',
    'origin-tls',
    502,
    false,
    'The TLS handshake with the origin failed.',
    'The detail holds the reason; the origin may need an old version or a client certificate.',
  ),
  'origin-tls-timeout': entry(
    'origin',
    'origin-tls',
    504,
    true,
    'The origin did not complete the TLS handshake in time.',
    'Try the origin directly from the proxy host.',
  ),
  'origin-client-cert': entry(
    'origin',
    'origin-tls',
    502,
    false,
    'The origin insists on a client certificate, which the proxy has not got.',
    'Let this host pass through undecrypted.',
  ),
  'cert-expired': entry(
    'origin',
    'origin-tls',
    502,
    false,
    'The certificate of the origin, or of one of its issuers, has expired.',
    'Tell the owner of the site.',
  ),
  'cert-not-yet-valid': entry(
    'origin',
    'origin-tls',
    502,
    false,
    'The certificate of the origin is not valid yet.',
    'Check the clock of the proxy host, then tell the owner of the site.',
  ),
  'cert-self-signed': entry(
    'origin',
    'origin-tls',
    502,
    false,
    'The origin shows a certificate signed by itself.',
    'If it is an internal service add its CA to origin.extra-ca.',
  ),
  'cert-untrusted': entry(
    'origin',
    'origin-tls',
    502,
    false,
    'The certificate of the origin comes from an unknown authority or its chain is incomplete.',
    'If it is an internal CA add it to origin.extra-ca.',
  ),
  'cert-name-mismatch': entry(
    'origin',
    'origin-tls',
    502,
    false,
    'The certificate of the origin is for other names.',
    'Check the address; otherwise tell the owner of the site.',
  ),
  'cert-no-san': entry(
    'origin',
    'origin-tls',
    502,
    false,
    'The certificate of the origin names its host only in the common name.',
    'Browsers refuse it too; the owner must re-issue it with a subjectAltName.',
  ),
  'cert-weak-key': entry(
    'origin',
    'origin-tls',
    502,
    false,
    'The key of the origin certificate is too weak (RSA below 2048 bits or a small curve).',
    'The owner must re-issue the certificate.',
  ),
  'cert-own-ca': entry(
    'origin',
    'origin-tls',
    502,
    false,
    'The origin shows a certificate signed by this proxy’s own authority.',
    'A loop, or somebody misuses the authority: investigate.',
  ),
  'cert-revoked': entry(
    'origin',
    'origin-tls',
    502,
    false,
    'The certificate of the origin is revoked.',
    'Tell the owner of the site.',
  ),
  'cert-invalid': entry(
    'origin',
    'origin-tls',
    502,
    false,
    'The certificate of the origin is not valid for a server.',
    'The detail holds the verifier’s reason.',
  ),
  // mint
  'mint-busy': entry(
    'us',
    'mint',
    503,
    true,
    'The mint queue is full.',
    'A burst of new names; raise limits.mint-queue if it is legitimate.',
  ),
  'mint-refused': entry(
    'us',
    'mint',
    502,
    false,
    'The authority refused to sign this name.',
    'The detail holds the reason (expired authority, invalid name).',
  ),
  'name-constrained': entry(
    'us',
    'mint',
    502,
    false,
    'The certificate of the authority does not allow it to sign this name.',
    'The enterprise CA that signed the authority limited its names. Pass this name through, or ask for a certificate without this limit (sightglass ca csr).',
  ),
  'control-gone': entry(
    'us',
    'mint',
    503,
    true,
    'The control process is not there and no leaf for this name is cached.',
    'Restart the service.',
  ),
  // client TLS
  'client-tls-failed': entry(
    'client',
    'client-tls',
    400,
    false,
    'The TLS handshake with the client failed.',
    'The detail holds the reason; protocol or cipher not shared.',
  ),
  'client-rejected-leaf': entry(
    'client',
    'client-tls',
    400,
    false,
    'The client does not accept our certificate.',
    'Deploy the root CA to this client, or let this host pass through if the application pins its certificates.',
  ),
  'client-tls-timeout': entry(
    'client',
    'client-tls',
    408,
    false,
    'The client did not complete the TLS handshake in time.',
    'A slow client or one that silently rejects the certificate.',
  ),
  // relay
  'request-malformed': entry(
    'client',
    'relay',
    400,
    false,
    'The request is not valid or ambiguous HTTP/1.1.',
    'The detail names the rule of RFC 9112 it breaks.',
  ),
  'request-head-too-large': entry(
    'client',
    'relay',
    431,
    false,
    'The head of the request is larger than allowed.',
    'Raise limits.head if it is legitimate.',
  ),
  'request-timeout': entry(
    'client',
    'relay',
    408,
    false,
    'The request was not complete in time.',
    'A slow client.',
  ),
  'request-aborted': entry(
    'client',
    'relay',
    400,
    false,
    'The client went away in the middle of an exchange.',
    'Usually a cancelled download; nothing to do.',
  ),
  'version-unsupported': entry(
    'client',
    'relay',
    505,
    false,
    'The request uses an HTTP version that is not relayed here.',
    'HTTP/2 comes with ALPN only.',
  ),
  'response-malformed': entry(
    'origin',
    'relay',
    502,
    false,
    'The origin answered with invalid or ambiguous HTTP/1.1.',
    'The detail names the rule it breaks.',
  ),
  'response-head-too-large': entry(
    'origin',
    'relay',
    502,
    false,
    'The head of the response is larger than allowed.',
    'Raise limits.head if it is legitimate.',
  ),
  'response-timeout': entry(
    'origin',
    'relay',
    504,
    true,
    'The origin did not answer in time.',
    'Raise timeout.response if the origin is slow by nature.',
  ),
  'response-closed': entry(
    'origin',
    'relay',
    502,
    true,
    'The origin closed before it answered.',
    'Try again; if it stays, look at the origin.',
  ),
  'response-truncated': entry(
    'origin',
    'relay',
    502,
    true,
    'The origin closed in the middle of its response.',
    'Try again; if it stays, look at the origin.',
  ),
  'idle-timeout': entry(
    'us',
    'relay',
    408,
    false,
    'Nothing moved for the idle time-out and the flow was ended.',
    'Raise timeout.idle if it is legitimate.',
  ),
  'client-reset': entry(
    'client',
    'relay',
    400,
    false,
    'The client reset the connection.',
    'Usually a cancelled request; nothing to do.',
  ),
  'origin-reset': entry(
    'origin',
    'relay',
    502,
    true,
    'The origin reset the connection.',
    'Try again; if it stays, look at the origin.',
  ),
  // audit and control
  'audit-unavailable': entry(
    'us',
    'audit',
    503,
    true,
    'Records cannot be written, so no new inspected exchange proceeds.',
    'Free the disk under the data directory; see audit.onFailure.',
  ),
  'worker-died': entry(
    'us',
    'control',
    502,
    true,
    'The worker that carried this flow died.',
    'See the log; the supervisor restarted it.',
  ),
  draining: entry(
    'us',
    'control',
    503,
    true,
    'The flow was ended because the service was stopping.',
    'Nothing to do.',
  ),
  internal: entry(
    'us',
    'relay',
    500,
    false,
    'An unexpected error inside the proxy.',
    'Please report it with the detail.',
  ),
} as const satisfies Record<string, FaultEntry>;

export type FaultCode = keyof typeof FAULTS;

export function isFaultCode(text: string): text is FaultCode {
  return Object.hasOwn(FAULTS, text);
}

/** A catalogue entry that happened, with its detail. Thrown and passed around instead of bare errors. */
export class Fault extends Error {
  override readonly name = 'Fault';
  readonly code: FaultCode;
  /** The machine's words: resolver, OpenSSL, parser. May hold hostile bytes; never markup, never secrets. */
  readonly detail: string | null;

  constructor(code: FaultCode, detail: string | null = null, options?: ErrorOptions) {
    super(detail === null ? FAULTS[code].summary : `${FAULTS[code].summary} (${detail})`, options);
    this.code = code;
    this.detail = detail;
  }

  get entry(): FaultEntry {
    return FAULTS[this.code];
  }
}
