/** What stands as verdict in the record of a request that policy was never asked about: its own doing, or the client's. */
import type { Fault } from '../core/faults.ts';
import type { Verdict } from '../core/verdict.ts';

/** `fault` is why it was refused; null when the client left before anybody could be asked. */
export function undecided(policy: string, fault: Fault | null): Verdict {
  return {
    action: 'block',
    rule: fault?.code ?? 'request-aborted',
    policy,
    reason: fault?.entry.summary ?? 'The client left before the request was decided.',
    capture: 'headers',
    block: 'page',
  };
}
