/**
 * Elasticsearch `_bulk`: an action line and a document of ECS per record. The action is `create` with an id of our own, so a
 * record that is sent twice is stored once: the second try is answered 409, which is as good as taken. Pure.
 */
import { createHash } from 'node:crypto';
import { ecsLine } from './ecs.ts';
import { hostOf, idOf } from './facts.ts';
import type { Sender } from './facts.ts';
import type { Include } from './json.ts';
import { jsonLine } from './lines.ts';
import type { Bounded } from './bound.ts';

/** Two lines, each with its end. */
export function bulkLines(bounded: Bounded, sender: Sender, include: Include): string {
  const document = ecsLine(bounded, sender, include);
  return `${jsonLine({ create: { _id: documentId(bounded, sender, document) } })}\n${document}\n`;
}

/** Unique among proxies of other names; an event has no id and is known by what it says. At most 512 octets (Elasticsearch). */
function documentId({ fed }: Bounded, sender: Sender, document: string): string {
  const id = idOf(fed);
  const own = id ?? createHash('sha256').update(document).digest('hex').slice(0, 40);
  return `${hostOf(fed, sender)
    .replace(/[^!-~]/g, '_')
    .slice(0, 200)}/${fed.kind}/${own}`;
}

/** The part of an answer's item that is looked at. */
interface Item {
  create?: { status?: number; error?: { type?: string; reason?: string } };
}

/** What a receiver answers to a bulk request: how many documents it took, and the first reason why it did not take one. */
export function bulkOutcome(answer: unknown): {
  taken: number;
  refused: number;
  retry: number;
  reason: string | null;
} {
  const items = (answer as { items?: unknown } | null)?.items;
  const outcome = { taken: 0, refused: 0, retry: 0, reason: null as string | null };
  if (!Array.isArray(items)) return outcome;
  for (const { create } of items as Item[]) {
    const status = create?.status ?? 0;
    if ((status >= 200 && status < 300) || status === 409) outcome.taken++;
    else {
      // Only what is wrong with the document itself stays wrong; an operator can mend the rest.
      if (status === 400 || status === 413) outcome.refused++;
      else outcome.retry++;
      outcome.reason ??= `${status} ${create?.error?.type ?? ''} ${create?.error?.reason ?? ''}`.trim();
    }
  }
  return outcome;
}
