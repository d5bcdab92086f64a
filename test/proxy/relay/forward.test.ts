/** How single messages are written on: framing, persistence, interim answers, upgrades, what may be asked twice. */
import assert from 'node:assert/strict';
import { PassThrough } from 'node:stream';
import { describe, test } from 'node:test';
import type { LiveExchange } from '../../../src/proxy/relay/exchange.ts';
import {
  endOfChunks,
  interimHead,
  mayRepeat,
  mayUpgrade,
  planResponse,
  writeBody,
} from '../../../src/proxy/relay/forward.ts';
import { OriginLink } from '../../../src/proxy/relay/side.ts';
import { Turn } from '../../../src/proxy/turn.ts';
import {
  DEFAULT_LIMITS,
  RequestReader,
  ResponseReader,
  type RequestHead,
  type ResponseHead,
} from '../../../src/wire/http1/index.ts';

function request(text: string): RequestHead {
  const reader = new RequestReader(DEFAULT_LIMITS);
  reader.push(Buffer.from(`${text}\r\n\r\n`));
  const event = reader.next();
  assert.ok(event.kind === 'head', JSON.stringify(event));
  return event.head;
}
function response(text: string): ResponseHead {
  const reader = new ResponseReader(DEFAULT_LIMITS);
  reader.expect('GET');
  reader.push(Buffer.from(`${text}\r\n\r\n`));
  const event = reader.next();
  assert.ok(event.kind === 'head', JSON.stringify(event));
  return event.head;
}
const NEW = request('GET / HTTP/1.1\r\nHost: a');
const CLOSING = request('GET / HTTP/1.1\r\nHost: a\r\nConnection: close');
const OLD = request('GET / HTTP/1.0');
const LENGTH = response('HTTP/1.1 200 OK\r\nContent-Length: 2');
const CHUNKED = response('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked');
const TO_CLOSE = response('HTTP/1.1 200 OK\r\nX: y');

describe('planResponse', () => {
  const cases: [string, RequestHead, ResponseHead, boolean, { chunked: boolean; last: boolean }][] = [
    ['a length stays a length and the connection stays', NEW, LENGTH, true, { chunked: false, last: false }],
    ['chunks stay chunks', NEW, CHUNKED, true, { chunked: true, last: false }],
    ['an end by close is an end by close', NEW, TO_CLOSE, true, { chunked: false, last: true }],
    ['HTTP/1.0 gets no chunks but a close', OLD, CHUNKED, true, { chunked: false, last: true }],
    ['a client that wants to close is closed', CLOSING, LENGTH, true, { chunked: false, last: true }],
    ['a relay that wants to end ends', NEW, LENGTH, false, { chunked: false, last: true }],
  ];
  for (const [what, req, res, persist, want] of cases)
    test(what, () => {
      const { text, ...plan } = planResponse(req, res, persist);
      assert.deepEqual(plan, want);
      assert.equal(/\r\nConnection: close\r\n/i.test(text), want.last);
      assert.equal(/\r\nTransfer-Encoding: chunked\r\n/i.test(text), want.chunked);
      assert.ok(text.endsWith('\r\n\r\n'));
    });

  test('what would lead the browser around the proxy is left out', () => {
    const { text } = planResponse(
      NEW,
      response('HTTP/1.1 200 OK\r\nAlt-Svc: h3=":443"\r\nContent-Length: 0'),
      true,
    );
    assert.doesNotMatch(text, /alt-svc/i);
  });
});

describe('forward', () => {
  test('interim answers are for HTTP/1.1 only', () => {
    const hints = response('HTTP/1.1 103 Early Hints\r\nLink: </a>');
    assert.match(interimHead(NEW, hints) ?? '', /^HTTP\/1\.1 103 [^\r]*\r\nLink: <\/a>\r\n/);
    assert.equal(interimHead(OLD, hints), null);
  });

  test('body octets: as they are, or in chunks that add up', async () => {
    const turn = new Turn({ healthy: true, append: () => undefined, flush: () => undefined });
    const out = new PassThrough();
    writeBody(turn, out, Buffer.from('hello'), true);
    turn.write(out, endOfChunks([{ name: 'x-sum', rawName: 'X-Sum', value: '1' }]));
    writeBody(turn, out, Buffer.from('plain'), false);
    await new Promise(resolve => setImmediate(() => setImmediate(resolve)));
    assert.equal((out.read() as Buffer).toString(), '5\r\nhello\r\n0\r\nX-Sum: 1\r\n\r\nplain');
  });

  test('WebSocket may upgrade, HTTP/2 over cleartext may not', () => {
    const ask = (protocol: string): RequestHead =>
      request(`GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: ${protocol}`);
    assert.equal(mayUpgrade(ask('websocket')), true);
    assert.equal(mayUpgrade(ask('h2c')), false);
    assert.equal(mayUpgrade(ask('H2C')), false);
    assert.equal(mayUpgrade(NEW), false);
  });

  test('asked again only when the origin closed an idle connection and asking twice does no harm', () => {
    const exchange = (over: Partial<LiveExchange> & { head?: RequestHead }): LiveExchange =>
      ({
        head: NEW,
        requestDone: true,
        bodyless: true,
        response: null,
        repeated: false,
        ...over,
      }) as LiveExchange;
    const link = (used: number): OriginLink => {
      const made = new OriginLink(new PassThrough(), 'a', 80, DEFAULT_LIMITS);
      made.used = used;
      return made;
    };
    assert.equal(mayRepeat(exchange({}), link(1)), true);
    assert.equal(mayRepeat(exchange({}), link(0)), false, 'a fresh connection that fails, fails');
    assert.equal(mayRepeat(exchange({ repeated: true }), link(1)), false, 'once');
    assert.equal(mayRepeat(exchange({ bodyless: false }), link(1)), false, 'its body is gone');
    assert.equal(mayRepeat(exchange({ requestDone: false }), link(1)), false);
    assert.equal(mayRepeat(exchange({ response: LENGTH }), link(1)), false, 'an answer had begun');
    for (const method of ['POST', 'PUT', 'DELETE', 'PATCH'])
      assert.equal(
        mayRepeat(exchange({ head: request(`${method} / HTTP/1.1\r\nHost: a`) }), link(1)),
        false,
        method,
      );
    const begun = link(1);
    begun.reader.expect('GET');
    begun.reader.push(Buffer.from('HTTP/1.1 2'));
    assert.equal(mayRepeat(exchange({}), begun), false, 'half an answer is an answer');
  });
});
