/**
 * Payment cards and bank accounts in text. Each function looks at one place where a word begins and says where the number
 * ends, or -1. Pure, and linear: a place is looked at once and at most 50 octets far.
 *
 * Cards: 13 to 19 digits, plain or in groups with one and the same separator, a valid Luhn digit (ISO/IEC 7812-1 annex B),
 * and the leading digits and length of an issuer. A random number of 16 digits falls once in about thirty times, one that
 * is a time stamp never. IBANs: length by country, digits where the country has only digits, remainder 1 mod 97
 * (ISO 13616, ISO 7064).
 */

/** Length of the separator at `i`, 0 when there is none: space, dash, dot, plus, no-break space, `%20`, `%2D`. */
export function separatorAt(text: string, i: number): number {
  switch (text.charCodeAt(i)) {
    case 0x20:
    case 0x2d:
    case 0x2e:
    case 0x2b:
    case 0xa0:
      return 1;
    case 0xc2:
      return text.charCodeAt(i + 1) === 0xa0 ? 2 : 0;
    case 0x25: {
      if (text.charCodeAt(i + 1) !== 0x32) return 0;
      const low = text.charCodeAt(i + 2) | 0x20;
      return low === 0x30 || low === 0x64 || low === 0x62 ? 3 : 0;
    }
    default:
      return 0;
  }
}

export const isDigit = (c: number): boolean => c >= 48 && c <= 57;
export const isLetter = (c: number): boolean => (c | 0x20) >= 97 && (c | 0x20) <= 122;
export const isWord = (c: number): boolean => isDigit(c) || isLetter(c);

/** Digits from `start` on, in groups with one and the same separator between them, as far as `most` of them. */
export interface Run {
  digits: string;
  /** Length of each group, and where it ends. */
  groups: number[];
  ends: number[];
  /** The run stopped because the text did. */
  open: boolean;
}

export function digitRun(text: string, start: number, most: number): Run {
  const groups: number[] = [];
  const ends: number[] = [];
  let digits = '';
  let separator: string | null = null;
  for (let i = start; ;) {
    const from = i;
    while (i - from <= most && isDigit(text.charCodeAt(i))) i++;
    digits += text.slice(from, i);
    groups.push(i - from);
    ends.push(i);
    if (i >= text.length) return { digits, groups, ends, open: true };
    const width = digits.length > most ? 0 : separatorAt(text, i);
    if (width === 0) break;
    if (i + width >= text.length) return { digits, groups, ends, open: true };
    const found = text.slice(i, i + width);
    if (!isDigit(text.charCodeAt(i + width)) || (separator ?? found) !== found) break;
    separator = found;
    i += width;
  }
  return { digits, groups, ends, open: false };
}

/** End of the card number that begins at `start`, or -1. The caller has seen that a word begins there. */
export function cardAt(text: string, start: number): number {
  const { digits, groups, ends } = digitRun(text, start, 19);
  if (digits.length < 13) return -1;
  // What stands behind the card may look like one more group of it (an expiry date): the longest that fits counts.
  let length = digits.length;
  for (let n = groups.length; n > 0 && length >= 13; length -= groups[--n] ?? 0) {
    const end = ends[n - 1] ?? 0;
    if (length > 19 || isWord(text.charCodeAt(end)) || (n > 1 && !usualGroups(groups, n))) continue;
    // A decimal fraction: 4539578763621486.25.
    if (n === 1 && text.charCodeAt(end) === 0x2e && isDigit(text.charCodeAt(end + 1))) continue;
    const card = digits.slice(0, length);
    if (hasIssuer(card) && luhn(card)) return end;
  }
  return -1;
}

/** 4-4-4-4, 4-6-5, 4-6-4, 4-4-5, 6-13, 8-8 and their like; not 1-16 or 10-3. */
function usualGroups(groups: readonly number[], n: number): boolean {
  for (let i = 0; i < n; i++) if ((groups[i] ?? 0) < 4 && (i < n - 1 || i < 2)) return false;
  return true;
}

export function luhn(digits: string): boolean {
  let sum = 0;
  let double = false;
  for (let i = digits.length - 1; i >= 0; i--) {
    let d = digits.charCodeAt(i) - 48;
    if (double) {
      d *= 2;
      if (d > 9) d -= 9;
    }
    sum += d;
    double = !double;
  }
  return sum % 10 === 0;
}

/** Ranges of the first six digits, and the lengths issued there. */
const ISSUERS: readonly (readonly [from: number, to: number, least: number, most: number])[] = [
  [220000, 220499, 16, 19], // Mir
  [222100, 272099, 16, 16], // Mastercard
  [300000, 305999, 14, 19], // Diners Club
  [309500, 309599, 14, 19],
  [340000, 349999, 15, 15], // American Express
  [352800, 358999, 16, 19], // JCB
  [360000, 369999, 14, 19], // Diners Club
  [370000, 379999, 15, 15], // American Express
  [380000, 399999, 14, 19], // Diners Club
  [400000, 499999, 13, 13], // Visa
  [400000, 499999, 16, 16],
  [400000, 499999, 19, 19],
  [500000, 509999, 13, 19], // Maestro, Verve, Elo, RuPay, Dankort
  [510000, 559999, 16, 16], // Mastercard
  [560000, 589999, 13, 19], // Maestro
  [601100, 601199, 16, 19], // Discover
  [604000, 609999, 16, 16], // RuPay
  [620000, 629999, 16, 19], // UnionPay
  [630000, 639999, 13, 19], // Maestro
  [644000, 659999, 16, 19], // Discover, RuPay
  [660000, 679999, 13, 19], // Maestro
  [810000, 829999, 16, 19], // UnionPay, RuPay
  [979200, 979299, 16, 16], // Troy
];

function hasIssuer(digits: string): boolean {
  const first = Number(digits.slice(0, 6));
  return ISSUERS.some(
    ([from, to, least, most]) =>
      first >= from && first <= to && digits.length >= least && digits.length <= most,
  );
}

/** Lengths by country (SWIFT registry of IBANs); `n` where what follows the check digits are digits only. */
const IBANS = new Map<string, { length: number; digits: boolean }>(
  (
    'AD24 AE23n AL28 AT20n AZ28 BA20n BE16n BG22 BH22 BI27n BR29 BY28 CH21 CR22n CY28 CZ24n DE22n DJ27n DK18n DO28 EE20n ' +
    'EG29n ES24n FI18n FK18 FO18n FR27 GB22 GE22 GI23 GL18n GR27 GT28 HN28 HR21n HU28n IE22 IL23n IQ23 IS26n IT27 JO30 KW30 KZ20 ' +
    'LB28 LC32 LI21 LT20n LU20 LV21 LY25n MC27 MD24 ME22n MK19 MN20n MR27n MT31 MU30 NI28 NL18 NO15n OM23 PK24 PL28n PS29 PT25n ' +
    'QA29 RO24 RS22n RU33 SA24 SC31 SD18n SE24n SI19n SK24n SM27 SO23n ST25n SV28 TL23n TN24n TR26 UA29 VA22n VG24 XK20n YE30'
  )
    .split(' ')
    .map(entry => [entry.slice(0, 2), { length: parseInt(entry.slice(2), 10), digits: entry.endsWith('n') }]),
);

/** End of the IBAN that begins at `start`, or -1. */
export function ibanAt(text: string, start: number): number {
  const country = text.slice(start, start + 2).toUpperCase();
  const known = IBANS.get(country);
  if (known === undefined || !isDigit(text.charCodeAt(start + 2)) || !isDigit(text.charCodeAt(start + 3)))
    return -1;
  let plain = '';
  let i = start;
  let group = 0;
  while (plain.length < known.length) {
    const c = text.charCodeAt(i);
    if (plain.length >= 2 && known.digits ? isDigit(c) : isWord(c)) {
      plain += text[i++];
      group++;
      continue;
    }
    const width = separatorAt(text, i);
    // Groups of four are usual; after `DE89 ` comes no word of one or two letters that belongs to something else.
    if (width === 0 || group < 2) return -1;
    i += width;
    group = 0;
  }
  if (isWord(text.charCodeAt(i))) return -1;
  return mod97(plain.slice(4) + plain.slice(0, 4)) === 1 ? i : -1;
}

/** ISO 7064 over digits and letters (A = 10), piecewise so that no number is too large. */
export function mod97(text: string): number {
  let rest = 0;
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i);
    rest = isDigit(c) ? (rest * 10 + c - 48) % 97 : (rest * 100 + (c | 0x20) - 87) % 97;
  }
  return rest;
}

/**
 * Where a number may go on behind the end of a truncated text: end of the text when a card or IBAN could have begun at
 * `start` and nothing stands against it, else -1. At least six digits, so that a year or a price stays.
 */
export function cutAt(text: string, start: number): number {
  if (isDigit(text.charCodeAt(start))) {
    const run = digitRun(text, start, 19);
    return run.open && run.digits.length >= 6 ? text.length : -1;
  }
  if (!IBANS.has(text.slice(start, start + 2).toUpperCase()) || !isDigit(text.charCodeAt(start + 2)))
    return -1;
  let i = start + 2;
  let length = 2;
  while (i < text.length && length < 34) {
    if (isWord(text.charCodeAt(i))) {
      i++;
      length++;
    } else {
      const width = separatorAt(text, i);
      if (width === 0) return -1;
      i += width;
    }
  }
  return length >= 6 && i >= text.length ? text.length : -1;
}
