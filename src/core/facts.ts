/**
 * What is known about a connection, as plain data. Facts are gathered by `wire` and `proxy`, read by `policy`,
 * and end in the records. Names are those of DESIGN §2.
 */

/** Facts of one ClientHello (RFC 8446 §4.1.2), or the reason why there are none. */
export interface HelloFacts {
  /** Canonical SNI (core/host-name): lower case, A-labels, no trailing dot; null when absent or an IP literal. */
  sni: string | null;
  /** The name as sent, latin1; only for display. Null when the extension is absent. */
  rawSni: string | null;
  /** Offered application protocols in the client's order, GREASE left out. */
  alpn: string[];
  /** Offered versions, highest first as the client lists them, GREASE left out, as text: `TLS 1.3`, `TLS 1.2`. */
  versions: string[];
  /** Offered cipher suites as IANA numbers, GREASE left out. */
  ciphers: number[];
  /** Offered groups as IANA numbers, GREASE left out. */
  groups: number[];
  /** MD5 fingerprint after salesforce/ja3, 32 hex digits. */
  ja3: string;
  /** FoxIO JA4 fingerprint, `t13d1516h2_8daaf6152771_e5627efa2ab1`. */
  ja4: string;
  /**
   * `none`: no ECH extension; `grease-or-real`: an outer ECH (65037) is present, which Chromium also sends as
   * GREASE, so by itself it proves nothing; `inner`: the inner form, which a server must never see on the wire.
   */
  ech: 'none' | 'grease-or-real' | 'inner';
  /** True when the client sent any GREASE value (RFC 8701). */
  grease: boolean;
  /** Bytes of the whole ClientHello handshake message. */
  size: number;
}

/** How the hello phase ended. Four outcomes a caller must tell apart, plus `none` for plain HTTP. */
export type HelloOutcome = 'hello' | 'not-tls' | 'malformed' | 'timed-out' | 'none';

/** How the client reached us. */
export type Ingress = 'connect' | 'http' | 'socks5' | 'transparent';

/** What a policy decision may look at. Everything here exists before any byte goes to the origin. */
export interface FlowFacts {
  /** Time of the decision, ms since epoch. */
  now: number;
  /** Client address in canonical text form. */
  client: string;
  /** Authenticated user or null. */
  user: string | null;
  /** Groups of the user; empty when none are known. */
  groups: string[];
  /** Listener address the connection arrived at, `host:port`. */
  listener: string;
  ingress: Ingress;
  /** `https` for anything that will carry TLS, `http` for absolute-form plain HTTP. */
  scheme: 'https' | 'http';
  /** Canonical host that the client asked for (CONNECT target, absolute-form host, original destination). */
  host: string;
  /** Whether `host` is a name or an IP literal. */
  hostKind: 'name' | 'ip';
  port: number;
  outcome: HelloOutcome;
  /** Present exactly when `outcome` is `hello`. */
  hello: HelloFacts | null;
  /** What the origin showed; absent until it was asked, and then only where the policy looks at it. */
  origin?: OriginFacts;
  /** The request under way; absent until there is one, and never recorded with the flow. */
  request?: RequestFacts;
}

/** What a policy may look at once the origin completed, or failed, its TLS handshake. */
export interface OriginFacts {
  /** Subject and issuer of its certificate as text; empty when it showed none. */
  subject: string;
  issuer: string;
  /** Code of the fault with which it was refused, or null when it was verified. */
  fault: string | null;
}

/** What a policy may look at of one request. */
export interface RequestFacts {
  method: string;
  /** Without the query. */
  path: string;
  /** Media type of the request's body without parameters, lower case; null when it names none. */
  contentType: string | null;
}

/** What one TLS leg negotiated. */
export interface TlsLeg {
  version: string;
  cipher: string;
  alpn: string | null;
  resumed: boolean;
}

/** The origin's certificate as far as an auditor needs it. */
export interface CertFacts {
  subject: string;
  issuer: string;
  /** DNS and IP names of the SAN, bounded by the gatherer. */
  names: string[];
  /** ISO 8601. */
  notBefore: string;
  notAfter: string;
  /** SHA-256 of the DER, lower-case hex. */
  fingerprint: string;
  serial: string;
}
