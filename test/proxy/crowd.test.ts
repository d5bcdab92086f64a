import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Fault } from '../../src/core/faults.ts';
import type { FaultCode } from '../../src/core/faults.ts';
import { Crowd } from '../../src/proxy/crowd.ts';
import type { Flow } from '../../src/proxy/flow.ts';
import { loadSettings } from '../../src/settings/load.ts';

/** As much of a flow as the crowd looks at. */
interface Guest {
  id: number;
  client: string;
  expiresAt: number;
  expiry: FaultCode;
  ended: FaultCode | null;
}

let ids = 0;
function guest(client: string, expiresAt = Infinity): Flow & Guest {
  const one: Guest & { abort: (fault: Fault) => void } = {
    id: ++ids,
    client,
    expiresAt,
    expiry: 'idle-timeout',
    ended: null,
    abort: fault => {
      one.ended = fault.code;
    },
  };
  return one as unknown as Flow & Guest;
}

const crowd = (flags: Record<string, string>): Crowd =>
  new Crowd(loadSettings({ env: { HOME: '/' }, flags: { 'proxy.allow-clients': '10.0.0.0/8', ...flags } }));

describe('the crowd', () => {
  it('takes clients of the allowed networks only', () => {
    const all = crowd({});
    assert.equal(all.refusal('10.1.2.3'), null);
    assert.equal(all.refusal('192.0.2.1')?.code, 'client-not-allowed');
    assert.equal(all.refusal('')?.code, 'client-not-allowed');
  });

  it('refuses the newcomer at either bound and keeps who is there', () => {
    const all = crowd({ 'limits.connections': '3', 'limits.connections-per-client': '2' });
    const inside = [guest('10.0.0.1'), guest('10.0.0.1'), guest('10.0.0.2')] as const;
    all.enter(inside[0]);
    all.enter(inside[1]);
    assert.equal(all.refusal('10.0.0.1')?.code, 'client-cap');
    assert.equal(all.refusal('10.0.0.2'), null);
    all.enter(inside[2]);
    assert.equal(all.refusal('10.0.0.3')?.code, 'connection-cap');
    assert.equal(all.size, 3);
    assert.deepEqual(
      inside.map(one => one.ended),
      [null, null, null],
    );
  });

  it('has room again for who left, once per flow however often it is told', () => {
    const all = crowd({ 'limits.connections-per-client': '1' });
    const one = guest('10.0.0.1');
    all.enter(one);
    assert.equal(all.refusal('10.0.0.1')?.code, 'client-cap');
    all.leave(one);
    all.leave(one);
    assert.equal(all.refusal('10.0.0.1'), null);
    assert.equal(all.size, 0);
    all.enter(guest('10.0.0.1'));
    assert.equal(all.refusal('10.0.0.1')?.code, 'client-cap');
  });

  it('ends those whose time has come, with the fault each waits under', () => {
    const all = crowd({});
    const [late, early] = [guest('10.0.0.1', 1000), guest('10.0.0.2', 1001)];
    all.enter(late);
    all.enter(early);
    all.expire(1000);
    assert.equal(late.ended, 'idle-timeout');
    assert.equal(early.ended, null);
  });
});
