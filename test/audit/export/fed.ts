/** Records of the feed for tests: plain ones, and ones whose every text is hostile. */
import fc from 'fast-check';
import { exchangeRow, eventRow, flowRow } from '../../../src/audit/store/rows.ts';
import { bounded } from '../../../src/audit/export/bound.ts';
import { exchange, flow, hello, HOSTILE, NOON } from '../sample.ts';
import type { Bounded } from '../../../src/audit/export/bound.ts';
import type { FedBodies, FedRow, StoredBody } from '../../../src/audit/store/store.ts';
import type { EventRecord, ExchangeRecord, FlowRecord } from '../../../src/core/records.ts';

export const SENDER = { host: 'proxy1.example.test', version: '1.2.3' };

export function fedExchange(
  changes: Partial<ExchangeRecord> = {},
  bodies: FedBodies | null = null,
): FedRow & { kind: 'exchange' } {
  const r = exchange(changes);
  const row = exchangeRow(r, 'www.example.test');
  const { n, wait, capture, faultDetail, upgraded, reqHeaders, resHeaders, req, res } = r;
  const { block } = r.verdict;
  const detail = { ...row, n, wait, capture, block, faultDetail, upgraded, reqHeaders, resHeaders, req, res };
  return { kind: 'exchange', row, detail, bodies };
}

export function fedFlow(changes: Partial<FlowRecord> = {}): FedRow & { kind: 'flow' } {
  const record = flow(changes);
  return { kind: 'flow', row: flowRow(record), record };
}

export const fedEvent = (changes: Partial<EventRecord> = {}): FedRow & { kind: 'event' } => ({
  kind: 'event',
  row: eventRow({
    kind: 'event',
    time: NOON,
    name: 'policy.applied',
    detail: { version: 'abc' },
    ...changes,
  }),
});

export function body(data: Buffer, changes: Partial<StoredBody> = {}): StoredBody {
  const facts = { size: data.length, kept: data.length, sha256: 'ab'.repeat(32), truncated: false };
  return { data, facts, contentType: null, contentEncoding: null, ...changes };
}

/** As a format gets it, with nothing cut. */
export const whole = (fed: FedRow): Bounded => bounded(fed, 1_000_000);

/** What strangers write: breaks, escapes, separators of every format here, half surrogates, octets of broken UTF-8, length. */
export const nasty: fc.Arbitrary<string> = fc.oneof(
  fc.constantFrom(...HOSTILE, 'a b', '|', '\\', '=', 'x=y|z\\', '<13>1 - - -', ']', '"', '\ufeff', ''),
  fc.string({ unit: 'binary', maxLength: 60 }),
  fc.uint8Array({ maxLength: 40 }).map(octets => Buffer.from(octets).toString('latin1')),
  fc.uint8Array({ maxLength: 40 }).map(octets => Buffer.from(octets).toString()),
  fc
    .tuple(fc.constantFrom('a', '\r\n', '\u{1f600}', '\ud83d', '\u0000'), fc.integer({ min: 1, max: 20_000 }))
    .map(([unit, n]) => unit.repeat(n)),
);

const orNull = (text: fc.Arbitrary<string>): fc.Arbitrary<string | null> => fc.option(text, { nil: null });

/** Records in which every text is hostile. */
export const nastyFed: fc.Arbitrary<FedRow> = fc.oneof(
  fc
    .record({
      client: nasty,
      user: orNull(nasty),
      method: nasty,
      host: nasty,
      path: nasty,
      protocol: nasty,
      fault: orNull(nasty),
      faultDetail: orNull(nasty),
      contentType: orNull(nasty),
      reqHeaders: nasty.map(value => `User-Agent: ${value}\r\nReferer: ${value}\r\n`),
      resHeaders: nasty,
      status: fc.option(fc.integer({ min: 100, max: 999 }), { nil: null }),
      ms: fc.double({ min: 0, max: 1e9, noNaN: true }),
      time: fc.oneof(fc.constant(NOON), fc.integer({ min: -1e15, max: 1e16 })),
      rule: nasty,
      action: fc.constantFrom('inspect', 'passthrough', 'block'),
    })
    .map(({ rule, action, ...r }): FedRow => {
      const usual = exchange();
      const verdict = { ...usual.verdict, rule, reason: rule, action: action as 'inspect' };
      return fedExchange({ ...r, verdict });
    }),
  fc
    .record({
      client: nasty,
      host: nasty,
      fault: orNull(nasty),
      detail: orNull(nasty),
      sni: orNull(nasty),
      user: orNull(nasty),
      cert: nasty,
      decided: fc.boolean(),
    })
    .map(({ client, host, fault, detail, sni, user, cert, decided }): FedRow => {
      const usual = flow();
      const verdict = decided ? { ...usual.verdict!, rule: cert, reason: cert } : null;
      return fedFlow({
        client,
        fault,
        faultDetail: detail,
        verdict,
        facts: decided
          ? { ...usual.facts!, host, user, hello: { ...hello(sni), ja3: cert, alpn: [cert] } }
          : null,
        originCert: { ...usual.originCert!, subject: cert, issuer: cert, names: [cert] },
        originAddress: detail,
      });
    }),
  fc
    .record({ name: nasty, key: nasty, value: nasty })
    .map(({ name, key, value }) => fedEvent({ name, detail: { [key]: [value, { value }] } })),
);

/** Characters no line of ours holds: they break lines, move terminals or turn text around. */
export const ACTIVE = /[\u0000-\u001f\u007f-\u009f\u2028\u2029\u200b-\u200f\u202a-\u202e\u2066-\u2069]/;
