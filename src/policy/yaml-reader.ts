/**
 * Reads a YAML text against a fixed shape and keeps the place of everything, so that each problem can be told with
 * line, column, the nearest valid word and a hint. Problems are collected, not thrown: an author sees them all at once.
 *
 * Bounds: 8 MiB of text, 2,000,000 visited nodes (aliases count each time they are used, so a small text cannot expand
 * without end), 50 problems told. Merge keys (`<<`) are not part of the shape and are refused like any unknown key.
 */
import { LineCounter, isAlias, isMap, isScalar, isSeq, parseDocument } from 'yaml';
import type { Document, Node } from 'yaml';

export interface Problem {
  /** 1-based; 0 when the problem has no place in the text. */
  line: number;
  column: number;
  message: string;
  /** What to do about it; may be empty. */
  hint: string;
}

const MAX_TEXT = 8 * 1024 * 1024;
const MAX_NODES = 2_000_000;
export const MAX_PROBLEMS = 50;

/** One value of the document together with its place. */
export interface Place {
  readonly node: Node | null;
  /** Offset to point at when the node itself is missing (`key:` without a value). */
  readonly offset: number;
  /** Dotted path for messages, such as `rules[3].when`. */
  readonly path: string;
}

export class YamlReader {
  readonly problems: Problem[] = [];
  readonly #lines = new LineCounter();
  readonly #doc: Document.Parsed | null;
  readonly #aliases = new Map<Node, unknown>();
  #visited = 0;

  constructor(text: string) {
    if (text.length > MAX_TEXT) {
      this.#doc = null;
      this.problems.push({
        line: 0,
        column: 0,
        message: `the document is larger than ${MAX_TEXT / 1024 / 1024} MiB`,
        hint: 'Move long lists into files and name them under lists:.',
      });
      return;
    }
    this.#doc = parseDocument(text, { lineCounter: this.#lines, prettyErrors: false, uniqueKeys: true });
    for (const e of this.#doc.errors) this.problem(e.pos[0], yamlSentence(e.message), yamlHint(e.code));
  }

  /** The document's root, or null when the text could not be read as YAML. */
  root(): Place | null {
    if (this.#doc === null || this.problems.length > 0) return null;
    return { node: this.#doc.contents ?? null, offset: 0, path: '' };
  }

  /** Problems in the order of the text. */
  sorted(): Problem[] {
    return [...this.problems].sort((a, b) => a.line - b.line || a.column - b.column);
  }

  /** Line and column, both from 1. */
  position(place: Place): { line: number; column: number } {
    const { line, col } = this.#lines.linePos(place.node?.range?.[0] ?? place.offset);
    return { line: Math.max(1, line), column: Math.max(1, col) };
  }

  problem(where: Place | number, message: string, hint = ''): void {
    if (this.problems.length >= MAX_PROBLEMS) return;
    const offset = typeof where === 'number' ? where : (where.node?.range?.[0] ?? where.offset);
    const { line, col } = this.#lines.linePos(offset);
    this.problems.push({ line: Math.max(1, line), column: Math.max(1, col), message, hint });
  }

  /**
   * The entries of a mapping by key. `known` lists the valid keys; null accepts any. Unknown keys become problems that
   * name the nearest valid one. Null when it is no mapping.
   */
  mapping(place: Place, known: readonly string[] | null): Map<string, Place> | null {
    const node = this.#node(place);
    if (!isMap(node)) {
      this.problem(
        place,
        `${name(place)} must be a mapping of keys to values`,
        known === null ? '' : keysHint(known),
      );
      return null;
    }
    const out = new Map<string, Place>();
    for (const pair of node.items) {
      const keyNode = pair.key as Node | null;
      const keyOffset = keyNode?.range?.[0] ?? place.offset;
      if (!isScalar(keyNode) || (typeof keyNode.value !== 'string' && typeof keyNode.value !== 'number')) {
        this.problem(keyOffset, `a key of ${name(place)} must be a word`);
        continue;
      }
      const key = String(keyNode.value);
      if (known !== null && !known.includes(key)) {
        const near = nearest(key, known);
        this.problem(
          keyOffset,
          `unknown key "${key}" in ${name(place)}`,
          near === null ? keysHint(known) : `Did you mean "${near}"?`,
        );
        continue;
      }
      const path = place.path === '' ? key : `${place.path}.${key}`;
      out.set(key, { node: (pair.value as Node | null) ?? null, offset: keyOffset, path });
    }
    return out;
  }

  /** The items of a sequence; a single value counts as a sequence of one. */
  items(place: Place): Place[] {
    const node = this.#node(place);
    if (!isSeq(node)) return [place];
    return node.items.map((item, i) => ({
      node: item as Node | null,
      offset: node.range?.[0] ?? place.offset,
      path: `${place.path}[${i}]`,
    }));
  }

  /** True for a key without a value (`lists:`), as it is left when its last entry was commented out. */
  isEmpty(place: Place): boolean {
    const node = this.#node(place);
    return node === null || (isScalar(node) && node.value === null);
  }

  isSequence(place: Place): boolean {
    return isSeq(this.#node(place));
  }

  isMapping(place: Place): boolean {
    return isMap(this.#node(place));
  }

  /** A text; numbers count as their digits (`1.3`, `8080`). Null with a problem when it is neither. */
  text(place: Place): string | null {
    const node = this.#node(place);
    if (isScalar(node)) {
      if (typeof node.value === 'string') return node.value;
      // The source keeps what the number parser drops (`1.30`, `0123`).
      if (typeof node.value === 'number') return node.source ?? String(node.value);
    }
    if (isAlias(place.node))
      this.problem(place, `*${place.node.source} refers to nothing`, yamlHint('BAD_ALIAS'));
    else this.problem(place, `${name(place)} must be a text`);
    return null;
  }

  /** True or false. Null with a problem otherwise. */
  flag(place: Place): boolean | null {
    const node = this.#node(place);
    if (isScalar(node) && typeof node.value === 'boolean') return node.value;
    this.problem(place, `${name(place)} must be true or false`);
    return null;
  }

  /** The value when it is a plain true or false, without making a problem of anything else. */
  maybeFlag(place: Place): boolean | null {
    const node = this.#node(place);
    return isScalar(node) && typeof node.value === 'boolean' ? node.value : null;
  }

  /** The value when it is a plain word, without making a problem of anything else. */
  maybeWord(place: Place): string | null {
    const node = this.#node(place);
    return isScalar(node) && typeof node.value === 'string' ? node.value : null;
  }

  /** One of the given words. Null with a problem that names the nearest one. */
  oneOf<T extends string>(place: Place, words: readonly T[]): T | null {
    const text = this.text(place);
    if (text === null) return null;
    const found = words.find(w => w === text);
    if (found !== undefined) return found;
    const near = nearest(text, words);
    this.problem(
      place,
      `${name(place)} cannot be "${text}"`,
      `${near === null ? '' : `Did you mean "${near}"? `}Valid: ${words.join(', ')}.`,
    );
    return null;
  }

  #node(place: Place): unknown {
    if (++this.#visited > MAX_NODES) {
      if (this.#visited === MAX_NODES + 1) this.problem(place, 'the document expands to too many values');
      return null;
    }
    if (!isAlias(place.node) || this.#doc === null) return place.node;
    // Resolving walks the document, and one alias may be met very often.
    let target = this.#aliases.get(place.node);
    if (target === undefined) {
      target = place.node.resolve(this.#doc) ?? null;
      this.#aliases.set(place.node, target);
    }
    return target;
  }
}

function name(place: Place): string {
  return place.path === '' ? 'the document' : place.path;
}

function keysHint(known: readonly string[]): string {
  return `Valid keys: ${known.join(', ')}.`;
}

/** The library's sentences end in an excerpt for terminals; the first line says it. */
function yamlSentence(message: string): string {
  return `not valid YAML: ${message.split('\n', 1)[0] ?? message}`;
}

function yamlHint(code: string): string {
  switch (code) {
    case 'TAB_AS_INDENT':
      return 'Indent with spaces.';
    case 'DUPLICATE_KEY':
      return 'Keep one of the two.';
    case 'BAD_ALIAS':
      return 'Quote values that start with a star: "*.example.com".';
    case 'BAD_INDENT':
      return 'Keys of one mapping start at the same column.';
    default:
      return 'A value with : # * & ! { [ or a leading dot may need quotes.';
  }
}

/** The candidate with the fewest edits, when it is near enough to be a slip; null otherwise. */
export function nearest(word: string, candidates: readonly string[]): string | null {
  let best: string | null = null;
  let bestDistance = Math.max(1, Math.floor(Math.min(word.length, 40) / 3)) + 1;
  for (const c of candidates) {
    const d = editDistance(word.toLowerCase().slice(0, 40), c.toLowerCase());
    if (d < bestDistance) {
      best = c;
      bestDistance = d;
    }
  }
  return best;
}

/** Edits including swapped neighbours (optimal string alignment). */
function editDistance(a: string, b: string): number {
  let before: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1];
      let d = Math.min((last[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1, (last[j - 1] ?? 0) + (same ? 0 : 1));
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        d = Math.min(d, (before[j - 2] ?? 0) + 1);
      row.push(d);
    }
    before = last;
    last = row;
  }
  return last[b.length] ?? 0;
}
