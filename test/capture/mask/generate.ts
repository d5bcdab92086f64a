/** Numbers that are valid, made: cards with an issuer, IBANs of some countries. */
import fc from 'fast-check';
import { luhn, mod97 } from '../../../src/capture/mask/numbers.ts';

const digitsOf = (n: number): fc.Arbitrary<string> =>
  fc.array(fc.integer({ min: 0, max: 9 }), { minLength: n, maxLength: n }).map(d => d.join(''));

/** The digits with the check digit that makes them a card number. */
const withLuhn = (body: string): string => {
  for (let d = 0; d <= 9; d++) if (luhn(`${body}${d}`)) return `${body}${d}`;
  throw new Error('one of ten digits always fits');
};

const ISSUERS: readonly [prefix: string, length: number][] = [
  ['4', 16],
  ['400000', 19],
  ['51', 16],
  ['2221', 16],
  ['34', 15],
  ['6011', 16],
  ['62', 17],
  ['3528', 16],
  ['36', 14],
  ['6759', 18],
];

/** A card number: its digits, and how it is written. */
export const card = fc.constantFrom(...ISSUERS).chain(([prefix, length]) =>
  fc
    .tuple(digitsOf(length - prefix.length - 1), fc.constantFrom('', ' ', '-', '%20'))
    .map(([rest, separator]) => {
      const digits = withLuhn(prefix + rest);
      const groups = length === 16 && separator !== '' ? digits.match(/.{4}/g) : null;
      return { digits, text: groups === null ? digits : groups.join(separator) };
    }),
);

const COUNTRIES: readonly [country: string, digits: number][] = [
  ['DE', 18],
  ['AT', 16],
  ['NO', 11],
  ['PL', 24],
  ['ES', 20],
];

export const iban = fc.constantFrom(...COUNTRIES).chain(([country, n]) =>
  digitsOf(n).map(body => {
    const check = 98 - mod97(`${body}${country}00`);
    return `${country}${String(check).padStart(2, '0')}${body}`;
  }),
);
