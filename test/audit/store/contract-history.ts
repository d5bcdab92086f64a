/**
 * What every driver of AuditHistory must do: the records come back in the order in which they were taken in, with everything their
 * decisions looked at, over days, within the range; rules are counted, and who trusts which root.
 */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { openAuditHistory } from '../../../src/control/fleet.ts';
import { sharesOf } from '../../../src/audit/uptake.ts';
import { flow } from '../../policy/facts.ts';
import { spoolRecords, verdict } from '../../policy/recorded.ts';
import { DAY, NOON } from '../sample.ts';
import type { AuditHistory, HistoryRange, RequestRange } from '../../../src/audit/store/history.ts';
import type { EventRecord } from '../../../src/core/records.ts';
import type { Recorded } from '../../policy/recorded.ts';
import type { Driver } from './drivers.ts';

const [OLD, NEW] = ['a'.repeat(64), 'b'.repeat(64)];
/** What a stranger may write into a record. */
const HOSTILE = '\u0000 "leafSerial":"ff" \u{10f801} \\';
const CERT = {
  subject: 'CN=one.test',
  issuer: 'CN=Some CA',
  names: ['one.test'],
  notBefore: '2026-01-01T00:00:00.000Z',
  notAfter: '2027-01-01T00:00:00.000Z',
  fingerprint: 'ab',
  serial: '01',
};
const leaf = (serial: string, root: string | null, trust = 'trusted'): EventRecord => ({
  ...{ kind: 'event', time: NOON, name: 'ca.leaf' },
  detail: { serial, trust, ...(root === null ? {} : { root }) },
});
const TYPE = `Host: a.test\r\nContent-Type: Application/JSON; charset=utf-8\r\nX-Odd: ${HOSTILE}\r\n`;

async function all<T>(batches: AsyncIterable<T[]>): Promise<T[]> {
  const found: T[] = [];
  for await (const batch of batches) found.push(...batch);
  return found;
}

export function historyContract(name: string, make: () => Promise<Driver>): void {
  describe(`${name}: history`, () => {
    let driver: Driver;
    let history: AuditHistory;
    const at = (host: string, now: number, more = {}) => flow(host, { now, ...more });
    const facts = {
      old: at('old.test', NOON - DAY, { user: `ada ${HOSTILE}`, groups: ['staff'] }),
      long: at('long.test', NOON - DAY),
      two: at('two.test', NOON),
      expired: at('one.test', NOON),
      plain: at('plain.test', NOON, { scheme: 'http', outcome: 'none', hello: null }),
      open: at('open.test', NOON),
    };
    const inspected = verdict('inspect', 'web', 'aaaaaaaaaaaa');
    const upload = { ...verdict('inspect', 'no-upload', 'bbbbbbbbbbbb'), mask: 'strict' as const };

    before(async () => {
      driver = await make();
      history = openAuditHistory(driver.settings);
      await driver.drain();
      assert.equal(await history.isEmpty(), (await driver.store.days()).length === 0);
      assert.deepEqual(await all(history.flows({})), []);
      // One connection over midnight: its request lies under the first day, its row in the ledger under the second.
      const [first, over] = [driver.spool(1), driver.spool(2)];
      driver.now = NOON - DAY;
      const old: Recorded = {
        facts: facts.old,
        verdict: inspected,
        leaf: '01',
        requests: [{ path: `/${HOSTILE}` }],
      };
      spoolRecords(first, 1, driver.now, [old], [leaf('01', OLD), leaf('03', 'c'.repeat(64), 'untrusted')]);
      const long: Recorded = { facts: facts.long, verdict: inspected, requests: [{}] };
      spoolRecords(over, 2, driver.now, [{ ...long, open: true }]);
      await driver.drain();
      driver.now = NOON;
      spoolRecords(over, 2, driver.now, [{ ...long, requests: [] }]);
      const posted = { method: 'POST', reqHeaders: TYPE, verdict: upload };
      const undecided = {
        fault: 'request-malformed' as const,
        verdict: verdict('block', 'request-malformed'),
      };
      spoolRecords(
        driver.spool(3),
        3,
        driver.now,
        [
          { facts: facts.two, verdict: verdict('block', 'b'), fault: 'blocked-by-policy' },
          { facts: facts.expired, verdict: inspected, cert: CERT, fault: 'cert-expired' },
          { facts: facts.plain, verdict: inspected, requests: [{}] },
          { facts: null, verdict: null, time: NOON, fault: 'ingress-timeout' },
          { facts: facts.open, verdict: inspected, requests: [posted, posted, undecided], open: true },
          { facts: facts.two, verdict: inspected, leaf: '01', fault: 'client-rejected-leaf' },
          { facts: facts.two, verdict: null, leaf: '02' },
          { facts: facts.two, verdict: inspected, leaf: '03', fault: 'client-rejected-leaf' },
          { facts: facts.two, verdict: inspected, leaf: '99', requests: [{}] },
        ],
        [leaf('02', NEW, 'next')],
      );
      await driver.drain();
    });
    after(async () => {
      await history.close();
      await driver.close();
    });

    it('flows come with the facts that were decided on, and what the origin showed', async () => {
      assert.equal(await history.isEmpty(), false);
      const flows = await all(history.flows({ onProblem: () => assert.fail() }));
      const shown = { subject: 'CN=one.test', issuer: 'CN=Some CA', fault: 'cert-expired' };
      assert.deepEqual(
        flows.slice(0, 6).map(f => f.facts),
        [facts.old, facts.long, facts.two, { ...facts.expired, origin: shown }, facts.plain, null],
      );
      assert.deepEqual(flows[2], {
        time: NOON,
        client: '10.1.2.3',
        facts: facts.two,
        verdict: verdict('block', 'b'),
        fault: 'blocked-by-policy',
        bytes: 300,
        exchanges: 0,
      });
      const hosts = async (range: HistoryRange) =>
        (await all(history.flows(range))).map(f => f.facts?.host ?? null);
      assert.deepEqual((await hosts({ since: NOON })).slice(0, 3), ['two.test', 'one.test', 'plain.test']);
      assert.deepEqual(await hosts({ until: NOON }), ['old.test', 'long.test']);
      assert.deepEqual(await hosts({ since: NOON + DAY }), []);
    });

    it('requests come with what decided them, and their flow, open or closed, on whatever day it ended', async () => {
      const walk = (more: Partial<RequestRange>) =>
        all(history.requests({ which: 'all', contentType: true, ...more }));
      const found = await walk({});
      assert.deepEqual(
        found.map(r => [r.host, r.method, r.contentType, r.verdict.rule, r.flow?.facts?.host]),
        [
          ['old.test', 'GET', null, 'web', 'old.test'],
          ['long.test', 'GET', null, 'web', 'long.test'],
          ['plain.test', 'GET', null, 'web', 'plain.test'],
          ['open.test', 'POST', 'application/json', 'no-upload', 'open.test'],
          ['open.test', 'POST', 'application/json', 'no-upload', 'open.test'],
          ['open.test', 'GET', null, 'request-malformed', 'open.test'],
          ['two.test', 'GET', null, 'web', 'two.test'],
        ],
      );
      const [old, long, plain, post] = found;
      assert.deepEqual([old?.target, old?.user, old?.client], [`/${HOSTILE}`, `ada ${HOSTILE}`, '10.1.2.3']);
      assert.deepEqual([old?.flow?.facts, long?.flow?.verdict], [facts.old, inspected]);
      assert.deepEqual([post?.verdict, post?.time, post?.fault], [upload, NOON + 1, null]);
      assert.equal(new Set(found.map(r => r.id)).size, 5, 'requests of one flow have one id');
      assert.notEqual(plain?.id, post?.id);
      assert.equal((await walk({ contentType: false }))[3]?.contentType, null);
      assert.deepEqual(
        (await walk({ which: 'decided-apart' })).map(r => r.verdict.rule),
        ['no-upload', 'no-upload', 'request-malformed'],
      );
      assert.deepEqual(await walk({ which: 'decided-apart', until: NOON }), []);
      assert.equal((await walk({ since: NOON, until: NOON + 2 })).length, 3);
    });

    it('rules have hits: flows that they decided, or in which they decided a request', async () => {
      const hits = await history.ruleHits({});
      assert.deepEqual(
        hits.map(h => [h.rule, h.action, h.flows, h.last, h.versions]),
        [
          ['web', 'inspect', 7, NOON, ['aaaaaaaaaaaa']],
          ['b', 'block', 1, NOON, ['0123456789ab']],
          ['no-upload', 'inspect', 1, NOON + 2, ['bbbbbbbbbbbb']],
        ],
      );
      assert.deepEqual(
        (await history.ruleHits({ until: NOON })).map(h => [h.rule, h.flows]),
        [['web', 2]],
      );
    });

    it('uptake: who accepts and who refuses, under which root', async () => {
      const uptake = await history.uptake({ since: NOON - 2 * DAY, until: NOON + DAY });
      assert.deepEqual(
        uptake.rows.map(r => [r.client, r.user === null, r.root?.[0] ?? null, r.accepted, r.refused]).sort(),
        [
          ['10.1.2.3', false, 'a', 1, 0],
          ['10.1.2.3', true, 'a', 0, 1],
          ['10.1.2.3', true, 'b', 1, 0],
          ['10.1.2.3', true, null, 1, 0],
        ].sort(),
      );
      assert.deepEqual([uptake.left, uptake.unread], [0, []]);
      assert.equal(sharesOf(uptake).clients, 1);
      const few = await history.uptake({ since: 0, until: NOON + DAY, maxRows: 1 });
      assert.deepEqual([few.rows.length, few.left], [1, 3]);
    });

    it('more than a batch comes in batches, each row once', async () => {
      const spool = driver.spool(4);
      const many = Array.from({ length: 1200 }, (_, i) => ({ path: `/${i}` }));
      driver.now = NOON + DAY;
      const since = driver.now;
      spoolRecords(spool, 4, since, [{ facts: at('many.test', since), verdict: inspected, requests: many }]);
      spoolRecords(
        driver.spool(5),
        5,
        since,
        many.map((_, i) => ({ facts: at(`h${i}.test`, since), verdict: inspected })),
      );
      await driver.drain();
      const requests = await all(history.requests({ since, which: 'all', contentType: false }));
      assert.equal(new Set(requests.map(r => r.target)).size, 1200);
      assert.ok(requests.every(r => r.flow?.facts?.host === 'many.test'));
      const sizes: number[] = [];
      for await (const batch of history.flows({ since })) sizes.push(batch.length);
      assert.deepEqual(sizes, [1000, 201]);
    });
  });
}
