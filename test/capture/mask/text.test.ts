/** The walk through a text: what it finds among what else, that it is idempotent, and that it stays linear. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { NATIONAL_SETS, STANDARD_PROFILE } from '../../../src/core/masking.ts';
import { CHARACTERS, OCTETS, TextScanner } from '../../../src/capture/mask/text.ts';
import { card, iban } from './generate.ts';

const scanner = new TextScanner(STANDARD_PROFILE);
const everything = new TextScanner({
  ...STANDARD_PROFILE,
  national: NATIONAL_SETS,
  patterns: { staff: 'E-[0-9]{6}', words: '[a-z]{6}' },
});

function scan(text: string, more: { json?: boolean; cut?: boolean } = {}, by = scanner): [string, string[]] {
  const found: string[] = [];
  return [by.scan(text, what => found.push(what), { view: CHARACTERS, ...more }), found];
}

const JWT = 'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl';

describe('found', () => {
  const CASES: [string, string][] = [
    ['pay 4111 1111 1111 1111 now', 'pay ‹masked card› now'],
    ['Ref 12 4111111111111111', 'Ref 12 ‹masked card›'],
    ['a,DE89370400440532013000;b', 'a,‹masked iban›;b'],
    [`t=${JWT}&x`, 't=‹masked token›&x'],
    [`see ${JWT}.`, 'see ‹masked token›.'],
    ['Authorization: Bearer abcDEF1234567890xyz', 'Authorization: Bearer ‹masked token›'],
    ['bearer%20abcDEF1234567890xyz ', 'bearer%20‹masked token› '],
    ['line\\n4111111111111111\\n', 'line\\n‹masked card›\\n'],
    ['\\u00204111111111111111', '\\u0020‹masked card›'],
    ['n%204111111111111111', 'n%20‹masked card›'],
    ['C:\\4111111111111111', 'C:\\‹masked card›'],
    ['x_4111111111111111_', 'x_‹masked card›_'],
  ];
  for (const [text, masked] of CASES) test(text.slice(0, 40), () => assert.equal(scan(text)[0], masked));
});

describe('left', () => {
  for (const text of [
    '0.4539578763621486',
    '4539578763621486.25',
    'a4111111111111111',
    '550e8400-e29b-41d4-a716-446655440000',
    '1700000000000',
    'the bearer of good tidings and responsibilities',
    'eyJ and eyJhbGciOiJIUzI1NiJ9 alone',
    'DE89 but no number',
    '2026-11-20T15:33:04.123456Z',
    '+49 30 901820 1234',
  ])
    test(text, () => assert.deepEqual(scan(text), [text, []]));
});

test('a number in JSON becomes a string, so that JSON stays JSON', () => {
  const [text] = scan('{"a": 4111111111111111, "b": "x 4111111111111111, y", "c":[1, 4111111111111111]}', {
    json: true,
  });
  assert.deepEqual(JSON.parse(text), {
    a: '‹masked card›',
    b: 'x ‹masked card›, y',
    c: [1, '‹masked card›'],
  });
});

test('what may go on behind the end of a cut text is masked', () => {
  assert.deepEqual(scan('card 4111 1111 1', { cut: true }), ['card ‹masked cut›', ['cut']]);
  assert.deepEqual(scan('card 4111 1111 1'), ['card 4111 1111 1', []]);
  assert.equal(scan(`x ${JWT.slice(0, 30)}`, { cut: true })[0], 'x ‹masked token›');
  assert.equal(scan('in 2026', { cut: true })[0], 'in 2026');
});

test('patterns of a profile mask, but never what is masked already', () => {
  assert.equal(scan('id E-123456, abcdef', {}, everything)[0], 'id ‹masked staff›, ‹masked words›');
  assert.equal(scan('‹masked card› masked', {}, everything)[0], '‹masked card› ‹masked words›');
});

test('every card and IBAN is found whatever stands around it, and masking twice changes nothing', () => {
  const around = fc.string({ unit: fc.constantFrom(' ', ',', '"', 'x ', '\n', '=', '&', 'é', ':', '{') });
  for (const by of [scanner, everything])
    fc.assert(
      fc.property(
        around,
        fc.oneof(
          card.map(c => c.text),
          iban,
        ),
        around,
        (before, secret, after) => {
          // A digit group before the number would be read as part of it; the walk begins where a word begins.
          const once = scan(`${before} ${secret} ${after}`, {}, by)[0];
          assert.ok(!once.includes(secret), once);
          assert.equal(scan(once, {}, by)[0], once);
        },
      ),
    );
});

test('octets and characters give the same', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), iban, (before, number) => {
      const text = `${before} ${number} 4111111111111111 ü`;
      const octets = everything.scan(Buffer.from(text).toString('latin1'), () => undefined, { view: OCTETS });
      const characters = everything.scan(text, () => undefined, { view: CHARACTERS });
      assert.equal(Buffer.from(octets, 'latin1').toString(), characters);
    }),
  );
});

test('hostile repetition costs no more than its length', () => {
  const n = 200_000;
  for (const unit of [
    'eyJaaaaaa-',
    'bearer ',
    'DE12 ',
    '4111-',
    '1',
    '%',
    '\\',
    '\u00e2',
    'DE89370400 ',
    'eyJ.',
    '‹masked',
  ])
    for (const cut of [false, true]) {
      const text = unit.repeat(n / unit.length);
      assert.ok(scan(text, { cut }, everything)[0].length <= text.length * 3);
    }
});

test('national numbers of every set are found in running text', () => {
  const NUMBERS =
    '1237 010180, 85.07.30-033.28, 111.444.777-35, 756.9217.0769.85, 47 036 892 816, 010190-1234, 12345678Z, ' +
    'X1234567L, 131052-308T, 2 55 08 14 168 025 38, MRTMTT25D09F205Z, 111222333, 290296 00013, 44051401359, ' +
    '811218-9876, AB 12 34 56 C, 536-90-4399';
  const sets = new TextScanner({ ...STANDARD_PROFILE, national: NATIONAL_SETS });
  const [text, found] = scan(NUMBERS, {}, sets);
  assert.ok(!/\d/.test(text), text);
  assert.equal(found.length, 17);
});
