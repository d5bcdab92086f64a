/**
 * Whether a row matches a query, for the fake API: the product's own parser, and just enough meaning to filter a few
 * thousand rows in memory. Comparisons the browser tests do not use count as no match.
 */
import type { Node } from '../../../src/audit/query/ast.ts';

type Row = Record<string, unknown>;
type Value = string | number | readonly string[] | null;

/** Query names whose column is called otherwise. */
const COLUMN: Readonly<Record<string, string>> = { type: 'contentType', up: 'bytesUp', down: 'bytesDown' };

export function matches(node: Node, row: Row): boolean {
  switch (node.kind) {
    case 'all':
      return true;
    case 'and':
      return node.parts.every(part => matches(part, row));
    case 'or':
      return node.parts.some(part => matches(part, row));
    case 'not':
      return !matches(node.part, row);
    case 'free':
      return JSON.stringify(Object.values(row)).toLowerCase().includes(node.words.text.toLowerCase());
    case 'field':
      return fieldMatches(node, (row[COLUMN[node.field.name] ?? node.field.name] ?? null) as Value);
  }
}

function fieldMatches({ test }: Extract<Node, { kind: 'field' }>, value: Value): boolean {
  if (test.op === 'present') return value !== null;
  if (value === null) return false;
  const text = String(value).toLowerCase();
  switch (test.op) {
    case 'pattern': {
      const pieces = test.pattern.map(piece => piece.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'));
      return new RegExp(`^${pieces.join('.*')}$`, 's').test(text);
    }
    case 'below':
      return text === test.name || text.endsWith(`.${test.name}`);
    case 'range': {
      const n = Number(value);
      return (test.min === null || n >= test.min) && (test.max === null || n <= test.max);
    }
    case 'id':
      return text.startsWith('2s-');
    case 'words':
      return text.includes(test.words.text.toLowerCase());
    case 'network':
      return true;
  }
}
