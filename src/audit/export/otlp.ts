/**
 * OpenTelemetry log records in the JSON mapping of OTLP: lowerCamelCase names, 64-bit integers as decimal text, enums as numbers.
 * Attribute names follow the semantic conventions for HTTP, network and TLS; ours alone begin with `sightglass.`. Pure.
 */
import { idOf, PRODUCT, sentenceOf, severityOf, urlOf, userAgentOf } from './facts.ts';
import type { Severity } from './facts.ts';
import { jsonLine } from './lines.ts';
import type { Include } from './json.ts';
import type { Bounded } from './bound.ts';

/** Numbers of the log data model. */
const SEVERITY: Readonly<Record<Severity, [number, string]>> = {
  info: [9, 'INFO'],
  notice: [10, 'INFO2'],
  warning: [13, 'WARN'],
};

type Value = string | number | boolean | null | undefined;

/** One log record as one line of JSON; `otlpRequest` puts records into a request. `observed`: ms since epoch. */
export function otlpRecord(bounded: Bounded, include: Include, observed: number): string {
  const { fed, cut } = bounded;
  const [number, text] = SEVERITY[severityOf(fed)];
  return jsonLine({
    timeUnixNano: nanoseconds(fed.row.time),
    observedTimeUnixNano: nanoseconds(observed),
    severityNumber: number,
    severityText: text,
    eventName: fed.kind === 'event' ? fed.row.event : `sightglass.${fed.kind}`,
    body: { stringValue: sentenceOf(fed) },
    attributes: attributesOf([
      ['log.record.uid', idOf(fed)],
      ...pairsOf(bounded, include),
      ...(cut.length === 0 ? [] : ([['sightglass.truncated', cut.join(',')]] satisfies [string, Value][])),
    ]),
  });
}

/** A record written by `otlpRecord`, and the machine that recorded it. */
export interface OtlpRecord {
  host: string;
  text: string;
}

/** The body of a request: one resource for each machine. `version` of Sightglass. */
export function otlpRequest(records: readonly OtlpRecord[], version: string): string {
  const scope = jsonLine({ name: PRODUCT.toLowerCase(), version });
  const resources = [...new Set(records.map(({ host }) => host))].map(name => {
    const resource = jsonLine({
      attributes: attributesOf([
        ['service.name', PRODUCT.toLowerCase()],
        ['service.version', version],
        ['host.name', name],
      ]),
    });
    const own = records.flatMap(({ host, text }) => (host === name ? text : []));
    return `{"resource":${resource},"scopeLogs":[{"scope":${scope},"logRecords":[${own.join(',')}]}]}`;
  });
  return `{"resourceLogs":[${resources.join(',')}]}`;
}

function pairsOf({ fed }: Bounded, include: Include): [string, Value][] {
  switch (fed.kind) {
    case 'exchange': {
      const { row, detail } = fed;
      return [
        ['http.request.method', row.method],
        ['http.request.body.size', row.reqBytes],
        ['http.response.status_code', row.status],
        ['http.response.body.size', row.resBytes],
        ['url.full', urlOf(row)],
        ['url.scheme', row.scheme],
        ['server.address', row.host],
        ['server.port', row.port],
        ['client.address', row.client],
        ['user.name', row.user],
        ['user_agent.original', userAgentOf(fed)],
        ['network.protocol.name', 'http'],
        ['network.protocol.version', row.protocol.replace(/^(?:HTTP\/|h)/, '')],
        ['tls.client.server_name', row.sni],
        ['error.type', row.fault],
        ...verdictOf(row),
        ['sightglass.flow', row.flow],
        ['sightglass.duration_ms', row.ms],
        ['sightglass.content_type', row.contentType],
        ...(include.heads
          ? ([
              ['sightglass.request.headers', detail?.reqHeaders],
              ['sightglass.response.headers', detail?.resHeaders],
            ] satisfies [string, Value][])
          : []),
      ];
    }
    case 'flow': {
      const { row, record } = fed;
      return [
        ['server.address', row.host],
        ['server.port', row.port],
        ['client.address', row.client],
        ['client.port', record?.clientPort],
        ['network.peer.address', record?.originAddress],
        ['network.transport', 'tcp'],
        ['user.name', row.user],
        ['tls.client.server_name', row.sni],
        ['tls.client.ja3', record?.facts?.hello?.ja3],
        ['tls.protocol.version', record?.clientTls?.version.replace(/^TLSv/, '')],
        ['tls.cipher', record?.clientTls?.cipher],
        ['tls.resumed', record?.clientTls?.resumed],
        ['tls.server.subject', record?.originCert?.subject],
        ['tls.server.issuer', record?.originCert?.issuer],
        ['tls.server.hash.sha256', record?.originCert?.fingerprint.toUpperCase()],
        ['error.type', row.fault],
        ...verdictOf(row),
        ['sightglass.ja4', row.ja4],
        ['sightglass.bytes_up', row.bytesUp],
        ['sightglass.bytes_down', row.bytesDown],
        ['sightglass.exchanges', row.exchanges],
        ['sightglass.duration_ms', row.ms],
      ];
    }
    case 'event':
      return [['sightglass.detail', JSON.stringify(fed.row.detail)]];
  }
}

const verdictOf = (row: {
  verdict: string | null;
  rule: string | null;
  policy: string | null;
  reason: string | null;
  mask: string | null;
  tlsProfile: string | null;
  parent: string | null;
}): [string, Value][] => [
  ['sightglass.verdict', row.verdict],
  ['sightglass.rule', row.rule],
  ['sightglass.policy', row.policy],
  ['sightglass.reason', row.reason],
  ['sightglass.mask', row.mask],
  ['sightglass.tls_profile', row.tlsProfile],
  ['sightglass.parent', row.parent],
];

function attributesOf(pairs: readonly [string, Value][]): { key: string; value: Record<string, unknown> }[] {
  return pairs.flatMap(([key, value]) =>
    value === null || value === undefined ? [] : [{ key, value: anyValue(value) }],
  );
}

function anyValue(value: string | number | boolean): Record<string, unknown> {
  if (typeof value === 'string') return { stringValue: value };
  if (typeof value === 'boolean') return { boolValue: value };
  return Number.isSafeInteger(value) ? { intValue: String(value) } : { doubleValue: value };
}

/** Milliseconds as nanoseconds in decimal; what no unsigned 64-bit number holds is 0, "unknown" in the data model. */
function nanoseconds(time: number): string {
  return Number.isFinite(time) && time > 0 && time < 1.8e13
    ? String(BigInt(Math.round(time)) * 1_000_000n)
    : '0';
}
