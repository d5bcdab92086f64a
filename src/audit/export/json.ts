/**
 * A record in our own words as one line of JSON: the fields of the command line contract, then what else is known. This is what
 * streams send when no other vocabulary is asked for. Pure.
 */
import { hostOf, referrerOf, userAgentOf } from './facts.ts';
import type { Sender } from './facts.ts';
import { EVENT_FIELDS, EXCHANGE_FIELDS, exported, FLOW_FIELDS, jsonLine } from './lines.ts';
import type { Bounded } from './bound.ts';
import type { FedBodies, StoredBody } from '../store/store.ts';

export interface Include {
  /** Heads of request and response, as recorded (masked). */
  heads: boolean;
  /** Captured bodies. */
  bodies: boolean;
}

export const BARE: Include = { heads: false, bodies: false };

/** The record as an object; `kind` says which one. */
export function plain({ fed, cut }: Bounded, sender: Sender, include: Include): Record<string, unknown> {
  const more = { proxy: hostOf(fed, sender), ...(cut.length === 0 ? {} : { truncated: cut }) };
  switch (fed.kind) {
    case 'exchange': {
      const { detail, bodies } = fed;
      return {
        kind: 'exchange',
        ...exported(fed.row, EXCHANGE_FIELDS),
        ...(detail === null
          ? {}
          : {
              userAgent: userAgentOf(fed),
              referrer: referrerOf(fed),
              wait: detail.wait,
              faultDetail: detail.faultDetail,
              upgraded: detail.upgraded,
              reqSha256: detail.req.sha256,
              resSha256: detail.res.sha256,
              ...(include.heads ? { reqHeaders: detail.reqHeaders, resHeaders: detail.resHeaders } : {}),
            }),
        ...(include.bodies ? plainBodies(bodies) : {}),
        ...more,
      };
    }
    case 'flow': {
      const { record } = fed;
      return {
        kind: 'flow',
        ...exported(fed.row, FLOW_FIELDS),
        ...(record === null
          ? {}
          : {
              clientPort: record.clientPort,
              ingress: record.facts?.ingress ?? null,
              ja3: record.facts?.hello?.ja3 ?? null,
              originAddress: record.originAddress,
              faultDetail: record.faultDetail,
              clientTls: record.clientTls,
              originTls: record.originTls,
              originCert: record.originCert,
              leafSerial: record.leafSerial,
            }),
        ...more,
      };
    }
    case 'event':
      return { kind: 'event', ...exported(fed.row, EVENT_FIELDS), ...more };
  }
}

/** One line of JSON without the line's end. */
export const plainLine = (bounded: Bounded, sender: Sender, include: Include): string =>
  jsonLine(plain(bounded, sender, include));

function plainBodies(bodies: FedBodies | null): Record<string, unknown> {
  return { reqBody: bodyText(bodies?.req ?? null), resBody: bodyText(bodies?.res ?? null) };
}

/** Bytes of a body for JSON: base64, since nobody promised that they are text. Null when nothing was captured. */
export const bodyText = (body: StoredBody | null): string | null =>
  body === null ? null : body.data.toString('base64');
