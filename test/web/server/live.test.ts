import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { LiveMessages } from '../../../web/contract.ts';
import { API } from '../../../web/contract.ts';
import { errorOf, house } from './harness.ts';
import { body, fedExchange } from '../../audit/export/fed.ts';
import { NO_BODY } from '../../audit/sample.ts';
import { exchange, row } from './memory-reader.ts';
import { listen } from './sse.ts';

const live = (n: number, host = 'www.example.com') => ({
  kind: 'exchange' as const,
  row: row({ exchange: `1-1.${n}`, host }),
});

test('new rows of the asked kind that match, oldest first, with text times', async t => {
  const h = await house(t);
  const viewer = await h.person('viewer');
  const stream = await listen(t, h.port, '/api/live?q=host:wanted.example', viewer.cookie);
  assert.equal(stream.status, 200);
  assert.match(String(stream.headers['content-type']), /^text\/event-stream/);
  assert.match(String(stream.headers['cache-control']), /no-store/);
  assert.deepEqual(await stream.next(), { event: 'ready', data: { kind: 'exchanges' } });
  const event = { kind: 'event' as const, row: { time: 0, event: 'wanted.example', detail: {} } };
  h.commit([live(1, 'wanted.example'), live(2), event, live(3, 'wanted.example')]);
  const message = await stream.next();
  assert.equal(message.event, 'rows');
  const rows = message.data as LiveMessages['rows'];
  assert.deepEqual(
    rows.rows.map(r => ('exchange' in r ? r.exchange : null)),
    ['1-1.1', '1-1.3'],
  );
  assert.equal(rows.dropped, 0);
  assert.equal(rows.rows[0]?.time, '2026-11-20T12:00:00.000Z');
  // Nothing matched: nothing is sent, the next message is about the next match.
  h.commit([live(4)]);
  h.commit([live(5, 'wanted.example')], 7);
  const next = (await stream.next()).data as LiveMessages['rows'];
  assert.deepEqual([next.rows.length, next.dropped], [1, 7]);
});

test('rows faster than the pace wait; beyond the bound the oldest are dropped and counted', async t => {
  const h = await house(t, { live: { pace: 20, queue: 10 } });
  const viewer = await h.person('viewer');
  const stream = await listen(t, h.port, '/api/live', viewer.cookie);
  await stream.next();
  for (let n = 1; n <= 101; n++) h.commit([live(n)]);
  const first = (await stream.next()).data as LiveMessages['rows'];
  assert.equal(first.rows.length, 1);
  const second = (await stream.next()).data as LiveMessages['rows'];
  assert.deepEqual([second.rows.length, second.dropped], [10, 90]);
  assert.equal(second.rows.at(-1)?.time !== undefined && 'exchange' in (second.rows.at(-1) ?? {}), true);
  assert.deepEqual(
    second.rows.map(r => ('exchange' in r ? r.exchange : '')),
    Array.from({ length: 10 }, (_, i) => `1-1.${92 + i}`),
  );
});

test('a browser that does not read costs a bounded queue, and learns how many it missed', async t => {
  const h = await house(t, { live: { pace: 0, queue: 50 } });
  const viewer = await h.person('viewer');
  const stream = await listen(t, h.port, '/api/live', viewer.cookie);
  await stream.next();
  stream.pause();
  const big = 'x'.repeat(4000);
  const total = 20_000;
  for (let n = 1; n <= total; n += 50) {
    h.commit(
      Array.from({ length: 50 }, (_, i) => ({
        kind: 'exchange',
        row: row({ exchange: `1-1.${n + i}`, path: big }),
      })),
    );
    await new Promise(resolve => setImmediate(resolve));
  }
  stream.resume();
  let seen = 0;
  let dropped = 0;
  while (seen + dropped < total) {
    const { rows, dropped: missed } = (await stream.next()).data as LiveMessages['rows'];
    assert.ok(rows.length <= 50);
    seen += rows.length;
    dropped += missed;
  }
  assert.equal(seen + dropped, total);
  assert.ok(dropped > 0, 'the socket and the queue together cannot hold 80 MB');
});

test('log-out ends the stream at once; a dead session ends it by the next row or beat', async t => {
  const h = await house(t, { live: { beat: 10 } });
  const viewer = await h.person('viewer');
  const auditor = await h.person('auditor');
  const one = await listen(t, h.port, '/api/live', viewer.cookie);
  const two = await listen(t, h.port, '/api/live', auditor.cookie);
  await one.next();
  await two.next();
  await viewer.post(API.logout, {});
  assert.deepEqual(await one.next(), { event: 'end', data: { reason: 'signed-out' } });
  await one.ended;
  h.accounts.disable('auditor');
  assert.deepEqual(await two.next(), { event: 'end', data: { reason: 'signed-out' } });
  await two.ended;
});

test('an open stream beats, keeps no session alive, and goes when the console stops', async t => {
  const h = await house(t, { live: { beat: 10 } });
  const viewer = await h.person('viewer');
  const other = await h.person('auditor');
  const stream = await listen(t, h.port, '/api/live', viewer.cookie);
  await stream.next();
  h.clock.now += 15 * 60_000;
  assert.deepEqual(await stream.next(), { event: 'beat', data: { time: '2026-11-20T12:15:00.000Z' } });
  h.clock.now += 15 * 60_000;
  assert.deepEqual(await stream.next(), { event: 'end', data: { reason: 'signed-out' } });
  assert.equal((await other.get(API.search)).status, 401);
  const third = await h.person('policy-author');
  const last = await listen(t, h.port, '/api/live', third.cookie);
  await last.next();
  await h.console.close();
  assert.deepEqual(await last.next(), { event: 'end', data: { reason: 'stopping' } });
});

test('at most eight streams a session; one that closes makes room', async t => {
  const h = await house(t);
  const viewer = await h.person('viewer');
  const streams = await Promise.all(
    Array.from({ length: 8 }, () => listen(t, h.port, '/api/live', viewer.cookie)),
  );
  assert.equal(errorOf(await viewer.get('/api/live')).code, 'too-many');
  streams[0]?.close();
  let again = await listen(t, h.port, '/api/live', viewer.cookie);
  for (let tries = 0; again.status === 429 && tries < 100; tries++)
    again = await listen(t, h.port, '/api/live', viewer.cookie);
  assert.equal(again.status, 200);
});

test('bodies are read from the store where they decide; what comes meanwhile waits its turn', async t => {
  const h = await house(t);
  const auditor = await h.person('auditor');
  const captured = (n: number, text: string | null) => {
    const fed = fedExchange({
      n,
      req: { ...NO_BODY, size: 9, kept: text === null ? 0 : 9 },
      host: n === 5 ? 'secretword.example' : 'www.example.com',
    });
    if (text !== null) h.audit.bodies.set(`1-1.${n}/req`, body(Buffer.from(text)));
    return fed;
  };
  const stream = await listen(t, h.port, '/api/live?q=secretword', auditor.cookie);
  await stream.next();
  const commit = (numbers: readonly number[]) =>
    h.commit(
      numbers.map(n => captured(n, n % 3 === 0 ? `{"a":"b\\nsecretword"}` : n % 3 === 1 ? 'others' : null)),
    );
  commit([1, 2, 3, 4]);
  commit([5, 6, 7]);
  const found: string[] = [];
  while (found.length < 3) {
    const { rows, dropped } = (await stream.next()).data as LiveMessages['rows'];
    assert.equal(dropped, 0);
    found.push(...rows.map(r => ('exchange' in r ? r.exchange : '')));
  }
  assert.deepEqual(found, ['1-1.3', '1-1.5', '1-1.6']);
  assert.ok(
    h.audit.asked.every(({ query }) => query !== '1-1.2'),
    'no body is asked for where none was kept',
  );
  h.audit.failure = new Error('the store is away');
  commit([9]);
  assert.deepEqual((await stream.next()).data, { kind: 'exchanges', rows: [], dropped: 1 });
});

test('what strangers wrote cannot forge a message', async t => {
  const h = await house(t);
  const viewer = await h.person('viewer');
  const stream = await listen(t, h.port, '/api/live', viewer.cookie);
  await stream.next();
  const evil = '\n\nevent: end\ndata: {"reason":"stopping"}\n\n\r\u2028';
  h.commit([{ kind: 'exchange', row: exchange({ path: evil }) }]);
  const { rows } = (await stream.next()).data as LiveMessages['rows'];
  assert.equal(rows[0] !== undefined && 'path' in rows[0] && rows[0].path, evil);
});
