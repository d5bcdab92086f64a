import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { analyse } from '../../src/policy/analyse.ts';
import { compilePolicy, listFromPatterns } from '../../src/policy/compile.ts';
import type { Finding } from '../../src/policy/analyse.ts';
import { decide, decideHost } from '../../src/policy/decide.ts';
import { loadPolicyFile } from '../../src/policy/load.ts';
import { parsePolicy } from '../../src/policy/parse.ts';
import { anyDocument, anyFlow, anyName } from './arbitraries.ts';
import { compiledOf } from './facts.ts';

const NOW = Date.UTC(2026, 10, 20);

function look(yaml: string): Finding[] {
  const parsed = parsePolicy(yaml);
  assert.ok(parsed.ok, JSON.stringify(parsed));
  return analyse(compiledOf(parsed.document), parsed.positions, NOW);
}

/** `kind rule-or-list@line` of each finding for rules, given as lines of YAML below `rules:` at line 5. */
function kinds(...rules: string[]): string[] {
  const yaml = `version: 1
lists:
  a: { domains: [ .a.test, b.test ] }
rules:
${rules.map(r => `  - { ${r} }`).join('\n')}
`;
  return look(yaml)
    .filter(f => f.kind !== 'unused-list')
    .map(f => `${f.kind} ${f.rule ?? f.list ?? ''}@${f.line}`);
}

describe('analyse', () => {
  it('a rule that is said to be hidden never decides anything', () => {
    let found = 0;
    fc.assert(
      fc.property(
        anyDocument,
        fc.array(anyFlow, { minLength: 20, maxLength: 40 }),
        anyName,
        (document, flows, other) => {
          const policy = compiledOf(document);
          const positions = { rules: document.rules.map((_, i) => i + 1), lists: {}, parents: {} };
          const hidden = new Set(
            analyse(policy, positions, 0)
              .filter(f => ['shadowed', 'contradictory', 'never-matches'].includes(f.kind))
              .map(f => f.rule),
          );
          found += hidden.size;
          for (const facts of flows) {
            assert.ok(!hidden.has(decide(facts, policy).rule));
            assert.ok(!hidden.has(decideHost(policy, facts, other).rule));
          }
        },
      ),
      { numRuns: 1500 },
    );
    assert.ok(found > 100, `only ${found} hidden rules were met`);
  });

  it('finds rules that an earlier one hides, saying the same or something else', () => {
    assert.deepEqual(
      kinds(
        "name: list, when: { host: 'list:a' }, action: block",
        'name: same, when: { host: [ www.a.test, b.test ] }, action: block',
        'name: other, when: { host: x.a.test, client: 10.0.0.0/8 }, action: inspect',
        'name: apart, when: { host: [ www.a.test, c.test ] }, action: block',
      ),
      ['shadowed same@6', 'contradictory other@7'],
    );
    assert.deepEqual(
      kinds(
        'name: net, when: { client: 10.0.0.0/8, port: 1-1000 }, action: block',
        'name: in, when: { client: [ 10.1.0.0/16, 10.2.0.1 ], port: [ 80, 443 ], user: bob }, action: block',
        'name: out, when: { client: [ 10.1.0.0/16, 11.0.0.0/8 ], port: 80 }, action: block',
        'name: any, when: { any: [ { client: 10.0.0.1, port: 80 }, { client: 10.0.0.2, port: 81 } ] }, action: block',
        'name: rest, action: inspect',
        'name: after, when: { host: z.test }, action: inspect',
      ),
      ['shadowed in@6', 'shadowed any@8', 'shadowed after@10'],
    );
    assert.deepEqual(
      kinds(
        "name: hours, when: { time: { days: [ mon-fri ], window: '08:00-18:00', zone: UTC } }, action: block",
        "name: noon, when: { time: { days: [ wed ], window: '12:00-13:00', zone: UTC } }, action: block",
        "name: zone, when: { time: { days: [ wed ], window: '12:00-13:00', zone: Europe/Berlin } }, action: block",
        "name: user, when: { user: '*' }, action: block",
        'name: bob, when: { user: bob }, action: block',
        "name: ja4, when: { ja4: 't13d*' }, action: block",
        "name: print, when: { ja4: [ 't13d15*', t13d0000h2_000000000000_000000000000 ] }, action: block",
      ),
      ['shadowed noon@6', 'shadowed bob@9', 'shadowed print@11'],
    );
  });

  it('a rule that ends, holds for few, or waits for later facts hides nothing', () => {
    assert.deepEqual(
      kinds(
        'name: trial, when: { host: .x.test }, rollout: 50%, action: block',
        'name: brief, when: { host: .x.test }, expires: 2027-06-01, action: block',
        'name: gone, when: { host: .x.test }, expires: 2026-01-01, action: block',
        'name: late, when: { any: [ { host: .x.test }, { method: POST } ] }, action: block',
        'name: all, when: { host: .x.test }, action: inspect',
      ),
      ['expired gone@7', 'overlap all@9'],
    );
  });

  it('finds conditions that nothing can meet', () => {
    assert.deepEqual(
      kinds(
        'name: ports, when: { all: [ { port: 80 }, { port: 8000-9000 } ] }, action: block',
        "name: not, when: { host: www.a.test, not: { host: 'list:a' } }, action: block",
        'name: both, when: { no-sni: true, all: [ { no-sni: false } ] }, action: block',
        'name: none, when: { host: c.test }, rollout: 0%, action: block',
        'name: fine, when: { port: 80, not: { port: 80-90 }, any: [ { port: 80 } ] }, action: block',
        'name: good, when: { port: 80, not: { host: .a.test } }, action: block',
      ),
      [
        'never-matches ports@5',
        'never-matches not@6',
        'never-matches both@7',
        'never-matches none@8',
        'never-matches fine@9',
      ],
    );
  });

  it('counts names that two rules decide differently', () => {
    const findings = look(`version: 1
lists: { l: { domains: [ .a.test, b.test, c.test, d.test, e.test, f.test ] } }
rules:
  - { name: ok, when: { host: [ b.test, c.test, d.test, e.test, '*.x.a.test' ] }, action: passthrough }
  - { name: deny, when: { host: 'list:l' }, action: block }
`);
    assert.deepEqual(
      findings.map(f => [f.kind, f.severity, f.message]),
      [
        [
          'overlap',
          'note',
          '4 of 6 names are decided before by rule "ok" as passthrough: b.test, c.test, d.test, …',
        ],
      ],
    );
  });

  it('tells dates, lists nobody names, and lists still to be filled', () => {
    const findings = look(`version: 1
lists:
  used: { domains: [] }
  unused: { domains: [ a.test ] }
rules:
  - { name: soon, when: { host: s.test }, expires: 2026-12-01, action: block }
  - { name: later, when: { not: { any: [ { host: 'list:used' } ] } }, expires: 2027-12-01, action: block }
  - { name: empty, when: { host: 'list:used' }, action: block }
`);
    assert.deepEqual(
      findings.map(f => [f.kind, f.line]),
      [
        ['empty-list', 3],
        ['unused-list', 4],
        ['expires-soon', 6],
      ],
    );
  });

  it('says of an empty list that is fetched or learned where it is filled', () => {
    const parsed = parsePolicy(
      "version: 1\nlists:\n  feed: { url: 'https://lists.test/a' }\n  pins: { learned: pinned }\nrules:\n  - { name: r, when: { host: ['list:feed', 'list:pins'] }, action: block }\n",
    );
    assert.ok(parsed.ok);
    const empty = listFromPatterns([]);
    const policy = compilePolicy(
      parsed.document,
      new Map([
        ['feed', empty],
        ['pins', empty],
      ]),
    );
    const found = analyse(policy, parsed.positions, NOW);
    assert.deepEqual(
      found.map(f => f.message.replace(/^.* is empty/, '')),
      [' here; it is fetched where the policy runs', ' here; it is learned where the policy runs'],
    );
  });

  it('has nothing to warn about in the shipped policy', async () => {
    const file = new URL('../../examples/policy.yaml', import.meta.url).pathname;
    assert.ok((await readFile(file)).length > 0);
    const loaded = await loadPolicyFile(file);
    assert.ok(loaded.ok);
    const warnings = analyse(loaded.compiled, loaded.positions, NOW).filter(f => f.severity === 'warning');
    assert.deepEqual(warnings, []);
  });

  it('stays quick with a thousand rules, and tells at most two hundred findings', () => {
    const rules = Array.from(
      { length: 1000 },
      (_, i) => `  - { name: r${i}, when: { host: .h${i % 500}.test, port: 443 }, action: block }`,
    );
    const findings = look(`version: 1\nrules:\n${rules.join('\n')}\n`);
    assert.equal(findings.length, 200);
    assert.ok(findings.every(f => f.kind === 'shadowed'));
  });
});
