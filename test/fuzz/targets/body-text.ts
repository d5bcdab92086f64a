import assert from 'node:assert/strict';
import { MAX_BODY_TEXT, readingOf, searchedText } from '../../../src/audit/store/body-text.ts';
import { coded } from '../../audit/random-body.ts';
import type { FuzzTarget } from '../target.ts';

const TYPES = [
  'text/plain',
  'application/json',
  'application/x-www-form-urlencoded',
  'multipart/form-data; boundary=B',
  'text/plain; charset=utf-16le',
  'text/html; charset=shift_jis',
  'application/octet-stream',
  null,
];
const CODINGS = [null, null, 'gzip', 'br', 'deflate', 'gzip, br'];

/** First octet: which type; the rest is the body. */
const seed = (type: number, body: string): Buffer => Buffer.concat([Buffer.from([type]), Buffer.from(body)]);

const target: FuzzTarget = {
  name: 'body-text',
  invariant:
    'Any body under any head has one bounded text, without error; coding the body changes nothing in it, and neither does what stands behind the bound.',
  seeds: () => [
    seed(0, 'plain words, caf\u00e9'),
    seed(1, '{"a":"caf\\u00e9\\nnext","b":"C:\\\\new \\ud83d"}'),
    seed(2, 'a=b+c%20d&x=%C3%BC&y=%ff%'),
    seed(3, '--B\r\nContent-Type: application/json\r\n\r\n{"x":"\\n"}\r\n--B\r\n\r\nrest\r\n--B--'),
    Buffer.concat([Buffer.from([4]), Buffer.from('\ufeffwords', 'utf16le')]),
    seed(7, 'abcdefghij'.repeat(40)),
  ],
  dictionary: ['--B\r\n', '\r\n\r\n', '\\u00', '\\\\', '%C3', '\ufeff', '+', 'Content-Type: '].map(word =>
    Buffer.from(word),
  ),
  run: (bytes, rng) => {
    const type = TYPES[(bytes[0] ?? 0) % TYPES.length] ?? null;
    const body = bytes.subarray(1);
    const text = searchedText(body, readingOf(type, null));
    assert.ok(text.length <= MAX_BODY_TEXT * 2);
    const coding = CODINGS[rng.int(CODINGS.length)] ?? null;
    const packed = coded(body, coding);
    assert.equal(searchedText(packed, readingOf(type, coding)), text);
    // Damaged and cut: anything but an error.
    for (let i = 0; i < 3 && packed.length > 0; i++) packed[rng.int(packed.length)] = rng.int(256);
    const damaged = searchedText(packed.subarray(0, rng.int(packed.length + 1)), readingOf(type, coding));
    assert.ok(damaged.length <= MAX_BODY_TEXT * 2);
    // No part has a text longer than the beginning of the whole.
    const far = Buffer.concat([body, Buffer.alloc(MAX_BODY_TEXT, ' '), Buffer.from('behind')]);
    assert.ok(!searchedText(far, readingOf(type, null)).endsWith('behind'));
  },
};

export default target;
