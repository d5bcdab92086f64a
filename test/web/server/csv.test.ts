import assert from 'node:assert/strict';
import { test } from 'node:test';
import { csvCell, csvHead, csvLine } from '../../../web/server/csv.ts';
import { exchangeRow } from '../../../web/server/view.ts';
import { row } from './harness.ts';

test('formula signs are disarmed wherever a spreadsheet would look for them', () => {
  for (const evil of [
    '=1+1',
    '+1',
    '-1',
    '@SUM(A1)',
    ' =1',
    '\t=1',
    '\r=1',
    '＝1',
    '＠x',
    '%0A',
    '|calc',
    '\u00a0=1',
    "=cmd|' /C calc'!A0",
  ]) {
    const cell = csvCell(evil);
    assert.match(cell, /^"?'/, JSON.stringify(evil));
  }
  assert.equal(csvCell('a=b'), 'a=b');
  assert.equal(csvCell('/path?-x'), '/path?-x');
});

test('quoting, line ends and control characters keep one record one line', () => {
  assert.equal(csvCell('a"b,c'), '"a""b,c"');
  for (const evil of ['a\r\nb', 'a\nb', 'a\u2028b', 'a\u0085b', 'a\u001bb', 'a\u0000b', 'a\u202eb'])
    assert.equal(csvCell(evil), 'a b', JSON.stringify(evil));
  assert.equal(csvCell(null), '');
  assert.equal(csvCell(-5), '-5');
  assert.equal(csvCell(true), 'true');
  assert.equal(csvCell(['h2', 'http/1.1']), 'h2 http/1.1');
  assert.equal(csvCell({ a: 1 }), '"{""a"":1}"');
});

test('a line has as many cells as the head', () => {
  const line = csvLine('exchanges', exchangeRow(row({ path: '/', user: 'bob' })));
  assert.equal(line.split(',').length, csvHead('exchanges').split(',').length);
  assert.ok(line.endsWith('\r\n'));
});
