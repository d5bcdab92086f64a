/** What begins a request, and how the dialogue goes. Lines, targets, framing and chunks have their own files. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { RequestHead } from '../../../src/wire/http1/index.ts';
import { RequestReader } from '../../../src/wire/http1/index.ts';
import { HOST, chunked, get, post } from './refused.ts';
import { requests } from './transcript.ts';

describe('taken requests', () => {
  const one = (bytes: string): RequestHead => {
    const { messages, malformed } = requests(bytes);
    assert.equal(malformed, null);
    assert.equal(messages.length, 1);
    const { head } = messages[0]!;
    assert.ok(head.kind === 'request');
    return head;
  };

  test('OPTIONS *, CONNECT host:port, CONNECT [v6]:port, CONNECT with a zero length', () => {
    assert.equal(one(`OPTIONS * HTTP/1.1\r\n${HOST}\r\n`).target, '*');
    assert.equal(one(`CONNECT a.b:443 HTTP/1.1\r\n${HOST}\r\n`).target, 'a.b:443');
    assert.equal(one(`CONNECT [2001:db8::1]:443 HTTP/1.1\r\n${HOST}\r\n`).target, '[2001:db8::1]:443');
    assert.deepEqual(one(`CONNECT a:1 HTTP/1.0\r\nContent-Length: 0\r\n\r\n`).framing, { kind: 'none' });
  });

  test('one empty line before each request', () => {
    const { messages, malformed } = requests(`\r\n${post('Content-Length: 1\r\n', 'x')}\r\n${get('')}`);
    assert.equal(malformed, null);
    assert.equal(messages.length, 2);
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
