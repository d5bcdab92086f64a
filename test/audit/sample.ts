/** Records for tests: plain ones to change, and random ones (by seed) that cover every field and hostile bytes. */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { parseQuery } from '../../src/audit/query/parse.ts';
import { FLOWS_PER_PRODUCER } from '../../src/core/records.ts';
import type { Kind, Query } from '../../src/audit/query/ast.ts';
import type { HelloFacts } from '../../src/core/facts.ts';
import type { ExchangeRecord, FlowOpenRecord, FlowRecord } from '../../src/core/records.ts';
import type { Verdict } from '../../src/core/verdict.ts';
import type { TestContext } from 'node:test';
import type { Rng } from '../fuzz/rng.ts';

/** Noon of the day this was written: no test depends on the clock of the machine. */
export const NOON = Date.UTC(2026, 10, 20, 12);
export const DAY = 86_400_000;

/** A folder that goes away with the test. */
export function scratch(t: TestContext): string {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'sightglass-audit-'));
  t.after(() => fs.rmSync(dir, { recursive: true, force: true }));
  return dir;
}

export const flowId = (producer: number, counter: number): number => producer * FLOWS_PER_PRODUCER + counter;

export const VERDICT: Verdict = {
  action: 'inspect',
  rule: 'all-else',
  policy: '0123456789ab',
  reason: 'inspected by default',
  capture: 'headers',
  block: 'page',
};

export const NO_BODY = { size: 0, kept: 0, sha256: null, truncated: false };

export function exchange(changes: Partial<ExchangeRecord> = {}): ExchangeRecord {
  return {
    kind: 'exchange',
    flow: flowId(1, 1),
    n: 1,
    time: NOON,
    ms: 12.5,
    wait: 10.25,
    client: '10.1.2.3',
    user: null,
    method: 'GET',
    scheme: 'https',
    host: 'www.example.test',
    port: 443,
    path: '/',
    status: 200,
    protocol: 'HTTP/1.1',
    verdict: VERDICT,
    capture: 'headers',
    reqHeaders: 'Host: www.example.test\r\nAccept: */*\r\n',
    resHeaders: 'Content-Type: text/html\r\nDate: Fri, 20 Nov 2026 12:00:00 GMT\r\n',
    contentType: 'text/html',
    req: NO_BODY,
    res: NO_BODY,
    fault: null,
    faultDetail: null,
    upgraded: false,
    ...changes,
  };
}

export function hello(sni: string | null): HelloFacts {
  return {
    sni,
    rawSni: sni,
    alpn: ['h2', 'http/1.1'],
    versions: ['TLS 1.3'],
    ciphers: [4865, 4866],
    groups: [29, 23],
    ja3: '0'.repeat(32),
    ja4: 't13d0203h2_aaaaaaaaaaaa_bbbbbbbbbbbb',
    ech: 'none',
    grease: false,
    size: 512,
  };
}

export function flowOpen(changes: Partial<FlowOpenRecord> = {}): FlowOpenRecord {
  return {
    kind: 'flow-open',
    flow: flowId(1, 1),
    time: NOON,
    client: '10.1.2.3',
    clientPort: 50_000,
    facts: {
      now: NOON,
      client: '10.1.2.3',
      user: null,
      groups: [],
      listener: '127.0.0.1:8080',
      ingress: 'connect',
      scheme: 'https',
      host: 'www.example.test',
      hostKind: 'name',
      port: 443,
      outcome: 'hello',
      hello: hello('www.example.test'),
    },
    verdict: VERDICT,
    ...changes,
  };
}

export function flow(changes: Partial<FlowRecord> = {}): FlowRecord {
  return {
    ...flowOpen(),
    kind: 'flow',
    ms: 1500,
    bytesUp: 1000,
    bytesDown: 5000,
    exchanges: 1,
    fault: null,
    faultDetail: null,
    originAddress: '192.0.2.7',
    clientTls: { version: 'TLSv1.3', cipher: 'TLS_AES_128_GCM_SHA256', alpn: 'http/1.1', resumed: false },
    originTls: { version: 'TLSv1.3', cipher: 'TLS_AES_256_GCM_SHA384', alpn: null, resumed: true },
    originCert: {
      subject: 'CN=www.example.test',
      issuer: 'CN=Test CA',
      names: ['www.example.test'],
      notBefore: '2026-01-01T00:00:00.000Z',
      notAfter: '2027-01-01T00:00:00.000Z',
      fingerprint: 'ab'.repeat(32),
      serial: '0a',
    },
    leafSerial: 'ff01',
    ...changes,
  };
}

/** Texts that break naive storage, terminals, line formats and queries. */
export const HOSTILE = [
  'plain',
  'nul\u0000byte',
  'cr\rlf\nboth\r\n',
  '\u001b[31mred\u001b[0m',
  '\u0001mark \u0002mark \u0003mark',
  'caf\u00e9 \u00ff\u0080 latin1',
  'line\u2028sep\u2029',
  '\u202egnirts',
  '\ud800lone',
  '\u{1f600} astral',
  `'; DROP TABLE exchange; --`,
  '" OR 1=1 --',
  '%_\\ like',
  '*?[a-z] glob',
  '=cmd|calc',
] as const;

/** A record as it comes out of the spool: half a surrogate pair is U+FFFD there. */
export const spooled = <T extends object>(record: T): T =>
  JSON.parse(JSON.stringify(record).replaceAll('\\ud800', '\ufffd')) as T;

/** A random exchange: small vocabularies, so that conditions meet; hostile texts now and then. */
export function randomExchange(rng: Rng, flowNumber: number, n: number, time: number): ExchangeRecord {
  const words = [
    'login',
    'api',
    'v1',
    'users',
    'report',
    'a',
    'b2',
    'x-ray',
    'Image.PNG',
    '100%25',
    '%C3%BC',
  ];
  const word = (): string => rng.pick(words);
  const odd = <T extends string | null>(usual: T): T | string => (rng.oneIn(12) ? rng.pick(HOSTILE) : usual);
  const action = rng.pick(['inspect', 'inspect', 'passthrough', 'block'] as const);
  const status = rng.pick([200, 200, 204, 301, 404, 404, 500, null]);
  const path = `/${word()}/${word()}?q=${word()}-${rng.int(6)}`;
  return exchange({
    flow: flowNumber,
    n,
    time,
    ms: rng.int(3000) + rng.int(4) / 4,
    wait: rng.oneIn(5) ? null : rng.int(900),
    client: rng.pick(['10.0.0.1', '10.0.1.2', '10.1.0.3', '192.168.7.7', '2001:db8::1', '2001:db8:1::2']),
    user: odd(rng.pick(['alice', 'Bob', 'carol@corp.test', null, null])),
    method: rng.pick(['GET', 'GET', 'POST', 'PUT', 'delete']),
    scheme: rng.pick(['https', 'https', 'http']),
    host: rng.pick(['example.test', 'www.example.test', 'api.example.test', 'other.test', '192.0.2.9']),
    port: rng.pick([443, 443, 80, 8443]),
    path: odd(path),
    status,
    protocol: rng.pick(['HTTP/1.1', 'HTTP/1.0', 'h2']),
    verdict: {
      ...VERDICT,
      action,
      rule: rng.pick(['all-else', 'ads', 'Banks_1']),
      policy: rng.pick(['0123456789ab', 'ba9876543210']),
      reason: odd(`because of ${word()}`),
      ...randomManner(rng),
    },
    reqHeaders: `Host: h\r\nReferer: https://${word()}/${rng.int(50)}\r\nX-Team: ${odd(rng.pick(['red', 'blue']))}\r\n`,
    resHeaders: `Date: ${rng.int(100)}\r\nServer: ${rng.pick(['nginx', 'Caddy'])}\r\n`,
    contentType: rng.pick(['text/html', 'application/json', 'image/png', null]),
    req: { ...NO_BODY, size: rng.int(5000) },
    res: { ...NO_BODY, size: rng.int(2_000_000) },
    fault: rng.oneIn(6) ? rng.pick(['response-timeout', 'origin-refused']) : null,
    faultDetail: rng.oneIn(9) ? rng.pick(HOSTILE) : null,
    upgraded: rng.oneIn(9),
    ...(rng.oneIn(3) ? { masked: rng.pick(MASKED) } : {}),
  });
}

const MASKED = ['req-head:headers=1', 'path:query=1 req-head:headers=2', 'req-body:card=3 res-body:cut=1'];

/** What a verdict may say beside its action; mostly nothing, as in life. */
function randomManner(rng: Rng): Pick<Verdict, 'mask' | 'tls' | 'parent'> {
  return {
    ...(rng.oneIn(4) ? { mask: rng.pick(['standard', 'strict'] as const) } : {}),
    ...(rng.oneIn(4) ? { tls: rng.pick(['modern', 'tls13', 'compatible'] as const) } : {}),
    ...(rng.oneIn(4)
      ? {
          parent: {
            group: rng.oneIn(6) ? rng.pick(HOSTILE) : rng.pick(['corp', 'Branch']),
            via: ['p1.test:3128', 'p2.test:3128'],
          },
        }
      : {}),
  };
}

/** A query that must be right. */
export function query(text: string, kind: Kind = 'exchanges', now = NOON): Query {
  const parsed = parseQuery(text, { kind, now });
  if (!parsed.ok) throw new Error(`${parsed.error.message} (${text})`);
  return parsed.query;
}
