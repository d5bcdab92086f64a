/**
 * Conditions on rows, and how they combine: SQL with its values, and beside it the blocks of rows in which the condition can
 * hold at all, so that a reader need not look elsewhere. Pure.
 */
import type { Param } from './fragment.ts';

/** A condition on the row table (`x`), and the only blocks in which it can hold; null for any. */
export interface Condition {
  sql: string;
  params: Param[];
  blocks: Set<number> | null;
  /** True when the condition holds for every row. */
  always: boolean;
}

export const ALWAYS: Condition = { sql: '1', params: [], blocks: null, always: true };
export const NEVER: Condition = { sql: '0', params: [], blocks: new Set(), always: false };

export function and(parts: Condition[]): Condition {
  const kept = parts.filter(p => !p.always);
  if (kept.length === 0) return ALWAYS;
  if (kept.some(p => p.blocks?.size === 0)) return NEVER;
  let blocks: Set<number> | null = null;
  for (const part of kept)
    if (part.blocks !== null) blocks = blocks === null ? part.blocks : intersection(blocks, part.blocks);
  return joined(kept, ' AND ', blocks);
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
  return joined(kept, ' OR ', blocks);
}

export function not(part: Condition): Condition {
  if (part.always) return NEVER;
  if (part.blocks?.size === 0) return ALWAYS;
  return { sql: `NOT (${part.sql})`, params: part.params, blocks: null, always: false };
}

const joined = (parts: Condition[], by: ' AND ' | ' OR ', blocks: Set<number> | null): Condition => ({
  sql: parts.map(p => `(${p.sql})`).join(by),
  params: parts.flatMap(p => p.params),
  blocks,
  always: false,
});

const intersection = (a: Set<number>, b: Set<number>): Set<number> => new Set([...a].filter(x => b.has(x)));

/** A plain condition; `blocks` when it is known where it can hold. */
export const onRows = (sql: string, params: Param[], blocks: Set<number> | null = null): Condition => ({
  sql,
  params,
  blocks,
  always: false,
});
