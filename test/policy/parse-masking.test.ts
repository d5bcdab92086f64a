/** Masking profiles in the policy document: what they become, what is refused and where, and what reaches the data plane. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { NATIONAL_SETS, STANDARD_PROFILE, STRICT_PROFILE } from '../../src/core/masking.ts';
import { analyse } from '../../src/policy/analyse.ts';
import { compilePolicy } from '../../src/policy/compile.ts';
import { policySource } from '../../src/policy/decide.ts';
import { parsePolicy } from '../../src/policy/parse.ts';

const HEAD = 'version: 1\n';

function good(text: string) {
  const parsed = parsePolicy(HEAD + text);
  assert.ok(parsed.ok, JSON.stringify(parsed));
  return parsed;
}

function refused(text: string): string[] {
  const parsed = parsePolicy(HEAD + text);
  assert.ok(!parsed.ok);
  return parsed.problems.map(p => `${p.line}:${p.column} ${p.message} | ${p.hint}`);
}

test('a profile is filled up from the one it is based on', () => {
  const { document } = good(`masking:
  hr:
    off: [iban, json]
    national: [de-idnr, us-ssn]
    headers: [X-Employee]
    query: staff
    fields: [Gehalt]
    patterns: { staff-no: 'E-[0-9]{6}' }
    binary: withhold
  empty: {}
  most: { based-on: strict, national: none }
  every: { national: all }
`);
  assert.deepEqual(document.masking?.['hr'], {
    ...STANDARD_PROFILE,
    detectors: ['headers', 'query', 'form', 'card', 'token'],
    national: ['de-idnr', 'us-ssn'],
    headers: ['x-employee'],
    query: ['staff'],
    fields: ['gehalt'],
    patterns: { 'staff-no': 'E-[0-9]{6}' },
    binary: 'withhold',
  });
  assert.deepEqual(document.masking?.['empty'], STANDARD_PROFILE);
  assert.deepEqual(document.masking?.['most'], { ...STRICT_PROFILE, national: [] });
  assert.deepEqual(document.masking?.['every']?.national, NATIONAL_SETS);
});

describe('refused, with the place', () => {
  const RULE = 'rules: [{ name: a, action: inspect, mask: ';
  const CASES: [string, RegExp][] = [
    [`masking: { hr: {} }\n${RULE}hx }]`, /^3:43 "?rules\[0\]\.mask"? cannot be "hx" \| Did you mean "hr"\?/],
    [`${RULE}strikt }]`, /Did you mean "strict"\?/],
    ['masking: { strict: {} }', /"strict" is built in/],
    ['masking: { "a b": {} }', /no usable profile name/],
    ['masking: { a: { nationl: [] } }', /unknown key "nationl".*Did you mean "national"\?/],
    ['masking: { a: { national: [us-sssn] } }', /Did you mean "us-ssn"\?/],
    ['masking: { a: { off: [cards] } }', /Did you mean "card"\?/],
    ['masking: { a: { headers: ["x: y"] } }', /no name of a field/],
    ['masking: { a: { patterns: { p: "(a+)+" } } }', /pattern "p" .*not allowed here/],
    ['masking: { a: { patterns: { P Q: "abcd" } } }', /no usable name of a pattern/],
    ['masking: { a: { originals: keep } }', /keeps originals without a reason/],
    ['masking: { a: { originals: drop, reason: x } }', /cannot be "drop"/],
    ['masking: { a: { originals: keep, reason: x, national: all } }', /"national" means nothing beside/],
    [
      'masking: { a: { originals: keep, reason: x } }\ndefault: { action: inspect, mask: a }',
      /the default cannot keep originals/,
    ],
    [
      `masking: { a: { originals: keep, reason: x } }\n${RULE}a }]`,
      /stores unmasked originals and gives no reason/,
    ],
  ];
  for (const [text, expected] of CASES)
    test(text.slice(0, 60), () => {
      const problems = refused(text);
      assert.ok(
        problems.some(p => expected.test(p)),
        problems.join('\n'),
      );
    });
});

const KEEPS = `masking:
  open: { originals: keep, reason: Case 17 of the works council }
rules:
  - { name: case-17, when: { host: h.example }, action: inspect, mask: open, reason: Agreed on 2026-11-01 }
`;

test('a rule that keeps originals is told at every check', () => {
  const { document, positions } = good(KEEPS);
  const [finding] = analyse(compilePolicy(document, new Map()), positions, 0);
  assert.equal(finding?.kind, 'originals');
  assert.equal(finding.severity, 'warning');
  assert.match(finding.message, /unmasked originals \(profile open\): Case 17/);
});

test('the data plane knows the profiles of the policy, and those of versions before', () => {
  const source = policySource(compilePolicy(good('masking: { hr: { fields: [a] } }').document, new Map()));
  assert.deepEqual(source.masking?.('hr')?.fields, ['a']);
  source.apply(compilePolicy(good('masking: { other: {} }').document, new Map()));
  assert.deepEqual(source.masking?.('hr')?.fields, ['a']);
  source.apply(compilePolicy(good('masking: { hr: { fields: [b] } }').document, new Map()));
  assert.deepEqual(source.masking?.('hr')?.fields, ['b'], 'a changed profile holds at once');
  assert.equal(source.masking?.('none'), undefined);
});
