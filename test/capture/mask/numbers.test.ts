/** Cards and IBANs: made ones are found, with one wrong digit they are not, and ordinary numbers stay. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { cardAt, cutAt, ibanAt, luhn, mod97 } from '../../../src/capture/mask/numbers.ts';
import { card, iban } from './generate.ts';

describe('cards', () => {
  // Numbers that the schemes publish for tests.
  for (const number of [
    '4111111111111111',
    '4222222222222',
    '5555555555554444',
    '2223003122003222',
    '378282246310005',
    '6011111111111117',
    '30569309025904',
    '3530111333300000',
    '6200000000000005',
    '4111 1111 1111 1111',
    '4111-1111-1111-1111',
    '4111.1111.1111.1111',
    '4111%201111%201111%201111',
    '4111+1111+1111+1111',
    '4111\u00a01111\u00a01111\u00a01111',
    '3782 822463 10005',
    '6304000000000000',
  ])
    test(number, () => assert.equal(cardAt(`${number} `, 0), number.length));

  for (const [why, text] of [
    ['wrong check digit', '4111111111111112'],
    ['no issuer', '9999999999999995'],
    ['a time stamp', '1700000000000'],
    ['too long', '41111111111111111111'],
    ['letters behind', '4111111111111111a'],
    ['a fraction', '4111111111111111.5'],
    ['odd groups', '411 1111111111 111'],
    ['two separators', '4111 1111-1111 1111'],
  ] as const)
    test(`not: ${why}`, () => assert.equal(cardAt(text, 0), -1));

  test('an expiry date behind it is no part of it', () => {
    assert.equal(cardAt('4111 1111 1111 1111 12 27', 0), 19);
  });

  test('every made card is found, with each of its digits changed it is not', () => {
    fc.assert(
      fc.property(
        card,
        fc.integer({ min: 6 }),
        fc.integer({ min: 1, max: 9 }),
        ({ text, digits }, at, by) => {
          assert.equal(cardAt(text, 0), text.length);
          const i = 6 + (at % (digits.length - 6));
          const wrong = digits.slice(0, i) + ((Number(digits[i]) + by) % 10) + digits.slice(i + 1);
          assert.ok(!luhn(wrong) && cardAt(wrong, 0) === -1);
        },
      ),
    );
  });

  test('of random numbers of 16 digits few fall', () => {
    let found = 0;
    let x = 1;
    for (let i = 0; i < 20_000; i++) {
      let text = '';
      while (text.length < 16) {
        x = (Math.imul(x, 1103515245) + 12345) >>> 0;
        text += String((x >>> 8) % 10);
      }
      if (cardAt(text, 0) !== -1) found++;
    }
    assert.ok(found < 20_000 * 0.05, `${found} of 20,000`);
  });
});

describe('IBANs', () => {
  for (const text of [
    'DE89370400440532013000',
    'DE89 3704 0044 0532 0130 00',
    'GB29NWBK60161331926819',
    'FR1420041010050500013M02606',
    'NO9386011117947',
    'MT84MALT011000012345MTLCAST001S',
    'de89370400440532013000',
    'CH93-0076-2011-6238-5295-7',
  ])
    test(text, () => assert.equal(ibanAt(`${text}, `, 0), text.length));

  for (const text of [
    'DE89370400440532013001',
    'DE8937040044053201300',
    'DE893704004405320130001',
    'XX89370400440532013000',
    'DE8937040044053201300A',
    'GB29 N W BK60161331926819',
  ])
    test(`not: ${text}`, () => assert.equal(ibanAt(text, 0), -1));

  test('every made IBAN is found, with another digit it is not', () => {
    fc.assert(
      fc.property(iban, fc.integer({ min: 0 }), fc.integer({ min: 1, max: 9 }), (text, at, by) => {
        assert.equal(ibanAt(text, 0), text.length);
        const i = 4 + (at % (text.length - 4));
        if (!/\d/.test(text[i] ?? '')) return;
        const wrong = text.slice(0, i) + ((Number(text[i]) + by) % 10) + text.slice(i + 1);
        assert.equal(ibanAt(wrong, 0), -1);
      }),
    );
  });
});

test('remainders of long numbers are right', () => {
  fc.assert(
    fc.property(fc.bigInt({ min: 0n, max: 10n ** 40n }), n =>
      assert.equal(BigInt(mod97(n.toString())), n % 97n),
    ),
  );
});

test('a number that may go on behind the end is told, a year is not', () => {
  for (const text of ['411111', '4111 1111 1', '4111-', 'DE89 3704 00', '411111111111111'])
    assert.equal(cutAt(text, 0), text.startsWith('4111-') && text.length === 5 ? -1 : text.length, text);
  for (const text of ['2026', '4111 1111 x', 'DE', 'DEAR', 'hello']) assert.equal(cutAt(text, 0), -1, text);
});
