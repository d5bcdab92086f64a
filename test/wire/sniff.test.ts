import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { sniff, type Sniffed } from '../../src/wire/sniff.ts';
import * as b from '../helpers/hello-builder.ts';

const PROXY_V2 = Buffer.from('0d0a0d0a000d0a515549540a21110c', 'hex');
const CASES: Array<[what: string, bytes: string | Buffer, is: Sniffed]> = [
  ['nothing', '', 'need-more'],
  ['a hello', b.hello(), 'tls'],
  ['a TLS alert', Buffer.from([21, 3, 3, 0, 2]), 'tls'],
  ['TLS application data', Buffer.from([23, 3]), 'tls'],
  ['one byte of TLS', Buffer.from([22]), 'need-more'],
  ['DTLS', Buffer.from([22, 0xfe, 0xfd]), 'tls'],
  ['another record type of another version', Buffer.from([23, 0xfe, 0xfd]), 'unknown'],
  ['SSLv2', Buffer.from('802e010002', 'hex'), 'unknown'],
  ['SOCKS5', Buffer.from([5, 1, 0]), 'socks5'],
  ['SOCKS5, one byte', Buffer.from([5]), 'need-more'],
  ['SOCKS5 without methods', Buffer.from([5, 0]), 'unknown'],
  ['SOCKS4', Buffer.from([4, 1, 0, 80]), 'unknown'],
  ['SSH', 'SSH-2.0-OpenSSH_9.2p1 Debian\r\n', 'ssh'],
  ['SSH, three bytes', 'SSH', 'need-more'],
  ['PROXY 1, IPv4', 'PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n', 'proxy-protocol'],
  ['PROXY 1, IPv6', 'PROXY TCP6 ::1 ::1 1 2\r\n', 'proxy-protocol'],
  ['PROXY 1, unknown', 'PROXY UNKNOWN\r\n', 'proxy-protocol'],
  ['PROXY 1, so far', 'PROXY T', 'need-more'],
  ['a method called PROXY', 'PROXY /x HTTP/1.1\r\n', 'http'],
  ['PROXY 2', PROXY_V2, 'proxy-protocol'],
  ['PROXY 2, so far', PROXY_V2.subarray(0, 7), 'need-more'],
  ['one word of a method', 'POS', 'need-more'],
  ['an empty line, then a request', '\r\nGET / HTTP/1.1\r\n', 'http'],
  ['an empty line, then nothing of use', '\r\n\r\nfoo', 'unknown'],
  ['an unknown method and a path', 'FROBNICATE /x HTTP/1.1\r\n', 'http'],
  ['a lower-case method', 'get /x HTTP/1.1\r\n', 'http'],
  ['a tab for the space', 'BREW\t/pot HTTP/1.1\r\n', 'http'],
  ['an unknown method and a URL', 'FETCHIT https://a.example/ HTTP/1.1\r\n', 'http'],
  ['an unknown method and an odd target', 'FETCHIT a.example HTTP/1.1\r\n', 'http'],
  ['the same, cut before the version', 'FETCHIT a.example HT', 'need-more'],
  ['HTTP/0.9', 'GET x\r\n', 'http'],
  ['SMTP', 'EHLO mail.example\r\n', 'unknown'],
  ['IRC', 'NICK somebody\r\n', 'unknown'],
  ['IMAP', 'a001 CAPABILITY\r\n', 'unknown'],
  ['a word and a newline', 'QUIT\r\n', 'unknown'],
  ['letters without end', 'a'.repeat(200), 'unknown'],
  ['a line without end', `FETCHIT a${'b'.repeat(2000)}`, 'unknown'],
  ['zeros', Buffer.alloc(20), 'unknown'],
  ['a space first', ' GET / HTTP/1.1', 'unknown'],
  ['UTF-8', 'é / HTTP/1.1', 'unknown'],
];

describe('sniff', () => {
  for (const [what, bytes, is] of CASES)
    test(`${what}: ${is}`, () => assert.equal(sniff(Buffer.from(bytes as string)), is));

  const METHODS =
    'GET HEAD POST PUT DELETE CONNECT OPTIONS TRACE PATCH PRI PROPFIND MKCOL MOVE LOCK REPORT QUERY PURGE M-SEARCH SUBSCRIBE BASELINE-CONTROL';
  for (const method of METHODS.split(' '))
    test(`${method} is HTTP, however it is cut`, () => {
      const target = method === 'CONNECT' ? 'a.example:443' : method === 'PRI' ? '*' : '/x';
      const bytes = Buffer.from(`${method} ${target} HTTP/1.1\r\n`);
      assert.equal(sniff(bytes), 'http');
      for (let n = 0; n <= method.length; n++) assert.equal(sniff(bytes.subarray(0, n)), 'need-more');
    });

  test('an answer never changes when more bytes come', () => {
    for (const [what, given] of CASES) {
      const bytes = Buffer.from(given as string);
      let settled: Sniffed = 'need-more';
      for (let n = 0; n <= bytes.length; n++) {
        const now = sniff(bytes.subarray(0, n));
        if (settled !== 'need-more') assert.equal(now, settled, `${what} at ${n}`);
        settled = now;
      }
    }
  });
});
