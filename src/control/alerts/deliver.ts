/**
 * Telling somebody of an alert: a signed webhook, a mail, or a record by the way of a stream. Each either succeeds or rejects with
 * Error in words for people; trying again is the watch's business.
 *
 * A webhook is a target that somebody typed into a browser, so it obeys the egress rule of list URLs: https only, every address
 * checked as it is dialled, redirects not followed. Signature: `x-sightglass-signature: t=<seconds>,v1=<hex>`, HMAC-SHA256 of
 * `<seconds>.<body>` under the rule's secret; the time lets a receiver refuse what is replayed.
 */
import { createHmac } from 'node:crypto';
import { lookup } from 'node:dns';
import { createTransport } from 'nodemailer';
import { visible } from '../../audit/export/lines.ts';
import { parseAddress } from '../../core/network.ts';
import { checkedLookup, judgeAddress } from '../../policy/sources-fetch.ts';
import { post, refusal } from '../streams/post.ts';
import type { Network } from '../../core/network.ts';
import type { Receiver } from '../streams/stream.ts';
import type { Notice } from './shelf.ts';
import type { Delivery } from './rule.ts';

export interface MailServer {
  host: string;
  port: number;
  /** `tls`: from the first byte; `starttls`: asked for, and no mail without it. */
  security: 'tls' | 'starttls';
  from: string;
  credentials: { user: string; pass: string } | null;
}

export interface Ways {
  /** Name of this proxy's host. */
  host: string;
  allow: readonly Network[];
  /** PEM of the authorities trusted. */
  ca: readonly string[];
  mail: MailServer | null;
  /** A receiver of its own for the stream of that name; null when there is none. */
  stream: (name: string) => Receiver | null;
  now?: () => number;
  timeoutMs?: number;
}

/** Resolves when the receiver took it. */
export async function deliver(way: Delivery, notice: Notice, secret: string, ways: Ways): Promise<void> {
  switch (way.to) {
    case 'webhook':
      return webhook(way.url, notice, secret, ways);
    case 'mail':
      return mail(way.address, notice, ways);
    case 'stream': {
      const receiver = ways.stream(way.stream);
      if (receiver === null) throw new Error(`there is no stream "${way.stream}" in streams.yaml`);
      try {
        const row = { time: notice.fired, event: 'alert.fired', detail: { ...notice } };
        const { refused, reason } = await receiver.send([{ kind: 'event', row }]);
        if (refused > 0) throw new Error(reason ?? 'the receiver refused it');
      } finally {
        receiver.reset();
      }
    }
  }
}

/** The signature of a body. `seconds` since epoch. */
export const signature = (secret: string, seconds: number, body: string): string =>
  `t=${seconds},v1=${createHmac('sha256', secret).update(`${seconds}.${body}`).digest('hex')}`;

async function webhook(target: string, notice: Notice, secret: string, ways: Ways): Promise<void> {
  const url = new URL(target);
  const host = url.hostname.replace(/^\[|\]$/g, '');
  const judge = (address: string): string | null => judgeAddress(address, ways.allow, null);
  // A literal address never reaches the look-up.
  const refused = parseAddress(host) === null ? null : judge(host);
  if (refused !== null) throw new Error(refused);
  const body = JSON.stringify({ source: 'sightglass', proxy: ways.host, ...notice, text: sentence(notice) });
  const seconds = Math.floor((ways.now ?? Date.now)() / 1000);
  const answer = await post({
    url,
    body,
    agent: false,
    lookup: checkedLookup(lookup, judge),
    tls: { rejectUnauthorized: true, minVersion: 'TLSv1.2', ca: [...ways.ca] },
    timeoutMs: ways.timeoutMs ?? 15_000,
    headers: {
      'content-type': 'application/json',
      'x-sightglass-signature': signature(secret, seconds, body),
    },
  });
  if (answer.status < 200 || answer.status >= 300) throw new Error(refusal(answer));
}

async function mail(address: string, notice: Notice, ways: Ways): Promise<void> {
  const { mail: server } = ways;
  if (server === null) throw new Error('no mail server is set (alerts.mail-server)');
  const timeout = ways.timeoutMs ?? 15_000;
  const transport = createTransport({
    host: server.host,
    port: server.port,
    secure: server.security === 'tls',
    requireTLS: true,
    connectionTimeout: timeout,
    greetingTimeout: timeout,
    socketTimeout: timeout,
    tls: { rejectUnauthorized: true, minVersion: 'TLSv1.2', ca: [...ways.ca] },
    ...(server.credentials === null ? {} : { auth: server.credentials }),
    disableFileAccess: true,
    disableUrlAccess: true,
  });
  try {
    await transport.sendMail({
      from: server.from,
      to: address,
      subject:
        `[Sightglass ${visible(ways.host)}] ${visible(notice.test ? `test of ${notice.rule}` : notice.rule)}`.slice(
          0,
          200,
        ),
      text: `${sentence(notice)}\n\nSearch: ${visible(notice.query)} (${notice.kind})\nFired: ${iso(notice.fired)}\nLast row: ${iso(notice.lastRow)}\nProxy: ${visible(ways.host)}\n`,
    });
  } finally {
    transport.close();
  }
}

/** One line for people; captured text in it cannot act. */
export function sentence(notice: Notice): string {
  if (notice.test) return `This is a test of the alert "${visible(notice.rule)}".`;
  const group =
    notice.groupBy === 'none' ? '' : ` for ${notice.groupBy} ${visible(notice.group).slice(0, 300)}`;
  return `Alert "${visible(notice.rule)}": ${notice.count} or more rows within ${Math.round(notice.windowMs / 1000)} s${group}.`;
}

const iso = (time: number): string => new Date(time).toISOString();
