/**
 * Secrets leave the traffic here, before anything is written (requirement W7). What stays is what an auditor needs to
 * follow a request: which scheme, which cookies, which parameters, but not their values. There is no way back.
 *
 * The mark uses characters above latin1, which no octet of a head can produce: it cannot be forged from the wire,
 * and masking what is masked changes nothing. Control octets are written as `\xHH`, so a field stays one line.
 * It does not promise to find secrets in places that have no name for them (path segments, free text): what has a form
 * of its own (cards, tokens) is found there by mask/text, bodies are the business of mask/body.
 */
import type { Field } from '../wire/http1/index.ts';

const MASK = '‹masked›';
const MASKED = /^‹masked(?: [^›]{1,60})?›$/;

/** What a profile adds to the masking by name. */
export interface Look {
  /** Whether fields with secret names are masked at all, and further names of such fields, lower case. */
  readonly byName: boolean;
  readonly headers: ReadonlySet<string>;
  /** The text with what has a form of its own masked. */
  scan(text: string): string;
  /** Told of each value that was masked because of a name. */
  found(what: 'headers' | 'query'): void;
}

const BY_NAME_ONLY: Look = {
  byName: true,
  headers: new Set(),
  scan: text => text,
  found: () => undefined,
};

/** Query keys whose values are masked; made once by `queryMask`. */
export interface QueryMask {
  /** Lower case. */
  readonly keys: ReadonlySet<string>;
  /** The strict profile: every value is a secret, whatever its name; see `STRICT`. */
  readonly all?: true;
}

/**
 * The strict profile. Of a URL stay the path and the names of its parameters, of a head all names and the values of
 * those that speak of transport and format (`HARMLESS`); everything else is masked whole. Bodies are the business of
 * the capture level. It does not promise to find a secret that an application writes into a harmless field or a path.
 */
export const STRICT: QueryMask = { keys: new Set(), all: true };

/** From the setting `capture.mask-query`. Keys match in any case, percent-encoded or not, and inside `a[key]`. */
export function queryMask(keys: readonly string[]): QueryMask {
  return { keys: new Set(keys.map(key => key.toLowerCase())) };
}

/** Keys that carry credentials by common use; what `maskHeaders` applies to URLs in fields when told nothing else. */
export const COMMON_SECRETS = queryMask([
  ...['access_token', 'refresh_token', 'id_token', 'token', 'auth', 'authorization', 'jwt', 'assertion'],
  ...['api_key', 'apikey', 'api-key', 'key', 'secret', 'client_secret', 'client_assertion', 'code', 'ticket'],
  ...[
    'password',
    'passwd',
    'pwd',
    'pass',
    'session',
    'sessionid',
    'session_id',
    'sid',
    'jsessionid',
    'phpsessid',
  ],
  ...['sig', 'signature', 'samlresponse', 'samlrequest', 'x-amz-signature', 'x-amz-credential'],
  ...['x-amz-security-token', 'x-goog-signature', 'x-goog-credential'],
]);

/**
 * Head fields as the record keeps them: one `name: value\r\n` per field, in order, in the spelling of the wire,
 * secrets masked. `keys` masks the queries of URLs in Referer, Location and their like.
 */
export function maskHeaders(
  fields: readonly Field[],
  keys: QueryMask = COMMON_SECRETS,
  look: Look = BY_NAME_ONLY,
): string {
  let out = '';
  for (const field of fields) {
    const value = fieldValue(field.name, field.value, keys, look);
    out += (CONTROL.test(field.rawName) ? escaped(field.rawName) : field.rawName) + ': ';
    out += (CONTROL.test(value) ? escaped(value) : value) + '\r\n';
  }
  return out;
}

/** One field's value as `maskHeaders` would write it. `name` in lower case. */
export function maskValue(name: string, value: string, keys: QueryMask = COMMON_SECRETS): string {
  return escaped(fieldValue(name, value, keys, BY_NAME_ONLY));
}

function fieldValue(name: string, value: string, keys: QueryMask, look: Look): string {
  if (keys.all !== true && !look.byName && !OUR_OWN.has(name))
    return HARMLESS.has(name) ? value : look.scan(value);
  const masker = keys.all === true ? strictMaskerOf(name) : look.headers.has(name) ? whole : maskerOf(name);
  if (masker === null) return value;
  if (masker === unknown) return look.scan(value);
  const masked = masker(value, keys);
  if (masker !== url) {
    if (masked !== value) look.found('headers');
    return masked;
  }
  if (masked !== value) look.found('query');
  return look.scan(masked);
}

/**
 * A request target or URL as the record keeps it: values of the named keys masked in query, fragment and path
 * parameters (`;jsessionid=…`), userinfo masked.
 */
export function maskPath(path: string, keys: QueryMask, look: Look = BY_NAME_ONLY): string {
  // Userinfo needs `//` somewhere; most targets have neither that nor a parameter.
  let text = path.includes('//') ? maskUserinfo(path) : path;
  if (keys.all === true) text = maskEverything(text);
  else if (text.includes('=')) text = maskParameters(text, keys);
  if (text !== path) look.found('query');
  text = look.scan(text);
  return CONTROL.test(text) ? escaped(text) : text;
}

// C0, DEL and C1. HTAB may stay: it breaks no line.

const CONTROL = /[\u0000-\u0008\u000a-\u001f\u007f-\u009f\u2028\u2029]/;
const EVERY_CONTROL = new RegExp(CONTROL.source, 'g');

function escaped(text: string): string {
  return text.replace(EVERY_CONTROL, c =>
    c > '\u00ff'
      ? `\\u${c.charCodeAt(0).toString(16)}`
      : `\\x${c.charCodeAt(0).toString(16).padStart(2, '0')}`,
  );
}

// ── fields ─────────────────────────────────────────────────────────────────────────────────────────────────────

type Masker = (value: string, keys: QueryMask) => string;

/** Schemes that may stay readable. The first word of any other value may be the secret itself. */
const SCHEMES = new Set(
  (
    'basic bearer digest negotiate ntlm kerberos hoba mutual dpop oauth aws4-hmac-sha256 aws4-ecdsa-p256-sha256 aws ' +
    'hawk token apikey api-key privatetoken gnap vapid scram-sha-1 scram-sha-256 sharedkey sharedkeylite signature ' +
    'splunk genie-key glogin googlelogin key'
  ).split(' '),
);

const whole: Masker = value => (value === '' || MASKED.test(value) ? value : `‹masked ${value.length}›`);

const credentials: Masker = value => {
  const space = value.indexOf(' ');
  if (space < 1) return SCHEMES.has(value.toLowerCase()) ? value : whole(value, COMMON_SECRETS);
  const scheme = value.slice(0, space);
  if (!SCHEMES.has(scheme.toLowerCase())) return whole(value, COMMON_SECRETS);
  return `${scheme} ${whole(value.slice(space + 1), COMMON_SECRETS)}`;
};

/** `name=value` keeps its name; what has no name is all secret. */
function cookiePair(pair: string): string {
  const text = pair.trim();
  if (text === '') return '';
  const equals = text.indexOf('=');
  return equals < 1 ? MASK : `${text.slice(0, equals + 1)}${MASK}`;
}

const cookies: Masker = value => value.split(';').map(cookiePair).join('; ');

const COOKIE_ATTRIBUTES =
  /^(?:path|domain|expires|max-age|secure|httponly|samesite|partitioned|priority)(?:=|$)/i;

const setCookie: Masker = value => {
  const [pair = '', ...attributes] = value.split(';');
  let out = cookiePair(pair);
  for (const attribute of attributes) {
    const text = attribute.trim();
    out += `; ${COOKIE_ATTRIBUTES.test(text) ? text : cookiePair(text)}`;
  }
  return out;
};

const url: Masker = (value, keys) => maskPath(value, keys);

/** The name says nothing of a secret; the value may still hold something that has a form of its own. */
const unknown: Masker = value => value;

/** Credentials for this very proxy: masked whatever a profile says. */
const OUR_OWN: ReadonlySet<string> = new Set(['proxy-authorization', 'proxy-authentication-info']);

/**
 * By name. `null` says that the value may stay although its name looks like one of a secret (`classify`), or that it is
 * one of the common fields of transport and format, which hold nothing of a person and need not be looked at.
 */
const MASKERS = new Map<string, Masker | null>([
  ['authorization', credentials],
  ['proxy-authorization', credentials],
  ['cookie', cookies],
  ['cookie2', cookies],
  ['set-cookie', setCookie],
  ['set-cookie2', setCookie],
  ['referer', url],
  ['location', url],
  ['content-location', url],
  ['refresh', url],
  ['link', url],
  ['proxy-connection', null],
  ['www-authenticate', null],
  ['access-control-allow-credentials', null],
  ['sec-websocket-key', null],
  ['idempotency-key', null],
  ['surrogate-key', null],
  ...(
    'accept accept-encoding accept-language accept-ranges age cache-control connection content-encoding ' +
    'content-length content-type date etag expires host if-modified-since if-none-match keep-alive last-modified ' +
    'origin pragma range sec-ch-ua sec-ch-ua-mobile sec-ch-ua-platform sec-fetch-dest sec-fetch-mode ' +
    'sec-fetch-site sec-fetch-user server transfer-encoding upgrade-insecure-requests user-agent vary via'
  )
    .split(' ')
    .map((name): [string, null] => [name, null]),
]);

/** What the strict profile leaves readable: transport, format, dates; nothing that tells of a person or a session. */
const HARMLESS: ReadonlySet<string> = new Set(
  (
    'accept accept-encoding accept-language accept-ranges age allow cache-control connection content-encoding ' +
    'content-language content-length content-range content-type date expires host keep-alive last-modified range ' +
    'retry-after sec-fetch-dest sec-fetch-mode sec-fetch-site server strict-transport-security te trailer ' +
    'transfer-encoding upgrade vary'
  ).split(' '),
);

function strictMaskerOf(name: string): Masker | null {
  return HARMLESS.has(name) ? null : whole;
}

/** Names that say "secret": anything of a proxy, and names with such a word at their end or in their middle. */
const SECRET_NAME =
  /^(?:proxy-|dpop$|fastly-key$)|(?:^|[-_])(?:authorization|authentication-info|auth|token|secret|password|passwd|credentials?|apikey|cookie|jwt|session|sessionid|session-id|signature|assertion|accesstoken|oidc-data)(?:$|[-_](?:id|key|value|assertion|token)$)|(?:^|[-_])(?:api|app|access|auth|application|functions|subscription|master|private|secret|account|admin)[-_]?key$|(?:^|[-_])(?:authorization|token|secret|password|cookie)[-_]/;

/** Decided names; filled up to a bound, then names are decided each time (hostile names cost a test, no memory). */
const MAX_DECIDED = 1000;
let decided = 0;

function maskerOf(name: string): Masker | null {
  const known = MASKERS.get(name);
  return known === undefined ? classify(name) : known;
}

function classify(name: string): Masker {
  // A name of any length must cost little: nobody names a secret beyond this.
  const masker = name.length <= 128 && SECRET_NAME.test(name) ? whole : unknown;
  if (decided < MAX_DECIDED) {
    decided++;
    MASKERS.set(name, masker);
  }
  return masker;
}

// ── URLs ───────────────────────────────────────────────────────────────────────────────────────────────────────

/** `scheme://user:password@host` → the userinfo masked; every `//` authority in the text. */
function maskUserinfo(text: string): string {
  let out = '';
  let from = 0;
  for (;;) {
    const slashes = text.indexOf('//', from);
    if (slashes === -1) return out + text.slice(from);
    let end = slashes + 2;
    let at = -1;
    while (end < text.length && !AUTHORITY_END.has(text[end]!)) {
      if (text[end] === '@') at = end;
      end++;
    }
    out += text.slice(from, slashes + 2);
    from = end;
    out += at === -1 ? text.slice(slashes + 2, end) : MASK + text.slice(at, end);
  }
}

const AUTHORITY_END = new Set('/?#<>"; \\');

/** Every value of query, fragment and path parameters; a part without a name is a value. */
function maskEverything(text: string): string {
  const end = text.search(/[?#]/);
  const path = end === -1 ? text : text.slice(0, end);
  const plain = path.includes('=') ? maskParameters(path, STRICT) : path;
  if (end === -1) return plain;
  return (
    plain +
    text.slice(end).replace(/([?#&])([^#&]*)/g, (_, mark: string, part: string) => mark + namedOnly(part))
  );
}

function namedOnly(part: string): string {
  const equals = part.indexOf('=');
  if (equals === -1) return part === '' ? '' : MASK;
  return part.slice(0, equals + 1) + (equals + 1 < part.length ? MASK : '');
}

/**
 * Find `key=` behind any separator; a masked value goes on to the next `&` or `#` (or `?` while still in the path).
 * What servers disagree on, such as `;` inside a value, is decided for masking more.
 */
function maskParameters(text: string, keys: QueryMask): string {
  let out = '';
  let copied = 0;
  let key = 0;
  let query = false;
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i);
    if (c === QUESTION) query = true;
    if (c === QUESTION || c === AMPERSAND || c === SEMICOLON || c === HASH || c === SLASH) key = i + 1;
    if (c !== EQUALS || key < 0) continue;
    const secret = isSecret(text.slice(key, i), keys);
    key = -1;
    if (!secret) continue;
    out += text.slice(copied, i + 1);
    const value = i + 1;
    for (i = value; i < text.length; i++) {
      const d = text.charCodeAt(i);
      if (d === AMPERSAND || d === HASH || (d === QUESTION && !query)) break;
    }
    if (i > value) out += MASK;
    copied = i--;
  }
  return copied === 0 ? text : out + text.slice(copied);
}

const HASH = 35;
const AMPERSAND = 38;
const SLASH = 47;
const SEMICOLON = 59;
const EQUALS = 61;
const QUESTION = 63;

function isSecret(key: string, keys: QueryMask): boolean {
  if (keys.all === true || keys.keys.has(key)) return true;
  if (key.length > 512) return false;
  let plain = key.toLowerCase();
  if (plain.includes('%')) plain = decoded(plain);
  if (keys.keys.has(plain)) return true;
  const bracket = plain.indexOf('[');
  if (bracket === -1) return false;
  return plain.split(/[[\]]+/).some(part => keys.keys.has(part));
}

function decoded(key: string): string {
  return key
    .replace(/%([0-9a-f]{2})/g, (_, hex: string) => String.fromCharCode(parseInt(hex, 16)))
    .toLowerCase()
    .trim();
}
