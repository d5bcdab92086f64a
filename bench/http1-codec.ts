/**
 * What one keep-alive exchange costs in the codec alone: parse + validate + re-serialise a request head (≈ 400
 * octets) and a response head (≈ 300 octets) with a body of 1 KiB, and what the record of it costs (masking).
 * Run: node --import tsx bench/http1-codec.ts. Informs, gates nothing.
 */
import { maskHeaders, maskPath, queryMask } from '../src/capture/mask.ts';
import type { Field } from '../src/wire/http1/index.ts';
import {
  RequestReader,
  ResponseReader,
  serializeRequest,
  serializeResponse,
} from '../src/wire/http1/index.ts';

const REQUEST = Buffer.from(
  'GET /assets/app/main.js?v=20261120&lang=en HTTP/1.1\r\nHost: www.example.com\r\n' +
    'User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Safari/537.36\r\n' +
    'Accept: text/html,application/xhtml+xml,*/*;q=0.8\r\nAccept-Encoding: gzip, deflate, br\r\n' +
    'Accept-Language: en-GB,en;q=0.9\r\nConnection: keep-alive\r\nCookie: sid=0123456789abcdef; theme=dark\r\n' +
    'X-Trace: 7f3a\r\n\r\n',
);
const RESPONSE = Buffer.from(
  'HTTP/1.1 200 OK\r\nServer: nginx/1.22.1\r\nDate: Fri, 20 Nov 2026 12:00:00 GMT\r\n' +
    'Content-Type: application/javascript\r\nContent-Length: 1024\r\nConnection: keep-alive\r\n' +
    'Last-Modified: Fri, 20 Nov 2026 11:00:00 GMT\r\nETag: "673db1c0-400"\r\nAccept-Ranges: bytes\r\n' +
    `Cache-Control: max-age=3600\r\n\r\n${'x'.repeat(1024)}`,
);
const ROUNDS = 200_000;
const SETS = 5;
const keys = queryMask(['token', 'access_token']);

const requests = new RequestReader();
const responses = new ResponseReader();
let requestFields: Field[] = [];
let responseFields: Field[] = [];
let sink = 0;

function request(): void {
  requests.push(REQUEST);
  const event = requests.next();
  if (event.kind !== 'head') throw new Error(event.kind);
  requestFields = event.head.fields;
  sink += Buffer.from(serializeRequest(event.head), 'latin1').length;
  requests.next();
}

function response(): void {
  responses.expect('GET');
  responses.push(RESPONSE);
  const event = responses.next();
  if (event.kind !== 'head') throw new Error(event.kind);
  responseFields = event.head.fields;
  sink += Buffer.from(serializeResponse(event.head, { keepAlive: true, chunked: false }), 'latin1').length;
  responses.next();
  responses.next();
}

function parseOnly(): void {
  requests.push(REQUEST);
  const event = requests.next();
  if (event.kind === 'head') sink += event.head.fields.length;
  requests.next();
}

function record(): void {
  sink += maskHeaders(requestFields, keys).length + maskHeaders(responseFields, keys).length;
  sink += maskPath('/assets/app/main.js?v=20261120&lang=en', keys).length;
}

function measure(name: string, work: () => void): void {
  let best = Infinity;
  for (let set = 0; set < SETS; set++) {
    const before = process.cpuUsage();
    for (let i = 0; i < ROUNDS; i++) work();
    const { user, system } = process.cpuUsage(before);
    best = Math.min(best, (user + system) / ROUNDS);
  }
  console.log(`${name.padEnd(44)} ${best.toFixed(2)} µs CPU`);
}

console.log(
  `node ${process.version}, request head ${REQUEST.length} octets, response ${RESPONSE.length} with body`,
);
request();
response();
measure('request: parse + serialise', request);
measure('request: parse', parseOnly);
measure('response: parse + serialise, 1 KiB body', response);
measure('record: mask both heads and path', record);
if (sink === 0) throw new Error('nothing was measured');
