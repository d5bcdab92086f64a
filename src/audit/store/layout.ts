/** Numbers that writer, reader and queries of a day file share (schema.ts tells what they mean). Pure. */
import { BODY_FORMS } from '../../core/masking.ts';
import type { ExchangeRecord } from '../../core/records.ts';

/** Rows of a block in `mark` and `span`: id >> BLOCK_BITS. */
export const BLOCK_BITS = 10;

/** Blocks of one row of `mark`: block >> PART_BITS. */
export const PART_BITS = 5;
/** First column of `mark`. */
export const SEEN = {
  who: 1,
  what: 2,
  flow: 3,
  url: 4,
  block: 5,
  rest: 6,
  body: 7,
  flowWho: 11,
  lane: 12,
} as const;
/** First column of `span` and `minute`. */
export const KIND = { exchange: 1, flow: 2 } as const;
/** Bits of exchange.flags. */
export const FLAG = { upgraded: 1, reqTruncated: 2, resTruncated: 4 } as const;
/** Four bits each in exchange.flags: the index of the form in which the body of a side is stored (core/masking). */
export const FORM_SHIFT = { req: 8, res: 12 } as const;

/** The flags of an exchange. */
export const flagsOf = (r: ExchangeRecord): number =>
  (r.upgraded ? FLAG.upgraded : 0) |
  (r.req.truncated ? FLAG.reqTruncated : 0) |
  (r.res.truncated ? FLAG.resTruncated : 0) |
  (BODY_FORMS.indexOf(r.req.form ?? 'raw') << FORM_SHIFT.req) |
  (BODY_FORMS.indexOf(r.res.form ?? 'raw') << FORM_SHIFT.res);

/** Rows of the blocks of a JSON list, as a nested loop over just these row id ranges. */
const inBlocks = (table: 'exchange' | 'flow'): string =>
  `json_each(?) b CROSS JOIN ${table} x ON x.id >= b.value << ${BLOCK_BITS} AND x.id < (b.value + 1) << ${BLOCK_BITS}`;
export const IN_BLOCKS = { exchanges: inBlocks('exchange'), flows: inBlocks('flow') } as const;

/** What `mark` knows of a condition on its other columns, each row as one number for `markedBlocks`. */
export const MARKS_WHERE = 'SELECT part * 4294967296 + (bits & 4294967295) FROM mark WHERE';

/** The blocks that such numbers stand for. */
export function markedBlocks(marks: readonly number[]): Set<number> {
  const parts = new Map<number, number>();
  for (const mark of marks) {
    const part = Math.floor(mark / 2 ** 32);
    parts.set(part, (parts.get(part) ?? 0) | (mark % 2 ** 32));
  }
  const blocks = new Set<number>();
  for (const [part, bits] of parts)
    for (let i = 0; i < 2 ** PART_BITS; i++) if ((bits & (1 << i)) !== 0) blocks.add((part << PART_BITS) + i);
  return blocks;
}

/** Rows of a whole block. The first block lacks row 0, which no table has. */
export const BLOCK_ROWS = 2 ** BLOCK_BITS;
