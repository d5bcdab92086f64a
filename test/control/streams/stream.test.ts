/** A stream: at least once through every failure, back-off that grows, what waits and what was dropped in numbers. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { FIRST_WAIT_MS, LAST_WAIT_MS, Stream } from '../../../src/control/streams/stream.ts';
import { body, fedExchange } from '../../audit/export/fed.ts';
import { config, Memory, Rows, Taker } from './fakes.ts';
import type { StreamConfig } from '../../../src/control/streams/document.ts';

function stage(changes: Partial<StreamConfig> = {}) {
  const store = new Rows();
  const receiver = new Taker();
  const book = new Memory();
  const told: [string, Record<string, unknown>][] = [];
  const make = (): Stream =>
    new Stream({
      config: config(changes),
      store,
      receiver,
      book,
      tell: (name, detail) => void told.push([name, detail]),
    });
  const drain = async (stream: Stream): Promise<void> => {
    while (await stream.step());
  };
  return { store, receiver, book, told, make, drain };
}

const upTo = (n: number, from = 1): number[] => Array.from({ length: n - from + 1 }, (_, i) => i + from);

describe('a stream', () => {
  it('sends everything once when all goes well, and goes on after a restart', async () => {
    const s = stage();
    s.store.add(25);
    await s.drain(s.make());
    s.store.add(5);
    await s.drain(s.make());
    assert.deepEqual(s.receiver.numbers(), upTo(30));
    assert.equal(s.book.get('siem')?.sent, 30);
  });

  it('begins with what comes from now on, unless told to begin at the start', async () => {
    const s = stage({ from: 'now' });
    s.store.add(25);
    const stream = s.make();
    await s.drain(stream);
    s.store.add(2);
    await s.drain(stream);
    assert.deepEqual(s.receiver.numbers(), [26, 27]);
  });

  it('moves its cursor only behind what was taken', async () => {
    const s = stage();
    s.store.add(15);
    const stream = s.make();
    await stream.step();
    s.receiver.broken = 'no room';
    await assert.rejects(stream.step(), /no room/);
    s.receiver.broken = null;
    await s.drain(s.make());
    assert.deepEqual(s.receiver.numbers(), upTo(15));
  });

  it('sends only what its filter lets through, and passes over the rest', async () => {
    const s = stage({ filter: 'status:>=500 header:secretword', kinds: ['exchanges'] });
    s.store.add(30, i =>
      fedExchange({
        n: i,
        status: i % 10 === 0 ? 503 : 200,
        reqHeaders: `X: ${i === 20 ? '' : 'secretword'}\r\n`,
      }),
    );
    await s.drain(s.make());
    assert.deepEqual(
      s.receiver.batches.flat().map(fed => fed.kind === 'exchange' && fed.row.exchange),
      ['1-1.10', '1-1.30'],
    );
    assert.equal(s.store.asked[0]?.detail, 'heads');
    assert.equal(s.book.get('siem')?.cursor, '30');
  });

  it('looks into bodies where its filter asks for them', async () => {
    const s = stage({ filter: 'resbody:"secret word"', kinds: ['exchanges'] });
    s.store.add(9, i =>
      fedExchange(
        { n: i },
        { req: body(Buffer.from('secret word')), res: body(Buffer.from(`secret ${i === 4 ? 'word' : i}`)) },
      ),
    );
    await s.drain(s.make());
    assert.deepEqual(
      s.receiver.batches.flat().map(fed => fed.kind === 'exchange' && fed.row.exchange),
      ['1-1.4'],
    );
    assert.equal(s.store.asked[0]?.detail, 'bodies');
  });

  it('sends again what may have been lost where nothing is acknowledged', async () => {
    const s = stage({ resend: 20 });
    s.receiver.acknowledges = false;
    s.store.add(100);
    const stream = s.make();
    await s.drain(stream);
    s.receiver.connectionLost = true;
    s.receiver.batches = [];
    await s.drain(stream);
    assert.deepEqual(s.receiver.numbers(), upTo(100, 81));
    // After a restart nobody knows what became of the last rows either.
    s.receiver.batches = [];
    await s.drain(s.make());
    assert.ok(s.receiver.numbers().length >= 20);
    assert.equal(s.receiver.numbers().at(-1), 100);
  });

  it('counts rows whose day was deleted before they were sent, and says so', async () => {
    const s = stage();
    s.store.add(30);
    const stream = s.make();
    await stream.step();
    s.store.rows = [];
    s.store.days = ['2026-11-21'];
    await stream.step();
    assert.equal(stream.state().dropped, 20);
    assert.deepEqual(s.told, [['stream.dropped', { stream: 'siem', rows: 20, days: ['2026-11-20'] }]]);
  });

  it('counts what the receiver will never take, and goes on', async () => {
    const s = stage();
    s.store.add(12);
    s.receiver.refusing = 1;
    const stream = s.make();
    await s.drain(stream);
    assert.deepEqual([stream.state().refused, stream.state().sent], [2, 10]);
    assert.equal(s.told[0]?.[0], 'stream.refused');
  });

  it('waits longer after each failure, tells it once, and says when it is well again', async () => {
    const s = stage();
    s.store.add(3);
    const waits: number[] = [];
    s.receiver.broken = 'no route';
    const stream: Stream = new Stream({
      config: config(),
      store: s.store,
      receiver: s.receiver,
      book: s.book,
      tell: (name, detail) => void s.told.push([name, detail]),
      random: () => 1,
      sleep: async ms => {
        waits.push(ms);
        if (waits.length === 12) {
          assert.deepEqual([stream.state().state, stream.state().error], ['failing', 'no route']);
          s.receiver.broken = null;
        }
        if (s.receiver.batches.length > 0) stream.stop();
      },
    });
    await stream.run();
    assert.deepEqual(waits.slice(0, 3), [FIRST_WAIT_MS, FIRST_WAIT_MS * 2, FIRST_WAIT_MS * 4]);
    assert.equal(waits[11], LAST_WAIT_MS);
    assert.deepEqual(
      s.told.map(([name]) => name),
      ['stream.failing', 'stream.recovered'],
    );
    assert.equal(stream.state().error, null);
  });

  it('shows how much waits and since when', async () => {
    const s = stage();
    s.store.add(25);
    const stream = s.make();
    await stream.step();
    assert.equal(stream.state().lagRows, 15);
    await s.drain(stream);
    assert.deepEqual([stream.state().lagRows, stream.state().lagMs, stream.state().state], [0, 0, 'waiting']);
  });
});
