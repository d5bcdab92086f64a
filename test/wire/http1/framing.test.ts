/** Where a message ends: the table that smuggling attacks (requirement D1). */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { contentLength, requestFraming, responseFraming } from '../../../src/wire/http1/framing.ts';
import { post, refuses } from './refused.ts';

describe('requests with doubtful framing', () => {
  refuses([
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
    [
      'equal lengths',
      post('Content-Length: 5\r\nContent-Length: 5\r\n', 'hello'),
      /more than one Content-Len/,
    ],
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
  ]);
});

test('a length is 1*DIGIT up to 2^53-1', () => {
  const good: [string, number][] = [
    ['0', 0],
    ['00', 0],
    ['42', 42],
    ['9007199254740991', Number.MAX_SAFE_INTEGER],
  ];
  for (const [text, length] of good) assert.equal(contentLength(text), length);
  for (const text of [
    '',
    ' 1',
    '1 ',
    '+1',
    '-0',
    '1.0',
    '1e3',
    '0x1',
    '1_0',
    '1,1',
    '9007199254740992',
    '\u0661',
  ])
    assert.equal(contentLength(text), -1, text);
});

test('every combination of fields has exactly one answer', () => {
  for (const version of ['1.0', '1.1'] as const)
    for (const length of [null, '0', '7', 'x'])
      for (const coding of [null, 'chunked', 'CHUNKED', 'gzip']) {
        const facts = { version, length, coding };
        const answer = requestFraming('POST', facts);
        const doubtful =
          length === 'x' || coding === 'gzip' || (coding !== null && (length !== null || version === '1.0'));
        assert.equal(typeof answer === 'string', doubtful, JSON.stringify(facts));
        if (typeof answer === 'string') continue;
        const kind = coding !== null ? 'chunked' : length !== null ? 'length' : 'none';
        assert.equal(answer.kind, kind);
        const reply = responseFraming('GET', 200, facts);
        assert.equal(typeof reply !== 'string' && reply.kind, kind === 'none' ? 'until-close' : kind);
        for (const [method, status] of [
          ['HEAD', 200],
          ['GET', 304],
          ['CONNECT', 200],
        ] as const) {
          const bodiless = responseFraming(method, status, facts);
          if (status === 304 && coding !== null) assert.equal(typeof bodiless, 'string');
          else assert.deepEqual(bodiless, { kind: 'none' });
        }
      }
});
