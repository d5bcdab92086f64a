/**
 * A number made of a text, the same on every machine and in every version: for choices that must stay what they were, such as
 * which clients a rollout holds for. Spread evenly; no secret and no protection against somebody who picks the text.
 */

/** 32 bits of a text: FNV-1a over its UTF-16 units, mixed so that neighbouring texts end far apart. */
export function stableHash(text: string): number {
  let h = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193);
  h = Math.imul(h ^ (h >>> 16), 0x7feb352d);
  h = Math.imul(h ^ (h >>> 15), 0x846ca68b);
  return (h ^ (h >>> 16)) >>> 0;
}
