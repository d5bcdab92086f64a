import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parsePolicy } from '../../src/policy/parse.ts';
import type { Problem } from '../../src/policy/parse.ts';
import { documentOf } from './facts.ts';

function problems(yaml: string): Problem[] {
  const parsed = parsePolicy(yaml);
  assert.ok(!parsed.ok, 'the document should be refused');
  return parsed.problems;
}

describe('outcomes of rules and default', () => {
  it('reads how a flow is masked and reaches its origin, and keeps silent about what is not said', () => {
    const { rules, default: fallback } = documentOf(`version: 1
default: { action: inspect, mask: standard }
rules:
  - { name: a, action: inspect, mask: strict, tls: compatible }
  - { name: b, action: inspect, tls: tls13 }
  - { name: c, action: inspect }
`);
    assert.deepEqual(
      [fallback, ...rules].map(o => [o.mask, o.tls]),
      [
        ['standard', undefined],
        ['strict', 'compatible'],
        [undefined, 'tls13'],
        [undefined, undefined],
      ],
    );
    assert.ok(!('mask' in (rules[2] ?? {})), 'a policy that says nothing keeps its version');
  });

  it('refuses what could have no effect, where it stands', () => {
    const found = problems(`version: 1
default: { action: block, mask: strict }
rules:
  - { name: a, action: passthrough, tls: modern }
  - { name: b, action: inspect, mask: strct }
  - { name: c, action: inspect, tls: tls13, when: { method: GET } }
  - { name: d, action: inspect, tls: tls13, when: { origin-issuer: '*x*' } }
  - { name: e, action: inspect, mask: strict, when: { method: GET } }
`);
    assert.deepEqual(
      found.map(p => [p.line, p.message]),
      [
        [2, '"mask" means nothing for what is blocked'],
        [4, '"tls" means nothing for what is passed through'],
        [5, 'rules[1].mask cannot be "strct"'],
        [6, '"tls" comes too late in a rule that looks at requests'],
        [7, '"tls" comes too late in a rule that looks at the origin\'s certificate'],
      ],
    );
    assert.match(found[2]?.hint ?? '', /Did you mean "strict"/);
  });
});
