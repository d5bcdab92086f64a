/**
 * Messages for the property, differential and fuzz tests: well-formed ones, and a generator that builds streams out
 * of parts that smuggling attacks are made of (requirement D1), good and bad in one bag.
 */
import type { Rng } from '../../fuzz/rng.ts';

const b = (text: string): Buffer => Buffer.from(text, 'latin1');

export const REQUEST_SEEDS: readonly Buffer[] = [
  b('GET / HTTP/1.1\r\nHost: h.example\r\n\r\n'),
  b('\r\nGET /a?b=c HTTP/1.1\r\nHost: h.example:8443\r\nAccept: */*\r\nConnection: keep-alive\r\n\r\n'),
  b('POST /p HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhelloGET /2 HTTP/1.1\r\nHost: h\r\n\r\n'),
  b(
    'POST /c HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nA;x=y\r\n0123456789\r\n0\r\n\r\nGET /n HTTP/1.1\r\nHost: h\r\n\r\n',
  ),
  b(
    'PUT /t HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n3;a;b="c\\"d"\r\nabc\r\n00\r\nX-Sum: 1\r\n\r\n',
  ),
  b(
    'GET http://h.example/x HTTP/1.1\r\nHost: h.example\r\nProxy-Connection: keep-alive\r\nConnection: close\r\n\r\n',
  ),
  b('CONNECT h.example:443 HTTP/1.1\r\nHost: h.example:443\r\n\r\n\x16\x03\x01'),
  b('OPTIONS * HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\nGET / HTTP/1.0\r\n\r\n'),
  b(
    'GET /ws HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: AAAA\r\n\r\n\x81\x00',
  ),
  b('POST /e HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\nx'),
];

/** Responses with the method of the request they answer. */
export const RESPONSE_SEEDS: readonly (readonly [string, Buffer])[] = [
  ['GET', b('HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Type: text/plain\r\n\r\nhello')],
  ['GET', b('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nX-T: 1\r\n\r\n')],
  ['GET', b('HTTP/1.0 200 OK\r\nServer: old\r\n\r\nuntil the end')],
  ['GET', b('HTTP/1.1 103 Early Hints\r\nLink: </s.css>\r\n\r\nHTTP/1.1 404\r\nContent-Length: 0\r\n\r\n')],
  ['HEAD', b('HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n')],
  ['GET', b('HTTP/1.1 204 No Content\r\n\r\n')],
  ['GET', b('HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\nETag: "x"\r\n\r\n')],
  ['GET', b('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n\x81\x00')],
  ['CONNECT', b('HTTP/1.1 200 Connection established\r\n\r\n\x16\x03\x01')],
  ['POST', b('HTTP/1.1 999 \xc3\xa9\r\nConnection: close\r\nContent-Length: 1\r\n\r\nx')],
];

export const DICTIONARY: readonly Buffer[] = (
  '\r\n|\n|\r|\r\n\r\n|\n\n|\t| |:|,|;|\0|\x7f|\x80|0\r\n\r\n|Content-Length: |Content-Length: 5\r\n|Transfer-Encoding: ' +
  'chunked\r\n|transfer-encoding|chunked|identity|, chunked|chunked, chunked|x, chunked|+5|-1|0x5|5_0| 5|5 |5, 5|' +
  '00000000000000005|ffffffffffffffff|9007199254740993|Host: |Host: a\r\n|Host:a@b|Connection: |close|keep-alive|' +
  'Upgrade: h2c\r\n|upgrade|Expect: 100-continue\r\n|HTTP/1.0|HTTP/1.1|HTTP/2.0|HTTP/1.2|GET |HEAD |head |CONNECT |' +
  'POST |* |http://a/|//|#|;a="|\\"|"|;a=b| folded\r\n|\r\n folded|GET /smuggled HTTP/1.1\r\nHost: s\r\n\r\n|' +
  'HTTP/1.1 200 OK\r\n|HTTP/1.1 100 \r\n\r\n|204|304|101|999|099|Trailer: x\r\n|X-A: b\r\n'
)
  .split('|')
  .map(b);

const SP = ['', ' ', ' ', ' ', ' ', ' ', '\t', '  '];
const EOL = ['\r\n', '\r\n', '\r\n', '\r\n', '\r\n', '\r\n', '\r\n', '\r\n', '\n', '\r', '\r\r\n', '\n\r\n'];
const LENGTHS = [
  '0',
  '3',
  '5',
  '5',
  '5',
  '005',
  '+5',
  '-5',
  '0x5',
  '5, 5',
  '5,',
  '',
  '5 5',
  '1e1',
  '5\v',
  '٥',
];
const CODINGS = [
  'chunked',
  'chunked',
  'chunked',
  'Chunked',
  'identity',
  'gzip, chunked',
  'chunked, chunked',
  ',chunked',
  'chunked,',
  'xchunked',
  '"chunked"',
  'chunked;q=1',
  '',
  'chunked\x0b',
];
const LENGTH_NAMES = [
  'Content-Length',
  'Content-Length',
  'content-length',
  'Content_Length',
  'Content-Length ',
  'X-Content-Length',
];
const CODING_NAMES = [
  'Transfer-Encoding',
  'Transfer-Encoding',
  'transfer-encoding',
  'Transfer-Encoding ',
  'Transfer_Encoding',
  '\0Transfer-Encoding',
];
const SIZES = [
  '5',
  '5',
  '5',
  '05',
  '0x5',
  '+5',
  '5 ',
  ' 5',
  '5;a',
  '5;a=b',
  '5;a="b\r"',
  '5_',
  '',
  '5;',
  '5\t',
];

/** Mostly the first entry, now and then any: a stream with one oddity says more than one with ten. */
const odd = <T>(rng: Rng, list: readonly T[]): T => (rng.oneIn(6) ? rng.pick(list) : list[0]!);
const eol = (rng: Rng): string => (rng.oneIn(25) ? rng.pick(EOL) : '\r\n');
const sp = (rng: Rng): string => (rng.oneIn(15) ? rng.pick(SP) : ' ');

function framing(rng: Rng): { lines: string; body: string } {
  let lines = '';
  let body = '';
  const length = (): void => {
    lines += `${odd(rng, LENGTH_NAMES)}:${sp(rng)}${rng.oneIn(3) ? rng.pick(LENGTHS) : '5'}${eol(rng)}`;
    body = 'hello';
  };
  const coding = (): void => {
    lines += `${odd(rng, CODING_NAMES)}:${sp(rng)}${odd(rng, CODINGS)}${eol(rng)}`;
    body = '';
    for (let n = rng.int(3); n > 0; n--)
      body += `${odd(rng, SIZES)}${eol(rng)}hello${rng.oneIn(30) ? '!' : ''}${eol(rng)}`;
    body += `0${eol(rng)}${rng.oneIn(5) ? `X-T:${sp(rng)}v${eol(rng)}` : ''}${eol(rng)}`;
  };
  switch (rng.int(10)) {
    case 0:
    case 1:
    case 2:
      break;
    case 3:
    case 4:
    case 5:
      length();
      break;
    case 6:
    case 7:
    case 8:
      coding();
      break;
    default:
      length();
      if (rng.oneIn(2)) length();
      else coding();
  }
  return { lines, body };
}

const OTHER_LINES = [
  'X-A: b',
  'X-A: b',
  'Accept:*/*',
  'X-Empty:',
  'X-Obs: \xff\x80',
  'X-Tab: a\tb',
  ' X-Fold: a',
  'X A: b',
  'X-Nul: \0',
  ': none',
  'X-Ctl: \x01',
  'novalue',
  'Cookie: a=b; c=d',
];

/** One to three requests on one connection, each mostly right. */
export function requestStream(rng: Rng): Buffer {
  let out = '';
  for (let n = 1 + rng.int(3); n > 0; n--) {
    const { lines, body } = framing(rng);
    const method = odd(rng, ['GET', 'POST', 'HEAD', 'PUT', 'OPTIONS', 'get', 'G T', 'CONNECT', 'PROPFIND']);
    const target = odd(rng, ['/a', '/a?b', 'http://h/a', '*', 'h:80', '/a b', '/\xe9', '/#f', 'http://u@h/']);
    const version = odd(rng, ['HTTP/1.1', 'HTTP/1.0', 'HTTP/1.1 ', 'http/1.1', 'HTTP/1.2', 'HTTP/2.0', '']);
    const host = odd(rng, ['Host: h\r\n', '', 'Host: h\r\nHost: h\r\n', 'Host: h, i\r\n', 'Host : h\r\n']);
    const connection = odd(rng, [
      '',
      'Connection: close\r\n',
      'Connection: keep-alive\r\n',
      'Connection: x, close\r\n',
    ]);
    const extra = rng.oneIn(3) ? `${odd(rng, OTHER_LINES)}${eol(rng)}` : '';
    const before = rng.oneIn(20) ? rng.pick(['\r\n', '\r\n\r\n', '\n', '\r', ' ']) : '';
    const parts = rng.oneIn(2) ? host + lines + extra : lines + extra + host;
    out += `${before}${method}${sp(rng)}${target}${sp(rng)}${version}${eol(rng)}${parts}${connection}${eol(rng)}${body}`;
  }
  return b(out);
}

/** Sometimes an interim response, then one that is mostly right, then sometimes too much. */
export function responseStream(rng: Rng): Buffer {
  let out = rng.oneIn(8) ? odd(rng, ['HTTP/1.1 100 Continue\r\n\r\n', 'HTTP/1.1 103 \r\nX: y\r\n\r\n']) : '';
  const { lines, body } = framing(rng);
  const status = odd(rng, ['200', '404', '204', '304', '100', '101', '999', '099', '20', '2000', '200x']);
  const version = odd(rng, ['HTTP/1.1', 'HTTP/1.0', 'HTTP/1.2', 'HTTP/2', 'ICY', 'http/1.1']);
  const reason = odd(rng, [' OK', ' ', '', ' N\xffk', ' a\tb', ' \0']);
  const extra = rng.oneIn(3) ? `${odd(rng, OTHER_LINES)}${eol(rng)}` : '';
  const connection = odd(rng, [
    '',
    'Connection: close\r\n',
    'Connection: keep-alive\r\n',
    'Connection: Upgrade\r\nUpgrade: x\r\n',
  ]);
  out += `${version}${sp(rng)}${status}${reason}${eol(rng)}${lines}${extra}${connection}${eol(rng)}${body}`;
  if (rng.oneIn(10)) out += rng.pick(['x', '\r\n', 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n']);
  return b(out);
}
