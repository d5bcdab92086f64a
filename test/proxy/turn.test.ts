/** The order behind "no answered request without a row": records to the operating system first, then bytes. */
import assert from 'node:assert/strict';
import { Writable } from 'node:stream';
import { describe, test } from 'node:test';
import type { AuditRecord } from '../../src/core/records.ts';
import { Turn } from '../../src/proxy/turn.ts';

/** Tells in one list what happened: what a sink wrote, what left through sockets. */
function scene() {
  const log: string[] = [];
  const queue: string[] = [];
  const turn = new Turn({
    healthy: true,
    append: (record: AuditRecord) => queue.push(record.kind),
    flush: () => {
      log.push(`flush(${queue.splice(0).join()})`);
    },
  });
  const socket = (name: string, highWaterMark = 1024): Writable =>
    new Writable({
      highWaterMark,
      writev: (chunks, done) => {
        log.push(`${name}:${chunks.map(c => (c.chunk as Buffer).toString()).join('')}`);
        done();
      },
      final: done => {
        log.push(`${name}:end`);
        done();
      },
    });
  return { log, queue, turn, socket };
}
const turnOver = (): Promise<void> => new Promise(resolve => setImmediate(() => setImmediate(resolve)));

describe('turn', () => {
  test('nothing leaves before the records of the turn were flushed', async () => {
    const { log, queue, turn, socket } = scene();
    const a = socket('a');
    turn.write(a, 'answer');
    queue.push('exchange');
    turn.end(a);
    assert.deepEqual(log, []);
    await turnOver();
    assert.deepEqual(log, ['flush(exchange)', 'a:answer', 'a:end']);
  });

  test('one flush and one write per socket and turn, however many chunks came', async () => {
    const { log, turn, socket } = scene();
    const [a, b] = [socket('a'), socket('b')];
    for (const n of ['1', '2', '3']) {
      turn.write(a, n);
      turn.write(b, Buffer.from(n));
    }
    await turnOver();
    assert.deepEqual(log, ['flush()', 'a:123', 'b:123']);
    turn.write(a, '4');
    await turnOver();
    assert.deepEqual(log.slice(3), ['flush()', 'a:4']);
  });

  test('text is written as latin1, octet for octet', async () => {
    const { turn } = scene();
    const got: Buffer[] = [];
    const raw = new Writable({ write: (chunk: Buffer, _e, done) => (got.push(chunk), done()) });
    turn.write(raw, '\u00e9\u00ff');
    await turnOver();
    assert.deepEqual(Buffer.concat(got), Buffer.from([0xe9, 0xff]));
  });

  test('write tells when the socket wants to drain', async () => {
    const { turn, socket } = scene();
    const small = socket('small', 4);
    assert.equal(turn.write(small, 'abc'), true);
    assert.equal(turn.write(small, 'def'), false);
    await turnOver();
  });

  test('a record without any bytes is flushed at the end of its turn', async () => {
    const { log, queue, turn } = scene();
    queue.push('flow');
    turn.schedule();
    turn.schedule();
    await turnOver();
    assert.deepEqual(log, ['flush(flow)']);
  });

  test('flush ends the turn at once; the scheduled end then finds nothing to do', async () => {
    const { log, turn, socket } = scene();
    turn.write(socket('a'), 'x');
    turn.flush();
    assert.deepEqual(log, ['flush()', 'a:x']);
    await turnOver();
    assert.deepEqual(log, ['flush()', 'a:x', 'flush()']);
  });
});
