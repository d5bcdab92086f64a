/** Secret fields in forms, urlencoded and multipart: whole and cut at every place. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { boundaryOf, looksLikeForm, maskForm, maskMultipart } from '../../../src/capture/mask/form.ts';
import { SecretNames } from '../../../src/capture/mask/names.ts';
import { CHARACTERS } from '../../../src/capture/mask/text.ts';

const names = new SecretNames();
const form = (text: string): string => maskForm(text, names, () => undefined, CHARACTERS);
const multipart = (text: string): string =>
  maskMultipart(
    text,
    'B',
    names,
    () => undefined,
    CHARACTERS,
    part => part.replaceAll('4111', 'XXXX'),
  );

describe('urlencoded', () => {
  const CASES: [string, string][] = [
    ['user=a&password=b&c=d', 'user=a&password=‹masked›&c=d'],
    ['password=b', 'password=‹masked›'],
    ['user%5Bpassword%5D=b', 'user%5Bpassword%5D=‹masked›'],
    ['pass%77ord=b', 'pass%77ord=‹masked›'],
    ['new+password=b&&otp=1', 'new+password=‹masked›&&otp=‹masked›'],
    ['password=a=b', 'password=‹masked›'],
    ['password=&a=b', 'password=&a=b'],
    ['a&password=b', 'a&password=‹masked›'],
    ['a=password&b=otp', 'a=password&b=otp'],
    ['', ''],
  ];
  for (const [text, masked] of CASES)
    test(text, () => {
      assert.equal(form(text), masked);
      assert.equal(form(masked), masked);
    });

  test('no secret survives, cut anywhere', () => {
    const pair = fc.tuple(
      fc.constantFrom('password', 'pin', 'a', 'u[otp]'),
      fc.string({ unit: 'grapheme-ascii' }),
    );
    fc.assert(
      fc.property(fc.array(pair), pairs => {
        const text = pairs
          .map(
            ([n, v]) =>
              `${encodeURIComponent(n)}=${n === 'a' ? encodeURIComponent(v) : `SECRET${encodeURIComponent(v)}`}`,
          )
          .join('&');
        for (let at = 0; at <= text.length; at++) assert.ok(!form(text.slice(0, at)).includes('SEC'));
      }),
      { numRuns: 50 },
    );
  });
});

const PART = (head: string, content: string): string =>
  `--B\r\nContent-Disposition: form-data; ${head}\r\n\r\n${content}\r\n`;

describe('multipart', () => {
  test('secret fields are masked, others are handed on, binary files stay', () => {
    const text =
      PART('name="user"', 'a 4111') +
      PART('name="password"', 'line one\r\nline two') +
      PART('name=otp', '123456') +
      PART('name="f"; filename="a.txt"\r\nContent-Type: text/plain', 'x 4111') +
      PART('name="password"; filename="a.bin"', '\u0000\u0001 4111') +
      '--B--\r\n';
    assert.equal(
      multipart(text),
      PART('name="user"', 'a XXXX') +
        PART('name="password"', '‹masked›') +
        PART('name=otp', '‹masked›') +
        PART('name="f"; filename="a.txt"\r\nContent-Type: text/plain', 'x XXXX') +
        PART('name="password"; filename="a.bin"', '\u0000\u0001 4111') +
        '--B--\r\n',
    );
    assert.equal(multipart(multipart(text)), multipart(text));
  });

  test('no secret survives, cut anywhere', () => {
    const text = `${PART('name="a"', 'b')}${PART('name="password"', 'SECRET')}--B--\r\n`;
    for (let at = 0; at <= text.length; at++) assert.ok(!multipart(text.slice(0, at)).includes('SEC'));
  });

  test('without its boundary it is text', () => {
    assert.equal(multipart('nothing 4111 here'), 'nothing XXXX here');
  });
});

test('the boundary comes from the media type', () => {
  assert.equal(boundaryOf('multipart/form-data; boundary=abc'), 'abc');
  assert.equal(boundaryOf('multipart/form-data; charset=utf-8; Boundary="a b"'), 'a b');
  assert.equal(boundaryOf('multipart/form-data'), null);
});

test('a form without a media type is told by its look', () => {
  assert.ok(looksLikeForm('user=a&password=b'));
  assert.ok(!looksLikeForm('{"a":"b=c"}'));
  assert.ok(!looksLikeForm('<a href="x=y">'));
  assert.ok(!looksLikeForm('plain text'));
});
