/**
 * CPU of recording, per record: encoding and spooling as a worker does it, and reading, decoding, inserting, committing and
 * indexing as the recorder does it. One process per measurement and kind of traffic, user + system time of the process
 * from /proc (process.cpuUsage), so that garbage collection and file system work count too.
 *
 *   node --import tsx bench/recorder.ts [rows] [scenario …]
 *
 * Scenarios: `repetitive` (keep-alive, one small object over and over), `unique` (every URL new), `diverse` (many clients,
 * hosts, referers, ids, cookies, changing types), `flows` (a connection per exchange), `pages` (every URL new, and a page of 8 KiB
 * with gzip captured with each), `one-page` (the same page captured every time).
 * Floors for a gate: worker ≤ 4 µs, recorder ≤ 12 µs repetitive and ≤ 35 µs unique on the machine of DESIGN §6.
 */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import zlib from 'node:zlib';
import { Ingest } from '../src/audit/ingest.ts';
import { allocateProducer, listSegments } from '../src/audit/producer.ts';
import { openSpool } from '../src/audit/spool.ts';
import { listDays } from '../src/audit/store/schema.ts';
import { FLOWS_PER_PRODUCER } from '../src/core/records.ts';
import type { FlowFacts } from '../src/core/facts.ts';
import type { AuditRecord, ExchangeRecord, FlowOpenRecord } from '../src/core/records.ts';
import type { Verdict } from '../src/core/verdict.ts';

const SCENARIOS = ['repetitive', 'unique', 'diverse', 'flows', 'pages', 'one-page'] as const;
type Scenario = (typeof SCENARIOS)[number];

/** Exchanges that one event-loop turn of a busy worker ends, so one flush. */
const PER_TURN = 8;
/** Rows a poll of a busy recorder finds (100 ms at 15,000 a second). */
const PER_POLL = 1500;

const verdict: Verdict = {
  action: 'inspect',
  rule: 'default-inspect',
  policy: '0123456789ab',
  reason: 'No rule matched; the default inspects.',
  capture: 'headers',
  block: 'page',
};

const REQ =
  'Host: www.example.test\r\nUser-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/147.0.0.0 Safari/537.36\r\nAccept: */*\r\nAccept-Encoding: gzip, deflate, br\r\nAccept-Language: en-GB,en;q=0.9\r\nConnection: keep-alive\r\n';
const res = (second: number, type: string, etag: string, size: number): string =>
  `Server: nginx/1.22.1\r\nDate: Fri, 20 Nov 2026 10:${String(Math.floor(second / 60) % 60).padStart(2, '0')}:${String(second % 60).padStart(2, '0')} GMT\r\nContent-Type: ${type}\r\nContent-Length: ${size}\r\nLast-Modified: Mon, 16 Nov 2026 08:00:00 GMT\r\nConnection: keep-alive\r\nETag: "${etag}"\r\nAccept-Ranges: bytes\r\n`;

const TYPES = ['text/html', 'application/json', 'image/png', 'text/css', 'application/javascript'];

function facts(host: string, client: string): FlowFacts {
  return {
    now: 0,
    client,
    user: null,
    groups: [],
    listener: '0.0.0.0:8080',
    ingress: 'connect',
    scheme: 'https',
    host,
    hostKind: 'name',
    port: 443,
    outcome: 'hello',
    hello: {
      sni: host,
      rawSni: host,
      alpn: ['h2', 'http/1.1'],
      versions: ['TLS 1.3', 'TLS 1.2'],
      ciphers: [4865, 4866, 4867, 49195, 49199, 49196, 49200, 52393, 52392, 49171, 49172, 156, 157, 47, 53],
      groups: [4588, 29, 23, 24],
      ja3: 'e7d705a3286e19ea42f587b344ee6865',
      ja4: 't13d1516h2_8daaf6152771_e5627efa2ab1',
      ech: 'grease-or-real',
      grease: true,
      size: 1786,
    },
  };
}

/** A page of 8 KiB: markup, words of a vocabulary of 4,000, a number now and then; packed by gzip, about 4:1. */
function page(i: number): Buffer {
  let state = (i * 2654435761 + 1) >>> 0;
  let text = '';
  while (text.length < 8192) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    const word = (state >>> 8) % 4000;
    text += `<p class="row">${word.toString(36)}tion ${((word * 7) % 300).toString(36)}ing the ${state % 50 === 0 ? state : 'and'}</p>\n`;
  }
  return zlib.gzipSync(text);
}

/** The i-th exchange of a scenario, with the records around it. Deterministic. */
function records(scenario: Scenario, producer: number, i: number): AuditRecord[] {
  const base = producer * FLOWS_PER_PRODUCER;
  const start = Date.UTC(2026, 10, 20, 10);
  const time = start + i / 15;
  const second = Math.floor(i / 15_000);
  const spread = (i * 2654435761) >>> 0;
  const hosts = scenario === 'diverse' ? 400 : 1;
  const host = hosts === 1 ? 'www.example.test' : `www${spread % hosts}.site${spread % 37}.example.test`;
  const client = scenario === 'diverse' ? `10.1.${(spread >>> 8) % 4}.${(spread >>> 4) % 250}` : '10.0.0.7';
  const conn = scenario === 'flows' ? i : scenario === 'diverse' ? spread % 2000 : i % 50;
  const flow = base + 1 + conn;
  const type = scenario === 'diverse' ? (TYPES[spread % TYPES.length] ?? '') : 'text/html';
  const etag = scenario === 'diverse' ? (spread * 7).toString(16) : '65f0-400';
  const exchange: ExchangeRecord = {
    kind: 'exchange',
    flow,
    n: 1 + Math.floor(i / 50),
    time,
    ms: 1.25 + (i % 17) / 8,
    wait: 1.1,
    client,
    user: null,
    method: 'GET',
    scheme: 'https',
    host,
    port: 443,
    path:
      scenario === 'repetitive' || scenario === 'flows'
        ? '/1k.bin'
        : `/catalogue/${spread % 1000}/item-${i.toString(36)}?session=${spread.toString(16)}&page=${i % 10}`,
    status: scenario === 'diverse' && spread % 20 === 0 ? 404 : 200,
    protocol: 'HTTP/1.1',
    verdict,
    capture: 'headers',
    reqHeaders:
      scenario === 'diverse'
        ? `${REQ}Referer: https://${host}/catalogue/${spread % 3000}\r\nX-Request-Id: ${spread.toString(16)}-${i}\r\nCookie: ***\r\n`
        : REQ,
    resHeaders: res(second, type, etag, 1024),
    contentType: type,
    req: { size: 0, kept: 0, sha256: null, truncated: false },
    res: { size: 1024, kept: 0, sha256: null, truncated: false },
    fault: null,
    faultDetail: null,
    upgraded: false,
  };
  if (scenario === 'pages' || scenario === 'one-page') {
    const data = page(scenario === 'pages' ? i : 0);
    const sha256 = createHash('sha256').update(data).digest('hex');
    const facts = { size: data.length, kept: data.length, sha256, truncated: false };
    const resHeaders = `${exchange.resHeaders}Content-Encoding: gzip\r\n`;
    return [
      { kind: 'body', flow, n: exchange.n, side: 'res', data },
      { ...exchange, capture: 'bodies', resHeaders, res: facts },
    ];
  }
  if (scenario !== 'flows') return [exchange];
  const opening: FlowOpenRecord = {
    kind: 'flow-open',
    flow,
    time,
    client,
    clientPort: 40_000,
    facts: facts(host, client),
    verdict,
  };
  const tls = { version: 'TLSv1.3', cipher: 'TLS_AES_256_GCM_SHA384', alpn: 'http/1.1', resumed: false };
  return [
    opening,
    exchange,
    {
      ...opening,
      kind: 'flow',
      ms: 12,
      bytesUp: 2100,
      bytesDown: 4300,
      exchanges: 1,
      fault: null,
      faultDetail: null,
      originAddress: '192.0.2.10',
      clientTls: tls,
      originTls: tls,
      originCert: null,
      leafSerial: '0a1b2c3d4e5f60718293a4b5c6d7e8f9',
    },
  ];
}

const cpu = (since?: NodeJS.CpuUsage): number => {
  const u = process.cpuUsage(since);
  return u.user + u.system;
};

/** Child: write `rows` exchanges into a spool; prints µs each and bytes each. Warm-up rows go first. */
function write(dir: string, scenario: Scenario, rows: number): void {
  const warm = Math.min(20_000, rows);
  const run = (n: number, spoolDir: string): { us: number; bytes: number } => {
    const producer = allocateProducer(spoolDir);
    const spool = openSpool({ dir: spoolDir, producer });
    // Made before the clock starts: the relay has its record anyway.
    let spent = 0;
    for (let i = 0; i < n; i += PER_TURN * 100) {
      const chunk = Array.from({ length: Math.min(PER_TURN * 100, n - i) }, (_, k) =>
        records(scenario, producer, i + k),
      );
      const t = process.cpuUsage();
      for (const [k, group] of chunk.entries()) {
        for (const record of group) spool.append(record);
        if (k % PER_TURN === PER_TURN - 1) spool.flush();
      }
      spool.flush();
      spent += cpu(t);
    }
    spool.close();
    const bytes = spool.stats().bytes;
    return { us: spent / n, bytes: bytes / n };
  };
  const scratch = fs.mkdtempSync(path.join(dir, 'warm-'));
  run(warm, path.join(scratch, 'spool'));
  fs.rmSync(scratch, { recursive: true });
  console.log(JSON.stringify(run(rows, path.join(dir, 'spool'))));
}

/** Child: ingest a spool that grows at the pace of a busy proxy; prints µs each and bytes each on disk. */
function read(dir: string, rows: number): void {
  const source = path.join(dir, 'spool');
  const live = path.join(dir, 'live');
  const audit = path.join(dir, 'audit');
  fs.rmSync(live, { recursive: true, force: true });
  fs.rmSync(audit, { recursive: true, force: true });
  fs.mkdirSync(live);
  const ingest = new Ingest({ spoolDir: live, auditDir: audit, isAlive: () => true });
  let spent = 0;
  let done = 0;
  const step = (): void => {
    for (;;) {
      const t = process.cpuUsage();
      const s = ingest.step();
      spent += cpu(t);
      done += s.rows;
      if (!s.more) return;
    }
  };
  // Segments are handed over in slices, as a worker would have written them between two polls.
  for (const { name } of listSegments(source)) {
    const bytes = fs.readFileSync(path.join(source, name));
    const slice = Math.ceil((bytes.length / Math.max(1, rows)) * PER_POLL * listSegments(source).length);
    const fd = fs.openSync(path.join(live, name), 'w');
    for (let at = 0; at < bytes.length; at += slice) {
      fs.writeSync(fd, bytes, at, Math.min(slice, bytes.length - at), at);
      step();
    }
    fs.closeSync(fd);
    step();
  }
  ingest.close();
  const day = listDays(audit).at(-1) ?? '';
  const size = fs.statSync(path.join(audit, `${day}.db`)).size;
  console.log(
    JSON.stringify({ us: spent / rows, bytes: size / rows, rows: done, rss: process.memoryUsage().rss }),
  );
}

interface Result {
  us: number;
  bytes: number;
  rows?: number;
}

function child(args: string[]): Result {
  const self = fileURLToPath(import.meta.url);
  const out = execFileSync(process.execPath, [...process.execArgv, self, ...args], { encoding: 'utf8' });
  return JSON.parse(out.trim().split('\n').at(-1) ?? '') as Result;
}

function main(): void {
  const [first, ...rest] = process.argv.slice(2);
  if (first === '--write') return write(rest[0] ?? '', rest[1] as Scenario, Number(rest[2]));
  if (first === '--read') return read(rest[0] ?? '', Number(rest[1]));
  const rows = Number(first ?? 200_000);
  const wanted = rest.length > 0 ? SCENARIOS.filter(s => rest.includes(s)) : SCENARIOS;
  console.log('scenario      worker µs  spool B   recorder µs  store B   rows');
  for (const scenario of wanted) {
    const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'sightglass-recorder-'));
    try {
      const w = child(['--write', dir, scenario, String(rows)]);
      const r = child(['--read', dir, String(rows)]);
      console.log(
        `${scenario.padEnd(12)} ${w.us.toFixed(2).padStart(10)} ${w.bytes.toFixed(0).padStart(8)} ${r.us.toFixed(2).padStart(13)} ${r.bytes.toFixed(0).padStart(8)} ${String(r.rows).padStart(6)}`,
      );
    } finally {
      fs.rmSync(dir, { recursive: true, force: true });
    }
  }
}

main();
