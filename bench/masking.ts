/**
 * What masking costs: CPU per exchange at the default capture level (heads and address only), and megabytes of bodies a
 * second, by kind of body. Run: node --import tsx bench/masking.ts [--against FOLDER], where FOLDER is a checkout of an
 * earlier version whose `assembleExchange` is measured in turn with this one. Informs, gates nothing.
 *
 * Figures are the best of several sets of user CPU time, because neighbours on the machine only ever add.
 */
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import zlib from 'node:zlib';
import { BodyTap, CaptureBudget } from '../src/capture/body.ts';
import type { SeenExchange } from '../src/capture/exchange.ts';
import { assembleExchange } from '../src/capture/exchange.ts';
import { maskBody } from '../src/capture/mask/body.ts';
import { Masker, Maskers } from '../src/capture/mask/masker.ts';
import { NATIONAL_SETS, STANDARD_PROFILE } from '../src/core/masking.ts';
import type { Field } from '../src/wire/http1/index.ts';

const KEYS = ['token', 'access_token', 'password', 'api_key', 'session'];
const ROUNDS = 100_000;
const SETS = 9;

const fields = (text: string): Field[] =>
  text.split('\n').map(line => {
    const colon = line.indexOf(': ');
    return {
      name: line.slice(0, colon).toLowerCase(),
      rawName: line.slice(0, colon),
      value: line.slice(colon + 2),
    };
  });
const REQUEST = fields(
  'Host: www.example.com\nUser-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/140.0 Safari/537.36\n' +
    'Accept: text/html,application/xhtml+xml,*/*;q=0.8\nAccept-Encoding: gzip, deflate, br\n' +
    'Accept-Language: en-GB,en;q=0.9\nConnection: keep-alive\nCookie: sid=0123456789abcdef; theme=dark\nX-Trace: 7f3a',
);
const RESPONSE = fields(
  'Server: nginx/1.22.1\nDate: Fri, 20 Nov 2026 12:00:00 GMT\nContent-Type: application/javascript\n' +
    'Content-Length: 1024\nConnection: keep-alive\nLast-Modified: Fri, 20 Nov 2026 11:00:00 GMT\n' +
    'ETag: "673db1c0-400"\nAccept-Ranges: bytes\nCache-Control: max-age=3600',
);
const EMPTY = { facts: { size: 1024, kept: 0, sha256: null, truncated: false }, kept: null };

function seen(capture: 'headers' | 'bodies', res: SeenExchange['res'], type: string): SeenExchange {
  return {
    flow: 1,
    n: 1,
    started: 1,
    requestAt: 2,
    responseAt: 3,
    ended: 4,
    client: '10.0.0.1',
    user: null,
    scheme: 'https',
    host: 'www.example.com',
    port: 443,
    request: {
      method: 'GET',
      target: '/assets/app/main.js?v=20261120&lang=en',
      version: '1.1',
      fields: REQUEST,
    },
    response: {
      status: 200,
      fields: RESPONSE.map(f => (f.name === 'content-type' ? { ...f, value: type } : f)),
    },
    verdict: { action: 'inspect', rule: 'r', policy: 'p', reason: '', capture, block: 'page' },
    req: EMPTY,
    res,
    fault: null,
    upgraded: false,
  };
}

function tapped(data: Buffer): SeenExchange['res'] {
  const tap = new BodyTap({ limit: 1 << 26, hash: true, budget: new CaptureBudget(1 << 26) });
  tap.push(data);
  return tap.finish();
}

let sink = 0;
function cost(rounds: number, work: () => number): number {
  const before = process.cpuUsage();
  for (let i = 0; i < rounds; i++) sink += work();
  return process.cpuUsage(before).user / rounds;
}

const { values } = parseArgs({ options: { against: { type: 'string' } } });
const masker = new Maskers(KEYS).of(undefined);
type Assemble = (seen: SeenExchange, masking: unknown) => unknown[];
const contenders: { name: string; assemble: Assemble; masking: unknown }[] = [
  { name: 'now', assemble: assembleExchange as Assemble, masking: masker },
];
if (values.against !== undefined) {
  const from = (path: string): Promise<Record<string, unknown>> =>
    import(join(values.against ?? '', path)) as Promise<Record<string, unknown>>;
  const old = await from('src/capture/exchange.ts');
  const { queryMask } = await from('src/capture/mask.ts');
  contenders.push({
    name: 'before',
    assemble: old['assembleExchange'] as Assemble,
    masking: (queryMask as (keys: string[]) => unknown)(KEYS),
  });
}

console.log(`node ${process.version}; CPU per exchange, best of ${SETS} sets in turn\n`);
const body1k = Buffer.from(
  JSON.stringify({
    items: Array.from({ length: 16 }, (_, i) => ({ id: i, name: `item number ${i}`, price: 12.5 })),
  }).padEnd(1024),
);
const levels: [string, SeenExchange][] = [
  ['heads (default)', seen('headers', EMPTY, 'application/json')],
  ['bodies, JSON of 1 KiB', seen('bodies', tapped(body1k), 'application/json')],
];
for (const [level, exchange] of levels) {
  const best = contenders.map(() => Infinity);
  for (let set = 0; set < SETS; set++)
    for (const [i, { assemble, masking }] of contenders.entries())
      best[i] = Math.min(
        best[i] ?? Infinity,
        cost(ROUNDS, () => assemble(exchange, masking).length),
      );
  for (const [i, { name }] of contenders.entries())
    console.log(`${level.padEnd(24)} ${name.padEnd(8)} ${(best[i] ?? 0).toFixed(2)} µs`);
}

const everything = new Masker(
  { ...STANDARD_PROFILE, national: NATIONAL_SETS, patterns: { staff: 'E-[0-9]{6}' } },
  [],
);
const record = {
  id: 123456,
  name: 'Ada Lovelace',
  mail: 'ada@example.com',
  amount: 19.99,
  at: '2026-11-20T12:00:00Z',
  tags: ['a', 'b'],
};
const repeat = (text: string, size = 256 * 1024): Buffer =>
  Buffer.from(text.repeat(Math.ceil(size / text.length)).slice(0, size));
const BODIES: [string, string, string | null, Buffer][] = [
  ['JSON', 'application/json', null, repeat(`${JSON.stringify(record)},`)],
  [
    'JSON, a secret in each',
    'application/json',
    null,
    repeat(`${JSON.stringify({ ...record, password: 'x' })},`),
  ],
  [
    'script',
    'application/javascript',
    null,
    repeat('function f(a,b){if(a>10)return b+"text";var x1=[1,22,333];}\n'),
  ],
  ['page', 'text/html', null, repeat('<p class="a">The quick brown fox jumps over 13 lazy dogs.</p>\n')],
  ['form', 'application/x-www-form-urlencoded', null, repeat('name=Ada+Lovelace&city=London&n=12345&')],
  ['digits', 'text/csv', null, repeat('4111 1111 1111 1112,2026,49301234567,7\n')],
  ['JSON, gzip', 'application/json', 'gzip', zlib.gzipSync(repeat(`${JSON.stringify(record)},`))],
];
console.log('\nbodies of 256 KiB, MB of text a second of CPU: standard / all national sets and a pattern');
for (const [name, contentType, contentEncoding, data] of BODIES) {
  const tap = { kept: data, facts: { size: data.length, kept: data.length, sha256: null, truncated: false } };
  const speed = [masker, everything].map(by => {
    let best = Infinity;
    for (let set = 0; set < 5; set++)
      best = Math.min(
        best,
        cost(
          8,
          () =>
            maskBody(tap, { contentType, contentEncoding, upgraded: false }, by, () => undefined).facts.kept,
        ),
      );
    return (256 * 1024) / best;
  });
  console.log(`${name.padEnd(24)} ${speed.map(mb => mb.toFixed(0).padStart(5)).join(' / ')} MB/s`);
}
if (sink === 0) throw new Error('nothing was measured');
