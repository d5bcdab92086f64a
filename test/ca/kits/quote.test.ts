import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import { cdata, comment, md, ps, sh, xml } from '../../../ca/kits/quote.ts';
import { HOSTILE, python } from './sample.ts';

const WORDS = [HOSTILE, "''", '\\', '-n', '%s\\n', 'ünïcode ☃', ']]>', '&amp;', '$HOME', '"'];

test('a shell gives every word back as it was', () => {
  const said = execFileSync('sh', [
    '-c',
    `for w in ${WORDS.map(sh).join(' ')}; do printf '%s\\000' "$w"; done`,
  ]);
  assert.deepEqual(said.toString().split('\0').slice(0, -1), WORDS);
});

test('an XML reader gives every word back as it was', () => {
  const document = `<a>${WORDS.map(w => `<w k="${xml(w)}">${xml(w)}</w><w k="${xml(w)}">${cdata(w)}</w>`).join('')}</a>`;
  const read = python(
    `import sys, json, xml.etree.ElementTree as e
print(json.dumps([[w.text, w.get('k')] for w in e.fromstring(sys.argv[1])]))`,
    document,
  );
  assert.deepEqual(
    read,
    WORDS.flatMap(w => [
      [w, w],
      [w, w],
    ]),
  );
});

test('PowerShell sees no end of the literal: every quote it knows is doubled', () => {
  assert.equal(ps("it's"), "'it''s'");
  for (const quote of ["'", '\u2018', '\u2019', '\u201a', '\u201b'])
    assert.equal(ps(`a${quote}b`), `'a${quote}${quote}b'`);
});

test('no line of ours is ended by a name, and prose stays prose', () => {
  for (const quote of [sh, ps, xml, cdata, md, comment])
    assert.doesNotMatch(quote('a\r\nb\0c\u2028d\u0085e'), /[\r\n\0\u2028\u0085]/);
  assert.equal(comment('ab\u2603\n'), 'ab? ');
  assert.equal(md('<b>*x*|[y](z)'), '\\<b\\>\\*x\\*\\|\\[y\\](z)');
});
