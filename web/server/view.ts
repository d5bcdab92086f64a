/**
 * Rows and records as the store gives them → shapes as the contract shows them. Pure. Secrets were masked before anything
 * was written; this file only splits, names and counts, and turns times into text. Fields are named one by one, so a
 * column that the store gains is not shown before somebody decides that it should be.
 */
import { FAULTS, isFaultCode } from '../../src/core/faults.ts';
import { maskedItems, WITHHELD } from '../../src/core/masking.ts';
import { flowIdText } from '../../src/core/records.ts';
import { isoTime } from '../../src/audit/export/lines.ts';
import { mannerColumns } from '../../src/audit/store/rows.ts';
import type { BodyFacts } from '../../src/core/records.ts';
import type * as store from '../../src/audit/store/store.ts';
import type * as contract from '../contract.ts';

export function exchangeRow(e: store.ExchangeRow): contract.ExchangeRow {
  return {
    exchange: e.exchange,
    flow: e.flow,
    time: isoTime(e.time),
    client: e.client,
    user: e.user,
    method: e.method,
    scheme: e.scheme,
    host: e.host,
    port: e.port,
    path: e.path,
    status: e.status,
    protocol: e.protocol,
    reqBytes: e.reqBytes,
    resBytes: e.resBytes,
    ms: e.ms,
    verdict: e.verdict as contract.Action,
    rule: e.rule,
    policy: e.policy,
    fault: e.fault,
    contentType: e.contentType,
    sni: e.sni,
    reason: e.reason,
    mask: e.mask,
    tlsProfile: e.tlsProfile,
    parent: e.parent,
    masked: e.masked,
    proxy: e.proxy ?? null,
  };
}

export function flowRow(f: store.FlowRow): contract.FlowRow {
  return {
    flow: f.flow,
    time: isoTime(f.time),
    client: f.client,
    user: f.user,
    host: f.host,
    port: f.port,
    sni: f.sni,
    alpn: f.alpn ?? [],
    ja4: f.ja4,
    verdict: f.verdict as contract.Action | null,
    rule: f.rule,
    policy: f.policy,
    reason: f.reason,
    bytesUp: f.bytesUp,
    bytesDown: f.bytesDown,
    ms: f.ms,
    fault: f.fault,
    exchanges: f.exchanges,
    mask: f.mask,
    tlsProfile: f.tlsProfile,
    parent: f.parent,
    proxy: f.proxy ?? null,
  };
}

export function eventRow(e: store.EventRow): contract.EventRow {
  return { event: e.event, time: isoTime(e.time), detail: e.detail, proxy: e.proxy ?? null };
}

/** Rows of a page, of whatever kind was asked. */
export function rowsOf<K extends contract.Kind>(
  kind: K,
  rows: readonly store.RowOf[K][],
): contract.RowOf[K][] {
  const one: { [P in contract.Kind]: (row: store.RowOf[P]) => contract.RowOf[P] } = {
    exchanges: exchangeRow,
    flows: flowRow,
    events: eventRow,
  };
  return rows.map(one[kind]);
}

export function liveRow(live: store.LiveRow): contract.RowOf[contract.Kind] {
  switch (live.kind) {
    case 'exchange':
      return exchangeRow(live.row);
    case 'flow':
      return flowRow(live.row);
    case 'event':
      return eventRow(live.row);
  }
}

export function exchangeDetail(
  e: store.ExchangeDetail,
  flow: store.FlowDetail | null,
  next: string | null,
): Omit<contract.ExchangeDetail, 'revealed'> {
  return {
    row: exchangeRow(e),
    request: { headers: headerFields(e.reqHeaders), body: bodyInfo(e.req) },
    response: e.status === null ? null : { headers: headerFields(e.resHeaders), body: bodyInfo(e.res) },
    wait: e.wait,
    verdict: {
      action: e.verdict as contract.Action,
      rule: e.rule,
      policy: e.policy,
      reason: e.reason,
      capture: e.capture,
      block: e.block,
      mask: e.mask,
      tlsProfile: e.tlsProfile,
      parent: e.parent,
    },
    fault: faultInfo(e.fault, e.faultDetail),
    upgraded: e.upgraded,
    masked: maskedItems(e.masked),
    flow: flow === null ? null : { ...flowDetail(flow, e.flow), exchanges: [] },
    previous: e.n > 1 ? `${e.flow}.${e.n - 1}` : null,
    next,
  };
}

/**
 * Of an open flow only its start is known; the rest is null or zero and `open` says why. `id` is the text id that was asked for: the
 * record knows the proxy's own only.
 */
export function flowDetail(
  f: store.FlowDetail,
  id = f.row?.flow ?? flowIdText(f.record.flow),
): contract.FlowDetail {
  const { record } = f;
  const { facts, verdict } = record;
  const manner = mannerColumns(verdict, facts?.scheme ?? null);
  const ended = record.kind === 'flow' ? record : null;
  return {
    row:
      f.row !== null
        ? flowRow(f.row)
        : {
            flow: id,
            time: isoTime(record.time),
            client: record.client,
            user: facts?.user ?? null,
            host: facts?.host ?? null,
            port: facts?.port ?? null,
            sni: facts?.hello?.sni ?? null,
            alpn: facts?.hello?.alpn ?? [],
            ja4: facts?.hello?.ja4 ?? null,
            verdict: verdict?.action ?? null,
            rule: verdict?.rule ?? null,
            policy: verdict?.policy ?? null,
            reason: verdict?.reason ?? null,
            bytesUp: 0,
            bytesDown: 0,
            ms: 0,
            fault: null,
            exchanges: f.exchanges.length,
            ...manner,
            proxy: null,
          },
    open: f.open,
    clientPort: record.clientPort,
    ingress: facts?.ingress ?? null,
    listener: facts?.listener ?? null,
    groups: facts?.groups ?? [],
    outcome: facts?.outcome ?? null,
    hello: facts?.hello ?? null,
    verdict:
      verdict === null
        ? null
        : {
            action: verdict.action,
            rule: verdict.rule,
            policy: verdict.policy,
            reason: verdict.reason,
            capture: verdict.capture,
            block: verdict.block,
            ...manner,
          },
    fault: faultInfo(ended?.fault ?? null, ended?.faultDetail ?? null),
    originAddress: ended?.originAddress ?? null,
    clientTls: ended?.clientTls ?? null,
    originTls: ended?.originTls ?? null,
    originCert: ended?.originCert ?? null,
    leafSerial: ended?.leafSerial ?? null,
    exchanges: f.exchanges.map(exchangeRow),
  };
}

/** `name: value\r\n` lines as fields, in order, duplicates kept. A line without a colon shows as a name. */
export function headerFields(block: string): contract.HeaderField[] {
  return block
    .split('\r\n')
    .filter(line => line !== '')
    .map(line => {
      const at = line.indexOf(':');
      const name = at < 0 ? line : line.slice(0, at);
      const value = at < 0 ? '' : line.slice(at + 1).trim();
      return { name, value, masked: MASK.test(value) };
    });
}

export function facets(field: string, found: store.Facets, top: number): contract.Facet {
  // Rows without a value are found by `-field:*`; they are no value to filter by.
  const values = found.values.filter(v => v.value !== null);
  return {
    field,
    values: values.slice(0, top).map(v => ({ value: String(v.value), count: v.count })),
    more: values.length > top,
    exact: found.exact,
  };
}

/** How far a partial answer got, for those shapes that say so. */
export const reachedOf = (reached: number | null | undefined): { reached?: string } =>
  reached === null || reached === undefined ? {} : { reached: isoTime(reached) };

export function histogram(
  since: number,
  until: number,
  buckets: number,
  found: store.Histogram,
): contract.Histogram {
  return {
    since: isoTime(since),
    until: isoTime(until),
    step: (until - since) / buckets,
    buckets: found.buckets.map(b => ({
      time: isoTime(b.time),
      inspect: b.inspect,
      passthrough: b.passthrough,
      block: b.block,
      none: b.none,
      faults: b.faults,
    })),
    exact: found.exact,
    ...reachedOf(found.reached),
  };
}

function bodyInfo(body: BodyFacts): contract.BodyInfo {
  const form = body.form ?? 'raw';
  return {
    size: body.size,
    kept: body.kept,
    sha256: body.sha256,
    truncated: body.truncated,
    absent:
      body.kept > 0 ? null : body.size === 0 ? 'empty' : WITHHELD.has(form) ? 'withheld' : 'not-captured',
    form,
  };
}

/** A code of a newer or older catalogue is shown as it is, with what can honestly be said of it. */
function faultInfo(code: string | null, detail: string | null): contract.FaultInfo | null {
  if (code === null) return null;
  if (!isFaultCode(code))
    return {
      code,
      side: 'us',
      phase: 'relay',
      summary: 'This version does not know the fault.',
      hint: 'Another version of Sightglass wrote the record.',
      detail,
    };
  const { side, phase, summary, hint } = FAULTS[code];
  return { code, side, phase, summary, hint, detail };
}

/** What capture writes in place of a secret; no octet of a head can produce these characters (src/capture/mask.ts). */
const MASK = /‹masked(?: [^›]{1,60})?›/;
