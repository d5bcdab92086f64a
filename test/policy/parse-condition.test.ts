import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parsePolicy } from '../../src/policy/parse.ts';

/** Mistakes in conditions, each told with its place and a hint. What good ones become is in parse.test.ts. */
const bad: [what: string, yaml: string, line: number, column: number, message: RegExp, hint: RegExp][] = [
  [
    'a misspelled condition',
    'version: 1\nrules:\n  - name: a\n    action: block\n    when: { hosts: x.test }\n',
    5,
    13,
    /"hosts"/,
    /"host"/,
  ],
  [
    'an unquoted star',
    'version: 1\nrules:\n  - name: a\n    action: block\n    when: { host: [ *.example.com ] }\n',
    5,
    21,
    /refers to nothing/,
    /Quote/,
  ],
  [
    'a list nobody made',
    'version: 1\nlists: { a: { domains: [] } }\nrules:\n  - name: a\n    action: block\n    when: { host: "list:b" }\n',
    6,
    19,
    /no list "b"/,
    /Lists: a/,
  ],
  [
    'a public suffix',
    'version: 1\nrules:\n  - name: a\n    action: block\n    when: { host: "*.co.uk" }\n',
    5,
    19,
    /public suffix/,
    /allow-public-suffix/,
  ],
  [
    'host bits in a network',
    'version: 1\nrules:\n  - name: a\n    action: block\n    when: { client: 10.1.0.0/8 }\n',
    5,
    21,
    /10\.1\.0\.0\/8/,
    /network/,
  ],
  [
    'an empty condition',
    'version: 1\nrules:\n  - name: a\n    action: block\n    when: {}\n',
    5,
    11,
    /empty/,
    /Leave/,
  ],
  [
    'an empty set of values',
    'version: 1\nrules:\n  - name: a\n    action: block\n    when: { host: [] }\n',
    5,
    19,
    /empty/,
    /at least one/,
  ],
  [
    'a time without zone',
    'version: 1\nrules:\n  - name: a\n    action: block\n    when: { time: { days: mon } }\n',
    5,
    19,
    /no zone/,
    /Europe/,
  ],
];

describe('parse condition', () => {
  for (const [what, yaml, line, column, message, hint] of bad)
    it(`tells ${what} with its place`, () => {
      const parsed = parsePolicy(yaml);
      assert.ok(!parsed.ok);
      const [first, ...more] = parsed.problems;
      assert.ok(first);
      assert.match(first.message, message);
      assert.match(first.hint, hint);
      assert.deepEqual([first.line, first.column], [line, column]);
      assert.deepEqual(more, []);
    });

  const values: [key: string, value: string][] = [
    ['port', '70000'],
    ['port', '9-1'],
    ['port', 'https'],
    ['client', 'example.com'],
    ['listener', '8080'],
    ['ja3', 'abc'],
    ['ja4', '*'],
    ['tls-version', '2.0'],
    ['ingress', 'tunnel'],
    ['ech', 'maybe'],
    ['no-sni', 'perhaps'],
    ['user', '""'],
    ['host', '"www.*.test"'],
    ['host', '"list:"'],
    ['time', '{ zone: Mars/Olympus }'],
    ['time', '{ zone: UTC, window: 8-18 }'],
    ['time', '{ zone: UTC, window: "08:00-08:00" }'],
    ['time', '{ zone: UTC, window: "08:60-09:00" }'],
    ['time', '{ zone: UTC, days: funday }'],
    ['any', '[]'],
    ['not', '{}'],
  ];
  for (const [key, value] of values)
    it(`refuses ${key}: ${value}`, () => {
      const parsed = parsePolicy(
        `version: 1\nrules:\n  - { name: a, action: block, when: { ${key}: ${value} } }\n`,
      );
      assert.ok(!parsed.ok);
      assert.equal(parsed.problems.length, 1, JSON.stringify(parsed.problems));
      assert.equal(parsed.problems[0]?.line, 3);
    });
});
