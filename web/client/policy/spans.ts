/** Times that can be counted or replayed; the traffic list knows the same ones. */
import type { REPLAY_SPANS } from '../../contract.ts';

export type Span = (typeof REPLAY_SPANS)[number];

export const SPANS: readonly (readonly [Span, string])[] = [
  ['24h', '24 hours'],
  ['7d', '7 days'],
  ['30d', '30 days'],
];
