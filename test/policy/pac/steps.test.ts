import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { decide } from '../../../src/policy/decide.ts';
import { PAC_LIMITS, pacSteps } from '../../../src/policy/pac/steps.ts';
import { pacText } from '../../../src/policy/pac/text.ts';
import { anyDocument, anyFlow, anyName, anyPattern } from '../arbitraries.ts';
import { compiledOf, flow, policyOf } from '../facts.ts';
import { pacOf } from './run.ts';

const OPTIONS = {
  proxies: ['proxy.test:8080'],
  spread: 'none',
  plainNames: false,
  privateNetworks: false,
  localDomains: [],
  ports: [443],
  policy: 'x',
} as const;

/** Which of the names go direct under the policy's PAC file. */
async function direct(yaml: string, ...names: string[]): Promise<string[]> {
  const { steps } = await pacSteps(policyOf(yaml), [443]);
  const find = pacOf(pacText(steps, OPTIONS));
  return names.filter(name => find(`https://${name}/`) === 'DIRECT');
}

const HEAD = 'version: 1\ndefault: inspect\n';

describe('what a PAC file may say of a policy', () => {
  it('nothing that is not marked goes direct', async () => {
    const yaml = `${HEAD}rules: [{ name: bank, when: { host: .bank.test }, action: passthrough }]`;
    assert.deepEqual(await direct(yaml, 'bank.test', 'www.bank.test'), []);
  });

  it('marked rules and marked lists go direct, in the order of the rules', async () => {
    const yaml = `${HEAD}lists:
  banks: { domains: [.bank.test, x.test], pac: direct }
  clinics: { domains: [.clinic.test] }
rules:
  - { name: fraud, when: { host: fraud.bank.test }, action: block }
  - { name: own, when: { host: ['*.own.test'], port: 443, scheme: https }, action: passthrough, pac: direct }
  - { name: lists, when: { host: ['list:banks', 'list:clinics', y.test] }, action: passthrough }
  - { name: under, when: { host: www.own.test }, action: block }
`;
    assert.deepEqual(
      await direct(
        yaml,
        ...['bank.test', 'www.bank.test', 'fraud.bank.test', 'x.test', 'a.x.test', 'y.test', 'clinic.test'],
        ...['own.test', 'www.own.test', 'WWW.own.test', 'other.test'],
      ),
      ['bank.test', 'www.bank.test', 'x.test', 'www.own.test', 'WWW.own.test'],
    );
  });

  it('what a PAC file cannot ask stays at the proxy, and why is told', async () => {
    const yaml = `${HEAD}rules:
  - { name: late, when: { host: .a.test, path: /x* }, action: block }
  - { name: who, when: { host: a.test, user: ada }, action: passthrough, pac: direct }
  - { name: some, when: { host: b.test }, action: passthrough, rollout: 50%, pac: direct }
  - { name: until, when: { host: c.test }, action: passthrough, expires: 2099-01-01, pac: direct }
  - { name: good, when: { host: .d.test }, action: passthrough, pac: direct }
  - { name: guests, when: { client: 10.9.0.0/16 }, action: block }
  - { name: behind, when: { host: e.test }, action: passthrough, pac: direct }
`;
    const plan = await pacSteps(policyOf(yaml), [443]);
    assert.deepEqual(plan.kept, [
      { rule: 'who', why: 'it asks for more than the name of the host' },
      { rule: 'some', why: 'it holds for a share of the clients only' },
      { rule: 'until', why: 'it expires, and browsers keep a PAC file for longer' },
      { rule: 'behind', why: 'rule "guests" comes first and asks for more than a name' },
    ]);
    assert.equal(plan.direct, 1);
    assert.deepEqual(await direct(yaml, 'a.test', 'b.test', 'c.test', 'd.test', 'e.test'), ['d.test']);
  });

  it('whatever goes direct would have been passed through, for any policy and any client', async () => {
    let seen = 0;
    await fc.assert(
      fc.asyncProperty(
        anyDocument,
        fc.array(
          fc.record({
            marked: fc.boolean(),
            // Any rule, or one on hosts alone: rules that ask for more hide what is behind them.
            hosts: fc.option(fc.uniqueArray(anyPattern, { minLength: 1, maxLength: 3 }), { freq: 6 }),
          }),
          { minLength: 8, maxLength: 8 },
        ),
        fc.array(fc.tuple(anyFlow, anyName), { minLength: 1, maxLength: 6 }),
        async (document, marks, flows) => {
          document.rules.forEach((rule, i) => {
            const { marked = false, hosts = null } = marks[i] ?? {};
            if (hosts !== null) {
              rule.when = { test: 'host', patterns: hosts, lists: i % 3 === 0 ? ['one'] : [], networks: [] };
              if (marked) Object.assign(rule, { action: 'passthrough', expires: null, rollout: null });
            }
            if (rule.action === 'passthrough' && marked) rule.pac = 'direct';
          });
          const policy = compiledOf(document);
          const { steps } = await pacSteps(policy, [443]);
          const find = pacOf(pacText(steps, OPTIONS));
          for (const [facts, name] of flows) {
            if (find(`https://${name}/`) !== 'DIRECT') continue;
            seen++;
            const { client, user, groups, listener, now } = facts;
            const asked = flow(name, { client, user, groups, listener, now });
            assert.equal(decide(asked, policy).action, 'passthrough', name);
          }
        },
      ),
      { numRuns: 1500 },
    );
    assert.ok(seen > 200, `only ${seen} names went direct`);
  });

  it('bounds: what does not fit goes through the proxy and is counted', async () => {
    const names = Array.from({ length: 200 }, (_, i) => `.n${i}.test`);
    const yaml = `${HEAD}lists: { many: { domains: [${names.join(', ')}], pac: direct } }
rules:
  - { name: first, when: { host: [a.n1.test, a.n199.test] }, action: inspect }
  - { name: many, when: { host: 'list:many' }, action: passthrough }
`;
    const policy = policyOf(yaml);
    const whole = await pacSteps(policy, [443]);
    assert.deepEqual([whole.direct, whole.dropped], [200, 0]);
    const narrow = await pacSteps(policy, [443], { ...PAC_LIMITS, directBytes: 500 });
    assert.ok(narrow.direct > 10 && narrow.direct < 40, `${narrow.direct}`);
    assert.equal(narrow.direct + narrow.dropped, 200);
    const tight = await pacSteps(policy, [443], { ...PAC_LIMITS, stepBytes: 500 });
    assert.equal(tight.direct + tight.dropped, 200);
    // A step at the proxy that does not fit, or cannot be looked at, ends everything behind it.
    for (const limits of [{ stepBytes: 5 }, { maxSifted: 1 }]) {
      const none = await pacSteps(policy, [443], { ...PAC_LIMITS, ...limits });
      assert.deepEqual([none.direct, none.dropped, none.steps], [0, 200, []]);
    }
  });
});
