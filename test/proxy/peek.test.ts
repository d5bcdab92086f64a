/** Looking without consuming: the next owner of the socket reads every byte that was peeked at. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Fault } from '../../src/core/faults.ts';
import { peekHello, readUntil, type PeekCodes } from '../../src/proxy/peek.ts';
import { capture } from '../helpers/fixture-hellos.ts';
import { allOf, Harness } from './harness.ts';

const CODES: PeekCodes = { closed: 'ingress-closed', timeout: 'ingress-timeout' };
const codeOf = (code: string) => (e: Error & { code?: string }) => e.code === code;

describe('peek', () => {
  let h: Harness;
  let hello: Buffer;
  before(() => {
    h = new Harness();
    hello = capture('curl');
  });
  after(() => h.cleanUp());

  test('a step sees each chunk; what it keeps is read again by the next owner, what follows too', async () => {
    const { flow, client } = await h.flow();
    const chunks: Buffer[] = [];
    const reading = readUntil(flow, CODES, 5_000, chunk => {
      chunks.push(chunk);
      const all = Buffer.concat(chunks);
      return all.includes('\n') ? { done: all.toString(), keep: all.subarray(4) } : null;
    });
    client.write('head');
    setTimeout(() => client.write('line\nrest'), 20);
    assert.equal(await reading, 'headline\nrest');
    assert.equal(flow.onAbort, null);
    assert.equal(flow.expiresAt, Number.POSITIVE_INFINITY);
    client.end(' and more');
    assert.equal((await allOf(flow.socket)).toString(), 'line\nrest and more');
  });

  test('between owners the socket is paused: nothing is lost when the next one comes late', async () => {
    const { flow, client } = await h.flow();
    client.write('a');
    await readUntil(flow, CODES, 5_000, chunk => ({ done: 1, keep: chunk }));
    client.end('bcd');
    await new Promise(resolve => setTimeout(resolve, 30));
    assert.equal((await allOf(flow.socket)).toString(), 'abcd');
  });

  test('a client that leaves, by end or by reset, is the code for it', async () => {
    for (const leave of ['end', 'resetAndDestroy'] as const) {
      const { flow, client } = await h.flow();
      const reading = readUntil(flow, CODES, 5_000, () => null);
      client[leave]();
      await assert.rejects(reading, codeOf('ingress-closed'));
      // Who asks again of a socket that is over gets the same answer and does not wait.
      await assert.rejects(
        readUntil(flow, CODES, 5_000, () => null),
        codeOf('ingress-closed'),
      );
    }
  });

  test('the deadline ends the phase with its code', async () => {
    const { flow } = await h.flow();
    h.watch(flow);
    await assert.rejects(
      readUntil(flow, CODES, 10, () => null),
      codeOf('ingress-timeout'),
    );
  });

  test('a step that throws ends the phase with what it threw', async () => {
    const { flow, client } = await h.flow();
    client.write('x');
    await assert.rejects(
      readUntil(flow, CODES, 5_000, () => {
        throw new Fault('request-malformed');
      }),
      codeOf('request-malformed'),
    );
    assert.equal(flow.socket.listenerCount('data'), 0);
  });

  test('a hello in any pieces is the same hello, and every byte of it stays in the socket', async () => {
    for (const size of [hello.length, 100, 7]) {
      const { flow, client } = await h.flow();
      client.setNoDelay(true);
      const peeking = peekHello(flow);
      for (let at = 0; at < hello.length; at += size) {
        client.write(hello.subarray(at, at + size));
        await new Promise(resolve => setImmediate(resolve));
      }
      const peeked = await peeking;
      assert.equal(peeked.outcome, 'hello');
      client.end();
      assert.deepEqual(await allOf(flow.socket), hello);
    }
  });

  test('four outcomes stay apart', async () => {
    // Only who waits in vain is in a hurry.
    const hasty = new Harness({ 'timeout.hello': '100ms' });
    const outcome = async (bytes: Buffer, on = h): Promise<string> => {
      const { flow, client } = await on.flow();
      on.watch(flow);
      client.write(bytes);
      return (await peekHello(flow)).outcome;
    };
    assert.equal(await outcome(hello), 'hello');
    assert.equal(await outcome(Buffer.from('SSH-2.0-x\r\n')), 'not-tls');
    const broken = Buffer.from(hello);
    broken[43] = 0xff; // session id longer than the record
    assert.equal(await outcome(broken), 'malformed');
    assert.equal(await outcome(hello.subarray(0, 50), hasty), 'timed-out');
    await hasty.cleanUp();
    const { flow, client } = await h.flow();
    client.end(hello.subarray(0, 50));
    await assert.rejects(peekHello(flow), codeOf('hello-closed'));
  });
});
