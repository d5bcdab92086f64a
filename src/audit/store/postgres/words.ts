/**
 * Free text for PostgreSQL: the words of a text as a `tsvector`, and a phrase as a `tsquery`. Pure.
 *
 * The words are cut by the same function that judges live rows (query/match.ts) and not by PostgreSQL's parser, which would
 * take `www.example.test` for one word and drop others: a query must mean the same on one machine and on a fleet. So
 * the literal is written here, with positions, and needs no text-search configuration at all. Trigrams (pg_trgm) would find
 * inside words, which the language does not promise, for three times the index and an extension to install.
 *
 * Words of headers carry the weight B, so that one index serves both `word` and `header:word`. Bounds are those of
 * PostgreSQL: a word is cut at 500 characters, positions end at 16,383, and of one word the first 255 places count: a
 * phrase that stands only behind them is not found.
 */
import { tokensOf } from '../../query/match.ts';
import type { Words } from '../../query/ast.ts';

const MAX_WORD = 500;
const MAX_POSITION = 16_383;
const MAX_PLACES = 255;
/** Between two texts, so that no phrase reaches from one into the next. */
const GAP = 2;

/** Gathers texts of one row. */
export class Vector {
  private readonly places = new Map<string, string[]>();
  private at = 0;

  /** Add a text; its words follow each other, and none of them follows a word of another text. */
  add(text: string, header: boolean): this {
    const weight = header ? 'B' : '';
    for (const token of tokensOf(text)) {
      this.at = Math.min(MAX_POSITION, this.at + 1);
      const word = token.slice(0, MAX_WORD);
      const known = this.places.get(word);
      if (known === undefined) this.places.set(word, [`${this.at}${weight}`]);
      else if (known.length < MAX_PLACES) known.push(`${this.at}${weight}`);
    }
    this.at += GAP;
    return this;
  }

  /** The `tsvector` literal. Words are letters and digits only: nothing in it needs escaping. */
  toString(): string {
    let out = '';
    for (const [word, places] of this.places) out += `'${wellFormed(word)}':${places.join(',')} `;
    return out;
  }
}

/** The `tsquery` literal of a phrase; null when it has no words. `header` looks in headers only. */
export function phraseOf(words: Words, header: boolean): string | null {
  const tokens = tokensOf(words.text);
  if (tokens.length === 0) return null;
  const last = tokens.length - 1;
  return tokens
    .map((token, i) => {
      const flags = `${i === last && words.prefix ? '*' : ''}${header ? 'B' : ''}`;
      return `'${wellFormed(token.slice(0, MAX_WORD))}'${flags === '' ? '' : `:${flags}`}`;
    })
    .join(' <-> ');
}

/** A cut may leave half of a pair. */
const wellFormed = (word: string): string => word.replace(/[\ud800-\udbff]$/, '');
