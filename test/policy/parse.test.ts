import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { DOUBTS } from '../../src/core/verdict.ts';
import { parsePolicy } from '../../src/policy/parse.ts';
import type { Problem } from '../../src/policy/parse.ts';
import { DOUBT_ANSWERS } from '../../src/policy/rule.ts';
import { documentOf } from './facts.ts';

function problems(yaml: string): Problem[] {
  const parsed = parsePolicy(yaml);
  assert.equal(parsed.ok, false, 'the document should be refused');
  return parsed.ok ? [] : parsed.problems;
}

describe('parse', () => {
  it('fills in every default', () => {
    const document = documentOf('version: 1\n');
    assert.deepEqual(document.default, { action: 'block', capture: 'headers', block: 'page', reason: null });
    for (const doubt of DOUBTS) assert.equal(document.doubt[doubt], DOUBT_ANSWERS[doubt][0]);
    assert.deepEqual(document.echFronts, ['cloudflare-ech.com']);
    assert.deepEqual(document.rules, []);
  });

  it('reads every key of a rule', () => {
    const { rules } = documentOf(`version: 1
default: { action: inspect, capture: flow, reason: "just  so" }
lists:
  banks: { domains: [ .bank.example, '*.co.uk' ], allow-public-suffix: true }
rules:
  - name: all of it
    action: block
    capture: bodies
    block: alert
    reason: because
    owner: net team
    expires: 2027-01-01
    rollout: 12.5%
    when:
      host: [ 'list:banks', WWW.Example.com, '*.example.org', 192.0.2.0/24, '2001:db8::1' ]
      client: [ 10.0.0.0/8, '::ffff:192.0.2.7' ]
      user: Alice
      group: [ Staff ]
      listener: ':8080'
      port: [ 443, 8000-8100 ]
      ingress: connect
      scheme: https
      alpn: [ h2 ]
      tls-version: [ 1.2, TLS 1.3 ]
      ja3: ${'A'.repeat(32)}
      ja4: [ 't13d*' ]
      ech: false
      no-sni: false
      sni-mismatch: true
      time: { days: [ mon-wed, sat ], window: '22:00-06:00', zone: Europe/Berlin }
      not: { any: [ { port: 1 }, { all: [ { user: bob }, { user: '*' } ] } ] }
`);
    const [rule] = rules;
    assert.equal(rule?.expires, Date.UTC(2027, 0, 1));
    assert.equal(rule?.rollout, 12.5);
    assert.equal(rule?.owner, 'net team');
    assert.deepEqual(rule?.when, {
      test: 'all',
      of: [
        {
          test: 'host',
          patterns: ['www.example.com', '*.example.org'],
          lists: ['banks'],
          networks: ['192.0.2.0/24', '2001:db8::1/128'],
        },
        { test: 'client', networks: ['10.0.0.0/8', '192.0.2.7/32'] },
        { test: 'user', values: ['alice'] },
        { test: 'group', values: ['staff'] },
        { test: 'listener', values: [':8080'] },
        {
          test: 'port',
          ranges: [
            [443, 443],
            [8000, 8100],
          ],
        },
        { test: 'ingress', values: ['connect'] },
        { test: 'scheme', values: ['https'] },
        { test: 'alpn', values: ['h2'] },
        { test: 'tls-version', values: ['TLS 1.2', 'TLS 1.3'] },
        { test: 'ja3', values: ['a'.repeat(32)] },
        { test: 'ja4', values: ['t13d*'] },
        { test: 'ech', values: ['none'] },
        { test: 'no-sni', value: false },
        { test: 'sni-mismatch', value: true },
        { test: 'time', days: [1, 2, 3, 6], from: 1320, to: 360, zone: 'Europe/Berlin' },
        {
          test: 'not',
          of: {
            test: 'any',
            of: [
              { test: 'port', ranges: [[1, 1]] },
              {
                test: 'all',
                of: [
                  { test: 'user', values: ['bob'] },
                  { test: 'user', values: ['*'] },
                ],
              },
            ],
          },
        },
      ],
    });
  });

  const bad: [what: string, yaml: string, line: number, column: number, message: RegExp, hint: RegExp][] = [
    ['an unknown key', 'version: 1\nrulez: []\n', 2, 1, /unknown key "rulez"/, /"rules"/],
    ['a missing version', 'default: block\n', 1, 1, /version/, /version: 1/],
    ['another version', 'version: 2\n', 1, 10, /version 1 only/, /version: 1/],
    ['an empty file', '', 1, 1, /empty/, /version: 1/],
    ['a misspelled action', 'version: 1\ndefault: blok\n', 2, 10, /"blok"/, /"block"/],
    ['a misspelled doubt', 'version: 1\ndoubt:\n  no-snii: block\n', 3, 3, /no-snii/, /"no-sni"/],
    [
      'an answer a doubt does not take',
      'version: 1\ndoubt: { malformed-hello: inspect }\n',
      2,
      27,
      /cannot be "inspect"/,
      /Valid: block/,
    ],
    [
      'a rule without action',
      'version: 1\nrules:\n  - name: a\n',
      3,
      5,
      /no action/,
      /inspect, passthrough, block/,
    ],
    ['a rule without name', 'version: 1\nrules:\n  - action: block\n', 3, 5, /no name/, /name/],
    [
      'two rules of one name',
      'version: 1\nrules:\n  - { name: a, action: block }\n  - { name: a, action: block }\n',
      4,
      5,
      /two rules/,
      /line 3/,
    ],
    [
      'a day that is none',
      'version: 1\nrules:\n  - name: a\n    action: block\n    expires: 2027-02-30\n',
      5,
      14,
      /no.* date|not a date/,
      /2027/,
    ],
    [
      'a rollout without percent',
      'version: 1\nrules:\n  - name: a\n    action: block\n    rollout: 5\n',
      5,
      14,
      /share/,
      /5%/,
    ],
    [
      'a list without source',
      'version: 1\nlists:\n  a: { allow-public-suffix: true }\n',
      3,
      6,
      /needs one of/,
      /one source/,
    ],
    ['an unusable list name', 'version: 1\nlists:\n  "a/b": { domains: [] }\n', 3, 3, /list name/, /letters/],
    ['a tab', 'version: 1\nrules:\n\t- a\n', 3, 1, /YAML/, /spaces/],
    ['a key twice', 'version: 1\nversion: 1\n', 2, 1, /YAML/, /Keep one/],
    ['no mapping', '- 1\n', 1, 1, /mapping/, /Valid keys/],
    ['rules that are no sequence', 'version: 1\nrules: { a: b }\n', 2, 8, /sequence/, /dash/],
  ];
  for (const [what, yaml, line, column, message, hint] of bad)
    it(`tells ${what} with its place`, () => {
      const all = problems(yaml);
      const [first] = all;
      assert.ok(first);
      assert.match(first.message, message);
      assert.match(first.hint, hint);
      assert.deepEqual([first.line, first.column], [line, column]);
      assert.equal(all.length, 1, JSON.stringify(all));
    });

  it('tells several mistakes at once, in the order of the text', () => {
    const told = problems(
      'version: 1\ndefault: blok\nrules:\n  - { name: a, action: blok }\n  - { name: b, action: x }\n',
    );
    assert.deepEqual(
      told.map(p => p.line),
      [2, 4, 5],
    );
  });

  it('keeps its bounds', () => {
    assert.match(problems(`version: 1\n#${'x'.repeat(9_000_000)}`)[0]?.message ?? '', /larger/);
    const deep = `${'{ not: '.repeat(30)}{ port: 1 }${' }'.repeat(30)}`;
    assert.match(
      problems(`version: 1\nrules:\n  - name: a\n    action: block\n    when: ${deep}\n`)[0]?.message ?? '',
      /nest/,
    );
    const bomb = [
      'version: 1',
      'lists:',
      '  l:',
      '    domains: &a0 [ x.test, x.test, x.test, x.test, x.test ]',
    ];
    assert.ok(problems([...bomb, '  m: { domains: [ *a0, *a0 ] }'].join('\n')).length > 0);
  });

  it('never throws, whatever the text', () => {
    const words = fc.constantFrom(
      'version',
      'rules',
      'when',
      'host',
      'lists',
      '1',
      'block',
      'list:a',
      '*x',
      '&x',
      '- ',
      ': ',
      '\n',
      '  ',
      '{',
      '}',
      '[',
      ']',
      '"',
      "'",
      '|',
      '!!',
    );
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.array(words, { maxLength: 30 }).map(w => w.join('')),
        ),
        text => {
          const parsed = parsePolicy(text);
          if (!parsed.ok) assert.ok(parsed.problems.length > 0 && parsed.problems.length <= 50);
          else assert.equal(parsed.document.version, 1);
        },
      ),
      { numRuns: 1000 },
    );
  });

  it('finds the shipped policy good', async () => {
    const text = await readFile(new URL('../../examples/policy.yaml', import.meta.url), 'utf8');
    const document = documentOf(text);
    assert.equal(document.rules.at(-1)?.name, 'inspect-everything-else');
    for (const doubt of DOUBTS)
      assert.equal(document.doubt[doubt], DOUBT_ANSWERS[doubt][0], 'the file says these are the defaults');
  });

  it('reads what may go past the proxy, and refuses it where nothing may', () => {
    const { rules, lists } = documentOf(`version: 1
lists:
  one: { domains: [a.test], pac: direct }
  two: { domains: [b.test], pac: proxy }
rules:
  - { name: a, when: { host: a.test }, action: passthrough, pac: direct }
  - { name: b, when: { host: b.test }, action: passthrough, pac: proxy }
`);
    assert.deepEqual(
      rules.map(rule => rule.pac),
      ['direct', undefined],
    );
    assert.deepEqual(
      Object.values(lists).map(list => list.kind !== 'learned' && list.pac),
      ['direct', undefined],
    );
    const [inspected, parent, learned] = problems(`version: 1
parents: { up: { members: [up.test:3128] } }
rules:
  - { name: a, action: inspect, pac: direct }
  - { name: b, action: passthrough, parent: up, pac: direct }
lists:
  l: { learned: pinned, pac: direct }
`);
    assert.match(inspected?.message ?? '', /only what is passed through may go direct/);
    assert.match(parent?.message ?? '', /through a parent proxy cannot go direct/);
    assert.match(learned?.message ?? '', /"pac" means nothing for a list from "learned"/);
  });
});
