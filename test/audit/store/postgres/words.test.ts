/** Literals of words and phrases; that they find what the judge finds is the contract's (contract-postgres.test.ts). */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { phraseOf, Vector } from '../../../../src/audit/store/postgres/words.ts';

test('words have places, headers a weight, and texts a gap between them', () => {
  const vector = new Vector().add('www.example.test', false).add('Caf\u00e9 www', true);
  assert.equal(vector.toString(), `'www':1,7B 'example':2 'test':3 'cafe':6B `);
});

test('a phrase is words that follow each other; the last may go on', () => {
  assert.equal(phraseOf({ text: 'Foo-bar', prefix: true }, true), `'foo':B <-> 'bar':*B`);
  assert.equal(phraseOf({ text: 'x', prefix: false }, false), `'x'`);
  assert.equal(phraseOf({ text: '--', prefix: false }, false), null);
});

test('bounds of PostgreSQL hold: long words are cut, places end, many places are left out', () => {
  const long = new Vector().add('x'.repeat(5000), false).toString();
  assert.ok(long.length < 520);
  assert.equal(phraseOf({ text: 'x'.repeat(5000), prefix: false }, false)?.length, 502);
  const many = new Vector().add('a '.repeat(20_000), false).add('b', false).toString();
  assert.equal(many.split(' ')[0]?.split(',').length, 255);
  assert.match(many, /'b':16383 $/);
});
