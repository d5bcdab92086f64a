/** Heads as values: what the fields say about the connection, and what may not come behind a body. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { RequestHead } from '../../../src/wire/http1/index.ts';
import { chunked, get, post, refuses } from './refused.ts';
import { requests, response } from './transcript.ts';

const one = (bytes: string): RequestHead => {
  const { messages, malformed } = requests(bytes);
  assert.equal(malformed, null);
  assert.equal(messages.length, 1);
  const { head } = messages[0]!;
  assert.ok(head.kind === 'request');
  return head;
};

describe('refused trailers', () => {
  refuses([
    ['Content-Length trailer', chunked('0\r\nContent-Length: 5\r\n\r\n'), /content-length in the trailer/],
    [
      'Transfer-Encoding trailer',
      chunked('0\r\nTransfer-Encoding: chunked\r\n\r\n'),
      /in the trailer section/,
    ],
    ['Host trailer', chunked('0\r\nHost: other\r\n\r\n'), /host in the trailer section/],
    ['Authorization trailer', chunked('0\r\nAuthorization: x\r\n\r\n'), /authorization in the trailer/],
    ['Connection trailer', chunked('0\r\nConnection: close\r\n\r\n'), /connection in the trailer/],
    ['folded trailer', chunked('0\r\nX: a\r\n b\r\n\r\n'), /folded line/],
    ['bare LF in trailers', chunked('0\r\nX: a\n\r\n'), /bare LF/],
    ['bare LF behind trailers', chunked('0\r\n\n'), /bare LF/],
  ]);
});

describe('refused expectations', () => {
  refuses([
    ['other expectation', get('Expect: 200-ok\r\n'), /expectation other/],
    ['two expectations', get('Expect: 100-continue\r\nExpect: x\r\n'), /expectation other/],
  ]);
});

describe('HTAB in and behind values that steer is refused', () => {
  refuses([
    ['behind a length', post('Content-Length: 0\t\r\n'), /HTAB/],
    ['behind a length and a space', post('Content-Length: 0 \t\r\n'), /HTAB/],
    ['behind a coding', post('Transfer-Encoding: chunked\t\r\n', '0\r\n\r\n'), /HTAB/],
    ['behind close', get('Connection: close\t\r\n'), /HTAB/],
    ['inside Connection', get('Connection: x,\tclose\r\n'), /HTAB/],
    ['behind Host', 'GET / HTTP/1.1\r\nHost: h\t\r\n\r\n', /HTAB/],
  ]);
});

test('0xA0 is no white space in a list', () => {
  assert.equal(one(get('Connection: \xa0close\r\n')).keepAlive, true);
  assert.equal(one(get('Connection: upgrade\xa0\r\nUpgrade: websocket\r\n')).upgrade, null);
  assert.ok(
    response('GET', 'HTTP/1.1 101 X\r\nConnection: \xa0Upgrade\r\nUpgrade: t\r\n\r\n').malformed !== null,
  );
});

describe('taken heads', () => {
  test('a head in full', () => {
    const bytes =
      'GET /a?b=%20 HTTP/1.1\r\nHost: H.example:8080\r\nX-Odd:\t a\tb \xff \t\r\nX-Empty:\r\n\r\n';
    assert.deepEqual(one(bytes), {
      kind: 'request',
      version: '1.1',
      fields: [
        { name: 'host', rawName: 'Host', value: 'H.example:8080' },
        { name: 'x-odd', rawName: 'X-Odd', value: 'a\tb \xff' },
        { name: 'x-empty', rawName: 'X-Empty', value: '' },
      ],
      framing: { kind: 'none' },
      keepAlive: true,
      connection: [],
      size: bytes.length,
      method: 'GET',
      target: '/a?b=%20',
      upgrade: null,
      expectContinue: false,
      host: 'H.example:8080',
    });
  });

  test('names in any spelling are understood', () => {
    const head = one('POST / HTTP/1.1\r\nHOST: h\r\ncOnTeNt-LeNgTh: 0\r\n\r\n');
    assert.deepEqual(head.framing, { kind: 'length', length: 0 });
    assert.deepEqual(
      head.fields.map(f => [f.name, f.rawName]),
      [
        ['host', 'HOST'],
        ['content-length', 'cOnTeNt-LeNgTh'],
      ],
    );
  });

  const KEEP: [string, string, boolean][] = [
    ['1.1', '', true],
    ['1.1', 'Connection: close\r\n', false],
    ['1.1', 'Connection: keep-alive, Close\r\n', false],
    ['1.1', 'Connection: keep-alive\r\nConnection: close\r\n', false],
    ['1.1', 'Connection: closed\r\n', true],
    ['1.0', '', false],
    ['1.0', 'Connection: Keep-Alive\r\n', true],
    ['1.0', 'Connection: x,  keep-alive\r\n', true],
    ['1.0', 'Connection: keep-alive, close\r\n', false],
  ];
  for (const [version, lines, keepAlive] of KEEP)
    test(`HTTP/${version} ${JSON.stringify(lines)} persists: ${keepAlive}`, () => {
      assert.equal(one(`GET / HTTP/${version}\r\nHost: h\r\n${lines}\r\n`).keepAlive, keepAlive);
    });

  const UPGRADES: [string, string | null][] = [
    ['Connection: Upgrade\r\nUpgrade: websocket\r\n', 'websocket'],
    ['Connection: keep-alive, upgrade\r\nUpgrade: WebSocket\r\n', 'WebSocket'],
    ['Upgrade: websocket\r\n', null],
    ['Connection: Upgrade\r\n', null],
    ['Connection: Upgrade\r\nUpgrade:\r\n', null],
    // Nothing in which further requests would pass unread.
    ['Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAA\r\n', null],
    ['Connection: Upgrade\r\nUpgrade: websocket, H2C\r\n', null],
    ['Connection: Upgrade\r\nUpgrade: websocket\r\nUpgrade: h2c\r\n', null],
    ['Connection: Upgrade\r\nUpgrade: TLS/1.2\r\n', null],
    ['Connection: Upgrade\r\nUpgrade: HTTP/2.0\r\n', null],
  ];
  for (const [lines, upgrade] of UPGRADES)
    test(`upgrade of ${JSON.stringify(lines)}`, () => {
      assert.equal(one(get(lines)).upgrade, upgrade);
    });

  test('Upgrade and Expect mean nothing in HTTP/1.0', () => {
    const head = one(
      'GET / HTTP/1.0\r\nConnection: upgrade\r\nUpgrade: websocket\r\nExpect: 100-continue\r\n\r\n',
    );
    assert.equal(head.upgrade, null);
    assert.equal(head.expectContinue, false);
  });

  test('Expect: 100-Continue', () => {
    assert.equal(one(post('Expect: 100-Continue\r\nContent-Length: 0\r\n')).expectContinue, true);
  });

  test('a value of Connection that is no list of tokens drops nothing and closes nothing', () => {
    const head = one(get('Connection: (close), a b, , "x"\r\n'));
    assert.deepEqual(head.connection, []);
    assert.equal(head.keepAlive, true);
  });
});
