/**
 * Receivers spoken to by POST: Splunk HEC, Elasticsearch `_bulk`, OTLP and plain NDJSON. They differ in how rows become a body, and
 * in what counts as taken; both stand in one table below.
 *
 * A batch is cut into bodies of at most `BODY_MAX` bytes. When one of them is not taken the whole batch is sent again.
 * What an operator can mend is tried again for ever: 429, 5xx, tokens, wrong indexes. A body that the receiver calls invalid or
 * too large is halved until the one row is found, and that row counts as refused, because trying again cannot help.
 */
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import https from 'node:https';
import { bulkLines, bulkOutcome } from '../../audit/export/bulk.ts';
import { fitting } from '../../audit/export/bound.ts';
import { ecsLine } from '../../audit/export/ecs.ts';
import { hostOf } from '../../audit/export/facts.ts';
import { hecLine } from '../../audit/export/hec.ts';
import { plainLine } from '../../audit/export/json.ts';
import { ocsfLine } from '../../audit/export/ocsf.ts';
import { otlpRecord, otlpRequest } from '../../audit/export/otlp.ts';
import { post, refusal } from './post.ts';
import { tlsOptions } from './syslog-receiver.ts';
import type { Answer } from './post.ts';
import type { Bounded } from '../../audit/export/bound.ts';
import type { Sender } from '../../audit/export/facts.ts';
import type { FedRow } from '../../audit/store/store.ts';
import type { StreamConfig } from './document.ts';
import type { Receiver, Taken } from './stream.ts';

/** Bytes of one body: Splunk takes 1 MB unless told otherwise, Elasticsearch likes 5 to 15. */
const BODY_MAX = 900_000;
/** Bytes of one record; with bodies they may be larger than a body otherwise is. */
const RECORD_MAX = 256 * 1024;
const RECORD_WITH_BODIES_MAX = 800_000;
const ACK_TRIES = 40;

export interface HttpOptions {
  timeoutMs?: number;
  now?: () => number;
  /** Between questions whether the indexer has acknowledged. */
  ackWaitMs?: number;
}

/** A record as it will be sent, and the machine that recorded it. */
interface Written {
  host: string;
  text: string;
}

interface Dialect {
  path(config: StreamConfig): string;
  type: string;
  auth(token: string): Record<string, string>;
  record(bounded: Bounded, sender: Sender, config: StreamConfig, now: number): string;
  body(records: readonly Written[], sender: Sender): string;
  /** What a 2xx means: rows refused, or an Error for "again". */
  judge(answer: Answer, rows: number): Taken;
  /** Whether an answer outside 2xx speaks of what was sent, rather than of something an operator can mend. */
  invalid(answer: Answer): boolean;
}

const plainDialect: Dialect = {
  path: () => '',
  type: 'application/x-ndjson',
  auth: token => ({ authorization: `Bearer ${token}` }),
  record: (b, sender, { format, include }) =>
    format === 'ecs'
      ? ecsLine(b, sender, include)
      : format === 'ocsf'
        ? ocsfLine(b, sender, include)
        : plainLine(b, sender, include),
  body: records => `${joined(records, '\n')}\n`,
  judge: () => ({ refused: 0, reason: null }),
  invalid: ({ status }) => status === 413,
};

const DIALECTS: Readonly<Record<'splunk-hec' | 'elasticsearch' | 'otlp' | 'https', Dialect>> = {
  https: plainDialect,
  'splunk-hec': {
    path: () => '/services/collector/event',
    type: 'application/json',
    auth: token => ({ authorization: `Splunk ${token}` }),
    record: (b, sender, { format, index, include }) =>
      hecLine(b, sender, { payload: format === 'ecs' ? 'ecs' : 'json', index, include }),
    body: records => joined(records, '\n'),
    judge: answer => {
      const code = (parsed(answer.text) as { code?: unknown } | null)?.code;
      if (code === 0) return { refused: 0, reason: null };
      throw new Error(refusal(answer));
    },
    // 6 and 12 to 15 speak of the events themselves; a wrong index or a missing channel is a matter of settings.
    invalid: ({ status, text }) =>
      status === 413 ||
      (status === 400 && [6, 12, 13, 15].includes(Number((parsed(text) as { code?: unknown } | null)?.code))),
  },
  elasticsearch: {
    path: ({ index }) => `/${encodeURIComponent(index ?? 'logs-sightglass-default')}/_bulk`,
    type: 'application/x-ndjson',
    auth: token => ({ authorization: `ApiKey ${token}` }),
    record: (b, sender, { include }) => bulkLines(b, sender, include),
    body: records => joined(records, ''),
    judge: (answer, rows) => {
      const { taken, refused, retry, reason } = bulkOutcome(parsed(answer.text));
      if (retry > 0 || taken + refused !== rows)
        throw new Error(`the receiver took ${taken} of ${rows}: ${reason ?? refusal(answer)}`);
      return { refused, reason };
    },
    invalid: ({ status }) => status === 413,
  },
  otlp: {
    path: () => '/v1/logs',
    type: 'application/json',
    auth: token => ({ authorization: `Bearer ${token}` }),
    record: (b, _sender, { include }, now) => otlpRecord(b, include, now),
    body: (records, sender) => otlpRequest(records, sender.version),
    judge: answer => {
      const partial = (
        parsed(answer.text) as {
          partialSuccess?: { rejectedLogRecords?: unknown; errorMessage?: unknown };
        } | null
      )?.partialSuccess;
      const refused = Number(partial?.rejectedLogRecords ?? 0);
      const reason = typeof partial?.errorMessage === 'string' ? partial.errorMessage : null;
      return { refused: Number.isSafeInteger(refused) ? refused : 0, reason };
    },
    invalid: ({ status }) => status === 400 || status === 413,
  },
};

export class HttpReceiver implements Receiver {
  readonly acknowledges = true;
  readonly #config: StreamConfig;
  readonly #sender: Sender;
  readonly #options: Required<HttpOptions>;
  readonly #dialect: Dialect;
  readonly #channel = randomUUID();
  #agent: https.Agent | null = null;

  constructor(config: StreamConfig, sender: Sender, options: HttpOptions = {}) {
    this.#config = config;
    this.#sender = sender;
    this.#options = { timeoutMs: 30_000, now: Date.now, ackWaitMs: 1000, ...options };
    this.#dialect = DIALECTS[config.to as keyof typeof DIALECTS];
  }

  async send(rows: readonly FedRow[]): Promise<Taken> {
    const { include } = this.#config;
    const limit = include.bodies ? RECORD_WITH_BODIES_MAX : RECORD_MAX;
    const now = this.#options.now();
    const records = rows.map(fed => ({
      host: hostOf(fed, this.#sender),
      text: fitting(fed, limit, bounded => this.#dialect.record(bounded, this.#sender, this.#config, now)),
    }));
    const taken: Taken = { refused: 0, reason: null };
    for (let at = 0; at < records.length;) {
      let bytes = 0;
      const from = at;
      do bytes += Buffer.byteLength(records[at++]?.text ?? '') + 1;
      while (at < records.length && bytes + Buffer.byteLength(records[at]?.text ?? '') < BODY_MAX);
      const part = await this.#part(records.slice(from, at));
      taken.refused += part.refused;
      taken.reason ??= part.reason;
    }
    return taken;
  }

  lost(): boolean {
    return false;
  }

  reset(): void {
    this.#agent?.destroy();
    this.#agent = null;
  }

  /** A body that is called invalid is halved until the row is found that is. */
  async #part(records: readonly Written[]): Promise<Taken> {
    const answer = await this.#post(
      this.#url(),
      this.#dialect.type,
      this.#dialect.body(records, this.#sender),
    );
    if (answer.status >= 200 && answer.status < 300) {
      const taken = this.#dialect.judge(answer, records.length);
      if (this.#config.to === 'splunk-hec' && this.#config.acknowledge) await this.#acknowledged(answer);
      return taken;
    }
    if (!this.#dialect.invalid(answer)) throw new Error(refusal(answer));
    if (records.length === 1) return { refused: 1, reason: refusal(answer) };
    const half = records.length >> 1;
    const first = await this.#part(records.slice(0, half));
    const second = await this.#part(records.slice(half));
    return { refused: first.refused + second.refused, reason: first.reason ?? second.reason };
  }

  /** Splunk says with a number for each body later whether it was indexed. */
  async #acknowledged(answer: Answer): Promise<void> {
    const id = (parsed(answer.text) as { ackId?: unknown } | null)?.ackId;
    if (typeof id !== 'number')
      throw new Error('the receiver gives no ackId: acknowledgement is not switched on for this token');
    for (let i = 0; i < ACK_TRIES; i++) {
      const url = new URL(this.#config.target);
      url.pathname = '/services/collector/ack';
      url.searchParams.set('channel', this.#channel);
      const asked = await this.#post(url, 'application/json', JSON.stringify({ acks: [id] }));
      if (asked.status !== 200) throw new Error(refusal(asked));
      const acks = (parsed(asked.text) as { acks?: Record<string, unknown> } | null)?.acks;
      if (acks?.[String(id)] === true) return;
      await new Promise(resolve => setTimeout(resolve, this.#options.ackWaitMs));
    }
    throw new Error('the receiver has not acknowledged what it took');
  }

  #url(): URL {
    const url = new URL(this.#config.target);
    // A path that somebody wrote is meant; otherwise the one the protocol knows.
    if (url.pathname === '/' || url.pathname === '') url.pathname = this.#dialect.path(this.#config) || '/';
    return url;
  }

  #post(url: URL, type: string, body: string): Promise<Answer> {
    const { tokenFile, to, acknowledge } = this.#config;
    const token = tokenFile === null ? null : readFileSync(tokenFile, 'utf8').trim();
    this.#agent ??= new https.Agent({ keepAlive: true, maxSockets: 1 });
    return post({
      url,
      body,
      agent: this.#agent,
      tls: tlsOptions(this.#config, url.hostname.replace(/^\[|\]$/g, '')),
      timeoutMs: this.#options.timeoutMs,
      headers: {
        'content-type': type,
        ...(token === null ? {} : this.#dialect.auth(token)),
        ...(to === 'splunk-hec' && acknowledge ? { 'x-splunk-request-channel': this.#channel } : {}),
      },
    });
  }
}

const joined = (records: readonly Written[], between: string): string =>
  records.map(({ text }) => text).join(between);

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return null;
  }
}
