/**
 * Conditions on rows, and how they combine: SQL with its values, the same as a sieve for whole blocks of rows, and the blocks
 * in which the condition can hold at all, so that a reader need not look elsewhere. Pure.
 */
import { ALL_ROWS, NO_ROWS } from './sieve.ts';
import type { Param } from './fragment.ts';
import type { Sieve } from './sieve.ts';

/** A condition on the row table (`x`), and the only blocks in which it can hold; null for any. */
export interface Condition {
  sql: string;
  params: Param[];
  blocks: Set<number> | null;
  sieve: Sieve;
  /** True when the condition holds for every row. */
  always: boolean;
}

export const ALWAYS: Condition = { sql: '1', params: [], blocks: null, sieve: ALL_ROWS, always: true };
export const NEVER: Condition = { sql: '0', params: [], blocks: new Set(), sieve: NO_ROWS, always: false };

export function and(parts: Condition[]): Condition {
  const kept = parts.filter(p => !p.always);
  if (kept.length === 0) return ALWAYS;
  if (kept.some(p => p.blocks?.size === 0)) return NEVER;
  let blocks: Set<number> | null = null;
  for (const part of kept)
    if (part.blocks !== null) blocks = blocks === null ? part.blocks : intersection(blocks, part.blocks);
  return joined(kept, 'and', blocks);
}

export function or(parts: Condition[]): Condition {
  if (parts.some(p => p.always)) return ALWAYS;
  const kept = parts.filter(p => p.blocks?.size !== 0);
  if (kept.length === 0) return NEVER;
  let blocks: Set<number> | null = new Set<number>();
  for (const part of kept) {
    if (part.blocks === null) {
      blocks = null;
      break;
    }
    for (const block of part.blocks) blocks.add(block);
  }
  return joined(kept, 'or', blocks);
}

export function not(part: Condition): Condition {
  if (part.always) return NEVER;
  if (part.blocks?.size === 0) return ALWAYS;
  return {
    sql: `NOT (${part.sql})`,
    params: part.params,
    blocks: null,
    sieve: { op: 'not', part: part.sieve },
    always: false,
  };
}

const joined = (parts: Condition[], op: 'and' | 'or', blocks: Set<number> | null): Condition => ({
  sql: parts.map(p => `(${p.sql})`).join(op === 'and' ? ' AND ' : ' OR '),
  params: parts.flatMap(p => p.params),
  blocks,
  // What needs no look at rows goes first.
  sieve: { op, parts: parts.map(p => p.sieve).sort((a, b) => costOf(a) - costOf(b)) },
  always: false,
});

function costOf(sieve: Sieve): number {
  switch (sieve.op) {
    case 'all':
    case 'none':
      return 0;
    case 'ids':
      return sieve.probe === undefined ? 1 : 50;
    case 'range':
      return 2;
    case 'rows':
      return 100;
    case 'not':
      return costOf(sieve.part);
    case 'and':
    case 'or':
      return Math.max(...sieve.parts.map(costOf));
  }
}

const intersection = (a: Set<number>, b: Set<number>): Set<number> => new Set([...a].filter(x => b.has(x)));

/** A plain condition; `blocks` when it is known where it can hold. Without a sieve the rows are asked. */
export const onRows = (
  sql: string,
  params: Param[],
  blocks: Set<number> | null = null,
  sieve: Sieve = { op: 'rows', sql, params, blocks },
): Condition => ({ sql, params, blocks, sieve, always: false });
