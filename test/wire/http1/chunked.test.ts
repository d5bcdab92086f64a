/** The chunked coding: sizes, extensions, ends of lines, bounds. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { RequestReader } from '../../../src/wire/http1/index.ts';
import { chunked, refuses } from './refused.ts';
import { requests } from './transcript.ts';

describe('refused chunks', () => {
  refuses([
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
  ]);
});

describe('taken chunks', () => {
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
});
