/** Masking: what must go, what must stay, and that random secrets survive in no place that has a name for them. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import {
  COMMON_SECRETS,
  maskHeaders,
  maskPath,
  maskValue,
  queryMask,
  STRICT,
} from '../../src/capture/mask.ts';
import type { Field } from '../../src/wire/http1/index.ts';

const KEYS = queryMask(['token', 'access_token', 'Password', 'api_key', 'sig']);
const field = (rawName: string, value: string): Field => ({ name: rawName.toLowerCase(), rawName, value });

describe('header values', () => {
  const CASES: [string, string, string][] = [
    ['Authorization', 'Bearer abc.def.ghi', 'Bearer ‹masked 11›'],
    ['Authorization', 'basic dTpw', 'basic ‹masked 4›'],
    ['Authorization', 'AWS4-HMAC-SHA256 Credential=A, Signature=b', 'AWS4-HMAC-SHA256 ‹masked 25›'],
    ['Authorization', 'deadbeef', '‹masked 8›'],
    ['Authorization', 'secret word', '‹masked 11›'],
    ['Authorization', 'Negotiate', 'Negotiate'],
    ['Authorization', '', ''],
    ['Proxy-Authorization', 'Basic dTpw', 'Basic ‹masked 4›'],
    ['Proxy-Authenticate', 'NTLM TlRMTVNTUAAC', '‹masked 17›'],
    ['Proxy-Connection', 'keep-alive', 'keep-alive'],
    ['Cookie', 'sid=1234; theme=dark;lang=en', 'sid=‹masked›; theme=‹masked›; lang=‹masked›'],
    ['Cookie', 'sid="a;b"', 'sid=‹masked›; ‹masked›'],
    ['Cookie', 'noname; =x; a=b=c', '‹masked›; ‹masked›; a=‹masked›'],
    [
      'Set-Cookie',
      'sid=1; Path=/; Domain=h; Max-Age=3; HttpOnly; SECURE; x=y; rest',
      'sid=‹masked›; Path=/; Domain=h; Max-Age=3; HttpOnly; SECURE; x=‹masked›; ‹masked›',
    ],
    ['X-Api-Key', 'k', '‹masked 1›'],
    ['X-Auth-Token', 'k', '‹masked 1›'],
    ['X-CSRF-Token', 'k', '‹masked 1›'],
    ['Ocp-Apim-Subscription-Key', 'k', '‹masked 1›'],
    ['X-Amz-Security-Token', 'k', '‹masked 1›'],
    ['X-Goog-Iam-Authorization-Token', 'k', '‹masked 1›'],
    ['X-Forwarded-Authorization', 'k', '‹masked 1›'],
    ['Cf-Access-Client-Secret', 'k', '‹masked 1›'],
    ['X-Client-Secret-Value', 'k', '‹masked 1›'],
    ['DPoP', 'k', '‹masked 1›'],
    ['X-Session-Id', 'k', '‹masked 1›'],
    ['PRIVATE-TOKEN', 'k', '‹masked 1›'],
    ['apikey', 'k', '‹masked 1›'],
    ['Content-Type', 'text/html', 'text/html'],
    ['ETag', '"token"', '"token"'],
    ['X-Tokenizer', 'bpe', 'bpe'],
    ['Author', 'me', 'me'],
    ['Sec-WebSocket-Key', 'abc', 'abc'],
    ['Access-Control-Allow-Headers', 'Authorization', 'Authorization'],
    ['WWW-Authenticate', 'Basic realm="x"', 'Basic realm="x"'],
    ['Referer', 'https://h/a?token=abc&b=c', 'https://h/a?token=‹masked›&b=c'],
    ['Location', 'https://u:p@h/#access_token=abc&x=y', 'https://‹masked›@h/#access_token=‹masked›&x=y'],
    ['Refresh', '3; url=/x?sig=abc', '3; url=/x?sig=‹masked›'],
  ];
  for (const [name, value, masked] of CASES)
    test(`${name}: ${value}`, () => {
      assert.equal(maskValue(name.toLowerCase(), value), masked);
      assert.equal(maskHeaders([field(name, value)], KEYS), `${name}: ${masked}\r\n`);
    });
});

describe('paths', () => {
  const CASES: [string, string][] = [
    ['/', '/'],
    ['/token/abc', '/token/abc'],
    ['/a?b=c&d', '/a?b=c&d'],
    ['/a?token=abc', '/a?token=‹masked›'],
    ['/a?token=', '/a?token='],
    ['/a?token', '/a?token'],
    ['/a?x=1&TOKEN=abc&y=2', '/a?x=1&TOKEN=‹masked›&y=2'],
    ['/a?password=a=b=c&y=2', '/a?password=‹masked›&y=2'],
    ['/a?%74oken=abc&y=2', '/a?%74oken=‹masked›&y=2'],
    ['/a?user[password]=abc', '/a?user[password]=‹masked›'],
    ['/a?user%5Bpassword%5D=abc', '/a?user%5Bpassword%5D=‹masked›'],
    ['/a?token[]=abc&token[]=d', '/a?token[]=‹masked›&token[]=‹masked›'],
    ['/a?x=1;token=abc', '/a?x=1;token=‹masked›'],
    ['/a?token=ab;cd&e=f', '/a?token=‹masked›&e=f'],
    ['/a?token=ab?cd/ef&e=f', '/a?token=‹masked›&e=f'],
    ['/a;sig=abc?x=y', '/a;sig=‹masked›?x=y'],
    ['/cb?u=/in?token=abc&v=1', '/cb?u=/in?token=‹masked›&v=1'],
    ['/a?mytoken=abc', '/a?mytoken=abc'],
    ['http://user:pass@h.example/a?sig=x', 'http://‹masked›@h.example/a?sig=‹masked›'],
    ['http://a@b@h/', 'http://‹masked›@h/'],
    ['http://h/@b', 'http://h/@b'],
    ['h.example:443', 'h.example:443'],
    ['*', '*'],
  ];
  for (const [path, masked] of CASES)
    test(path, () => {
      assert.equal(maskPath(path, KEYS), masked);
    });
});

test('a field stays one line whatever it holds', () => {
  const text = maskHeaders([
    field('X-A', 'a\r\nX-Forged: 1\u2028\u0000\u001b[31m\u0085\tb'),
    field('X-B\r\nX-C', 'c'),
    field('Cookie', 'a\r\n\r\nb=c'),
  ]);
  assert.equal(
    text,
    'X-A: a\\x0d\\x0aX-Forged: 1\\u2028\\x00\\x1b[31m\\x85\tb\r\n' +
      'X-B\\x0d\\x0aX-C: c\r\n' +
      'Cookie: a\\x0d\\x0a\\x0d\\x0ab=‹masked›\r\n',
  );
  assert.equal(maskPath('/a\r\nb\u0000?token=\r\n', KEYS), '/a\\x0d\\x0ab\\x00?token=‹masked›');
});

/** A secret that cannot be part of anything else by chance. */
const secret = fc.string({
  unit: fc.constantFrom(...'QWERTYzxcvbnm0123456789'),
  minLength: 10,
  maxLength: 40,
});
const noise = fc.string({ unit: fc.constantFrom(...'ab ,;=&?/#@:"%[]'), maxLength: 12 });

test('no secret survives in a place that has a name for it', () => {
  const place = fc.constantFrom<(s: string, n: string) => Field>(
    s => field('Authorization', `Bearer ${s}`),
    (s, n) => field('Authorization', `${s} ${n}`),
    (s, n) => field('Authorization', `Digest username="${n}", response="${s}"`),
    s => field('Proxy-Authorization', `Basic ${s}`),
    (s, n) => field('Proxy-Anything', n + s),
    s => field('Cookie', s),
    (s, n) => field('Cookie', `a=b; sid=${n.replaceAll(';', '')}${s}; c=d`),
    s => field('Set-Cookie', `sid=${s}; Path=/`),
    s => field('Set-Cookie', `${s}; HttpOnly`),
    s => field('Set-Cookie', `a=b; unknown=${s}; Secure`),
    (s, n) => field('X-Api-Key', n + s),
    s => field('X-Vault-Token', s),
    (s, n) => field('Referer', `https://h/p?x=${n}&token=${s}&y=${n}`),
    s => field('Location', `https://u:${s}@h/`),
    s => field('Location', `/#access_token=${s}`),
    s => field('Link', `<https://h/?sig=${s}>; rel="next"`),
  );
  fc.assert(
    fc.property(fc.array(fc.tuple(place, secret, noise), { minLength: 1, maxLength: 6 }), list => {
      const text = maskHeaders(
        list.map(([make, s, n]) => make(s, n)),
        KEYS,
      );
      for (const [, s] of list) assert.ok(!text.includes(s), text);
      assert.equal(text.split('\r\n').length, list.length + 1);
    }),
    { numRuns: 2000, seed: 8 },
  );
});

test('no secret survives in a query, however its key is written', () => {
  const spelled = fc.constantFrom(
    'token',
    'TOKEN',
    'to%6Ben',
    '%54oken',
    'a[token]',
    'token[]',
    'token[0]',
    'sig',
  );
  const before = fc.constantFrom('?', '?a=b&', '?a&', '/x;', '?a=b;', '#', '?a=/b?', '?&');
  fc.assert(
    fc.property(spelled, secret, before, noise, noise, (key, s, prefix, front, behind) => {
      const value = `${front.replace(/[&#?]/g, '')}${s}${behind}`;
      const path = maskPath(`/p${prefix}${key}=${value}`, KEYS);
      assert.ok(!path.includes(s), path);
      assert.ok(path.includes(key));
    }),
    { numRuns: 2000, seed: 9 },
  );
});

test('strict: names, paths and the fields of transport stay, nothing else', () => {
  for (const [path, masked] of [
    ['/a/b', '/a/b'],
    ['/a?q=weather&lang=', '/a?q=‹masked›&lang='],
    ['/a?bare', '/a?‹masked›'],
    ['/a?x=1?y=2#frag', '/a?x=‹masked›#‹masked›'],
    ['/a;v=1/b?', '/a;v=‹masked›'.concat('?')],
    ['http://u:p@h/?a=b', 'http://‹masked›@h/?a=‹masked›'],
  ] as const)
    assert.equal(maskPath(path, STRICT), masked);
  assert.equal(
    maskHeaders(
      [
        field('Content-Type', 'text/html'),
        field('Referer', 'https://h/'),
        field('User-Agent', 'x/1'),
        field('X-Any', ''),
      ],
      STRICT,
    ),
    'Content-Type: text/html\r\nReferer: ‹masked 10›\r\nUser-Agent: ‹masked 3›\r\nX-Any: \r\n',
  );
});

test('strict: no secret survives in any value of a query or of a field that is not named harmless', () => {
  const names = fc.constantFrom(
    ...[
      'Authorization',
      'Cookie',
      'Set-Cookie',
      'Referer',
      'Location',
      'Origin',
      'User-Agent',
      'ETag',
      'Via',
      'X-Any',
    ],
  );
  const mark = fc.constantFrom('?', '?a=b&', '?a=', '?a=b;c=', '#', '#a=', '?a=b#', '?a=b?', '?&&x=');
  fc.assert(
    fc.property(names, mark, secret, noise, noise, (name, prefix, s, front, behind) => {
      const text = maskHeaders([field(name, front + s + behind)], STRICT);
      assert.ok(!text.includes(s), text);
      assert.equal(
        maskValue(name.toLowerCase(), maskValue(name.toLowerCase(), s, STRICT), STRICT),
        `‹masked ${s.length}›`,
      );
      const path = maskPath(`/p${prefix}${s}${behind.replaceAll('=', '')}`, STRICT);
      assert.ok(!path.includes(s), path);
      assert.equal(maskPath(path, STRICT), path);
    }),
    { numRuns: 2000, seed: 12 },
  );
});

test('masking what is masked changes nothing', () => {
  const any = fc.string({ unit: fc.constantFrom(...'ab =;&?#/:@token,[]"\t\x01\xe9%'), maxLength: 40 });
  const names = fc.constantFrom('authorization', 'cookie', 'set-cookie', 'x-api-key', 'referer', 'accept');
  fc.assert(
    fc.property(names, any, (name, value) => {
      const once = maskValue(name, value);
      assert.equal(maskValue(name, once), once);
      const path = maskPath(value, COMMON_SECRETS);
      assert.equal(maskPath(path, COMMON_SECRETS), path);
    }),
    { numRuns: 3000, seed: 10 },
  );
});

test('long hostile values cost no more than their length', () => {
  // Quadratic work on 4 MB would not end within a test run.
  const n = 2 ** 20;
  for (const unit of ['a=b;', '//@@', '?=&[', 'token=', '%5b[', ', ; ']) {
    const value = unit.repeat(n);
    assert.ok(maskPath(`/?${value}`, KEYS).length > 0);
    assert.ok(
      maskHeaders([field('Cookie', value), field('Link', value), field(`x-${unit.repeat(999)}`, value)])
        .length > n,
    );
  }
});

test('names nobody listed are decided by their look, and remembering them has a bound', () => {
  for (let i = 0; i < 3000; i++) assert.equal(maskValue(`x-hostile-${i}-token`, 'v'), '‹masked 1›');
  assert.equal(maskValue('x-plain-after-all', 'v'), 'v');
  assert.equal(maskValue('x-late-secret', 'v'), '‹masked 1›');
});
