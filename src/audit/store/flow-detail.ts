/**
 * What a flow's row holds beyond its columns, as JSON, in two parts: what is the flow's own, and the frame around it (protocols,
 * ciphers, listener, kind of host), which many flows share and a day file keeps once. `joinedText` gives back the very text
 * that `detailText` made, since that is what the chain speaks of. Pure.
 */
import type { FlowFacts, TlsLeg } from '../../core/facts.ts';
import type { FlowRecord } from '../../core/records.ts';

export interface FlowDetail {
  clientPort: number;
  facts: FlowFacts | null;
  fault: string | null;
  faultDetail: string | null;
  originAddress: string | null;
  clientTls: TlsLeg | null;
  originTls: TlsLeg | null;
  leafSerial: string | null;
}

const OWN = ['clientPort', 'faultDetail', 'originAddress', 'leafSerial'] as const;
const OWN_FACTS = ['now', 'client', 'user', 'host'] as const;

type Json = Record<string, unknown>;

/** The hello is a document of its own. */
export const detailOf = (r: FlowRecord): FlowDetail => ({
  clientPort: r.clientPort,
  facts: r.facts === null ? null : { ...r.facts, hello: null },
  fault: r.fault,
  faultDetail: r.faultDetail,
  originAddress: r.originAddress,
  clientTls: r.clientTls,
  originTls: r.originTls,
  leafSerial: r.leafSerial,
});

export const detailText = (detail: FlowDetail): string => JSON.stringify(detail);

/** The frame and, as text, the flow's own part. */
export function splitDetail(detail: FlowDetail): { frame: object; own: string } {
  const [frame, own] = taken(detail, OWN);
  if (detail.facts !== null) [frame['facts'], own['facts']] = taken(detail.facts, OWN_FACTS);
  return { frame, own: JSON.stringify(own) };
}

/** A copy with 0 in place of the named values, so that what is put back keeps its place; and the values. */
function taken(of: object, names: readonly string[]): [rest: Json, values: Json] {
  const rest: Json = { ...of };
  const values: Json = {};
  for (const name of names) {
    if (rest[name] === undefined) continue;
    values[name] = rest[name];
    rest[name] = 0;
  }
  return [rest, values];
}

/** The whole again. `frame` is null in rows of version 1, where `own` is the whole. */
export function joinDetail(frame: unknown, own: string): FlowDetail {
  const values = JSON.parse(own) as Json;
  if (frame === null) return values as unknown as FlowDetail;
  const whole = frame as Json & { facts: object | null };
  if (whole.facts === null) return { ...whole, ...values } as unknown as FlowDetail;
  return {
    ...whole,
    ...values,
    facts: { ...whole.facts, ...(values['facts'] as object) },
  } as unknown as FlowDetail;
}

/** The whole as text. What somebody has changed so that it is no JSON any more comes as it is: it fits no digest. */
export function joinedText(frame: string | null, own: string): string {
  if (frame === null) return own;
  try {
    return detailText(joinDetail(JSON.parse(frame), own));
  } catch {
    return frame + own;
  }
}
