/**
 * Tests of one column as SQL: constant text, bound values, and two-valued: a missing value makes a test false, never NULL, so
 * that NOT finds the row. Pure. Column names come from the caller's own constants.
 */
import type { Pattern, Test } from './ast.ts';

export type Param = string | number | Buffer | Uint8Array;

/** A condition on the columns of one table. */
export interface Fragment {
  sql: string;
  params: Param[];
}

/** Tests of a text column; `column` is one of this file's names. */
export function textTest(column: string, test: Test): Fragment {
  switch (test.op) {
    case 'present':
      return { sql: `${column} IS NOT NULL`, params: [] };
    case 'below':
      return {
        sql: `coalesce(${column} = ? OR ${column} LIKE ? ESCAPE '\\', 0)`,
        params: [test.name, `%.${likeEscape(test.name)}`],
      };
    case 'pattern':
      return patternTest(column, test.pattern);
    default:
      throw new Error(`a text is not tested by ${test.op}`);
  }
}

export function patternTest(column: string, pattern: Pattern): Fragment {
  const [first = '', middle = '', last] = pattern;
  if (pattern.length === 1) {
    // Canonical names are lower case already: the plain comparison can use their index.
    const sql = column === 'name' ? 'name = ?' : `(lower(${column}) = ? AND ${column} IS NOT NULL)`;
    return { sql, params: [first] };
  }
  // `*text*`: LIKE would stop at a NUL byte, instr does not.
  if (pattern.length === 3 && first === '' && last === '')
    return { sql: `coalesce(instr(lower(${column}), ?) > 0, 0)`, params: [middle] };
  return {
    sql: `coalesce(${column} LIKE ? ESCAPE '\\', 0)`,
    params: [pattern.map(likeEscape).join('%')],
  };
}

export const likeEscape = (text: string): string => text.replace(/[\\%_]/g, '\\$&');

export type Range = { min: number | null; minOpen: boolean; max: number | null; maxOpen: boolean };

/** `scale`: stored units per unit of the field. */
export function rangeTest(column: string, range: Range, scale: number): Fragment {
  const sql: string[] = [];
  const params: Param[] = [];
  if (range.min !== null) {
    sql.push(range.minOpen ? `${column} > ?` : `${column} >= ?`);
    params.push(range.min * scale);
  }
  if (range.max !== null) {
    sql.push(range.maxOpen ? `${column} < ?` : `${column} <= ?`);
    params.push(range.max * scale);
  }
  // Not coalesce(): an index could not be used.
  if (sql.length > 0) sql.push(`${column} IS NOT NULL`);
  return { sql: `(${sql.join(' AND ') || '1'})`, params };
}
