/**
 * The facts of something that was recorded, as a decision takes them: to explain why it was decided as it was, or would be
 * now. Pure. What no record keeps (the request of a flow, the lists as they were) it does not invent.
 */
import type { FlowFacts, OriginFacts } from '../../src/core/facts.ts';
import { FAULTS, isFaultCode } from '../../src/core/faults.ts';
import type { FlowOpenRecord, FlowRecord } from '../../src/core/records.ts';
import { factsForHost, plainPath } from '../../src/core/request-facts.ts';
import type { ExchangeDetail } from '../../src/audit/store/store.ts';

/** Facts of a flow, or of one request in it; null for a connection that ended before it said what it wants. */
export function recordedFacts(
  record: FlowRecord | FlowOpenRecord,
  exchange: ExchangeDetail | null,
): FlowFacts | null {
  const { facts } = record;
  if (facts === null) return null;
  const origin = facts.origin ?? (record.kind === 'flow' ? originOf(record) : null);
  const whole = origin === null ? facts : { ...facts, origin };
  if (exchange === null) return whole;
  const about = factsForHost(whole, exchange.host, exchange.time);
  return {
    ...about,
    ...(exchange.scheme === 'http' ? { port: exchange.port, user: exchange.user } : {}),
    request: {
      method: exchange.method,
      path: plainPath(exchange.path),
      contentType: contentTypeOf(exchange.reqHeaders),
    },
  };
}

/** What the origin showed, kept with the row even where no rule looked at it then. */
function originOf({ originCert, fault }: FlowRecord): OriginFacts | null {
  const refused = fault !== null && isFaultCode(fault) && FAULTS[fault].phase === 'origin-tls' ? fault : null;
  if (originCert === null && refused === null) return null;
  return { subject: originCert?.subject ?? '', issuer: originCert?.issuer ?? '', fault: refused };
}

function contentTypeOf(head: string): string | null {
  const line = head.split('\r\n').find(l => /^content-type:/i.test(l));
  const type = (line?.slice(line.indexOf(':') + 1).split(';', 1)[0] ?? '').trim().toLowerCase();
  return type === '' ? null : type;
}
