import assert from 'node:assert/strict';
import { appendFileSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { auditDir } from '../../src/audit/recorder.ts';
import { DayHistory } from '../../src/audit/store/day-history.ts';
import { dayPath } from '../../src/audit/store/schema.ts';
import { share, sharesOf } from '../../src/audit/uptake.ts';
import type { EventRecord } from '../../src/core/records.ts';
import { flow } from '../policy/facts.ts';
import { record, verdict } from '../policy/recorded.ts';
import { DAY, NOON, scratch } from './sample.ts';

const [OLD, NEW] = ['a'.repeat(64), 'b'.repeat(64)];
const leaf = (serial: string, root: string | null, trust = 'trusted'): EventRecord => ({
  ...{ kind: 'event', time: NOON, name: 'ca.leaf' },
  detail: { serial, trust, ...(root === null ? {} : { root }) },
});
const seen = (client: string, serial: string, how: 'accepts' | 'refuses' | 'idles', time = NOON) => ({
  facts: flow('a.test', { client, now: time, user: client.endsWith('.1') ? 'ada' : null }),
  verdict: verdict('inspect', 'all'),
  leaf: serial,
  ...(how === 'refuses' ? { fault: 'client-rejected-leaf' } : {}),
  ...(how === 'accepts' ? { requests: [{}] } : {}),
});

describe('trust uptake', () => {
  it('is told per client and root, from requests under a leaf and refusals of it, across days', async t => {
    const dir = scratch(t);
    const history = new DayHistory(auditDir(dir));
    assert.equal(await share(history, OLD, DAY, NOON), null, 'nothing recorded: nobody can tell');
    record(dir, NOON - 20 * DAY, [], [leaf('01', OLD), leaf('04', null)]);
    record(
      dir,
      NOON,
      [
        seen('10.0.0.1', '01', 'accepts'),
        seen('10.0.0.1', '01', 'refuses', NOON + 5),
        seen('10.0.0.1', '02', 'accepts', NOON + 9),
        seen('10.0.0.2', '01', 'accepts'),
        seen('10.0.0.2', '02', 'refuses'),
        seen('10.0.0.3', '01', 'refuses'),
        seen('10.0.0.4', '01', 'idles'),
        seen('10.0.0.5', '03', 'refuses'),
        seen('10.0.0.6', '04', 'accepts'),
        seen('10.0.0.7', '99', 'accepts'),
        { facts: flow('b.test', { client: '10.0.0.8', now: NOON }), verdict: verdict('passthrough', 'x') },
        seen('10.0.0.9', '01', 'accepts', NOON - 3 * DAY),
        // A request at the check host leaves no exchange and no verdict.
        { ...seen('10.0.0.2', '02', 'idles'), verdict: null },
        { ...seen('10.0.0.4', '02', 'idles'), verdict: null, fault: 'ingress-closed' },
      ],
      [leaf('02', NEW, 'next'), leaf('03', 'c'.repeat(64), 'untrusted')],
    );
    const uptake = await history.uptake({ since: NOON - DAY, until: NOON + DAY });
    assert.deepEqual(
      uptake.rows.map(r => [r.client.slice(-1), r.user, r.root?.[0] ?? null, r.accepted, r.refused]),
      [
        ['1', 'ada', 'b', 1, 0],
        ['1', 'ada', 'a', 1, 1],
        ['2', null, 'a', 1, 0],
        ['2', null, 'b', 1, 1],
        ['3', null, 'a', 0, 1],
        ['6', null, null, 1, 0],
        ['7', null, null, 1, 0],
      ],
    );
    assert.equal(uptake.rows[0]?.ja4, flow('a.test').hello?.ja4);
    assert.deepEqual(sharesOf(uptake), {
      clients: 5,
      roots: [
        { root: NEW, accepting: 2, refusing: 0 },
        { root: OLD, accepting: 2, refusing: 1 },
        { root: null, accepting: 2, refusing: 0 },
      ],
    });
    assert.deepEqual(await share(history, NEW, DAY, NOON), { clients: 5, accepting: 2 });
    assert.deepEqual(await share(history, OLD, 7 * DAY, NOON), { clients: 6, accepting: 3 });
    assert.deepEqual(await share(history, 'f'.repeat(64), DAY, NOON), { clients: 5, accepting: 0 });
  });

  it('bounds its rows, and names what cannot be read instead of guessing', async t => {
    const dir = scratch(t);
    record(
      dir,
      NOON,
      [1, 2, 3].map(n => seen(`10.0.0.${n}`, '01', 'accepts')),
      [leaf('01', OLD)],
    );
    const audit = auditDir(dir);
    const history = new DayHistory(audit);
    const few = await history.uptake({ since: 0, until: NOON + 1, maxRows: 2 });
    assert.deepEqual([few.rows.length, few.left], [2, 1]);
    const broken = dayPath(audit, '2026-11-19');
    appendFileSync(broken, 'no database');
    truncateSync(broken, 8);
    assert.deepEqual((await history.uptake({ since: 0, until: NOON + 1 })).unread, ['2026-11-19']);
    assert.equal(await share(history, OLD, 30 * DAY, NOON), null);
    assert.deepEqual((await new DayHistory(join(dir, 'none')).uptake({ since: 0, until: 1 })).rows, []);
  });
});
