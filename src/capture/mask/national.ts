/**
 * National numbers of persons, by set. Each set says in a pattern what the number looks like and in a check whether it can
 * be one. Off unless a profile names the set: nine digits that pass a check sum are often something else, and where
 * somebody works tells which numbers matter.
 *
 * Sources stand in docs/masking.md. Sets without a check sum (US, UK, Denmark) ask for the usual separators or letters,
 * so that a number that only has the length stays. Pure; a pattern looks at most 25 octets far.
 */
import type { NationalSet } from '../../core/masking.ts';
import { luhn } from './numbers.ts';

interface Rule {
  /** Sticky; anchored at the end by not being followed by a letter or digit. */
  pattern: RegExp;
  /** The number in upper case without separators. */
  check: (plain: string) => boolean;
}

/** End of the number of one of these sets at `start`, with its set; null when there is none. */
export function nationalAt(
  text: string,
  start: number,
  sets: readonly NationalSet[],
): { end: number; set: NationalSet } | null {
  for (const set of sets) {
    const { pattern, check } = RULES[set];
    pattern.lastIndex = start;
    const found = pattern.exec(text);
    if (found !== null && check(found[0].toUpperCase().replace(/[^0-9A-Z]/g, '')))
      return { end: pattern.lastIndex, set };
  }
  return null;
}

const sticky = (source: string): RegExp => new RegExp(`${source}(?![0-9A-Za-z])`, 'y');

const RULES: Record<NationalSet, Rule> = {
  'at-svnr': {
    pattern: sticky('\\d{4}[ -]?\\d{6}'),
    check: n =>
      n[0] !== '0' &&
      weighted(n, [3, 7, 9, 0, 5, 8, 4, 2, 1, 6]) % 11 === digit(n, 3) &&
      dayMonth(n.slice(4, 6), n.slice(6, 8), 15),
  },
  'be-nrn': {
    pattern: sticky('\\d{2}[. ]?\\d{2}[. ]?\\d{2}[- ]?\\d{3}[. ]?\\d{2}'),
    check: n => {
      const key = Number(n.slice(9));
      const before = Number(n.slice(0, 9));
      return (
        dayMonth(n.slice(4, 6), n.slice(2, 4), 12) &&
        (97 - (before % 97) === key || 97 - ((2_000_000_000 + before) % 97) === key)
      );
    },
  },
  'br-cpf': {
    pattern: sticky('\\d{3}\\.?\\d{3}\\.?\\d{3}-?\\d{2}'),
    check: n =>
      varied(n) &&
      eleven(weighted(n, [10, 9, 8, 7, 6, 5, 4, 3, 2])) === digit(n, 9) &&
      eleven(weighted(n, [11, 10, 9, 8, 7, 6, 5, 4, 3, 2])) === digit(n, 10),
  },
  'ch-ahv': {
    pattern: sticky('756[. ]?\\d{4}[. ]?\\d{4}[. ]?\\d{2}'),
    check: n => weighted(n, [1, 3, 1, 3, 1, 3, 1, 3, 1, 3, 1, 3, 1]) % 10 === 0,
  },
  'de-idnr': { pattern: sticky('[1-9]\\d(?: ?\\d{3}){3}'), check: germanTaxId },
  'dk-cpr': {
    pattern: sticky('\\d{6}-\\d{4}'),
    check: n => dayMonth(n.slice(0, 2), n.slice(2, 4), 12),
  },
  'es-dni': {
    pattern: sticky('(?:\\d{8}|[XYZxyz]-?\\d{7})[- ]?[A-Za-z]'),
    check: n => {
      const number = Number(n.slice(0, -1).replace('X', '0').replace('Y', '1').replace('Z', '2'));
      return 'TRWAGMYFPDXBNJZSQVHLCKE'[number % 23] === n.at(-1);
    },
  },
  'fi-hetu': {
    pattern: sticky('\\d{6}[-+A-FU-Ya-fu-y]\\d{3}[0-9A-Ya-y]'),
    check: n => {
      const number = Number(n.slice(0, 6) + n.slice(-4, -1));
      return (
        dayMonth(n.slice(0, 2), n.slice(2, 4), 12) &&
        '0123456789ABCDEFHJKLMNPRSTUVWXY'[number % 31] === n.at(-1)
      );
    },
  },
  'fr-nir': {
    pattern: sticky('[1-478] ?\\d{2} ?\\d{2} ?(?:\\d{2}|2[ABab]) ?\\d{3} ?\\d{3} ?\\d{2}'),
    check: n => {
      // Corsica: 2A counts as 19, 2B as 18.
      const number = n.slice(0, 13).replace('2A', '19').replace('2B', '18');
      return 97n - (BigInt(number) % 97n) === BigInt(n.slice(13));
    },
  },
  'it-cf': {
    pattern: sticky(
      '[A-Za-z]{6}[0-9LMNPQRSTUVlmnpqrstuv]{2}[A-EHLMPRSTa-ehlmprst][0-9LMNPQRSTUVlmnpqrstuv]{2}[A-Za-z][0-9LMNPQRSTUVlmnpqrstuv]{3}[A-Za-z]',
    ),
    check: italianTaxCode,
  },
  'nl-bsn': {
    pattern: sticky('\\d{9}'),
    check: n => varied(n) && weighted(n, [9, 8, 7, 6, 5, 4, 3, 2, -1]) % 11 === 0,
  },
  'no-fnr': {
    pattern: sticky('\\d{6} ?\\d{5}'),
    check: n =>
      dayMonth(n.slice(0, 2), n.slice(2, 4), 12) &&
      weighted(n, [3, 7, 6, 1, 8, 9, 4, 5, 2, 1]) % 11 === 0 &&
      weighted(n, [5, 4, 3, 2, 7, 6, 5, 4, 3, 2, 1]) % 11 === 0,
  },
  'pl-pesel': {
    pattern: sticky('\\d{11}'),
    check: n => {
      const month = Number(n.slice(2, 4)) % 20;
      return (
        dayMonth(n.slice(4, 6), String(month), 12) &&
        weighted(n, [1, 3, 7, 9, 1, 3, 7, 9, 1, 3, 1]) % 10 === 0
      );
    },
  },
  'se-pnr': {
    pattern: sticky('(?:19|20)?\\d{6}[-+]?\\d{4}'),
    check: n => {
      const ten = n.slice(-10);
      // Coordination numbers add 60 to the day.
      const day = Number(ten.slice(4, 6));
      return dayMonth(String(day > 60 ? day - 60 : day), ten.slice(2, 4), 12) && luhn(ten);
    },
  },
  'uk-nino': {
    pattern: sticky('[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z] ?\\d{2} ?\\d{2} ?\\d{2} ?[A-D]'),
    check: n => !/^(?:BG|GB|KN|NK|NT|TN|ZZ)/.test(n),
  },
  'us-ssn': {
    pattern: sticky('(?!000|666|9)\\d{3}([- ])(?!00)\\d{2}\\1(?!0000)\\d{4}'),
    check: () => true,
  },
};

const digit = (n: string, i: number): number => n.charCodeAt(i) - 48;

/** Sum of the digits times their weights. */
function weighted(n: string, weights: readonly number[]): number {
  return weights.reduce((sum, weight, i) => sum + weight * digit(n, i), 0);
}

/** Check digit of the remainder 11, as Brazil counts it. */
const eleven = (sum: number): number => ((sum * 10) % 11) % 10;

const varied = (n: string): boolean => !/^(\d)\1*$/.test(n);

function dayMonth(day: string, month: string, months: number): boolean {
  const d = Number(day);
  const m = Number(month);
  return d >= 1 && d <= 31 && m >= 1 && m <= months;
}

/** Ten digits of which one stands there two or three times, and a check digit by ISO 7064 mod 11, 10. */
function germanTaxId(n: string): boolean {
  const counts = new Array<number>(10).fill(0);
  for (let i = 0; i < 10; i++) counts[digit(n, i)] = (counts[digit(n, i)] ?? 0) + 1;
  const repeated = counts.filter(c => c > 1);
  if (repeated.length !== 1 || (repeated[0] ?? 0) > 3) return false;
  let product = 10;
  for (let i = 0; i < 10; i++) {
    const sum = (digit(n, i) + product) % 10;
    product = ((sum === 0 ? 10 : sum) * 2) % 11;
  }
  return (11 - product) % 10 === digit(n, 10);
}

/** Values of the characters at odd places, 0 to 9 and A to Z; digits count as A to J. */
const ODD = [1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23];

function italianTaxCode(code: string): boolean {
  let sum = 0;
  for (let i = 0; i < 15; i++) {
    const c = code.charCodeAt(i);
    const value = c <= 57 ? c - 48 : c - 65;
    sum += i % 2 === 0 ? (ODD[value] ?? 0) : value;
  }
  return sum % 26 === code.charCodeAt(15) - 65;
}
