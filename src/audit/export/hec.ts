/**
 * Splunk HTTP Event Collector: JSON objects one after another, each with its time in seconds, host, source type and the record as
 * the event. The record speaks our own words or those of ECS. Pure.
 */
import { ecs } from './ecs.ts';
import { hostOf } from './facts.ts';
import type { Sender } from './facts.ts';
import { plain } from './json.ts';
import type { Include } from './json.ts';
import { jsonLine } from './lines.ts';
import type { Bounded } from './bound.ts';

export interface HecOptions {
  payload: 'json' | 'ecs';
  /** Index of Splunk; the token's own when null. */
  index: string | null;
  include: Include;
}

/** One record as one line. */
export function hecLine(bounded: Bounded, sender: Sender, options: HecOptions): string {
  const { fed } = bounded;
  const event =
    options.payload === 'ecs'
      ? ecs(bounded, sender, options.include)
      : plain(bounded, sender, options.include);
  return jsonLine({
    time: fed.row.time / 1000,
    host: hostOf(fed, sender),
    source: 'sightglass',
    sourcetype: `sightglass:${fed.kind}`,
    ...(options.index === null ? {} : { index: options.index }),
    event,
  });
}
