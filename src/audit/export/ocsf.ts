/**
 * OCSF 1.3: an exchange is HTTP Activity (class 4002), a flow Network Activity (4001), an event Application Lifecycle (6002),
 * all with the profile `security_control` where a verdict fell. Fields without a value are left out. What OCSF has no place
 * for stands in `unmapped`. Pure. Source: the schema repository of OCSF (events/network, profiles/security_control).
 */
import {
  addressOrNull,
  hostOf,
  idOf,
  present,
  PRODUCT,
  referrerOf,
  sentenceOf,
  severityOf,
  urlOf,
  userAgentOf,
  VENDOR,
} from './facts.ts';
import type { Sender } from './facts.ts';
import { headFields } from './facts.ts';
import { jsonLine } from './lines.ts';
import type { Include } from './json.ts';
import type { Bounded } from './bound.ts';
import type { CertFacts, TlsLeg } from '../../core/facts.ts';
import type { FedRow } from '../store/store.ts';

export const OCSF_VERSION = '1.3.0';

/** activity_id of HTTP Activity by method; PATCH has its own number only in later versions. */
const METHODS = new Map<string, readonly [number, string]>([
  ['CONNECT', [1, 'Connect']],
  ['DELETE', [2, 'Delete']],
  ['GET', [3, 'Get']],
  ['HEAD', [4, 'Head']],
  ['OPTIONS', [5, 'Options']],
  ['POST', [6, 'Post']],
  ['PUT', [7, 'Put']],
  ['TRACE', [8, 'Trace']],
]);
const SEVERITY = { info: [1, 'Informational'], notice: [2, 'Low'], warning: [3, 'Medium'] } as const;

/** One record as one line. */
export const ocsfLine = (bounded: Bounded, sender: Sender, include: Include): string =>
  jsonLine(ocsf(bounded, sender, include));

export function ocsf({ fed, cut }: Bounded, sender: Sender, include: Include): Record<string, unknown> {
  switch (fed.kind) {
    case 'exchange': {
      const [activity, name] = METHODS.get(fed.row.method) ?? [99, fed.row.method];
      return {
        ...base(fed, cut, sender, 4, 'Network Activity', 4002, 'HTTP Activity', activity, name),
        ...exchangeFields(fed, include),
      };
    }
    case 'flow': {
      const { verdict, fault } = fed.row;
      const [activity, name] =
        verdict === 'block' ? [5, 'Refuse'] : fault === null ? [6, 'Traffic'] : [4, 'Fail'];
      return {
        ...base(fed, cut, sender, 4, 'Network Activity', 4001, 'Network Activity', activity, name),
        ...flowFields(fed),
      };
    }
    case 'event': {
      const { event, detail } = fed.row;
      const [activity, name] =
        event === 'service.started' ? [3, 'Start'] : event === 'service.stopping' ? [4, 'Stop'] : [99, event];
      return {
        ...base(fed, cut, sender, 6, 'Application Activity', 6002, 'Application Lifecycle', activity, name),
        app: { name: PRODUCT, vendor_name: VENDOR, version: sender.version },
        unmapped: { event, detail: JSON.stringify(detail), ...cutField(cut) },
      };
    }
  }
}

type Exchange = Extract<FedRow, { kind: 'exchange' }>;
type Flow = Extract<FedRow, { kind: 'flow' }>;

function base(
  fed: FedRow,
  cut: readonly string[],
  sender: Sender,
  category: number,
  categoryName: string,
  uid: number,
  className: string,
  activity: number,
  activityName: string,
): Record<string, unknown> {
  const [severity, severityName] = SEVERITY[severityOf(fed)];
  const decided = fed.kind !== 'event' && fed.row.verdict !== null;
  const denied = fed.kind !== 'event' && fed.row.verdict === 'block';
  const failed = fed.kind !== 'event' && fed.row.fault !== null && !denied;
  return present({
    time: fed.row.time,
    category_uid: category,
    category_name: categoryName,
    class_uid: uid,
    class_name: className,
    activity_id: activity,
    activity_name: activityName,
    type_uid: uid * 100 + activity,
    type_name: `${className}: ${activityName}`,
    severity_id: severity,
    severity: severityName,
    status_id: failed ? 2 : 1,
    status: failed ? 'Failure' : 'Success',
    status_code: fed.kind === 'event' ? null : fed.row.fault,
    message: sentenceOf(fed),
    metadata: present({
      version: OCSF_VERSION,
      product: { name: PRODUCT, vendor_name: VENDOR, version: sender.version },
      uid: idOf(fed),
      log_provider: hostOf(fed, sender),
      ...(decided ? { profiles: ['security_control'] } : {}),
      ...(cut.length === 0 ? {} : { labels: ['truncated'] }),
    }),
    ...(fed.kind === 'event'
      ? {}
      : {
          duration: Math.round(fed.row.ms),
          start_time: fed.row.time,
          end_time: Math.round(fed.row.time + fed.row.ms),
        }),
    ...(decided
      ? {
          action_id: denied ? 2 : 1,
          action: denied ? 'Denied' : 'Allowed',
          disposition_id: denied ? 2 : 1,
          disposition: denied ? 'Blocked' : 'Allowed',
          firewall_rule: present({ name: fed.row.rule, version: fed.row.policy, desc: fed.row.reason }),
        }
      : {}),
  });
}

function exchangeFields(fed: Exchange, include: Include): Record<string, unknown> {
  const { row, detail } = fed;
  const [path = '', ...query] = row.path.split('?');
  const fields = include.heads && detail !== null ? headFields(detail.reqHeaders) : null;
  return present({
    src_endpoint: present({ ip: addressOrNull(row.client), name: row.client }),
    dst_endpoint: endpoint(row.host, row.port, null),
    ...(row.user === null ? {} : { actor: { user: { name: row.user } } }),
    http_request: present({
      uid: row.exchange,
      http_method: row.method,
      version: row.protocol,
      length: row.reqBytes,
      user_agent: userAgentOf(fed),
      referrer: referrerOf(fed),
      http_headers: fields,
      url: present({
        url_string: urlOf(row),
        scheme: row.scheme,
        hostname: row.host,
        port: row.port,
        path,
        query_string: query.length === 0 ? null : query.join('?'),
      }),
    }),
    http_response:
      row.status === null
        ? null
        : present({
            code: row.status,
            content_type: row.contentType,
            length: row.resBytes,
            latency: detail?.wait === null || detail === null ? null : Math.round(detail.wait),
          }),
    traffic: {
      bytes: row.reqBytes + row.resBytes,
      bytes_out: row.reqBytes,
      bytes_in: row.resBytes,
    },
    unmapped: present({
      flow: row.flow,
      sni: row.sni,
      verdict: row.verdict,
      fault_detail: detail?.faultDetail,
    }),
  });
}

function flowFields(fed: Flow): Record<string, unknown> {
  const { row, record } = fed;
  return present({
    src_endpoint: present({
      ip: addressOrNull(row.client),
      name: row.client,
      port: record?.clientPort ?? null,
    }),
    dst_endpoint: endpoint(row.host, row.port, record?.originAddress ?? null),
    ...(row.user === null ? {} : { actor: { user: { name: row.user } } }),
    connection_info: { protocol_name: 'tcp', protocol_num: 6, direction_id: 2, direction: 'Outbound' },
    traffic: {
      bytes: row.bytesUp + row.bytesDown,
      bytes_out: row.bytesUp,
      bytes_in: row.bytesDown,
    },
    tls: tls(
      record?.clientTls ?? null,
      row.sni,
      record?.originCert ?? null,
      record?.facts?.hello?.ja3 ?? null,
    ),
    unmapped: present({
      verdict: row.verdict,
      ja4: row.ja4,
      exchanges: row.exchanges,
      origin_tls: record?.originTls,
      fault_detail: record?.faultDetail,
    }),
  });
}

function endpoint(host: string | null, port: number | null, address: string | null): Record<string, unknown> {
  const found = present({
    hostname: host !== null && addressOrNull(host) === null ? host : null,
    ip: addressOrNull(address) ?? addressOrNull(host),
    port,
  });
  // An endpoint that is known by nothing else still has to be one.
  return Object.keys(found).length === 0 ? { name: 'unknown' } : found;
}

function tls(leg: TlsLeg | null, sni: string | null, cert: CertFacts | null, ja3: string | null) {
  if (leg === null) return null;
  return present({
    version: leg.version,
    cipher: leg.cipher,
    sni,
    ja3_hash: ja3 === null ? null : { algorithm_id: 1, algorithm: 'MD5', value: ja3 },
    certificate:
      cert === null
        ? null
        : {
            subject: cert.subject,
            issuer: cert.issuer,
            serial_number: cert.serial,
            fingerprints: [{ algorithm_id: 3, algorithm: 'SHA-256', value: cert.fingerprint }],
            created_time: Date.parse(cert.notBefore),
            expiration_time: Date.parse(cert.notAfter),
          },
  });
}

const cutField = (cut: readonly string[]): Record<string, unknown> =>
  cut.length === 0 ? {} : { truncated: cut };
