/**
 * Field names that are seen all the time: spelling on the wire → the one string object for it, its lower case, and
 * a number for those the codec itself must understand. Looking a name up is cheaper than lower-casing it anew, and
 * interned names make later comparisons pointer comparisons. A name that is not listed is lower-cased on the spot:
 * the table is fixed, hostile names never enter it.
 */
export const OTHER = 0;
export const HOST_ID = 1;
export const LENGTH_ID = 2;
export const CODING_ID = 3;
export const CONNECTION_ID = 4;
export const UPGRADE_ID = 5;
export const EXPECT_ID = 6;

export interface KnownName {
  rawName: string;
  name: string;
  id: number;
}

const IDS: Record<string, number> = {
  host: HOST_ID,
  'content-length': LENGTH_ID,
  'transfer-encoding': CODING_ID,
  connection: CONNECTION_ID,
  upgrade: UPGRADE_ID,
  expect: EXPECT_ID,
};

const SPELLINGS = `
Accept Accept-Charset Accept-Encoding Accept-Language Accept-Ranges Access-Control-Allow-Credentials
Access-Control-Allow-Headers Access-Control-Allow-Methods Access-Control-Allow-Origin Access-Control-Expose-Headers
Access-Control-Max-Age Access-Control-Request-Headers Access-Control-Request-Method Age Allow Alt-Svc Authorization
Cache-Control CF-Cache-Status CF-RAY Connection Content-Disposition Content-Encoding Content-Language Content-Length
Content-Location Content-Range Content-Security-Policy Content-Type Cookie Cross-Origin-Embedder-Policy
Cross-Origin-Opener-Policy Cross-Origin-Resource-Policy Date DNT ETag Expect Expires Forwarded Host If-Match
If-Modified-Since If-None-Match If-Range If-Unmodified-Since Keep-Alive Last-Modified Link Location NEL Origin
P3P Permissions-Policy Pragma Priority Proxy-Authenticate Proxy-Authorization Proxy-Connection Range Referer
Referrer-Policy Report-To Retry-After Sec-CH-UA Sec-CH-UA-Mobile Sec-CH-UA-Platform Sec-Fetch-Dest Sec-Fetch-Mode
Sec-Fetch-Site Sec-Fetch-User Sec-GPC Sec-WebSocket-Accept Sec-WebSocket-Extensions Sec-WebSocket-Key
Sec-WebSocket-Protocol Sec-WebSocket-Version Server Server-Timing Set-Cookie SOAPAction Strict-Transport-Security TE
Timing-Allow-Origin Trailer Transfer-Encoding Upgrade Upgrade-Insecure-Requests User-Agent Vary Via
WWW-Authenticate X-Amz-Date X-Cache X-Content-Type-Options X-CSRF-Token X-Forwarded-For X-Forwarded-Host
X-Forwarded-Proto X-Frame-Options X-Powered-By X-Request-ID X-Requested-With X-XSS-Protection
`
  .trim()
  .split(/\s+/);

/** By spelling: the usual one and all lower case (which is how many libraries write). */
export const KNOWN = new Map<string, KnownName>();
for (const rawName of SPELLINGS) {
  const name = rawName.toLowerCase();
  const id = IDS[name] ?? OTHER;
  // The keys of the map are internalised by the engine; using them as values too keeps one object for each.
  KNOWN.set(rawName, { rawName, name, id });
  KNOWN.set(name, { rawName: name, name, id });
}

/** The entry of a spelling, made anew when the table has none. `CONTENT-LENGTH` gets its number as well. */
export function nameOf(rawName: string): KnownName {
  const known = KNOWN.get(rawName);
  if (known !== undefined) return known;
  const name = rawName.toLowerCase();
  const lower = KNOWN.get(name);
  return lower === undefined ? { rawName, name, id: OTHER } : { rawName, name: lower.name, id: lower.id };
}

const METHODS = new Set(
  'GET HEAD POST PUT DELETE CONNECT OPTIONS TRACE PATCH PROPFIND PROPPATCH MKCOL COPY MOVE LOCK UNLOCK REPORT SEARCH'.split(
    ' ',
  ),
);

/**
 * Is `method` a spelling that some peers would take for another method? RFC 9110 §9.1: methods are case-sensitive,
 * so `head` is an unknown method whose response has a body; a lenient origin answers it like HEAD, without one, and
 * from then on the two disagree where responses begin.
 */
export function isMethodLookalike(method: string): boolean {
  return !METHODS.has(method) && METHODS.has(method.toUpperCase());
}
