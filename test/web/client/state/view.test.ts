/** The address bar holds the whole view, and editing a query from outside never says more or less than was clicked. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { FIELDS, TIME_WORDS } from '../../../../src/audit/query/ast.ts';
import { parseQuery } from '../../../../src/audit/query/parse.ts';
import { fieldsOf, offersFor, wordAt } from '../../../../web/client/state/complete.ts';
import { addressOf, openedBy, pathOf } from '../../../../web/client/state/places.ts';
import { quoteValue, withTerm, withoutTerm } from '../../../../web/client/state/term.ts';
import { DEFAULT_VIEW, SPANS, readView, writeView } from '../../../../web/client/state/view.ts';
import type { View } from '../../../../web/client/state/view.ts';
import { FACET_FIELDS } from '../../../../web/contract.ts';

const range: fc.Arbitrary<View['range']> = fc.oneof(
  fc.constantFrom(...SPANS).map(({ span }) => ({ kind: 'recent' as const, span })),
  fc
    .tuple(fc.integer({ min: 0, max: 4e12 }), fc.integer({ min: 1, max: 1e10 }))
    .map(([since, ms]) => ({ kind: 'fixed' as const, since, until: since + ms })),
);
const view: fc.Arbitrary<View> = fc.record(
  {
    show: fc.constantFrom('exchanges' as const, 'flows' as const),
    q: fc.string({ unit: 'grapheme', maxLength: 200 }),
    range,
    live: fc.boolean(),
    refine: fc.boolean(),
  },
  { noNullPrototype: true },
);

describe('a view', () => {
  it('written into an address is read back as it was', () => {
    fc.assert(fc.property(view, value => assert.deepEqual(readView(writeView(value)), value)));
  });

  it('takes nonsense in an address for the default', () => {
    assert.equal(writeView(DEFAULT_VIEW), '');
    assert.deepEqual(readView('show=%00&range=99y&since=x&until=2026&live=maybe'), DEFAULT_VIEW);
    assert.deepEqual(readView('since=2026-01-02&until=2026-01-01').range, DEFAULT_VIEW.range);
  });
});

describe('places', () => {
  it('of exchanges and flows go both ways, without a dot in the path', () => {
    for (const opened of [
      { kind: 'exchanges' as const, id: '1a-3.2' },
      { kind: 'flows' as const, id: '1a-3' },
    ]) {
      assert.doesNotMatch(pathOf(opened), /\./);
      assert.deepEqual(openedBy(pathOf(opened)), opened);
    }
    for (const path of ['/exchanges/1a-3', '/flows/1a-3/2', '/flows/../x', '/exchanges/1a-3/x', '/traffic'])
      assert.equal(openedBy(path), null);
    assert.equal(addressOf(DEFAULT_VIEW, { kind: 'flows', id: 'a-1' }, true), '/flows/a-1?full=1');
    assert.equal(addressOf({ ...DEFAULT_VIEW, show: 'flows' }, null, false), '/traffic?show=connections');
  });
});

describe('terms', () => {
  it('hold any value so that the query language reads the same value', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', minLength: 1, maxLength: 80 }), value => {
        const parsed = parseQuery(`rule:${quoteValue(value)}`, { kind: 'exchanges', now: 0 });
        assert.ok(parsed.ok, value);
        const { root } = parsed.query;
        assert.ok(root.kind === 'field' && root.test.op === 'pattern');
        assert.equal(root.test.pattern.length, 1, 'no wildcards');
        assert.equal(root.test.pattern[0]?.toLowerCase(), value.toLowerCase());
      }),
    );
  });

  it('are added once, replace their opposite, and bind before an OR', () => {
    assert.equal(withTerm('', 'host', 'a.example', 'in'), 'host:a.example');
    assert.equal(withTerm('status:5xx host:a', 'host', 'a', 'in'), 'status:5xx host:a');
    assert.equal(withTerm('host:a status:5xx', 'host', 'a', 'out'), 'status:5xx -host:a');
    assert.equal(withTerm('host:a OR host:b', 'user', 'x', 'in'), '(host:a OR host:b) user:x');
    assert.equal(withTerm('(host:a OR host:b)', 'user', 'x', 'in'), '(host:a OR host:b) user:x');
    assert.equal(withTerm('"this OR that"', 'user', 'x', 'in'), '"this OR that" user:x');
    assert.equal(withoutTerm('xhost:a host:a', 'host:a'), 'xhost:a');
  });
});

describe('completion', () => {
  it('offers only fields that the query language has, each with an example that it reads', () => {
    for (const show of ['exchanges', 'flows'] as const)
      for (const { field, example } of fieldsOf(show)) {
        assert.ok(
          FIELDS.some(f => f.name === field && f.kinds.includes(show)) ||
            TIME_WORDS.some(w => w.name === field),
          `${field} of ${show}`,
        );
        assert.ok(parseQuery(example, { kind: show, now: 0 }).ok, example);
      }
    for (const show of ['exchanges', 'flows'] as const)
      for (const field of FACET_FIELDS[show])
        assert.ok(
          fieldsOf(show).some(f => f.field === field),
          field,
        );
  });

  it('sees the word under the caret', () => {
    assert.deepEqual(wordAt('host:a -sta', 11), { start: 7, end: 11, sign: '-', field: null, typed: 'sta' });
    assert.deepEqual(wordAt('host:ab c', 6), { start: 0, end: 7, sign: '', field: 'host', typed: 'a' });
    assert.deepEqual(wordAt('(verdict:', 9), { start: 1, end: 9, sign: '', field: 'verdict', typed: '' });
    assert.equal(wordAt('path:"a b', 9), null, 'inside quotes');
  });

  it('offers names, then values, seen ones first', () => {
    const name = wordAt('-verd', 5);
    assert.ok(name !== null);
    assert.deepEqual(
      offersFor(name, 'flows', []).map(offer => offer.insert),
      ['-verdict:'],
    );
    const value = wordAt('rule:', 5);
    assert.ok(value !== null);
    assert.deepEqual(offersFor(value, 'flows', [{ value: 'two words', count: 3 }])[0], {
      insert: 'rule:"two words" ',
      label: 'two words',
      help: '3 in this view',
    });
  });
});
