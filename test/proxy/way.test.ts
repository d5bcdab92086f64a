/** Which way a verdict leads: straight or through a parent, and what stands on the flow afterwards. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Fault } from '../../src/core/faults.ts';
import type { Flow } from '../../src/proxy/flow.ts';
import { limitsOf, reachOrigin, reachPlain } from '../../src/proxy/way.ts';
import { startParent, type TestParent } from '../helpers/parent.ts';
import { startRawOrigin, type RawOrigin } from '../helpers/raw-origin.ts';
import { FACTS, Harness, INSPECT } from './harness.ts';

describe('the way to the origin', () => {
  let h: Harness;
  let parent: TestParent;
  let origin: RawOrigin;
  before(async () => {
    h = new Harness({ 'limits.head': '16KiB' });
    parent = await startParent();
    origin = await startRawOrigin(socket => socket.write('hello'));
  });
  after(async () => {
    await origin.stop();
    await parent.stop();
    await h.cleanUp();
  });

  async function flowBy(through: boolean): Promise<Flow> {
    const { flow } = await h.flow();
    h.watch(flow);
    const way = { parent: { group: 'corp', via: [`127.0.0.1:${parent.port}`] } };
    flow.open(FACTS, through ? { ...INSPECT, ...way } : INSPECT);
    return flow;
  }

  test('straight: the address that was dialled stands on the flow', async () => {
    const flow = await flowBy(false);
    const socket = await reachOrigin(flow, '127.0.0.1', origin.port);
    assert.equal(flow.originAddress, '127.0.0.1');
    assert.equal(flow.onAbort, null);
    assert.equal(parent.asked.length, 0);
    socket.destroy();
    const plain = await reachPlain(flow, '127.0.0.1', origin.port);
    assert.equal(plain.prefix, '');
    plain.socket.destroy();
  });

  test('through a parent: group and member stand on the flow, and the first bytes are the origin’s', async () => {
    const flow = await flowBy(true);
    const socket = await reachOrigin(flow, 'www.test', origin.port);
    assert.equal(flow.originAddress, `corp (127.0.0.1:${parent.port})`);
    assert.equal(flow.onAbort, null);
    const first = new Promise(resolve => socket.once('data', resolve));
    socket.resume();
    assert.equal(String(await first), 'hello');
    socket.destroy();
  });

  test('plain requests get the beginning of the absolute-form, the port only where it is another one', async () => {
    for (const [host, port, prefix] of [
      ['www.test', 80, 'http://www.test'],
      ['www.test', 8080, 'http://www.test:8080'],
      ['2606:4700::1', 80, 'http://[2606:4700::1]'],
    ] as const) {
      const reached = await reachPlain(await flowBy(true), host, port);
      assert.equal(reached.prefix, prefix);
      reached.socket.destroy();
    }
  });

  test('a parent that never answers is ended by the deadline of the flow', async () => {
    parent.answer = '';
    const flow = await flowBy(true);
    await assert.rejects(
      reachOrigin(flow, 'www.test', origin.port),
      (e: Fault) => e.code === 'parent-unreachable',
    );
  });

  test('heads are as long as the settings say', () => {
    assert.equal(limitsOf(h.ctx).head, 16 * 1024);
  });
});
