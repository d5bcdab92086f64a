import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { auditDir } from '../../../src/audit/recorder.ts';
import { openStore } from '../../../src/audit/store/sqlite.ts';
import { askClients, askHistory, frequentHosts } from '../../../src/control/doctor/ledger.ts';
import { flow } from '../../policy/facts.ts';
import { record, verdict } from '../../policy/recorded.ts';
import { codes, folder } from './bench.ts';

const NOW = Date.UTC(2026, 10, 20, 12);
const inspect = verdict('inspect', 'r');

function store(t: TestContext, dir: string) {
  const opened = openStore({ dir: auditDir(dir) });
  t.after(() => opened.close());
  return opened;
}

void test('clients: nothing inspected, all content, some refuse', async t => {
  const dir = folder(t);
  assert.deepEqual(codes(await askClients(store(t, dir), NOW)), ['client-none']);
  record(dir, NOW, [{ facts: flow('a.test', { now: NOW }), verdict: inspect }]);
  assert.deepEqual(codes(await askClients(store(t, dir), NOW)), ['client-good']);
  record(dir, NOW, [
    {
      facts: flow('pinned.test', { now: NOW, client: '10.0.0.9' }),
      verdict: inspect,
      fault: 'client-rejected-leaf',
    },
  ]);
  const [distrust] = await askClients(store(t, dir), NOW);
  assert.equal(distrust?.code, 'client-distrust');
  assert.match(distrust.evidence.join('\n'), /10\.0\.0\.9 \(1\)[^]*pinned\.test \(1\)/);
  assert.deepEqual(
    codes(await askClients(store(t, dir), NOW + 2 * 86_400_000)),
    ['client-none'],
    'only the last day',
  );
});

void test('hosts of the last day, the most frequent first', async t => {
  const dir = folder(t);
  const seen = (sni: string) => ({ facts: flow(sni, { now: NOW }), verdict: inspect });
  record(dir, NOW, [seen('b.test'), seen('a.test'), seen('b.test')]);
  assert.deepEqual(await frequentHosts(store(t, dir), NOW, 5), [
    { host: 'b.test', port: 443 },
    { host: 'a.test', port: 443 },
  ]);
  assert.equal((await frequentHosts(store(t, dir), NOW, 1)).length, 1);
});

void test('records from the future accuse the clock', async t => {
  const dir = folder(t);
  record(dir, NOW, [{ facts: flow('a.test', { now: NOW }), verdict: inspect, time: NOW }]);
  assert.deepEqual(codes(await askHistory(store(t, dir), NOW)), []);
  assert.deepEqual(codes(await askHistory(store(t, dir), NOW - 3_600_000)), ['clock-backwards']);
});
