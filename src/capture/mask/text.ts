/**
 * One walk through a text: cards, bank accounts, tokens and national numbers are found where a word begins, and masked.
 * Before it the patterns of the profile, each in a walk of its own; they cover whole words.
 *
 * Linear: at the beginning of a word a detector looks at most 50 octets far, a token as far as it goes, and no place inside
 * a failed token is tried again. What is masked already is stepped over, so masking twice changes nothing.
 * It sees ASCII: digits of other scripts, numbers spelled out or broken up by markup stay.
 */
import type { MaskingProfile, NationalSet } from '../../core/masking.ts';
import { readPattern } from '../../core/mask-pattern.ts';
import { cardAt, cutAt, ibanAt, isDigit, isWord, separatorAt } from './numbers.ts';
import { nationalAt } from './national.ts';

/** Told of each thing that was masked. */
export type Found = (what: string) => void;

/** The mark as it stands in a text: as characters, or as the octets of UTF-8 in a text that holds octets. */
export interface View {
  open: string;
  close: string;
}
export const CHARACTERS: View = { open: '‹', close: '›' };
export const OCTETS: View = {
  open: Buffer.from('‹').toString('latin1'),
  close: Buffer.from('›').toString('latin1'),
};

/** What stands in place of a secret; `kind` tells what it was where its name does not. */
export const markOf = (view: View, kind: string | null = null): string =>
  `${view.open}masked${kind === null ? '' : ` ${kind}`}${view.close}`;

export interface ScanOptions {
  view: View;
  /** The text is JSON: a number that is masked gets quotes, escapes are no part of words. */
  json?: boolean;
  /** The text was cut off at its end: what may be the beginning of a number there is masked too. */
  cut?: boolean;
}

const OTHER = 0;
const DIGIT = 1;
const LETTER = 2;
const BACKSLASH = 3;
const QUOTE = 4;
const PERCENT = 5;
const MARK = 6;
const BREAK = 7;

const KIND = new Uint8Array(256);
for (let c = 48; c <= 57; c++) KIND[c] = DIGIT;
for (let c = 65; c <= 90; c++) KIND[c] = KIND[c + 32] = LETTER;
KIND[0x5c] = BACKSLASH;
KIND[0x22] = QUOTE;
KIND[0x25] = PERCENT;
KIND[0xe2] = MARK;
KIND[0x0a] = BREAK;

/** Sets whose numbers begin with a letter (all or some of them); the others begin with a digit. */
const LETTER_SETS: ReadonlySet<NationalSet> = new Set(['es-dni', 'it-cf', 'uk-nino']);
const DIGIT_SETS_OUT: ReadonlySet<NationalSet> = new Set(['it-cf', 'uk-nino']);

/** Nearer to the end of a cut text than this a number may go on behind it. */
const TAIL = 80;

interface Hit {
  start: number;
  end: number;
  what: string;
}

/** What a profile looks for in text. Made once per profile. */
export class TextScanner {
  readonly #card: boolean;
  readonly #iban: boolean;
  readonly #token: boolean;
  readonly #digitSets: readonly NationalSet[];
  readonly #letterSets: readonly NationalSet[];
  readonly #patterns: readonly { what: string; name: string; source: string }[];
  /** The patterns compiled for each view. */
  readonly #compiled = new Map<View, { name: string; what: string; regexp: RegExp }[]>();
  /** Beginnings before this place in the text under way lie in a failed token. */
  #noTokenBefore = 0;

  constructor(profile: MaskingProfile) {
    const on = new Set<string>(profile.detectors);
    this.#card = on.has('card');
    this.#iban = on.has('iban');
    this.#token = on.has('token');
    this.#digitSets = profile.national.filter(set => !DIGIT_SETS_OUT.has(set));
    this.#letterSets = profile.national.filter(set => LETTER_SETS.has(set));
    this.#patterns = Object.entries(profile.patterns).flatMap(([name, text]) => {
      // A document that did not come through the parser may hold anything.
      const read = readPattern(text);
      return read.ok ? [{ what: `pattern:${name}`, name, source: read.source }] : [];
    });
  }

  /** The text with masks in it; the same string when nothing was found. */
  scan(text: string, found: Found, options: ScanOptions): string {
    const rest = this.#patterns.length === 0 ? text : this.#match(text, found, options.view);
    return this.#walk(rest, found, options);
  }

  #walk(text: string, found: Found, { view, json = false, cut = false }: ScanOptions): string {
    this.#noTokenBefore = 0;
    const n = text.length;
    let out = '';
    let copied = 0;
    let inString = false;
    for (let i = 0; i < n;) {
      const c = text.charCodeAt(i);
      switch (c < 256 ? KIND[c] : c === 0x2039 ? MARK : OTHER) {
        case DIGIT:
        case LETTER: {
          const hit = this.#at(text, i, c) ?? (cut && n - i < TAIL ? this.#cutAt(text, i) : null);
          if (hit === null) {
            i++;
            while (i < n && isWordKind(text.charCodeAt(i))) i++;
            continue;
          }
          const mark = markOf(view, hit.what);
          out += text.slice(copied, hit.start) + (json && !inString ? `"${mark}"` : mark);
          i = copied = hit.end;
          found(hit.what);
          continue;
        }
        case BACKSLASH:
          i += escapeLength(text, i, json ? inString : null);
          continue;
        case PERCENT:
          // `%204111…`: the two digits belong to the escape.
          i += isHex(text.charCodeAt(i + 1)) && isHex(text.charCodeAt(i + 2)) ? 3 : 1;
          continue;
        case QUOTE:
          inString = !inString;
          i++;
          continue;
        case BREAK:
          inString = false;
          i++;
          continue;
        case MARK:
          i = afterMark(text, i, view);
          continue;
        default:
          i++;
      }
    }
    return copied === 0 ? text : out + text.slice(copied);
  }

  /** What begins at the word at `i`. */
  #at(text: string, i: number, c: number): Hit | null {
    if (isDigit(c)) {
      if (this.#card && isDigit(text.charCodeAt(i + 3)) && !afterPoint(text, i)) {
        const end = cardAt(text, i);
        if (end !== -1) return { start: i, end, what: 'card' };
      }
      return this.#digitSets.length === 0 || !worthALook(text, i) ? null : national(text, i, this.#digitSets);
    }
    if (this.#iban && isDigit(text.charCodeAt(i + 2)) && isDigit(text.charCodeAt(i + 3))) {
      const end = ibanAt(text, i);
      if (end !== -1) return { start: i, end, what: 'iban' };
    }
    if (this.#token) {
      if (c === 0x65 && text.startsWith('eyJ', i)) {
        const end = this.#tokenAt(text, i);
        if (end !== -1) return { start: i, end, what: 'token' };
      } else if ((c | 0x20) === 0x62) {
        const hit = bearerAt(text, i);
        if (hit !== null) return hit;
      }
    }
    return this.#letterSets.length === 0 ? null : national(text, i, this.#letterSets);
  }

  #cutAt(text: string, i: number): Hit | null {
    if (!this.#card && !this.#iban && this.#digitSets.length === 0) return null;
    const end = cutAt(text, i);
    return end === -1 ? null : { start: i, end, what: 'cut' };
  }

  /** JWS and JWE in compact form (RFC 7515 §7.1, RFC 7516 §7.1): a header that begins with `{"`, and two to four dots. */
  #tokenAt(text: string, start: number): number {
    if (start < this.#noTokenBefore) return -1;
    let dots = 0;
    let i = start;
    for (; i < text.length; i++) {
      const c = text.charCodeAt(i);
      if (c === 0x2e) {
        if (dots === 4) break;
        dots++;
      } else if (!isWordKind(c) && c !== 0x2d && c !== 0x5f) break;
    }
    // At the end of a text that was cut, the header alone tells what it is.
    if ((dots >= 2 || (i === text.length && dots === 1)) && i - start >= 20) {
      while (text.charCodeAt(i - 1) === 0x2e) i--;
      return i;
    }
    this.#noTokenBefore = i;
    return -1;
  }

  #match(text: string, found: Found, view: View): string {
    let compiled = this.#compiled.get(view);
    if (compiled === undefined) {
      const marks = `${view.open}masked[^\\n${view.close[0] ?? ''}]{0,60}${view.close}`;
      compiled = this.#patterns.map(({ name, what, source }) => ({
        name,
        what,
        regexp: new RegExp(`${marks}|${WHOLE}${source}${WHOLE}`, 'g'),
      }));
      this.#compiled.set(view, compiled);
    }
    return compiled.reduce(
      (masked, { name, what, regexp }) =>
        masked.replace(regexp, match => {
          if (match.startsWith(view.open)) return match;
          found(what);
          return markOf(view, name);
        }),
      text,
    );
  }
}

/** Not between two characters of one word: what is masked beside a match must not make a match of it later. */
const WHOLE = '(?<![A-Za-z0-9](?=[A-Za-z0-9]))';

const isWordKind = (c: number): boolean => c < 256 && (KIND[c] === DIGIT || KIND[c] === LETTER);

const isHex = (c: number): boolean => isDigit(c) || ((c | 0x20) >= 97 && (c | 0x20) <= 102);

function national(text: string, i: number, sets: readonly NationalSet[]): Hit | null {
  const hit = nationalAt(text, i, sets);
  return hit === null ? null : { start: i, end: hit.end, what: hit.set };
}

/** Every number of a set that begins with a digit has seven or more among its first eleven characters. */
function worthALook(text: string, i: number): boolean {
  let digits = 0;
  for (let at = i; at < i + 11; at++) if (isDigit(text.charCodeAt(at))) digits++;
  return digits >= 7;
}

/** The digits at `i` are decimals: `0.4539578763621486`. */
const afterPoint = (text: string, i: number): boolean =>
  text.charCodeAt(i - 1) === 0x2e && isDigit(text.charCodeAt(i - 2));

/**
 * `\n4111…` in JSON and scripts: the letter belongs to the escape. In JSON (`inString` is told) what is inside a string is
 * decided as mask/json does, octet for octet, so that quotes are never put where it sees none.
 */
function escapeLength(text: string, i: number, inString: boolean | null): number {
  if (inString === false) return 1;
  const next = text[i + 1] ?? '';
  if (next === 'u' && HEX4.test(text.slice(i + 2, i + 6))) return 6;
  return inString === true || 'nrtbf'.includes(next) ? 2 : 1;
}

/** Names of patterns are bounded by the policy's parser. */
const LONGEST_MARK = 80;

const HEX4 = /^[0-9A-Fa-f]{4}$/;

function afterMark(text: string, i: number, view: View): number {
  if (!text.startsWith(`${view.open}masked`, i)) return i + 1;
  const near = text.slice(i, i + LONGEST_MARK);
  const end = near.indexOf(view.close);
  const whole = end !== -1 && !/["\\\n]/.test(near.slice(0, end));
  return whole ? i + end + view.close.length : i + 1;
}

const SHORTEST_BEARER = 16;

/** `Bearer` and what follows it (RFC 6750 §2.1), when that is long and has a digit, so that prose stays. */
function bearerAt(text: string, start: number): Hit | null {
  if (text.slice(start, start + 6).toLowerCase() !== 'bearer') return null;
  let i = start + 6;
  let width = separatorAt(text, i);
  if (width === 0) return null;
  while (width > 0 && i - start < 12) {
    i += width;
    width = separatorAt(text, i);
  }
  const from = i;
  let digit = false;
  for (; i < text.length; i++) {
    const c = text.charCodeAt(i);
    if (isDigit(c)) digit = true;
    else if (!isWord(c) && !TOKEN68.has(c)) break;
  }
  return digit && i - from >= SHORTEST_BEARER ? { start: from, end: i, what: 'token' } : null;
}

const TOKEN68 = new Set(Array.from('-._~+/=', c => c.charCodeAt(0)));
