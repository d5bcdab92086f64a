/** Lines and octets: what may stand where in a request line and in fields (requirement D1). */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { get, post, refuses } from './refused.ts';
import { requests } from './transcript.ts';

describe('fields', () => {
  refuses([
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
  ]);
});

describe('request lines', () => {
  refuses([
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
  ]);
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
