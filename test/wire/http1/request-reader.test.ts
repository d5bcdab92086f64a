/** Requests: what is refused and by which rule (requirement D1, D4), what is taken, and how the dialogue goes. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { RequestHead } from '../../../src/wire/http1/index.ts';
import { RequestReader } from '../../../src/wire/http1/index.ts';
import { requests } from './transcript.ts';

const HOST = 'Host: h.example\r\n';
const post = (lines: string, body = ''): string => `POST / HTTP/1.1\r\n${HOST}${lines}\r\n${body}`;
const chunked = (body: string): string => post('Transfer-Encoding: chunked\r\n', body);
const get = (lines: string): string => `GET / HTTP/1.1\r\n${HOST}${lines}\r\n`;

/** What is sent, and a word of the reason. Everything here is `request-malformed`. */
const REFUSED: [string, string, RegExp][] = [
  // Framing
  [
    'CL.TE',
    post('Content-Length: 5\r\nTransfer-Encoding: chunked\r\n', '0\r\n\r\n'),
    /both Content-Length and/,
  ],
  [
    'TE.CL',
    post('Transfer-Encoding: chunked\r\nContent-Length: 5\r\n', '0\r\n\r\n'),
    /both Content-Length and/,
  ],
  [
    'TE.TE',
    post('Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n'),
    /more than one Transfer-Enc/,
  ],
  [
    'TE.TE with a word',
    post('Transfer-Encoding: chunked\r\nTransfer-encoding: x\r\n'),
    /more than one Transfer/,
  ],
  ['equal lengths', post('Content-Length: 5\r\nContent-Length: 5\r\n', 'hello'), /more than one Content-Len/],
  [
    'differing lengths',
    post('Content-Length: 5\r\nContent-Length: 6\r\n', 'hello'),
    /more than one Content-Len/,
  ],
  ['list of lengths', post('Content-Length: 5, 5\r\n', 'hello'), /not one decimal number/],
  ['empty length', post('Content-Length:\r\n'), /not one decimal number/],
  ['plus', post('Content-Length: +5\r\n'), /not one decimal number/],
  ['minus', post('Content-Length: -5\r\n'), /not one decimal number/],
  ['hex length', post('Content-Length: 0x5\r\n'), /not one decimal number/],
  ['underscore', post('Content-Length: 5_0\r\n'), /not one decimal number/],
  ['space inside', post('Content-Length: 5 5\r\n'), /not one decimal number/],
  ['exponent', post('Content-Length: 1e1\r\n'), /not one decimal number/],
  ['2^53', post('Content-Length: 9007199254740992\r\n'), /not one decimal number/],
  ['long zeros', post('Content-Length: 00000000000000005\r\n'), /not one decimal number/],
  ['other digits', post('Content-Length: \xb2\r\n'), /not one decimal number/],
  ['comma first', post('Transfer-Encoding: ,chunked\r\n'), /not exactly chunked/],
  ['comma last', post('Transfer-Encoding: chunked,\r\n'), /not exactly chunked/],
  ['twice in one', post('Transfer-Encoding: chunked, chunked\r\n'), /not exactly chunked/],
  ['gzip', post('Transfer-Encoding: gzip, chunked\r\n'), /not exactly chunked/],
  ['identity', post('Transfer-Encoding: identity\r\n'), /not exactly chunked/],
  ['empty coding', post('Transfer-Encoding:\r\n'), /not exactly chunked/],
  ['quoted', post('Transfer-Encoding: "chunked"\r\n'), /not exactly chunked/],
  ['parameter', post('Transfer-Encoding: chunked;q=1\r\n'), /not exactly chunked/],
  ['vertical tab', post('Transfer-Encoding: \x0bchunked\r\n'), /control octet/],
  ['coding in 1.0', 'POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n', /HTTP\/1\.0 message/],
  [
    'CONNECT with a body',
    'CONNECT h:1 HTTP/1.1\r\nHost: h:1\r\nContent-Length: 5\r\n\r\n',
    /CONNECT with content/,
  ],
  [
    'CONNECT in chunks',
    'CONNECT h:1 HTTP/1.1\r\nHost: h:1\r\nTransfer-Encoding: chunked\r\n\r\n',
    /CONNECT with/,
  ],
  // Lines
  ['space before colon', get('X-A : b\r\n'), /before the colon/],
  ['tab before colon', get('X-A\t: b\r\n'), /before the colon/],
  ['space before colon of length', post('Content-Length : 5\r\n'), /before the colon/],
  ['obs-fold', get('X-A: b\r\n c\r\n'), /folded line/],
  ['obs-fold by tab', get('X-A: b\r\n\tc\r\n'), /folded line/],
  ['fold before any field', 'GET / HTTP/1.1\r\n Host: h\r\n\r\n', /folded line/],
  ['bare LF in fields', `GET / HTTP/1.1\r\nHost: h\nX: y\r\n\r\n`, /bare LF/],
  ['bare LF behind the request line', `GET / HTTP/1.1\nHost: h\r\n\r\n`, /bare LF/],
  ['bare LF as the blank line', `GET / HTTP/1.1\r\nHost: h\r\n\nGET`, /bare LF/],
  ['bare CR in a value', get('X-A: b\rX-B: c\r\n'), /bare CR/],
  ['CR CR LF', get('X-A: b\r\r\n'), /bare CR/],
  ['bare CR as the blank line', `GET / HTTP/1.1\r\nHost: h\r\n\rX\r\n`, /bare CR/],
  ['NUL in a value', get('X-A: a\0b\r\n'), /control octet/],
  ['NUL in a name', get('X\0A: b\r\n'), /in a field name/],
  ['DEL in a value', get('X-A: \x7f\r\n'), /control octet/],
  ['escape in a value', get('X-A: \x1b[0m\r\n'), /control octet/],
  ['no colon', get('X-A\r\n'), /in a field name/],
  ['no name', get(': b\r\n'), /empty field name/],
  ['obs-text in a name', get('X-\xe9: b\r\n'), /in a field name/],
  ['parenthesis in a name', get('X(: b\r\n'), /in a field name/],
  ['space inside a name', get('X A: b\r\n'), /before the colon/],
  // Request line
  ['two spaces', 'GET  / HTTP/1.1\r\nHost: h\r\n\r\n', /request target/],
  ['tab', 'GET\t/ HTTP/1.1\r\nHost: h\r\n\r\n', /method and one space/],
  ['leading space', ' GET / HTTP/1.1\r\nHost: h\r\n\r\n', /method and one space/],
  ['trailing space', 'GET / HTTP/1.1 \r\nHost: h\r\n\r\n', /end in one HTTP version/],
  ['HTTP/0.9', 'GET /\r\n', /no version behind it/],
  ['lower case version', 'GET / http/1.1\r\nHost: h\r\n\r\n', /end in one HTTP version/],
  ['no minor version', 'GET / HTTP/1\r\nHost: h\r\n\r\n', /end in one HTTP version/],
  ['space in target', 'GET /a b HTTP/1.1\r\nHost: h\r\n\r\n', /end in one HTTP version/],
  ['control in target', 'GET /a\x01 HTTP/1.1\r\nHost: h\r\n\r\n', /request target/],
  ['NUL in target', 'GET /a\0b HTTP/1.1\r\nHost: h\r\n\r\n', /request target/],
  ['raw UTF-8 in target', 'GET /\xc3\xa9 HTTP/1.1\r\nHost: h\r\n\r\n', /request target/],
  ['fragment', 'GET /a#b HTTP/1.1\r\nHost: h\r\n\r\n', /request target/],
  ['method in quotes', '"GET" / HTTP/1.1\r\nHost: h\r\n\r\n', /method and one space/],
  ['lower case head', 'head / HTTP/1.1\r\nHost: h\r\n\r\n', /in case only/],
  ['mixed case connect', 'Connect h:1 HTTP/1.1\r\nHost: h:1\r\n\r\n', /in case only/],
  ['TLS', '\x16\x03\x01\x02\x00\x01', /method and one space/],
  ['two empty lines first', `\r\n\r\n${get('')}`, /more than one empty line/],
  ['bare LF first', `\n${get('')}`, /method and one space/],
  ['bare CR first', `\rGET`, /bare CR/],
  // Target and Host
  ['no Host', 'GET / HTTP/1.1\r\n\r\n', /no Host field/],
  ['two Hosts', 'GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n', /more than one Host/],
  ['two Hosts in 1.0', 'GET / HTTP/1.0\r\nHost: a\r\nhost: b\r\n\r\n', /more than one Host/],
  ['empty Host', 'GET / HTTP/1.1\r\nHost:\r\n\r\n', /not a host/],
  ['Host with userinfo', 'GET / HTTP/1.1\r\nHost: a@b\r\n\r\n', /not a host/],
  ['Host with a path', 'GET / HTTP/1.1\r\nHost: a/b\r\n\r\n', /not a host/],
  ['Host with a list', 'GET / HTTP/1.1\r\nHost: a, b\r\n\r\n', /not a host/],
  ['Host with a space', 'GET / HTTP/1.1\r\nHost: a b\r\n\r\n', /not a host/],
  ['Host with port 0x', 'GET / HTTP/1.1\r\nHost: a:0x50\r\n\r\n', /not a host/],
  ['Host with port 70000', 'GET / HTTP/1.1\r\nHost: a:70000\r\n\r\n', /not a host/],
  ['Host with empty port', 'GET / HTTP/1.1\r\nHost: a:\r\n\r\n', /not a host/],
  ['Host with obs-text', 'GET / HTTP/1.1\r\nHost: \xe9\r\n\r\n', /not a host/],
  ['Host with open bracket', 'GET / HTTP/1.1\r\nHost: [::1\r\n\r\n', /not a host/],
  ['asterisk with GET', 'GET * HTTP/1.1\r\nHost: h\r\n\r\n', /four forms/],
  ['authority with GET', 'GET h:80 HTTP/1.1\r\nHost: h\r\n\r\n', /four forms/],
  ['relative path', 'GET a/b HTTP/1.1\r\nHost: h\r\n\r\n', /four forms/],
  ['query alone', 'GET ?a HTTP/1.1\r\nHost: h\r\n\r\n', /four forms/],
  ['CONNECT with a path', 'CONNECT /a HTTP/1.1\r\nHost: h\r\n\r\n', /four forms/],
  ['CONNECT without port', 'CONNECT h HTTP/1.1\r\nHost: h\r\n\r\n', /four forms/],
  ['CONNECT absolute', 'CONNECT http://h:1/ HTTP/1.1\r\nHost: h\r\n\r\n', /four forms/],
  ['userinfo', 'GET http://u:p@h/ HTTP/1.1\r\nHost: h\r\n\r\n', /four forms/],
  ['no authority', 'GET http:///a HTTP/1.1\r\nHost: h\r\n\r\n', /four forms/],
  ['scheme with an odd start', 'GET 1http://h/ HTTP/1.1\r\nHost: h\r\n\r\n', /four forms/],
  // Others
  ['other expectation', get('Expect: 200-ok\r\n'), /expectation other/],
  ['two expectations', get('Expect: 100-continue\r\nExpect: x\r\n'), /expectation other/],
  // Chunks
  ['0x size', chunked('0x5\r\nhello\r\n0\r\n\r\n'), /in a chunk size/],
  ['underscore in size', chunked('1_0\r\n'), /in a chunk size/],
  ['signed size', chunked('+5\r\nhello\r\n'), /no chunk size/],
  ['empty size', chunked('\r\nhello'), /no chunk size/],
  ['space before size', chunked(' 5\r\nhello'), /no chunk size/],
  ['space behind size', chunked('5 \r\nhello'), /in a chunk size/],
  ['bare LF behind size', chunked('5\nhello'), /in a chunk size/],
  ['bare CR behind size', chunked('5\rhello'), /bare CR in a chunk line/],
  ['17 digits', chunked('00000000000000005\r\n'), /too long/],
  ['2^53 octets', chunked('20000000000000\r\n'), /beyond 2\^53/],
  ['2^64 octets', chunked('ffffffffffffffff\r\n'), /beyond 2\^53/],
  ['longer than its size', chunked('5\r\nhello!\r\n0\r\n\r\n'), /longer than its size/],
  ['no CRLF behind data', chunked('5\r\nhello\n0\r\n\r\n'), /longer than its size/],
  ['CR without LF behind data', chunked('5\r\nhello\r0\r\n\r\n'), /no CRLF behind/],
  ['CR in an extension', chunked('5;a=b\rc\r\nhello'), /bare CR in a chunk line/],
  ['LF in an extension', chunked('5;a=b\nhello'), /chunk extension/],
  ['LF in a quoted extension', chunked('5;a="\n"\r\nhello'), /chunk extension/],
  ['escaped CR in an extension', chunked('5;a="\\\r\n"\r\nhello'), /chunk extension/],
  ['open quote', chunked('5;a="b\r\nhello'), /chunk extension/],
  ['extension without name', chunked('5;\r\nhello'), /chunk extension/],
  ['space in an extension', chunked('5; a=b\r\nhello'), /chunk extension/],
  ['extension without value', chunked('5;a=\r\nhello'), /chunk extension/],
  ['text behind a quote', chunked('5;a="b"c\r\nhello'), /chunk extension/],
  // Trailers
  ['Content-Length trailer', chunked('0\r\nContent-Length: 5\r\n\r\n'), /content-length in the trailer/],
  ['Transfer-Encoding trailer', chunked('0\r\nTransfer-Encoding: chunked\r\n\r\n'), /in the trailer section/],
  ['Host trailer', chunked('0\r\nHost: other\r\n\r\n'), /host in the trailer section/],
  ['Authorization trailer', chunked('0\r\nAuthorization: x\r\n\r\n'), /authorization in the trailer/],
  ['Connection trailer', chunked('0\r\nConnection: close\r\n\r\n'), /connection in the trailer/],
  ['folded trailer', chunked('0\r\nX: a\r\n b\r\n\r\n'), /folded line/],
  ['bare LF in trailers', chunked('0\r\nX: a\n\r\n'), /bare LF/],
  ['bare LF behind trailers', chunked('0\r\n\n'), /bare LF/],
];

describe('refused requests name their rule', () => {
  for (const [name, bytes, reason] of REFUSED)
    test(name, () => {
      const { messages, malformed } = requests(bytes);
      assert.ok(malformed !== null, `accepted ${messages.length}`);
      assert.equal(malformed.code, 'request-malformed');
      assert.match(malformed.reason, reason);
      assert.equal(malformed.early, false);
      assert.ok(messages.every(m => m.trailers === null));
    });
});

describe('versions', () => {
  for (const version of ['HTTP/2.0', 'HTTP/1.2', 'HTTP/0.9', 'HTTP/3.0', 'HTTP/1.9'])
    test(version, () => {
      const { malformed } = requests(`GET / ${version}\r\nHost: h\r\n\r\n`);
      assert.equal(malformed?.code, 'version-unsupported');
    });

  test('the HTTP/2 preface', () => {
    assert.equal(requests('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n').malformed?.code, 'version-unsupported');
  });
});

describe('limits', () => {
  const small = { head: 200, fields: 3 };
  const read = (bytes: string, limits = small): string => {
    const reader = new RequestReader(limits);
    reader.push(Buffer.from(bytes, 'latin1'));
    const event = reader.next();
    return event.kind === 'malformed' ? event.code : event.kind;
  };

  test('a head of exactly the limit is taken, one octet more is not', () => {
    const head = (pad: number): string => `GET / HTTP/1.1\r\nHost: h\r\nX: ${'x'.repeat(pad)}\r\n\r\n`;
    const pad = 200 - head(0).length;
    assert.equal(read(head(pad)), 'head');
    assert.equal(read(head(pad + 1)), 'request-head-too-large');
  });

  test('a line without end is cut off at the limit', () => {
    assert.equal(read(`GET /${'x'.repeat(195)}`), 'need-more');
    assert.equal(read(`GET /${'x'.repeat(196)}`), 'request-head-too-large');
  });

  test('as many fields as the limit, not one more', () => {
    const head = (n: number): string => `GET / HTTP/1.1\r\nHost: h\r\n${'X: y\r\n'.repeat(n - 1)}\r\n`;
    assert.equal(read(head(3)), 'head');
    assert.equal(read(head(4)), 'request-head-too-large');
  });

  test('trailers have the same limits', () => {
    const body = `0\r\n${'X: y\r\n'.repeat(4)}\r\n`;
    const reader = new RequestReader(small);
    reader.push(Buffer.from(`POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n${body}`));
    assert.equal(reader.next().kind, 'head');
    const event = reader.next();
    assert.equal(event.kind === 'malformed' && event.code, 'request-head-too-large');
  });

  test('chunk extensions are bound per message, not per chunk', () => {
    const chunk = `1;${'e'.repeat(50)}\r\nx\r\n`;
    const read = (n: number): string | undefined => {
      const reader = new RequestReader({ chunkExtensions: 160 });
      reader.push(
        Buffer.from(
          `POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n${chunk.repeat(n)}0\r\n\r\n`,
        ),
      );
      for (let event = reader.next(); ; event = reader.next())
        if (event.kind === 'end' || event.kind === 'malformed') return event.kind;
    };
    assert.equal(read(3), 'end');
    assert.equal(read(4), 'malformed');
  });

  test('fields of the default limit and a head of 60 KiB are taken', () => {
    assert.equal(
      read(`GET / HTTP/1.1\r\nHost: h\r\nCookie: ${'c'.repeat(60_000)}\r\n\r\n`, {
        head: 65536,
        fields: 200,
      }),
      'head',
    );
  });
});

describe('taken requests', () => {
  const one = (bytes: string): RequestHead => {
    const { messages, malformed } = requests(bytes);
    assert.equal(malformed, null);
    assert.equal(messages.length, 1);
    const { head } = messages[0]!;
    assert.ok(head.kind === 'request');
    return head;
  };

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

  for (const target of [
    '/',
    '//a',
    '/a|b{c}"<>\\^`',
    '/%zz',
    'http://h',
    'HTTPS://h:1/a?b',
    'ws://[::1]:80/',
  ])
    test(`target ${target}`, () => {
      assert.equal(one(`GET ${target} HTTP/1.1\r\n${HOST}\r\n`).target, target);
    });

  test('OPTIONS *, CONNECT host:port, CONNECT [v6]:port, CONNECT with a zero length', () => {
    assert.equal(one(`OPTIONS * HTTP/1.1\r\n${HOST}\r\n`).target, '*');
    assert.equal(one(`CONNECT a.b:443 HTTP/1.1\r\n${HOST}\r\n`).target, 'a.b:443');
    assert.equal(one(`CONNECT [2001:db8::1]:443 HTTP/1.1\r\n${HOST}\r\n`).target, '[2001:db8::1]:443');
    assert.deepEqual(one(`CONNECT a:1 HTTP/1.0\r\nContent-Length: 0\r\n\r\n`).framing, { kind: 'none' });
  });

  test('chunks with extensions, leading zeros and trailers', () => {
    const { messages, malformed } = requests(
      chunked(
        '05;a;b=c;d="e;\\"\xff"\r\nhello\r\nA\r\n0123456789\r\n000\r\nX-Sum: 1\r\nServer-Timing: a\r\n\r\n',
      ),
    );
    assert.equal(malformed, null);
    assert.equal(messages[0]!.body.toString(), 'hello0123456789');
    assert.deepEqual(messages[0]!.trailers, [
      { name: 'x-sum', value: '1' },
      { name: 'server-timing', value: 'a' },
    ]);
  });

  test('one empty line before each request', () => {
    const { messages, malformed } = requests(`\r\n${post('Content-Length: 1\r\n', 'x')}\r\n${get('')}`);
    assert.equal(malformed, null);
    assert.equal(messages.length, 2);
  });

  test('a value of Connection that is no list of tokens drops nothing and closes nothing', () => {
    const head = one(get('Connection: (close), a b, , "x"\r\n'));
    assert.deepEqual(head.connection, []);
    assert.equal(head.keepAlive, true);
  });
});

describe('dialogue', () => {
  const push = (reader: RequestReader, text: string): void => {
    reader.push(Buffer.from(text, 'latin1'));
  };

  test('pipelined requests wait until they are pulled; keep lets go of the memory', () => {
    const reader = new RequestReader();
    const chunk = Buffer.from(get('X: 1\r\n') + get('X: 2\r\n'));
    reader.push(chunk);
    assert.equal(reader.next().kind, 'head');
    assert.equal(reader.next().kind, 'end');
    assert.equal(reader.idle, false);
    reader.keep();
    chunk.fill(0);
    const second = reader.next();
    assert.ok(second.kind === 'head');
    assert.equal(second.head.fields[1]?.value, '2');
    assert.equal(reader.next().kind, 'end');
    assert.equal(reader.next().kind, 'need-more');
    assert.equal(reader.idle, true);
  });

  test('octets behind CONNECT are handed over untouched, none lost', () => {
    const reader = new RequestReader();
    push(reader, 'CONNECT h:443 HTTP/1.1\r\nHost: h:443\r\n\r\n\x16\x03\x01');
    assert.equal(reader.next().kind, 'head');
    assert.equal(reader.next().kind, 'end');
    push(reader, '\x02\x00');
    assert.equal(reader.takeRest().toString('latin1'), '\x16\x03\x01\x02\x00');
    assert.equal(reader.next().kind, 'need-more');
    assert.equal(reader.takeRest().length, 0);
  });

  test('a refused CONNECT leaves the connection as it was', () => {
    const reader = new RequestReader();
    push(reader, `CONNECT h:443 HTTP/1.1\r\nHost: h:443\r\n\r\n${get('')}`);
    assert.equal(reader.next().kind, 'head');
    assert.equal(reader.next().kind, 'end');
    const event = reader.next();
    assert.equal(event.kind === 'head' && event.head.method, 'GET');
  });

  test('malformed is for ever', () => {
    const reader = new RequestReader();
    push(reader, 'GET / HTTP/1.1\r\n\r\n');
    const event = reader.next();
    assert.equal(event.kind, 'malformed');
    push(reader, get(''));
    assert.equal(reader.next(), event);
    assert.equal(reader.finish(), event);
  });

  test('body data is a view of what was pushed', () => {
    const reader = new RequestReader();
    push(reader, post('Content-Length: 3\r\n'));
    assert.equal(reader.next().kind, 'head');
    const chunk = Buffer.from('abc');
    reader.push(chunk);
    const event = reader.next();
    assert.ok(event.kind === 'data');
    assert.equal(event.data, chunk);
  });

  const ENDS: [string, string, boolean, string | null][] = [
    ['before anything', '', true, null],
    ['behind a request', get(''), true, null],
    ['behind an empty line', '\r\n', true, null],
    ['inside a request line', 'GET /', false, 'ended inside the request head'],
    ['inside the fields', 'GET / HTTP/1.1\r\nHost: h\r\n', false, 'ended inside the request head'],
    ['inside a body', post('Content-Length: 3\r\n', 'ab'), false, 'ended inside the request body'],
    ['before a body', post('Content-Length: 3\r\n'), false, 'ended inside the request body'],
    ['inside a chunk', chunked('5\r\nhel'), false, 'ended inside the request body'],
    ['before the last chunk', chunked('5\r\nhello\r\n'), false, 'ended inside the request body'],
    ['inside trailers', chunked('0\r\nX: y\r\n'), false, 'ended inside the request body'],
    ['half a CRLF', '\r', false, 'ended inside the request head'],
  ];
  for (const [name, bytes, idle, reason] of ENDS)
    test(`the peer ends ${name}`, () => {
      const { malformed } = requests(bytes, { finish: true });
      if (reason === null) assert.equal(malformed, null);
      else {
        assert.deepEqual(malformed, {
          code: 'request-malformed',
          reason: `RFC 9112 §8: ${reason}`,
          early: true,
        });
      }
      const reader = new RequestReader();
      push(reader, bytes);
      while (!['need-more', 'malformed'].includes(reader.next().kind));
      assert.equal(reader.idle, idle);
    });

  test('finish gives what is left first', () => {
    const reader = new RequestReader();
    push(reader, post('Content-Length: 1\r\n', 'x'));
    assert.equal(reader.finish().kind, 'head');
    assert.equal(reader.next().kind, 'data');
    assert.equal(reader.next().kind, 'end');
    assert.equal(reader.next().kind, 'need-more');
  });

  test('a slow head costs about what a fast one does: octets are searched once', () => {
    // 60 KiB in one field, octet by octet: quadratic work would take minutes.
    const reader = new RequestReader();
    const bytes = Buffer.from(`GET / HTTP/1.1\r\nHost: h\r\nX: ${'x'.repeat(60_000)}\r\n\r\n`);
    let heads = 0;
    for (const byte of bytes) {
      reader.push(Buffer.from([byte]));
      if (reader.next().kind === 'head') heads++;
    }
    assert.equal(heads, 1);
  });
});
