/**
 * Another policy came into force: open flows that a rule with `apply: immediate` now blocks are ended. All others live on
 * under the verdict they began with. A request under way without an answer yet gets the block page, anything else is cut.
 *
 * Flows are judged in pieces of `AT_ONCE`, a few µs each, so that ten thousand of them never hold the event loop up.
 */
import { setImmediate as breathe } from 'node:timers/promises';
import { Fault } from '../core/faults.ts';
import type { PolicySource } from '../core/ports.ts';
import type { Flow } from './flow.ts';

const AT_ONCE = 200;

/** Judge `flows` again. Resolves to how many were ended. */
export async function reconsider(flows: readonly Flow[], policy: PolicySource): Promise<number> {
  if (policy.ends === undefined) return 0;
  let ended = 0;
  let judged = 0;
  for (const flow of flows) {
    const { facts, verdict } = flow;
    if (facts === null || verdict?.action === 'block' || flow.closed) continue;
    const by = policy.ends({ ...facts, now: Date.now() });
    if (by !== null) {
      flow.abort(new Fault('blocked-by-policy', `${by.rule}, in force since policy ${by.policy}`));
      ended++;
    }
    if (++judged % AT_ONCE === 0) await breathe();
  }
  return ended;
}
