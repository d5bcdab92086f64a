/** Words of bodies are named by content and reading, and hold what the search sees of the body. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { vectorOfBody, wordsOfBody } from '../../../../src/audit/store/postgres/body-words.ts';
import { NOT_READ, readingOf } from '../../../../src/audit/store/body-text.ts';

const body = (sha: string) => ({
  flow: 1,
  n: 1,
  side: 0 as const,
  sha: Buffer.from(sha),
  size: 5,
  day: '2026-11-20',
  stored: true,
});

test('one name for the same octets under the same kind of head, another for others', () => {
  const text = readingOf('text/plain', null);
  const name = (sha: string, reading: string) => wordsOfBody(body(sha), reading)?.key;
  assert.equal(name('a', text), name('a', readingOf('text/html', null)));
  const names = [name('a', text), name('b', text), name('a', readingOf('text/plain', 'gzip'))];
  assert.equal(new Set(names).size, 3);
  assert.equal(name('a', NOT_READ), undefined);
  assert.equal(wordsOfBody(null, text), null);
  assert.equal(wordsOfBody(body('a'), text)?.day, '2026-11-20');
});

test('the vector holds the words with their places, and nothing for what is no text', () => {
  assert.equal(vectorOfBody(Buffer.from('{"a":"b\\nb"}'), 'json -').trim(), `'a':1 'b':2,3`);
  assert.equal(vectorOfBody(Buffer.from([0, 1, 2]), 'text -'), '');
});
