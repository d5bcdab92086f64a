import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HEX_MAX, PREVIEW_MAX } from '../../../web/contract.ts';
import { mediaType, previewBody } from '../../../web/server/preview.ts';

const whole = { whole: true };

test('text by its bytes and its charset, binary as none', async () => {
  const table: [string, Buffer, string | null, string | null][] = [
    ['utf-8 without a type', Buffer.from('grüß'), null, 'grüß'],
    ['utf-8 under a binary type', Buffer.from('{"a":1}'), 'application/octet-stream', '{"a":1}'],
    ['latin1 as claimed', Buffer.from('gr\xfc\xdf', 'latin1'), 'text/plain; charset=ISO-8859-1', 'grüß'],
    ['latin1 unclaimed in text', Buffer.from('gr\xfc\xdf', 'latin1'), 'text/html', 'grüß'],
    ['latin1 unclaimed elsewhere', Buffer.from('gr\xfc\xdf', 'latin1'), 'image/png', null],
    ['utf-16', Buffer.from('grüß', 'utf16le'), 'text/plain; charset="utf-16le"', 'grüß'],
    ['an unknown charset', Buffer.from('abc'), 'text/plain; charset=klingon', 'abc'],
    ['NUL', Buffer.from('ab\0c'), 'text/plain', null],
    ['gif', Buffer.from('GIF89a\x01\x00\x01\x00', 'latin1'), 'image/gif', null],
    ['json with suffix', Buffer.from('\xff', 'latin1'), 'application/problem+json', 'ÿ'],
    ['empty', Buffer.alloc(0), null, ''],
  ];
  for (const [name, body, type, text] of table)
    assert.equal((await previewBody(body, type, null, whole)).text, text, name);
});

test('bounds: text, hex head, a character cut in half, and a capture that kept only the beginning', async () => {
  const big = await previewBody(Buffer.from('é'.repeat(PREVIEW_MAX)), 'text/plain', null, whole);
  assert.equal(Buffer.byteLength(big.text ?? ''), PREVIEW_MAX);
  assert.equal(Buffer.from(big.head, 'base64').length, HEX_MAX);
  assert.deepEqual([big.bytes, big.whole], [PREVIEW_MAX, false]);
  const odd = await previewBody(Buffer.from('aé'.repeat(10)).subarray(0, 29), 'text/plain', null, {
    whole: false,
  });
  assert.equal(odd.text, 'aé'.repeat(9) + 'a');
  assert.match(odd.note ?? '', /capture\.body-limit/);
});

test('media types: only what looks like one is repeated', () => {
  assert.equal(mediaType('Text/HTML; charset=utf-8'), 'text/html');
  assert.equal(mediaType('application/vnd.api+json'), 'application/vnd.api+json');
  for (const odd of [null, '', 'html', 'text/<script>', 'a/b/c', `text/${'x'.repeat(200)}`])
    assert.equal(mediaType(odd), null, String(odd));
});
