/** Records as the rows that lists show. Pure; used for live views, while sqlite.ts reads the same shapes from disk. */
import { exchangeIdText, flowIdText } from '../../core/records.ts';
import { mannerOf } from '../../core/verdict.ts';
import type { EventRecord, ExchangeRecord, FlowRecord } from '../../core/records.ts';
import type { Verdict } from '../../core/verdict.ts';
import type { EventRow, ExchangeRow, FlowRow } from './store.ts';

export function exchangeRow(r: ExchangeRecord, sni: string | null): ExchangeRow {
  return {
    exchange: exchangeIdText(r.flow, r.n),
    flow: flowIdText(r.flow),
    time: r.time,
    client: r.client,
    user: r.user,
    method: r.method,
    scheme: r.scheme,
    host: r.host,
    port: r.port,
    path: r.path,
    status: r.status,
    protocol: r.protocol,
    reqBytes: r.req.size,
    resBytes: r.res.size,
    ms: r.ms,
    verdict: r.verdict.action,
    rule: r.verdict.rule,
    policy: r.verdict.policy,
    fault: r.fault,
    reason: r.verdict.reason,
    sni,
    contentType: r.contentType,
    ...mannerColumns(r.verdict, r.scheme),
    masked: r.masked ?? null,
  };
}

export function flowRow(r: FlowRecord): FlowRow {
  const hello = r.facts?.hello ?? null;
  return {
    flow: flowIdText(r.flow),
    time: r.time,
    client: r.client,
    user: r.facts?.user ?? null,
    host: r.facts?.host ?? null,
    port: r.facts?.port ?? null,
    sni: hello?.sni ?? null,
    alpn: hello?.alpn ?? null,
    ja4: hello?.ja4 ?? null,
    verdict: r.verdict?.action ?? null,
    rule: r.verdict?.rule ?? null,
    policy: r.verdict?.policy ?? null,
    reason: r.verdict?.reason ?? null,
    bytesUp: r.bytesUp,
    bytesDown: r.bytesDown,
    ms: r.ms,
    fault: r.fault,
    exchanges: r.exchanges,
    ...mannerColumns(r.verdict, r.facts?.scheme ?? null),
  };
}

/** The manner of a verdict under the names that rows have for it. */
export function mannerColumns(
  verdict: Verdict | null,
  scheme: 'http' | 'https' | null,
): Pick<FlowRow, 'mask' | 'tlsProfile' | 'parent'> {
  if (verdict === null) return { mask: null, tlsProfile: null, parent: null };
  const { mask, tls, parent } = mannerOf(verdict, scheme);
  return { mask, tlsProfile: tls, parent };
}

export const eventRow = (r: EventRecord): EventRow => ({ time: r.time, event: r.name, detail: r.detail });
