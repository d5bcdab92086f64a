/** Heads written for the next hop: what ends here, what is normalised, what stays as it was. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import type {
  RequestHead,
  ResponseHead,
  SerializeRequest,
  SerializeResponse,
} from '../../../src/wire/http1/index.ts';
import {
  END_OF_CHUNKS,
  INTERCEPTED_REPLY_DROPS,
  LAST_CHUNK,
  chunkPrefix,
  serializeRequest,
  serializeResponse,
  serializeTrailers,
} from '../../../src/wire/http1/index.ts';
import { requests, response } from './transcript.ts';

function requestHead(bytes: string): RequestHead {
  const { messages, malformed } = requests(bytes);
  assert.equal(malformed, null);
  const { head } = messages[0]!;
  assert.ok(head.kind === 'request');
  return head;
}

function responseHead(bytes: string, method = 'GET'): ResponseHead {
  const { messages, malformed } = response(method, bytes);
  assert.equal(malformed, null);
  const { head } = messages[0]!;
  assert.ok(head.kind === 'response');
  return head;
}

const lines = (...list: string[]): string => `${list.join('\r\n')}\r\n\r\n`;

describe('requests', () => {
  const CASES: [string, string[], SerializeRequest, string[]][] = [
    [
      'order, spelling and repeated fields stay; white space around values goes',
      ['GET /a HTTP/1.1', 'b:  1  ', 'HOST:h', 'A: 2', 'b: 3', 'Empty:'],
      {},
      ['GET /a HTTP/1.1', 'b: 1', 'HOST: h', 'A: 2', 'b: 3', 'Empty: '],
    ],
    [
      'hop-by-hop fields end here',
      [
        'GET / HTTP/1.1',
        'Host: h',
        'Keep-Alive: timeout=5',
        'Proxy-Connection: keep-alive',
        'Proxy-Authorization: Basic eA==',
        'X: y',
        'Upgrade: websocket',
        'HTTP2-Settings: AA',
        'TE: gzip',
        'Trailer: X',
      ],
      {},
      ['GET / HTTP/1.1', 'Host: h', 'X: y'],
    ],
    [
      'fields named by Connection end here',
      ['GET / HTTP/1.1', 'Host: h', 'X-Hop: 1', 'Connection: x-hop, Keep-Alive', 'x-hop: 2', 'X-End: 3'],
      {},
      ['GET / HTTP/1.1', 'Host: h', 'Connection: keep-alive', 'X-End: 3'],
    ],
    [
      'but not those that an origin must see (hop-by-hop abuse)',
      [
        'POST / HTTP/1.1',
        'Host: h',
        'Authorization: a',
        'Cookie: c',
        'Content-Length: 0',
        'X-Forwarded-For: 1.2.3.4',
        'Connection: close, host, content-length, authorization, cookie, x-forwarded-for',
      ],
      {},
      [
        'POST / HTTP/1.1',
        'Host: h',
        'Authorization: a',
        'Cookie: c',
        'Content-Length: 0',
        'X-Forwarded-For: 1.2.3.4',
      ],
    ],
    [
      'absolute-form: the target’s authority wins over Host',
      ['GET http://real.example:81/x HTTP/1.1', 'Host: other.example'],
      { target: '/x' },
      ['GET /x HTTP/1.1', 'Host: real.example:81'],
    ],
    [
      'absolute-form in 1.0 without Host gets one, and our version',
      ['GET http://real.example/x HTTP/1.0', 'A: b'],
      { target: '/x' },
      ['GET /x HTTP/1.1', 'Host: real.example', 'A: b'],
    ],
    [
      '1.0 without any host stays 1.0',
      ['GET /x HTTP/1.0', 'Connection: keep-alive'],
      {},
      ['GET /x HTTP/1.0', 'Connection: keep-alive'],
    ],
    ['a host on top', ['GET / HTTP/1.1', 'Host: a'], { host: 'b:8' }, ['GET / HTTP/1.1', 'Host: b:8']],
    [
      'length is written as a plain number',
      ['POST / HTTP/1.1', 'Host: h', 'content-length: 000'],
      {},
      ['POST / HTTP/1.1', 'Host: h', 'content-length: 0'],
    ],
    [
      'chunked is written in one way, Trailer may stay',
      ['POST / HTTP/1.1', 'Host: h', 'transfer-encoding: ChunKed', 'Trailer: X'],
      {},
      ['POST / HTTP/1.1', 'Host: h', 'transfer-encoding: chunked', 'Trailer: X'],
    ],
    [
      'TE: trailers is ours to relay',
      ['GET / HTTP/1.1', 'Host: h', 'TE: gzip;q=0.5, Trailers', 'Connection: te'],
      {},
      ['GET / HTTP/1.1', 'Host: h', 'TE: trailers', 'Connection: TE'],
    ],
    [
      'an upgrade is relayed in place',
      ['GET / HTTP/1.1', 'Connection: x, upgrade', 'Host: h', 'Upgrade: websocket', 'X: 1'],
      {},
      ['GET / HTTP/1.1', 'Connection: Upgrade', 'Host: h', 'Upgrade: websocket'],
    ],
    [
      'unless told not to',
      ['GET / HTTP/1.1', 'Connection: keep-alive, upgrade', 'Host: h', 'Upgrade: websocket'],
      { upgrade: false },
      ['GET / HTTP/1.1', 'Connection: keep-alive', 'Host: h'],
    ],
    [
      'h2c is never relayed',
      [
        'GET / HTTP/1.1',
        'Host: h',
        'Connection: Upgrade, HTTP2-Settings',
        'Upgrade: h2c',
        'HTTP2-Settings: A',
      ],
      {},
      ['GET / HTTP/1.1', 'Host: h'],
    ],
    [
      'close, drop and add',
      ['GET / HTTP/1.1', 'Host: h', 'X-Gone: 1', 'Connection: keep-alive'],
      { close: true, drop: new Set(['x-gone']), add: [['Via', '1.1 sightglass']] },
      ['GET / HTTP/1.1', 'Host: h', 'Connection: close', 'Via: 1.1 sightglass'],
    ],
    [
      'close where no Connection stood',
      ['GET / HTTP/1.1', 'Host: h'],
      { close: true },
      ['GET / HTTP/1.1', 'Host: h', 'Connection: close'],
    ],
  ];
  for (const [name, received, options, sent] of CASES)
    test(name, () => {
      assert.equal(serializeRequest(requestHead(lines(...received)), options), lines(...sent));
    });

  test('nothing of the caller can break a line', () => {
    const head = requestHead(lines('GET / HTTP/1.1', 'Host: h'));
    for (const options of [
      { target: '/a b' },
      { target: '/a\r\n' },
      { target: '/\u010a' },
      { target: '' },
      { host: 'a\r\nX: y' },
      { host: '' },
      { add: [['X', 'a\nb']] as const },
      { add: [['X: y', 'a']] as const },
      { add: [['X', '\u0d0a']] as const },
    ])
      assert.throws(() => serializeRequest(head, options), RangeError, JSON.stringify(options));
  });

  test('a head without its framing field still says how long the body is', () => {
    const head = requestHead(lines('GET / HTTP/1.1', 'Host: h'));
    assert.equal(
      serializeRequest({ ...head, framing: { kind: 'length', length: 3 } }),
      lines('GET / HTTP/1.1', 'Host: h', 'Content-Length: 3'),
    );
    assert.equal(
      serializeRequest({ ...head, framing: { kind: 'chunked' } }),
      lines('GET / HTTP/1.1', 'Host: h', 'Transfer-Encoding: chunked'),
    );
  });
});

describe('responses', () => {
  const CASES: [string, string, string[], SerializeResponse, string[]][] = [
    [
      'hop-by-hop fields end here',
      'GET',
      [
        'HTTP/1.1 200 OK',
        'Content-Length: 0',
        'Keep-Alive: timeout=5',
        'Connection: x-a',
        'X-A: 1',
        'Proxy-Authenticate: Basic',
        'Set-Cookie: a',
        'Set-Cookie: b',
      ],
      {},
      ['HTTP/1.1 200 OK', 'Content-Length: 0', 'Set-Cookie: a', 'Set-Cookie: b'],
    ],
    [
      'Alt-Svc is dropped on demand',
      'GET',
      ['HTTP/1.1 200 OK', 'Alt-Svc: h3=":443"', 'Content-Length: 0'],
      { drop: INTERCEPTED_REPLY_DROPS },
      ['HTTP/1.1 200 OK', 'Content-Length: 0'],
    ],
    [
      'a security header cannot be dropped by naming it',
      'GET',
      [
        'HTTP/1.1 200 OK',
        'Content-Security-Policy: x',
        'Connection: content-security-policy, content-length',
      ],
      {},
      ['HTTP/1.1 200 OK', 'Content-Security-Policy: x', 'Connection: close'],
    ],
    ['until close closes', 'GET', ['HTTP/1.0 200 OK'], {}, ['HTTP/1.1 200 OK', 'Connection: close']],
    [
      'until close closes although told to keep alive',
      'GET',
      ['HTTP/1.1 200 OK', 'Connection: keep-alive'],
      { keepAlive: true, chunked: false },
      ['HTTP/1.1 200 OK', 'Connection: close'],
    ],
    [
      'until close may be sent in chunks',
      'GET',
      ['HTTP/1.1 200 OK'],
      { keepAlive: true, chunked: true },
      ['HTTP/1.1 200 OK', 'Transfer-Encoding: chunked'],
    ],
    [
      'chunks unwrapped for an old client end with the connection',
      'GET',
      ['HTTP/1.1 200 OK', 'Transfer-Encoding: chunked', 'Trailer: X'],
      { chunked: false, peer: '1.0' },
      ['HTTP/1.1 200 OK', 'Connection: close'],
    ],
    [
      'an old client is told that it may stay',
      'GET',
      ['HTTP/1.1 200 OK', 'Content-Length: 0'],
      { peer: '1.0', keepAlive: true },
      ['HTTP/1.1 200 OK', 'Content-Length: 0', 'Connection: keep-alive'],
    ],
    [
      'keepAlive false says close',
      'GET',
      ['HTTP/1.1 200 OK', 'Connection: keep-alive', 'Content-Length: 0'],
      { keepAlive: false },
      ['HTTP/1.1 200 OK', 'Connection: close', 'Content-Length: 0'],
    ],
    [
      'the origin’s close is not the client’s, when told so',
      'GET',
      ['HTTP/1.1 200 OK', 'Connection: close', 'Content-Length: 0'],
      { keepAlive: true },
      ['HTTP/1.1 200 OK', 'Content-Length: 0'],
    ],
    [
      'HEAD keeps the length of what GET would get',
      'HEAD',
      ['HTTP/1.1 200 OK', 'Content-Length: 0500'],
      {},
      ['HTTP/1.1 200 OK', 'Content-Length: 0500'],
    ],
    [
      '304 keeps its length',
      'GET',
      ['HTTP/1.1 304 X', 'Content-Length: 5'],
      {},
      ['HTTP/1.1 304 X', 'Content-Length: 5'],
    ],
    ['204 has none', 'GET', ['HTTP/1.1 204 X', 'Content-Length: 0'], {}, ['HTTP/1.1 204 X']],
    ['interim', 'GET', ['HTTP/1.1 103 X', 'Link: a'], { keepAlive: false }, ['HTTP/1.1 103 X', 'Link: a']],
    [
      '101',
      'GET',
      ['HTTP/1.1 101 S', 'Upgrade: websocket', 'Connection: upgrade', 'Sec-WebSocket-Accept: x'],
      { keepAlive: true, chunked: false },
      ['HTTP/1.1 101 S', 'Upgrade: websocket', 'Connection: Upgrade', 'Sec-WebSocket-Accept: x'],
    ],
    [
      'an empty reason keeps its space',
      'GET',
      ['HTTP/1.1 200', 'Content-Length: 0'],
      {},
      ['HTTP/1.1 200 ', 'Content-Length: 0'],
    ],
    [
      '2xx to CONNECT has no length',
      'CONNECT',
      ['HTTP/1.1 200 X', 'Content-Length: 5'],
      {},
      ['HTTP/1.1 200 X'],
    ],
  ];
  for (const [name, method, received, options, sent] of CASES)
    test(name, () => {
      assert.equal(serializeResponse(responseHead(lines(...received), method), options), lines(...sent));
    });
});

test('chunks', () => {
  assert.equal(chunkPrefix(1), '1\r\n');
  assert.equal(chunkPrefix(0xabcde), 'abcde\r\n');
  assert.equal(END_OF_CHUNKS, `${LAST_CHUNK}${serializeTrailers([])}\r\n`);
  assert.equal(serializeTrailers([{ name: 'x', rawName: 'X', value: 'y' }]), 'X: y\r\n');
});

test('what is parsed and written is parsed and written the same again', () => {
  const token = fc.string({ unit: fc.constantFrom(...'abcXYZ019-_~!'), minLength: 1, maxLength: 12 });
  const value = fc.string({ unit: fc.constantFrom(...'abc ,;="\t\xe9\xff/@:'), maxLength: 20 });
  const field = fc.tuple(fc.oneof(token, fc.constantFrom('Accept', 'cookie', 'TE', 'Keep-Alive')), value);
  fc.assert(
    fc.property(
      token,
      fc.array(field, { maxLength: 8 }),
      fc.constantFrom('', 'Content-Length: 12\r\n', 'Transfer-Encoding: chunked\r\n'),
      (path, fields, framing) => {
        const list = fields.map(([name, v]) => `${name}: ${v}\r\n`).join('');
        const head = requestHead(`POST /${path} HTTP/1.1\r\n${list}Host: h\r\n${framing}\r\n`);
        const text = serializeRequest(head);
        const again = requestHead(text);
        assert.equal(serializeRequest(again), text);
        const endToEnd = head.fields.filter(f => !['te', 'keep-alive'].includes(f.name));
        assert.deepEqual(again.fields, endToEnd);
        assert.deepEqual({ ...again, size: 0, fields: [] }, { ...head, size: 0, fields: [] });
      },
    ),
    { numRuns: 500, seed: 3 },
  );
});
