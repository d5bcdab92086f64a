/**
 * Which fields end at this proxy (RFC 9110 §7.6.1) and which must survive it whatever a Connection field says.
 * A table from name to fate; `serialize.ts` applies it. Fields that are not in it travel on unchanged, in order.
 */

/** End here. */
export const DROP = 1;
/** Are written anew by us, in the place where they stood. */
export const CONNECTION = 2;
export const CODING = 3;
export const LENGTH = 4;
export const UPGRADE = 5;
export const TE = 6;
export const TRAILER = 7;
export const HOST = 8;

export const FATES: ReadonlyMap<string, number> = new Map<string, number>([
  ['connection', CONNECTION],
  ['transfer-encoding', CODING],
  ['content-length', LENGTH],
  ['upgrade', UPGRADE],
  ['te', TE],
  ['trailer', TRAILER],
  ['host', HOST],
  ['keep-alive', DROP],
  // Never standardised, spoken by browsers to proxies; an origin has no use for it.
  ['proxy-connection', DROP],
  ['proxy-authorization', DROP],
  ['proxy-authenticate', DROP],
  ['proxy-authentication-info', DROP],
  // Part of the h2c upgrade, which is never relayed.
  ['http2-settings', DROP],
]);

/**
 * Names that a Connection field cannot drop. §7.6.1 forbids senders to list fields that are meant for all
 * recipients; who does it anyway wants a message that the origin reads differently from what was recorded and
 * decided on (another host, no credentials, no length, no address of the client).
 */
const KEPT = new Set(
  (
    'host content-length content-type content-encoding content-language content-location content-range ' +
    'content-disposition content-security-policy strict-transport-security x-content-type-options x-frame-options ' +
    'authorization www-authenticate cookie set-cookie origin referer range ' +
    'expect date age cache-control pragma expires etag last-modified vary location retry-after allow accept-ranges ' +
    'if-match if-none-match if-modified-since if-unmodified-since if-range max-forwards via forwarded ' +
    'x-forwarded-for x-forwarded-host x-forwarded-proto x-real-ip user-agent server ' +
    'sec-websocket-key sec-websocket-accept sec-websocket-version sec-websocket-protocol sec-websocket-extensions'
  ).split(' '),
);

/** Connection options that are no field names, or fields whose fate does not depend on being named. */
const SPOKEN_FOR = new Set(['close', 'keep-alive', 'upgrade', 'te', 'trailer', 'transfer-encoding']);

/** Names to drop because the Connection field lists them; null (nearly always) when there are none. */
export function namedByConnection(connection: readonly string[]): ReadonlySet<string> | null {
  let named: Set<string> | null = null;
  for (const option of connection)
    if (!SPOKEN_FOR.has(option) && !KEPT.has(option) && !option.startsWith('access-control-'))
      (named ??= new Set()).add(option);
  return named;
}

/**
 * For `drop` on replies of intercepted origins: Alt-Svc tells browsers to come back over QUIC, past the proxy, and
 * under our leaf it would be believed.
 */
export const INTERCEPTED_REPLY_DROPS: ReadonlySet<string> = new Set(['alt-svc']);
