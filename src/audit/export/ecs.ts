/**
 * Elastic Common Schema (8.11) as nested JSON. What ECS has a name for stands there; what is ours alone (policy version,
 * reason, verdict before a mapping) stands under `sightglass`. Hashes are upper-case hex, durations nanoseconds, as ECS wants them. Pure.
 *
 * Details of an event travel as one text: their keys are not bounded, and every new key would become a field of the index.
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
import { isoTime, jsonLine } from './lines.ts';
import { bodyText } from './json.ts';
import type { Include } from './json.ts';
import type { Bounded } from './bound.ts';
import type { TlsLeg } from '../../core/facts.ts';
import type { FedRow } from '../store/store.ts';

export const ECS_VERSION = '8.11.0';

/** One record as one line. */
export const ecsLine = (bounded: Bounded, sender: Sender, include: Include): string =>
  jsonLine(ecs(bounded, sender, include));

export function ecs({ fed, cut }: Bounded, sender: Sender, include: Include): Record<string, unknown> {
  const base = {
    '@timestamp': isoTime(fed.row.time),
    ecs: { version: ECS_VERSION },
    message: sentenceOf(fed),
    observer: {
      type: 'proxy',
      vendor: VENDOR,
      product: PRODUCT,
      version: sender.version,
      name: hostOf(fed, sender),
    },
    log: { level: severityOf(fed) },
    ...(cut.length === 0 ? {} : { tags: ['truncated'] }),
  };
  switch (fed.kind) {
    case 'exchange':
      return { ...base, ...exchangeFields(fed, include), sightglass: ours(fed, cut) };
    case 'flow':
      return { ...base, ...flowFields(fed), sightglass: ours(fed, cut) };
    case 'event':
      return {
        ...base,
        event: { kind: 'event', category: ['configuration'], type: ['info'], action: fed.row.event },
        sightglass: { kind: 'event', detail: JSON.stringify(fed.row.detail), ...cutField(cut) },
      };
  }
}

type Exchange = Extract<FedRow, { kind: 'exchange' }>;
type Flow = Extract<FedRow, { kind: 'flow' }>;

function exchangeFields(fed: Exchange, include: Include): Record<string, unknown> {
  const { row, detail, bodies } = fed;
  const [path = '', ...query] = row.path.split('?');
  return {
    event: eventOf(fed, row.ms),
    ...ends(row.client, null, row.user, row.host, row.port, null),
    http: present({
      version: /^HTTP\/(\d\.\d)$/.exec(row.protocol)?.[1] ?? (row.protocol === 'h2' ? '2' : row.protocol),
      request: present({
        id: row.exchange,
        method: row.method,
        referrer: referrerOf(fed),
        body: present({
          bytes: row.reqBytes,
          content: include.bodies ? bodyText(bodies?.req ?? null) : null,
        }),
      }),
      response: present({
        status_code: row.status,
        mime_type: row.contentType,
        body: present({
          bytes: row.resBytes,
          content: include.bodies ? bodyText(bodies?.res ?? null) : null,
        }),
      }),
    }),
    url: present({
      full: urlOf(row),
      original: row.path,
      scheme: row.scheme,
      domain: row.host,
      port: row.port,
      path,
      query: query.length === 0 ? null : query.join('?'),
    }),
    user_agent: present({ original: userAgentOf(fed) }),
    tls: row.sni === null ? undefined : { client: { server_name: row.sni } },
    network: { transport: 'tcp', protocol: 'http', bytes: row.reqBytes + row.resBytes },
    rule: { name: row.rule },
    ...(include.heads && detail !== null
      ? { labels: { request_headers: detail.reqHeaders, response_headers: detail.resHeaders } }
      : {}),
    ...(row.fault === null ? {} : { error: present({ code: row.fault, message: detail?.faultDetail }) }),
  };
}

function flowFields(fed: Flow): Record<string, unknown> {
  const { row, record } = fed;
  const cert = record?.originCert ?? null;
  return {
    event: eventOf(fed, row.ms),
    ...ends(
      row.client,
      record?.clientPort ?? null,
      row.user,
      row.host,
      row.port,
      record?.originAddress ?? null,
    ),
    tls: present({
      ...legFields(record?.clientTls ?? null),
      established: record === null ? null : record.clientTls !== null,
      client: present({
        server_name: row.sni,
        ja3: record?.facts?.hello?.ja3,
        supported_ciphers: record?.facts?.hello?.ciphers.map(String),
      }),
      server: present(
        cert === null
          ? {}
          : {
              hash: { sha256: cert.fingerprint.toUpperCase() },
              subject: cert.subject,
              issuer: cert.issuer,
              not_before: cert.notBefore,
              not_after: cert.notAfter,
            },
      ),
    }),
    network: { transport: 'tcp', bytes: row.bytesUp + row.bytesDown },
    source: { ...sourceOf(row.client, record?.clientPort ?? null), bytes: row.bytesUp },
    rule: present({ name: row.rule }),
    ...(row.fault === null ? {} : { error: present({ code: row.fault, message: record?.faultDetail }) }),
  };
}

function eventOf(fed: Exchange | Flow, ms: number): Record<string, unknown> {
  const { verdict, fault } = fed.row;
  const type = fed.kind === 'flow' ? 'connection' : 'access';
  return present({
    id: idOf(fed),
    kind: 'event',
    category: fed.kind === 'flow' ? ['network'] : ['web', 'network'],
    type: [type, ...(verdict === null ? [] : [verdict === 'block' ? 'denied' : 'allowed'])],
    action: verdict,
    outcome: fault === null && verdict !== null ? 'success' : verdict === 'block' ? 'success' : 'failure',
    duration: Math.round(ms * 1e6),
    reason: fed.row.reason,
  });
}

function ends(
  client: string,
  clientPort: number | null,
  user: string | null,
  host: string | null,
  port: number | null,
  address: string | null,
): Record<string, unknown> {
  const ip = addressOrNull(address) ?? addressOrNull(host);
  return {
    source: sourceOf(client, clientPort),
    client: sourceOf(client, clientPort),
    destination: present({
      address: host ?? address,
      domain: addressOrNull(host) === null ? host : null,
      ip,
      port,
    }),
    ...(user === null ? {} : { user: { name: user } }),
    related: present({
      ip: [addressOrNull(client), ip].filter(found => found !== null),
      hosts: host === null ? [] : [host],
      user: user === null ? null : [user],
    }),
  };
}

const sourceOf = (client: string, port: number | null): Record<string, unknown> =>
  present({ address: client, ip: addressOrNull(client), port });

/** The client's leg; the origin's stands under `sightglass`, because ECS has room for one. */
function legFields(leg: TlsLeg | null): Record<string, unknown> {
  if (leg === null) return {};
  return {
    version_protocol: 'tls',
    version: /^TLSv(\d\.\d)$/.exec(leg.version)?.[1] ?? (leg.version === 'TLSv1' ? '1.0' : leg.version),
    cipher: leg.cipher,
    resumed: leg.resumed,
    next_protocol: leg.alpn,
  };
}

function ours(fed: Exchange | Flow, cut: readonly string[]): Record<string, unknown> {
  const { row } = fed;
  return present({
    kind: fed.kind,
    flow: row.flow,
    verdict: row.verdict,
    policy: row.policy,
    fault: row.fault,
    mask: row.mask,
    tls_profile: row.tlsProfile,
    parent: row.parent,
    ...(fed.kind === 'flow'
      ? { ja4: fed.row.ja4, exchanges: fed.row.exchanges, origin_tls: fed.record?.originTls }
      : { upgraded: fed.detail?.upgraded }),
    ...cutField(cut),
  });
}

const cutField = (cut: readonly string[]): Record<string, unknown> =>
  cut.length === 0 ? {} : { truncated: cut };
