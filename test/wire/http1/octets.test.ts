/** The octet table against the grammar, spelled out as regular expressions. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HEX, HOST, OCTETS, TARGET, TOKEN, VALUE, allOf } from '../../../src/wire/http1/octets.ts';

const CLASSES: [string, number, RegExp][] = [
  ['token', TOKEN, /^[!#$%&'*+\-.^_`|~0-9A-Za-z]$/],
  ['field value', VALUE, /^[\t\x20-\x7e\x80-\xff]$/],
  ['target', TARGET, /^[\x21\x22\x24-\x7e]$/],
  ['hex', HEX, /^[0-9a-fA-F]$/],
  ['host', HOST, /^[0-9A-Za-z._-]$/],
];

for (const [name, bit, pattern] of CLASSES)
  test(`${name}: all 256 octets`, () => {
    for (let c = 0; c < 256; c++)
      assert.equal((OCTETS[c]! & bit) !== 0, pattern.test(String.fromCharCode(c)), `octet ${c}`);
  });

test('characters beyond latin1 are of no class', () => {
  assert.ok(allOf('a\xff', VALUE));
  for (const text of ['\u0100', '\u010a', '\ud83d\ude00']) assert.ok(!allOf(text, VALUE), text);
});
