/** The query language: what means the same, what binds how, and for every error where it is and what may be meant. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { FIELDS } from '../../../src/audit/query/ast.ts';
import { explainError, parseQuery } from '../../../src/audit/query/parse.ts';
import { NOON, query } from '../sample.ts';
import type { Kind, Node } from '../../../src/audit/query/ast.ts';

/** A tree as text, without spans. */
function shape(node: Node): string {
  switch (node.kind) {
    case 'all':
      return '*';
    case 'and':
    case 'or':
      return `(${node.parts.map(shape).join(node.kind === 'and' ? ' & ' : ' | ')})`;
    case 'not':
      return `!${shape(node.part)}`;
    case 'free':
      return `'${node.words.text}${node.words.prefix ? '…' : ''}'`;
    case 'field': {
      const { test } = node;
      const value =
        test.op === 'pattern'
          ? test.pattern.join('*')
          : test.op === 'range'
            ? `${test.minOpen ? '>' : ''}${test.min ?? ''}..${test.maxOpen ? '<' : ''}${test.max ?? ''}`
            : test.op === 'network'
              ? `${test.from.toString('hex')}-${test.to.toString('hex')}`
              : test.op === 'words'
                ? test.words.text
                : test.op === 'below'
                  ? `.${test.name}`
                  : test.op === 'id'
                    ? `${test.flow}/${test.n}`
                    : 'any';
      return `${node.field.name}=${value}`;
    }
  }
}
const read = (text: string, kind: Kind = 'exchanges'): string => shape(query(text, kind).root);

describe('meaning', () => {
  const table: [string, string][] = [
    ['', '*'],
    ['   ', '*'],
    ['*', '*'],
    ['a', `'a'`],
    ['a b', `('a' & 'b')`],
    ['a AND b', `('a' & 'b')`],
    ['a b OR c d', `(('a' & 'b') | ('c' & 'd'))`],
    ['a (b OR c) d', `('a' & ('b' | 'c') & 'd')`],
    ['-a b', `(!'a' & 'b')`],
    ['NOT a OR b', `(!'a' | 'b')`],
    ['- a', `('-' & 'a')`.replace(`'-' & `, '')],
    ['"a  b"', `'a  b'`],
    ['"say \\"hi\\" \\\\"', `'say "hi" \\'`],
    ['foo*', `'foo…'`],
    ['or and not', `('or' & 'and' & 'not')`],
    ['host:Example.TEST.', 'host=example.test'],
    ['host:b\u00fccher.example', 'host=xn--bcher-kva.example'],
    ['host:.example.test', 'host=.example.test'],
    ['host:*.example.test', 'host=*.example.test'],
    ['HOST:a', 'host=a'],
    ['-host:(a OR -b) c', `(!(host=a | !host=b) & 'c')`],
    ['user:AND', 'user=and'],
    ['user:"a*b"', 'user=a*b'],
    ['user:*', 'user=any'],
    ['path:/a', 'path=*/a*'],
    ['path:/a*', 'path=/a*'],
    ['path:a:b', 'path=*a:b*'],
    ['status:404', 'status=404..404'],
    ['status:>=400', 'status=400..'],
    ['status:>400', 'status=>400..'],
    ['status:<400', 'status=..<400'],
    ['status:4xx', 'status=400..499'],
    ['status:200..299', 'status=200..299'],
    ['ms:1.5s..', 'ms=1500..'],
    ['bytes:..2MiB', 'bytes=..2097152'],
    ['bytes:=1kb', 'bytes=1000..1000'],
    ['client:10.0.0.0/8', `client=${'0'.repeat(20)}ffff0a000000-${'0'.repeat(20)}ffff0affffff`],
    ['client:::ffff:10.0.0.1', `client=${'0'.repeat(20)}ffff0a000001-${'0'.repeat(20)}ffff0a000001`],
    ['client:fd00::/8', `client=fd${'0'.repeat(30)}-fd${'f'.repeat(30)}`],
    ['flow:1-1', `flow=${2 ** 27 + 1}/null`],
    ['exchange:1-1.4', `exchange=${2 ** 27 + 1}/4`],
    ['time:2026-11-20', `time=${NOON - 43_200_000}..${NOON + 43_200_000 - 1}`],
    ['time:1h', `time=${NOON - 3_600_000}..`],
    ['time:2h..1h', `time=${NOON - 7_200_000}..${NOON - 3_600_000}`],
  ];
  for (const [text, meaning] of table.filter(([text]) => text !== '- a'))
    it(`of ${JSON.stringify(text)}`, () => assert.equal(read(text), meaning));

  it('of other kinds', () => {
    assert.equal(read('ja4:t13* sni:a', 'flows'), '(ja4=t13* & sni=a)');
    assert.equal(read('event:spool.gap', 'events'), 'event=spool.gap');
  });
});

describe('errors', () => {
  const table: [string, string, string, string | null][] = [
    ['a hots:b', 'hots:', 'no field "hots"', 'host:'],
    ['ip:1.2.3.4', 'ip:', 'no field "ip"', 'client:'],
    ['http://a/b', 'http:', 'no field', 'double quotes'],
    ['status:abc', 'status:abc', 'no number', 'status:>=400'],
    ['ms:5parsecs', 'ms:5parsecs', 'no number', 'ms, s, m, h'],
    ['status:500..400', 'status:500..400', 'ends before', '400..500'],
    ['status:..', 'status:..', 'at least one end', null],
    ['verdict:blocked', 'verdict:blocked', 'never "blocked"', 'verdict:block?'],
    ['verdict:maybe', 'verdict:maybe', 'never "maybe"', 'inspect, passthrough, block'],
    ['client:10.0.0.1/8', 'client:10.0.0.1/8', 'no address', 'zero'],
    ['client:300.1.1.1', 'client:300.1.1.1', 'no address', '10.1'],
    ['time:soon', 'time:soon', 'no time', '7d'],
    ['flow:!!', 'flow:!!', 'no flow id', '3-1a'],
    ['exchange:1-1', 'exchange:1-1', 'no exchange id', '3-1a.2'],
    ['ja4:x', 'ja4:', 'belongs to flows', '--flows'],
    ['a (b', '(', 'never closed', ')'],
    ['a b)', ')', 'never opened', null],
    ['()', ')', 'missing', null],
    ['"abc', '"abc', 'never closed', null],
    ['host:', 'host:', 'value is missing', 'example.com'],
    ['host:""', 'host:""', 'empty', null],
    ['AND b', 'AND', 'left', '"AND"'],
    ['a OR', '', 'ends where', null],
    ['f*o', 'f*o', 'only at the end', 'path:'],
    ['---', '-', 'letter or digit', 'path:'],
    ['path:a*b*c*d*e*f*g*h*i*j', 'path:a*b*c*d*e*f*g*h*i*j', 'wildcards', null],
  ];
  for (const [text, place, message, suggestion] of table)
    it(`of ${JSON.stringify(text)}`, () => {
      const parsed = parseQuery(text, { kind: 'exchanges', now: NOON });
      assert.ok(!parsed.ok);
      assert.equal(text.slice(parsed.error.start, parsed.error.end), place);
      assert.ok(parsed.error.message.includes(message), parsed.error.message);
      if (suggestion !== null)
        assert.ok(parsed.error.suggestion?.includes(suggestion), parsed.error.suggestion ?? '');
      const lines = explainError(text, parsed.error).split('\n');
      assert.equal(lines[2]?.indexOf('^'), parsed.error.start + 2, 'the caret stands under the place');
    });

  it('come before a query can cost without limit', () => {
    const bad = [
      `${'a '.repeat(101)}`,
      `${'('.repeat(50)}a${')'.repeat(50)}`,
      'NOT '.repeat(60) + 'a',
      'x'.repeat(4001),
    ];
    for (const text of bad)
      assert.equal(parseQuery(text, { kind: 'exchanges', now: NOON }).ok, false, text.slice(0, 20));
    assert.equal(parseQuery('a '.repeat(100), { kind: 'exchanges', now: NOON }).ok, true);
  });
});

describe('any text', () => {
  it('is a query, or an error inside the text, and never an exception', () => {
    const word = fc.oneof(
      fc.constantFrom(
        '(',
        ')',
        '"',
        '-',
        'AND',
        'OR',
        'NOT',
        ' ',
        ':',
        '*',
        '..',
        '>=',
        '\\',
        ...FIELDS.map(f => `${f.name}:`),
      ),
      fc.string({ maxLength: 6 }),
    );
    fc.assert(
      fc.property(fc.array(word, { maxLength: 15 }), words => {
        const text = words.join('');
        const parsed = parseQuery(text, { kind: 'exchanges', now: NOON });
        if (parsed.ok) return;
        assert.ok(parsed.error.start >= 0 && parsed.error.start <= parsed.error.end);
        assert.ok(parsed.error.end <= text.length);
      }),
      { numRuns: 3000 },
    );
  });
});
