/** Numbers that writer, reader and queries of a day file share (schema.ts tells what they mean). Pure. */

/** Rows of a block in `seen` and `span`: id >> BLOCK_BITS. */
export const BLOCK_BITS = 10;

/** First column of `seen`. */
export const SEEN = { who: 1, what: 2, flow: 3, url: 4, block: 5, rest: 6, flowWho: 11, lane: 12 } as const;
/** First column of `span` and `minute`. */
export const KIND = { exchange: 1, flow: 2 } as const;
/** Bits of exchange.flags. */
export const FLAG = { upgraded: 1, reqTruncated: 2, resTruncated: 4 } as const;

/** Rows of the blocks of a JSON list. Index nested loop: SQLite reads just these row id ranges. */
export const IN_BLOCKS = {
  exchanges: `json_each(?) b CROSS JOIN exchange x ON x.id >= b.value << ${BLOCK_BITS} AND x.id < (b.value + 1) << ${BLOCK_BITS}`,
  flows: `json_each(?) b CROSS JOIN flow x ON x.id >= b.value << ${BLOCK_BITS} AND x.id < (b.value + 1) << ${BLOCK_BITS}`,
} as const;
