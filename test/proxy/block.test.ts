/** A block is told as its rule wants where that is possible, is always recorded, and never dials. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { BlockKind } from '../../src/core/verdict.ts';
import type { HelloFacts, HelloOutcome } from '../../src/core/facts.ts';
import { blockFlow } from '../../src/proxy/block.ts';
import { Fault } from '../../src/core/faults.ts';
import { allOf, FACTS, Harness, INSPECT } from './harness.ts';

const ALERT = Buffer.from([0x15, 3, 3, 0, 2, 2, 49]);
const TARGET = { dial: 'www.test', port: 443, name: 'www.test', nameKind: 'name' } as const;

describe('block', () => {
  let h: Harness;
  before(() => {
    h = new Harness();
    h.ctx.dialer = { dial: () => Promise.reject(new Error('a blocked flow must not dial')) };
  });
  after(() => h.cleanUp());

  async function blocked(outcome: HelloOutcome, block: BlockKind) {
    const { flow, client } = await h.flow();
    const verdict = { ...INSPECT, action: 'block', block, rule: 'no' } as const;
    flow.open(
      { ...FACTS, outcome, hello: outcome === 'hello' ? ({ alpn: [] } as unknown as HelloFacts) : null },
      verdict,
    );
    if (outcome === 'malformed') flow.fail(new Fault('hello-malformed'));
    const heard = allOf(client);
    let reset = false;
    client.on('error', () => (reset = true));
    await blockFlow(flow, verdict, TARGET);
    return { flow, heard: await heard, reset: () => reset };
  }

  test('an alert is an alert for whoever speaks TLS, also badly, and a bare close for who does not', async () => {
    for (const outcome of ['hello', 'malformed', 'timed-out'] as const)
      assert.deepEqual((await blocked(outcome, 'alert')).heard, ALERT, outcome);
    assert.equal((await blocked('not-tls', 'alert')).heard.length, 0);
  });

  test('a page without a readable hello becomes an alert, there is no handshake to show it in', async () => {
    for (const outcome of ['malformed', 'timed-out'] as const)
      assert.deepEqual((await blocked(outcome, 'page')).heard, ALERT, outcome);
    assert.equal((await blocked('not-tls', 'page')).heard.length, 0);
  });

  test('a reset is a reset', async () => {
    const { heard, flow } = await blocked('hello', 'reset');
    assert.equal(heard.length, 0);
    assert.equal(flow.socket.destroyed, true);
  });

  test('the fault is the block, unless the hello had one of its own before', async () => {
    const plain = await blocked('hello', 'alert');
    assert.equal(plain.flow.fault?.code, 'blocked-by-policy');
    assert.equal(plain.flow.fault.detail, 'no');
    assert.equal((await blocked('malformed', 'alert')).flow.fault?.code, 'hello-malformed');
  });

  test('each one is counted', async () => {
    const at = h.ctx.counters.blocked;
    await blocked('hello', 'alert');
    await blocked('not-tls', 'alert');
    assert.equal(h.ctx.counters.blocked, at + 2);
  });
});
