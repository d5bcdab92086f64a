/** Limits: exactly the limit is taken, one more is refused, whatever the cut. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { RequestReader } from '../../../src/wire/http1/index.ts';

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
