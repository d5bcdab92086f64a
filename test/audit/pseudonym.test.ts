/** Records under pseudonyms: stable in a period, another in the next, no clear name anywhere, and each sealed every day. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  keyAt,
  periodOf,
  pseudonymOf,
  PSEUDONYM_EVENT,
  PseudonymousSink,
} from '../../src/audit/pseudonym.ts';
import type { PeriodKey } from '../../src/audit/pseudonym.ts';
import { makeOfficerKeys, officerKey, officerPrivateKey, openName } from '../../src/audit/sealed-name.ts';
import type { AuditRecord } from '../../src/core/records.ts';
import { DAY, exchange, flow, flowOpen, NOON } from './sample.ts';

const pair = makeOfficerKeys(null);
const officer = officerKey(pair.publicPem);
const START: PeriodKey = { days: 30, period: periodOf(NOON, 30), key: Buffer.alloc(32, 7) };

function sink(scope: { users: boolean; clients: boolean }) {
  const written: AuditRecord[] = [];
  let now = NOON;
  const inner = { append: (r: AuditRecord) => void written.push(r), flush: () => undefined, healthy: true };
  const outer = new PseudonymousSink(inner, scope, START, officer, () => now);
  return {
    written,
    outer,
    pass: (ms: number) => (now += ms),
    sealed: () => written.flatMap(r => (r.kind === 'event' && r.name === PSEUDONYM_EVENT ? [r.detail] : [])),
  };
}

const facts = { ...flowOpen().facts!, user: 'alice', client: '10.1.2.3' };

test('no clear name or address is left in what is written, whatever the record', () => {
  const { outer, written } = sink({ users: true, clients: true });
  const kept = flow({ facts });
  outer.append(flowOpen({ facts }));
  outer.append(exchange({ user: 'alice', client: '10.1.2.3' }));
  outer.append(kept);
  assert.ok(!/alice|10\.1\.2\.3/.test(JSON.stringify(written)));
  assert.equal(kept.facts?.user, 'alice', 'decisions go on with the real one');
  assert.ok(outer.healthy);
});

test('one person has one pseudonym in all records and all workers, and others have others', () => {
  const [one, two] = [sink({ users: true, clients: false }), sink({ users: true, clients: false })];
  const userOf = (r: AuditRecord | undefined) => (r?.kind === 'exchange' ? r.user : undefined);
  for (const s of [one, two])
    for (const user of ['alice', 'bob', 'alice', null]) s.outer.append(exchange({ user }));
  const users = one.written.filter(r => r.kind === 'exchange').map(userOf);
  assert.deepEqual(users, two.written.filter(r => r.kind === 'exchange').map(userOf));
  assert.equal(users[0], users[2]);
  assert.notEqual(users[0], users[1]);
  assert.equal(users[3], null);
  assert.match(users[0] ?? '', /^p-[0-9a-z]{16}$/);
  assert.ok(
    one.written.every(r => r.kind !== 'exchange' || r.client === exchange().client),
    'clients stay as asked',
  );
});

test('each name is sealed once a day, before the record that needs it', () => {
  const { outer, written, sealed, pass } = sink({ users: true, clients: false });
  for (let i = 0; i < 5; i++) outer.append(exchange({ user: 'alice' }));
  assert.deepEqual(
    written.map(r => r.kind),
    ['event', 'exchange', 'exchange', 'exchange', 'exchange', 'exchange'],
  );
  pass(DAY);
  outer.append(exchange({ user: 'alice' }));
  const [first, second] = sealed();
  assert.equal(sealed().length, 2);
  assert.equal(first?.['pseudonym'], second?.['pseudonym']);
  const key = officerPrivateKey(pair.privatePem, null);
  assert.equal(openName(String(first?.['sealed']), String(first?.['pseudonym']), key), 'alice');
});

test('in the next period everybody has another pseudonym', () => {
  const { outer, sealed, pass } = sink({ users: true, clients: false });
  outer.append(exchange({ user: 'alice' }));
  pass(31 * DAY);
  outer.append(exchange({ user: 'alice' }));
  const [first, second] = sealed();
  assert.notEqual(first?.['pseudonym'], second?.['pseudonym']);
});

test('keys run one way, by any number of steps, and not back with the clock', () => {
  const two = keyAt(START, NOON + 60 * DAY);
  assert.equal(two.period, START.period + 2);
  assert.deepEqual(keyAt(keyAt(START, NOON + 30 * DAY), NOON + 60 * DAY), two);
  assert.deepEqual(keyAt(two, NOON), two);
  assert.notEqual(pseudonymOf('user', 'a', START.key), pseudonymOf('user', 'a', two.key));
  assert.notEqual(
    pseudonymOf('user', 'a', START.key).slice(2),
    pseudonymOf('client', 'a', START.key).slice(2),
  );
});
