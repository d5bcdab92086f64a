/** Alert rules: what is right comes through unchanged, and everything else is refused with a reason and a hint. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { AlertRuleError, alertRule } from '../../../src/control/alerts/rule.ts';
import { NOON } from '../../audit/sample.ts';
import { rule } from './fakes.ts';

describe('an alert rule', () => {
  it('that is right comes through', () => {
    const deliver = [
      { to: 'webhook', url: 'https://h.test/' },
      { to: 'mail', address: 'soc@example.com' },
      { to: 'stream', stream: 'siem' },
    ] as const;
    for (const changes of [
      {},
      { kind: 'flows', query: 'verdict:block', groupBy: 'user' },
      { kind: 'events', query: 'event:spool.*' },
      { deliver: [...deliver] },
    ] as const)
      assert.deepEqual(alertRule(rule(changes as object), NOON), rule(changes as object));
  });

  for (const [what, changes, message] of [
    ['no name', { name: ' ' }, /"name" is empty/],
    ['a search that cannot be read', { query: 'statu:200' }, /cannot be used/],
    ['a threshold of nothing', { threshold: 0 }, /"threshold" is a whole number/],
    ['a window of a week', { windowMs: 7 * 86_400_000 }, /"windowMs"/],
    ['groups of events', { kind: 'events', query: '', groupBy: 'host' }, /Events have no host/],
    ['nobody to tell', { deliver: [] }, /one to 3 receivers/],
    ['http', { deliver: [{ to: 'webhook', url: 'http://h.test/' }] }, /https URL/],
    ['credentials in a URL', { deliver: [{ to: 'webhook', url: 'https://u:p@h.test/' }] }, /https URL/],
    ['two addresses', { deliver: [{ to: 'mail', address: 'a@b.c, d@e.f' }] }, /no mail address/],
    ['an address with a header', { deliver: [{ to: 'mail', address: 'a@b.c\r\nBcc: x@y.z' }] }, /"address"/],
    ['a way that is none', { deliver: [{ to: 'pager' }] }, /"to" is one of/],
  ] as const)
    it(`with ${what} is refused`, () => {
      assert.throws(
        () => alertRule({ ...rule(), ...changes }, NOON),
        (error: unknown) =>
          error instanceof AlertRuleError && message.test(error.message) && error.hint !== '',
      );
    });

  it('of any other form is refused, never worse', () => {
    fc.assert(
      fc.property(fc.anything(), given => {
        assert.throws(() => alertRule(given, NOON), AlertRuleError);
        assert.throws(() => alertRule({ ...rule(), deliver: [given] }, NOON), AlertRuleError);
      }),
    );
  });
});
