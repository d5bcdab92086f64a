/** A `block` verdict on a TLS flow, told the way the rule wants it: page, alert or reset. Nothing is ever dialled. */
import { Fault } from '../core/faults.ts';
import type { Verdict } from '../core/verdict.ts';
import type { Flow } from './flow.ts';
import { pageUnderLeaf } from './intercept.ts';
import type { OriginTarget } from './origin.ts';
import { ALERTS, alertRecord } from './refuse.ts';

export async function blockFlow(flow: Flow, verdict: Verdict, target: OriginTarget): Promise<void> {
  flow.ctx.counters.blocked++;
  // A hello that could not be read has its own fault already; the first one counts.
  const fault = new Fault('blocked-by-policy', verdict.rule);
  flow.fail(fault);
  if (verdict.block === 'reset') {
    flow.socket.resetAndDestroy();
    return;
  }
  // Without a readable hello there is no handshake in which a page could be shown.
  if (verdict.block === 'page' && flow.facts?.outcome === 'hello') {
    await pageUnderLeaf(flow, target, fault);
    return;
  }
  if (flow.facts?.outcome !== 'not-tls') flow.socket.write(alertRecord(ALERTS.accessDenied));
  flow.socket.destroySoon();
}
