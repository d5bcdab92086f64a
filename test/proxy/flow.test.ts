/** One connection, one row: whatever ends it, in whatever order. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Fault } from '../../src/core/faults.ts';
import { FACTS, Harness, INSPECT, until } from './harness.ts';

describe('flow', () => {
  let h: Harness;
  before(() => {
    h = new Harness();
  });
  after(() => h.cleanUp());

  test('close writes the row once, and the first fault is the one that counts', async () => {
    const { flow } = await h.flow();
    const from = h.audit.records.length;
    flow.fail(new Fault('hello-malformed', 'first'));
    flow.fail(new Fault('blocked-by-policy', 'second'));
    flow.close();
    flow.close();
    const [row, ...more] = h.audit.records.slice(from);
    assert.equal(more.length, 0);
    assert.ok(row?.kind === 'flow');
    assert.equal(row.fault, 'hello-malformed');
    assert.equal(row.faultDetail, 'first');
    assert.equal(row.verdict, null);
    assert.equal(flow.closed, true);
  });

  test('the opening record comes at the verdict, once, and before the row', async () => {
    const { flow } = await h.flow();
    const from = h.audit.records.length;
    flow.open(FACTS, INSPECT);
    flow.open({ ...FACTS, host: 'next.test' }, INSPECT);
    flow.close();
    const records = h.audit.records.slice(from);
    assert.deepEqual(
      records.map(r => r.kind),
      ['flow-open', 'flow'],
    );
    assert.ok(records[1]?.kind === 'flow');
    assert.equal(records[1].facts?.host, 'next.test');
    assert.equal(records[1].fault, null);
  });

  test('bytes are those of the client’s TCP connection', async () => {
    const { flow, client } = await h.flow();
    client.write('12345');
    flow.socket.resume();
    await until('the bytes', () => flow.socket.bytesRead === 5);
    flow.socket.write('123');
    flow.close();
    const row = h.audit.flows.at(-1);
    assert.deepEqual([row?.bytesUp, row?.bytesDown], [5, 3]);
    assert.equal(row?.clientPort, client.localPort);
  });

  test('abort cancels the phase under way, or drops the connection when there is none', async () => {
    const { flow } = await h.flow();
    const seen: string[] = [];
    flow.onAbort = fault => seen.push(fault.code);
    flow.deadline(1_000, 'dns-timeout');
    flow.abort(new Fault('draining'));
    assert.deepEqual(seen, ['draining']);
    assert.equal(flow.expiresAt, Number.POSITIVE_INFINITY);
    assert.equal(flow.socket.destroyed, false);
    flow.abort(new Fault('draining'));
    assert.equal(flow.socket.destroyed, true);
    assert.deepEqual(seen, ['draining']);
  });

  test('a client that gave up after a 407 is recorded with the challenge, one that came through is not', async () => {
    const gaveUp = (await h.flow()).flow;
    gaveUp.lastChallenge = new Fault('auth-required');
    gaveUp.fail(new Fault('ingress-closed'));
    gaveUp.close();
    assert.equal(h.audit.flows.at(-1)?.fault, 'auth-required');
    const cameThrough = (await h.flow()).flow;
    cameThrough.lastChallenge = new Fault('auth-required');
    cameThrough.user = 'ada';
    cameThrough.close();
    assert.equal(h.audit.flows.at(-1)?.fault, null);
  });
});
