/** The store in a thread of its own answers as the one in this thread does; errors come back; it can be closed at any time. */
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { describe, it } from 'node:test';
import { Ingest } from '../../../src/audit/ingest.ts';
import { openSpool } from '../../../src/audit/spool.ts';
import { openStore } from '../../../src/audit/store/sqlite.ts';
import { makeRng } from '../../fuzz/rng.ts';
import { exchange, flow, flowId, flowOpen, NOON, query, randomExchange, scratch } from '../sample.ts';
import type { AuditStore } from '../../../src/audit/store/store.ts';
import type { TestContext } from 'node:test';

function folder(t: TestContext): string {
  const dir = scratch(t);
  const auditDir = path.join(dir, 'audit');
  const spoolDir = path.join(dir, 'spool');
  const rng = makeRng(2);
  const spool = openSpool({ dir: spoolDir, producer: 1 });
  spool.append(flowOpen());
  for (let n = 1; n <= 500; n++) spool.append(randomExchange(rng, flowId(1, 1), n, NOON + n));
  const data = Buffer.from([0, 1, 254, 255]);
  spool.append({ kind: 'body', flow: flowId(1, 1), n: 501, side: 'res', data });
  spool.append(exchange({ n: 501, res: { size: 4, kept: 4, sha256: 'aa'.repeat(32), truncated: false } }));
  spool.append(flow({ exchanges: 501 }));
  spool.close();
  const ingest = new Ingest({ spoolDir, auditDir, now: () => NOON });
  while (ingest.step().rows > 0);
  ingest.close();
  return auditDir;
}

describe('a store in a thread', { timeout: 60_000 }, () => {
  it('answers as the one without', async t => {
    const dir = folder(t);
    const here = openStore({ dir });
    const there = openStore({ dir, thread: true });
    const q = query('client:10.0.0.0/8 (status:2xx OR login) -user:alice');
    const questions: ((store: AuditStore) => Promise<unknown>)[] = [
      s => s.search(q, { kind: 'exchanges', limit: 20 }),
      s => s.search(query('', 'flows'), { kind: 'flows' }),
      s => s.count(q, { kind: 'exchanges' }),
      s => s.histogram(q, { kind: 'exchanges', since: NOON, until: NOON + 1000, buckets: 4 }),
      s => s.facets(q, { kind: 'exchanges', field: 'host' }),
      s => s.exchange('1-1.7'),
      s => s.exchange('1-1.99999'),
      s => s.flow('1-1', 3),
      s => s.body('1-1.501', 'res'),
      s => s.body('1-1.501', 'req'),
      s => s.days(),
    ];
    const answers = await Promise.all(questions.map(ask => ask(there)));
    for (const [i, ask] of questions.entries())
      assert.deepEqual(answers[i], await ask(here), `question ${i}`);
    const body = await there.body('1-1.501', 'res');
    assert.ok(Buffer.isBuffer(body?.data));
    await there.close();
    await here.close();
  });

  it('puts pages before whole answers, and leaves what was given up', async t => {
    const store = openStore({ dir: folder(t), thread: true });
    await store.days();
    const order: string[] = [];
    const done = (name: string) => (): void => void order.push(name);
    const counts = Array.from({ length: 40 }, () =>
      store.count(query('login'), { kind: 'exchanges', budget: Infinity }).then(done('count')),
    );
    const page = store.search(query('login'), { kind: 'exchanges' }).then(done('page'));
    await Promise.all([...counts, page]);
    // What the threads had begun comes first, the rest of the counts after the page.
    assert.ok(order.indexOf('page') <= 8, order.join(' '));
    const given = new AbortController();
    given.abort();
    const { signal } = given;
    assert.deepEqual(await store.count(query(''), { kind: 'exchanges', signal }), {
      count: 0,
      exact: false,
      reached: null,
    });
    await assert.rejects(store.search(query(''), { kind: 'exchanges', signal }), /Nobody waits/);
    assert.equal((await store.count(query(''), { kind: 'exchanges' })).exact, true);
    await store.close();
  });

  it('tells errors, and answers again after them', async t => {
    const dir = scratch(t);
    fs.writeFileSync(
      path.join(dir, '2026-11-20.db'),
      'this is no database, and long enough to be looked at'.repeat(20),
    );
    const store = openStore({ dir, thread: true });
    await assert.rejects(store.days(), /not a database/);
    fs.rmSync(path.join(dir, '2026-11-20.db'));
    assert.deepEqual(await store.days(), []);
    await store.close();
  });

  it('rejects what waits when it is closed', async t => {
    const store = openStore({ dir: folder(t), thread: true });
    const waiting = store.days();
    const rejected = assert.rejects(waiting, /closed/);
    await store.close();
    await rejected;
  });
});
