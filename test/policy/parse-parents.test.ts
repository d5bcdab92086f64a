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

describe('parent groups', () => {
  it('reads parent groups, their addresses in one spelling', () => {
    const {
      parents,
      rules,
      default: fallback,
    } = documentOf(`version: 1
default: { action: passthrough, parent: corp }
parents:
  corp: [ Proxy1.Corp.example.:3128, '[2001:DB8:0::1]:8080' ]
  one: 10.0.0.1:3128
rules:
  - { name: a, action: inspect, parent: one }
`);
    assert.deepEqual(parents, {
      corp: { members: ['proxy1.corp.example:3128', '[2001:db8::1]:8080'] },
      one: { members: ['10.0.0.1:3128'] },
    });
    assert.deepEqual([fallback.parent, rules[0]?.parent], ['corp', 'one']);
    assert.ok(!('parents' in documentOf('version: 1\n')), 'a policy without parents keeps its version');
  });

  it('reads how members are chosen, reached and logged in to', () => {
    const { parents } = documentOf(`version: 1
parents:
  cloud:
    members: [ 'https://GW1.cloud.example:443', 'http://gw2.cloud.example:8080' ]
    spread: client
    credentials: cloud-gateway
  plain: { members: 'a:1', spread: no }
`);
    assert.deepEqual(parents, {
      cloud: {
        members: ['https://gw1.cloud.example:443', 'gw2.cloud.example:8080'],
        spread: 'client',
        login: 'cloud-gateway',
      },
      plain: { members: ['a:1'] },
    });
  });

  it('never repeats what may be a password', () => {
    const found = problems(`version: 1
parents:
  a: [ 'https://ada:hunter2@proxy.example:3128' ]
  b: { members: [ 'b:1' ], credentials: 'ada:hunter2' }
  c: { members: [ 'c:1' ], credentials: '../ca/key.pem' }
  d: { spread: often }
`);
    assert.deepEqual(
      found.map(p => [p.line, p.message]),
      [
        [3, 'this is no address of a proxy'],
        [4, 'parents.b.credentials is no name of a secret'],
        [5, 'parents.c.credentials is no name of a secret'],
        [6, 'parents.d has no members'],
        [6, 'parents.d.spread cannot be "often"'],
      ],
    );
    assert.doesNotMatch(JSON.stringify(found), /hunter2/);
  });

  it('refuses groups that are not there and addresses nobody can dial, where they stand', () => {
    const found = problems(`version: 1
parents:
  corp: [ 'proxy.corp.example', 'a:0', 'a:1', 'A.:1' ]
  'no name': [ 'a:1' ]
  empty:
rules:
  - { name: a, action: inspect, parent: crop }
  - { name: b, action: passthrough, parent: elsewhere }
  - { name: c, action: block, parent: corp }
  - { name: d, action: passthrough, parent: corp, when: { origin-fault: '*' } }
`);
    assert.deepEqual(
      found.map(p => [p.line, p.message]),
      [
        [3, '"proxy.corp.example" is no address of a proxy'],
        [3, '"a:0" is no address of a proxy'],
        [3, '"a:1" stands twice in parents.corp'],
        [4, '"no name" is no usable group name'],
        [5, 'parents.empty names no proxy'],
        [7, 'there is no parent group "crop"'],
        [8, 'there is no parent group "elsewhere"'],
        [9, '"parent" means nothing for what is blocked'],
        [10, '"parent" comes too late in a rule that looks at the origin\'s certificate'],
      ],
    );
    assert.match(found.find(p => p.line === 7)?.hint ?? '', /Did you mean "corp"/);
  });
});
