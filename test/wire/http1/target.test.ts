/** Request targets and Host: the four forms, and every way to show two hosts. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { isAuthority, splitAbsolute, targetForm } from '../../../src/wire/http1/target.ts';
import { refuses } from './refused.ts';

describe('refused targets and hosts', () => {
  refuses([
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
  ]);
});

test('forms', () => {
  const FORMS: [string, string, string | null][] = [
    ['GET', '/', 'origin'],
    ['GET', '//a', 'origin'],
    ['GET', '/a|b{c}"<>\\^`%zz', 'origin'],
    ['GET', 'http://h', 'absolute'],
    ['GET', 'HTTPS://h:1/a?b', 'absolute'],
    ['GET', 'http://[::1]:80/', 'absolute'],
    ['GET', 'ws://h/', null],
    ['GET', 'ftp://h/', null],
    ['GET', 'httpx://h/', null],
    ['OPTIONS', '*', 'asterisk'],
    ['OPTIONS', '/', 'origin'],
    ['CONNECT', 'a.b:443', 'authority'],
    ['CONNECT', '[2001:db8::1]:443', 'authority'],
    ['CONNECT', '[::ffff:1.2.3.4]:1', 'authority'],
    ['CONNECT', 'a:0443', 'authority'],
    ['CONNECT', ':443', null],
    ['CONNECT', 'a:b', null],
    ['CONNECT', 'a:443/', null],
    ['CONNECT', 'u@a:443', null],
    ['GET', 'mailto:a@b', null],
    ['GET', 'http:/a', null],
    ['GET', 'http://', null],
    ['GET', 'http://h\\@i/', null],
    ['GET', 'http://h%2f/', null],
    ['GET', '://h/', null],
    ['GET', 'h t://h/', null],
  ];
  for (const [method, target, form] of FORMS) assert.equal(targetForm(method, target), form, target);
});

test('an absolute-form target comes apart', () => {
  const split = (target: string): unknown => splitAbsolute(target);
  assert.deepEqual(split('HTTP://H.example:80/a?b'), {
    scheme: 'http',
    authority: 'H.example:80',
    path: '/a?b',
  });
  assert.deepEqual(split('https://h'), { scheme: 'https', authority: 'h', path: '/' });
  assert.deepEqual(split('http://h?q'), { scheme: 'http', authority: 'h', path: '/?q' });
  assert.deepEqual(split('http://[::1]//x'), { scheme: 'http', authority: '[::1]', path: '//x' });
  assert.equal(split('/http://h/'), null);
  assert.equal(split('http://u:p@h/'), null);
});

test('authorities', () => {
  for (const text of ['h', 'h:1', 'h:65535', '1.2.3.4', '[::]', '[::1]:8', 'a_b.c-d.'])
    assert.ok(isAuthority(text, false), text);
  for (const text of [
    '',
    ':1',
    'h:',
    'h:65536',
    'h:+1',
    'h:1 ',
    '[]',
    '[:]',
    '[::1',
    '[::1]x',
    '[::1%25eth0]',
    'h/',
    'a,b',
    'a b',
    'h:1:2',
    'h\u0130',
  ])
    assert.ok(!isAuthority(text, false), text);
  assert.ok(!isAuthority('h', true));
});
