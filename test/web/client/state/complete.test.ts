/** What the search box offers is what the grammar knows: every field, and examples that parse. */
import assert from 'node:assert/strict';
import fs from 'node:fs';
import { describe, it } from 'node:test';
import { FIELDS, TIME_WORDS } from '../../../../src/audit/query/ast.ts';
import { parseQuery } from '../../../../src/audit/query/parse.ts';
import { fieldsOf, offersFor, wordAt } from '../../../../web/client/state/complete.ts';
import { NOON } from '../../../audit/sample.ts';

const SHOWS = ['exchanges', 'flows'] as const;

describe('completion', () => {
  it('knows no field that the grammar does not, and leaves out none but ids', () => {
    for (const show of SHOWS) {
      const offered = fieldsOf(show).map(f => f.field);
      const known = [...FIELDS.filter(f => f.kinds.includes(show)), ...TIME_WORDS].map(f => f.name);
      assert.deepEqual(
        known.filter(name => !offered.includes(name)),
        show === 'exchanges' ? ['exchange'] : [],
      );
      assert.deepEqual(
        offered.filter(name => !known.includes(name)),
        [],
      );
    }
  });

  it('gives examples that parse', () => {
    for (const show of SHOWS)
      for (const { field, example } of fieldsOf(show)) {
        const outcome = parseQuery(example, { kind: show, now: NOON });
        assert.ok(outcome.ok, `${show} ${field}: ${outcome.ok ? '' : outcome.error.message}`);
      }
  });

  it('offers fields, then values of the traffic, at the word under the caret', () => {
    const word = wordAt('-ho', 3) ?? assert.fail();
    assert.deepEqual(
      offersFor(word, 'exchanges', []).map(o => o.insert),
      ['-host:'],
    );
    const value = wordAt('status:200 user:al', 18) ?? assert.fail();
    assert.deepEqual(
      offersFor(value, 'exchanges', [
        { value: 'alice b', count: 3 },
        { value: 'bob', count: 1 },
      ]).map(o => o.insert),
      ['user:"alice b" '],
    );
    assert.equal(wordAt('"half a phr', 11), null);
  });
});

describe('the help', () => {
  it('shows examples that parse', () => {
    const source = fs.readFileSync(new URL('../../../../web/client/shell/help.tsx', import.meta.url), 'utf8');
    const list = /SAMPLES[^=]*= \[(.*?)\n\];/s.exec(source)?.[1] ?? '';
    const samples = [...list.matchAll(/^ {2}\[\s*'(.*?)',/gms)].map(m => m[1] ?? '');
    assert.ok(samples.length >= 5, `${samples.length} samples`);
    for (const text of samples) assert.ok(parseQuery(text, { kind: 'exchanges', now: NOON }).ok, text);
  });
});
