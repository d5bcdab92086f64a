/** Secret keys in JSON: whole, cut at every place, broken, nested. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { maskJson } from '../../../src/capture/mask/json.ts';
import { SecretNames } from '../../../src/capture/mask/names.ts';
import { CHARACTERS } from '../../../src/capture/mask/text.ts';

const names = new SecretNames();
const mask = (text: string): string => maskJson(text, names, () => undefined, CHARACTERS);

describe('masked', () => {
  const CASES: [string, string][] = [
    ['{"password":"x"}', '{"password":"‹masked›"}'],
    ['{ "password" :\n "x" , "a":1}', '{ "password" :\n "‹masked›" , "a":1}'],
    ['{"pin":1234,"a":2}', '{"pin":"‹masked›","a":2}'],
    ['{"credentials":{"u":"a","p":["b"]},"c":1}', '{"credentials":"‹masked›","c":1}'],
    ['{"token":["a","]"],"c":1}', '{"token":"‹masked›","c":1}'],
    ['{"a":{"b":[{"secret":"x"}]}}', '{"a":{"b":[{"secret":"‹masked›"}]}}'],
    ['{"pass\\u0077ord":"x"}', '{"pass\\u0077ord":"‹masked›"}'],
    ['{"password":"a\\"b"}', '{"password":"‹masked›"}'],
    ['{"password":"a\nb","c":1}', '{"password":"‹masked›","c":1}'],
    ['{"otp":"1"}\n{"otp":"2"}\n', '{"otp":"‹masked›"}\n{"otp":"‹masked›"}\n'],
    ['bad " quote\n{"otp":"1"}', 'bad " quote\n{"otp":"‹masked›"}'],
    ['{"password":"secr', '{"password":"‹masked›'],
    ['{"password":', '{"password":'],
    ['{"credentials":{"a":"b', '{"credentials":"‹masked›"'],
    ['{"body":"{\\"password\\":\\"x\\"}"}', '{"body":"{\\"password\\":\\"‹masked›\\"}"}'],
    ['callback({"token":"x"})', 'callback({"token":"‹masked›"})'],
    ['data: {"token":"x"}\n\n', 'data: {"token":"‹masked›"}\n\n'],
  ];
  for (const [text, masked] of CASES) test(text.slice(0, 50), () => assert.equal(mask(text), masked));
});

describe('left', () => {
  for (const text of [
    '{"password":""}',
    '{"password":null,"token":true}',
    '{"credentials":{},"token":[]}',
    '{"a":"password","b":"token: x"}',
    '["password","x"]',
    '{"a":"{not json \\" "}',
    '',
    '"',
    '{"pin"',
  ])
    test(text, () => assert.equal(mask(text), text));
});

/** JSON in which every string that begins with `SECRET` stands under a secret key. */
const json = fc.letrec(tie => ({
  value: fc.oneof({ maxDepth: 3 }, fc.string(), fc.integer(), fc.constant(null), tie('object'), tie('array')),
  array: fc.array(tie('value'), { maxLength: 4 }),
  object: fc
    .tuple(
      fc.dictionary(fc.string({ maxLength: 6 }), tie('value'), { maxKeys: 4 }),
      fc.constantFrom('password', 'accessToken', 'cvv', 'x'),
      fc.constantFrom('SECRET-1', 'SECRET "2"', 'SECRET\\3', 'SECRET\n4'),
    )
    .map(([rest, key, secret]) => (key === 'x' ? rest : { ...rest, [key]: secret })),
})).object;

test('no secret survives in any document, it stays JSON, and masking twice changes nothing', () => {
  fc.assert(
    fc.property(json, fc.constantFrom(0, 2), (value, indent) => {
      const text = JSON.stringify(value, null, indent);
      const masked = mask(text);
      assert.ok(!masked.includes('SECRET'), masked);
      assert.doesNotThrow(() => JSON.parse(masked) as unknown);
      assert.equal(mask(masked), masked);
    }),
  );
});

test('no secret survives wherever the document is cut', () => {
  fc.assert(
    fc.property(json, value => {
      const text = JSON.stringify(value);
      for (let at = 0; at <= text.length; at++) assert.ok(!mask(text.slice(0, at)).includes('SEC'));
    }),
    { numRuns: 50 },
  );
});

test('hostile nesting and quotes cost no more than their length', () => {
  const n = 100_000;
  for (const unit of ['"', '{"', '"{', '"{\\"', '[', '"a":', '"token":[', '\\', '"{" '])
    assert.ok(mask(unit.repeat(n / unit.length)).length <= n * 2);
});
