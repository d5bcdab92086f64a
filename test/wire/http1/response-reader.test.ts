/** Responses: framing by status and method (RFC 9112 §6.3), what is refused (requirement D3), and the dialogue. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Framing } from '../../../src/wire/http1/index.ts';
import { ResponseReader } from '../../../src/wire/http1/index.ts';
import { response } from './transcript.ts';

const ok = (lines: string, body = ''): string => `HTTP/1.1 200 OK\r\n${lines}\r\n${body}`;
const status = (code: number, lines = ''): string => `HTTP/1.1 ${code} X\r\n${lines}\r\n`;
const TE = 'Transfer-Encoding: chunked\r\n';
const CL = 'Content-Length: 5\r\n';

/** method, octets, a word of the reason; all `response-malformed`. */
const REFUSED: [string, string, string, RegExp][] = [
  ['both framings', 'GET', ok(CL + TE), /both Content-Length and/],
  ['both framings to HEAD', 'HEAD', ok(CL + TE), /both Content-Length and/],
  ['both framings in 304', 'GET', status(304, CL + TE), /both Content-Length and/],
  ['two lengths', 'GET', ok(CL + CL), /more than one Content-Length/],
  ['list of lengths', 'GET', ok('Content-Length: 5, 5\r\n'), /not one decimal/],
  ['bad length to HEAD', 'HEAD', ok('Content-Length: x\r\n'), /not one decimal/],
  ['bad length to CONNECT', 'CONNECT', ok('Content-Length: x\r\n'), /not one decimal/],
  ['coding in 1.0', 'GET', `HTTP/1.0 200 OK\r\n${TE}\r\n`, /HTTP\/1\.0 message/],
  ['gzip, chunked', 'GET', ok('Transfer-Encoding: gzip, chunked\r\n'), /not exactly chunked/],
  ['coding on 204', 'GET', status(204, TE), /Transfer-Encoding in a 204/],
  ['coding on 304', 'GET', status(304, TE), /Transfer-Encoding in a 304/],
  ['coding on 103', 'GET', status(103, TE), /Transfer-Encoding in a 103/],
  ['coding on 101', 'GET', status(101, `Connection: upgrade\r\nUpgrade: x\r\n${TE}`), /in a 101/],
  ['length on 204', 'GET', status(204, CL), /above zero in a 204/],
  ['length on 100', 'GET', status(100, CL), /above zero in a 100/],
  ['101 without Upgrade', 'GET', status(101, 'Connection: upgrade\r\n'), /101 without/],
  ['101 with an empty Upgrade', 'GET', status(101, 'Connection: upgrade\r\nUpgrade:\r\n'), /101 without/],
  ['101 without Connection', 'GET', status(101, 'Upgrade: x\r\n'), /101 without/],
  ['103 in 1.0', 'GET', 'HTTP/1.0 103 X\r\n\r\n', /interim response in HTTP\/1\.0/],
  ['103 that closes', 'GET', status(103, 'Connection: close\r\n'), /interim response that closes/],
  ['status 099', 'GET', 'HTTP/1.1 099 X\r\n\r\n', /three digits/],
  ['status 20', 'GET', 'HTTP/1.1 20 X\r\nServer: x\r\n\r\n', /three digits/],
  ['status 2000', 'GET', 'HTTP/1.1 2000 X\r\n\r\n', /no space behind/],
  ['status 20x', 'GET', 'HTTP/1.1 20x X\r\n\r\n', /three digits/],
  ['negative status', 'GET', 'HTTP/1.1 -20 X\r\n\r\n', /three digits/],
  ['two spaces', 'GET', 'HTTP/1.1  200 X\r\n\r\n', /three digits/],
  ['HTTP/2', 'GET', 'HTTP/2 200 OK\r\nServer: x\r\n\r\n', /HTTP\/1\.0 or/],
  ['HTTP/1.2', 'GET', 'HTTP/1.2 200 OK\r\n\r\n', /HTTP\/1\.0 or/],
  ['short line', 'GET', 'HTTP/1.1\r\n\r\n', /HTTP\/1\.0 or/],
  ['ICY', 'GET', 'ICY 200 OK\r\n\r\n', /start with HTTP/],
  ['no head at all', 'GET', '<html>hello</html>', /start with HTTP/],
  ['empty line first', 'GET', `\r\n${ok(CL, 'hello')}`, /start with HTTP/],
  ['lower case', 'GET', 'http/1.1 200 OK\r\n\r\n', /start with HTTP/],
  ['control in the reason', 'GET', 'HTTP/1.1 200 O\x01K\r\n\r\n', /reason phrase/],
  ['bare LF behind the status line', 'GET', 'HTTP/1.1 200 OK\nServer: x\r\n\r\n', /bare LF/],
  ['bare LF behind the status', 'GET', 'HTTP/1.1 200\nServer: x\r\n\r\n', /no space behind/],
  ['bare CR in a field', 'GET', ok('Set-Cookie: a\rSet-Cookie: b\r\n'), /bare CR/],
  ['splitting by bare LF', 'GET', ok('Location: /\nSet-Cookie: a=b\r\n'), /bare LF/],
  ['obs-fold', 'GET', ok('X: a\r\n b\r\n'), /folded/],
  ['space before colon', 'GET', ok('Content-Length : 5\r\n'), /before the colon/],
  ['bad chunk', 'GET', ok(TE, 'zz\r\n'), /no chunk size/],
  ['Set-Cookie trailer', 'GET', ok(TE, '0\r\nSet-Cookie: a=b\r\n\r\n'), /set-cookie in the trailer/],
  ['more than asked for', 'GET', ok(CL, 'helloHTTP/1.1 200 OK\r\n\r\n'), /no request asked for/],
  ['one octet more than asked for', 'GET', ok(CL, 'hello\n'), /no request asked for/],
  ['body to HEAD', 'HEAD', ok(CL, 'hello'), /no request asked for/],
  ['body in 204', 'GET', `${status(204)}hello`, /no request asked for/],
  ['body in 304', 'GET', `${status(304, CL)}hello`, /no request asked for/],
];

describe('refused responses name their rule', () => {
  for (const [name, method, bytes, reason] of REFUSED)
    test(name, () => {
      const { malformed } = response(method, bytes);
      assert.ok(malformed !== null, 'accepted');
      assert.equal(malformed.code, 'response-malformed');
      assert.match(malformed.reason, reason);
    });

  test('a head that is too large', () => {
    const reader = new ResponseReader({ head: 100 });
    reader.expect('GET');
    reader.push(Buffer.from(ok(`X: ${'x'.repeat(100)}\r\n`)));
    const event = reader.next();
    assert.equal(event.kind === 'malformed' && event.code, 'response-head-too-large');
  });

  test('a flood of interim responses', () => {
    const flood = (n: number): string | undefined =>
      response('GET', `${'HTTP/1.1 103 X\r\n\r\n'.repeat(n)}${ok(CL, 'hello')}`).malformed?.reason;
    assert.equal(flood(64), undefined);
    assert.match(flood(65) ?? '', /more than 64 interim/);
  });
});

describe('framing', () => {
  const none: Framing = { kind: 'none' };
  const five: Framing = { kind: 'length', length: 5 };
  const chunked: Framing = { kind: 'chunked' };
  const close: Framing = { kind: 'until-close' };
  const CASES: [string, string, string, Framing, boolean][] = [
    ['length', 'GET', ok(CL), five, true],
    ['chunked', 'GET', ok(TE), chunked, true],
    ['CHUNKED', 'GET', ok('TRANSFER-ENCODING: CHUNKED\r\n'), chunked, true],
    ['nothing', 'GET', ok(''), close, false],
    ['nothing, keep-alive', 'GET', ok('Connection: keep-alive\r\n'), close, false],
    ['nothing in 1.0', 'GET', 'HTTP/1.0 200 OK\r\n\r\n', close, false],
    ['length in 1.0', 'GET', `HTTP/1.0 200 OK\r\n${CL}\r\n`, five, false],
    [
      'length in 1.0, keep-alive',
      'GET',
      `HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n${CL}\r\n`,
      five,
      true,
    ],
    ['close', 'GET', ok(`Connection: close\r\n${CL}`), five, false],
    ['HEAD', 'HEAD', ok(CL), none, true],
    ['HEAD, chunked', 'HEAD', ok(TE), none, true],
    ['HEAD, nothing', 'HEAD', ok(''), none, true],
    ['204', 'GET', status(204), none, true],
    ['204 with a zero length', 'GET', status(204, 'Content-Length: 0\r\n'), none, true],
    ['304 with a length', 'GET', status(304, CL), none, true],
    ['205', 'GET', status(205, 'Content-Length: 0\r\n'), { kind: 'length', length: 0 }, true],
    ['status 999', 'GET', status(999, CL), five, true],
    ['no reason', 'GET', `HTTP/1.1 200 \r\n${CL}\r\n`, five, true],
    ['no space behind the status', 'GET', `HTTP/1.1 200\r\n${CL}\r\n`, five, true],
    ['404 to CONNECT', 'CONNECT', status(404, CL), five, true],
    ['200 to CONNECT', 'CONNECT', status(200), none, true],
    ['200 to CONNECT with a length', 'CONNECT', status(200, CL), none, true],
    ['200 to lower case head is not HEAD', 'head', ok(CL), five, true],
  ];
  for (const [name, method, bytes, framing, keepAlive] of CASES)
    test(name, () => {
      const { messages, malformed } = response(method, bytes);
      assert.equal(malformed, null);
      assert.deepEqual(messages[0]!.head.framing, framing);
      assert.equal(messages[0]!.head.keepAlive, keepAlive);
    });
});

describe('dialogue', () => {
  const text = (s: string): Buffer => Buffer.from(s, 'latin1');

  test('a head in full', () => {
    const bytes = 'HTTP/1.1 404 N\xf6t\tFound \r\nServer: x\r\nContent-Length: 0\r\n\r\n';
    const { messages } = response('GET', bytes);
    assert.deepEqual(messages[0]!.head, {
      kind: 'response',
      version: '1.1',
      fields: [
        { name: 'server', rawName: 'Server', value: 'x' },
        { name: 'content-length', rawName: 'Content-Length', value: '0' },
      ],
      framing: { kind: 'length', length: 0 },
      keepAlive: true,
      connection: [],
      size: bytes.length,
      status: 404,
      reason: 'N\xf6t\tFound ',
      upgrade: false,
    });
  });

  test('interim heads have no end; the expectation stays', () => {
    const reader = new ResponseReader();
    reader.expect('POST');
    assert.equal(reader.idle, true);
    reader.push(text(`HTTP/1.1 100 Continue\r\n\r\n${status(103, 'Link: x\r\n')}${ok(CL, 'hello')}`));
    const seen: string[] = [];
    for (let event = reader.next(); event.kind !== 'need-more'; event = reader.next()) {
      seen.push(event.kind === 'head' ? String(event.head.status) : event.kind);
      if (event.kind === 'head' && event.head.status === 103) assert.equal(reader.idle, false);
    }
    assert.deepEqual(seen, ['100', '103', '200', 'data', 'end']);
    assert.equal(reader.idle, true);
  });

  test('two requests one after the other', () => {
    const reader = new ResponseReader();
    for (const method of ['HEAD', 'GET']) {
      reader.expect(method);
      reader.push(text(ok(CL, method === 'GET' ? 'hello' : '')));
      assert.equal(reader.next().kind, 'head');
      if (method === 'GET') assert.equal(reader.next().kind, 'data');
      assert.equal(reader.next().kind, 'end');
      assert.equal(reader.next().kind, 'need-more');
    }
  });

  test('a response that came before its request is nobody’s', () => {
    const reader = new ResponseReader();
    reader.expect('GET');
    reader.push(text(ok(CL, `hello${ok(CL, 'evil!')}`)));
    assert.equal(reader.next().kind, 'head');
    assert.equal(reader.next().kind, 'data');
    assert.equal(reader.next().kind, 'end');
    // The relay sends the next request without having looked.
    reader.expect('GET');
    const event = reader.next();
    assert.match(event.kind === 'malformed' ? event.reason : '', /no request asked for/);
  });

  test('octets on an idle connection are nobody’s', () => {
    const reader = new ResponseReader();
    reader.push(text('HTTP/1.1 408 Request Timeout\r\n\r\n'));
    assert.equal(reader.next().kind, 'malformed');
  });

  test('expect before the last response ended is a mistake of the caller', () => {
    const reader = new ResponseReader();
    reader.expect('GET');
    assert.throws(() => {
      reader.expect('GET');
    }, /previous response/);
  });

  test('101 hands over, when an upgrade was asked for', () => {
    const bytes = text(status(101, 'Connection: Upgrade\r\nUpgrade: websocket\r\n') + '\x81\x00');
    const asked = new ResponseReader();
    asked.expect('GET');
    asked.push(bytes);
    const event = asked.next();
    assert.ok(event.kind === 'head' && event.head.upgrade);
    assert.equal(asked.next().kind, 'need-more');
    assert.equal(asked.takeRest().toString('latin1'), '\x81\x00');
    const unasked = new ResponseReader();
    unasked.expect('GET', false);
    unasked.push(bytes);
    assert.equal(unasked.next().kind, 'malformed');
  });

  test('200 to CONNECT hands over', () => {
    const { messages, rest, malformed } = response('CONNECT', 'HTTP/1.1 200 OK\r\n\r\n\x16\x03');
    assert.equal(malformed, null);
    assert.equal(rest.toString('latin1'), '\x16\x03');
    assert.ok(messages[0]!.head.kind === 'response' && messages[0]!.head.upgrade);
  });

  const ENDS: [string, string, string | null, boolean][] = [
    ['body until close', 'HTTP/1.1 200 OK\r\n\r\nabc', null, true],
    ['empty body until close', 'HTTP/1.1 200 OK\r\n\r\n', null, true],
    ['complete body', ok(CL, 'hello'), null, true],
    ['short body', ok(CL, 'hell'), 'ended inside the response body', false],
    ['chunks without end', ok(TE, '5\r\nhello\r\n'), 'ended inside the response body', false],
    ['chunks without trailers', ok(TE, '0\r\n'), 'ended inside the response body', false],
    ['half a head', 'HTTP/1.1 200 OK\r\nServer', 'ended inside the response head', false],
    ['nothing', '', 'ended inside the response head', true],
    ['an interim response only', 'HTTP/1.1 100 C\r\n\r\n', 'ended inside the response head', false],
  ];
  for (const [name, bytes, reason, idle] of ENDS)
    test(`the origin ends behind: ${name}`, () => {
      const reader = new ResponseReader();
      reader.expect('GET');
      reader.push(text(bytes));
      while (!['need-more', 'malformed'].includes(reader.next().kind));
      let event = reader.finish();
      const before = event;
      if (event.kind === 'end') event = reader.next();
      if (reason === null) {
        assert.equal(event.kind, 'need-more');
        assert.notEqual(before.kind, 'malformed');
      } else {
        assert.ok(event.kind === 'malformed' && event.early);
        assert.match(event.reason, new RegExp(reason));
      }
      assert.equal(reader.idle, idle, 'idle tells whether any octet of an answer came');
    });
});
