import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Fault } from '../../src/core/faults.ts';
import type { FaultCode } from '../../src/core/faults.ts';
import type { LeafAsk } from '../../src/core/ports.ts';
import { ControlLink, remoteCredentials, remoteIssuer } from '../../src/control/remote.ts';
import type { FromWorker } from '../../src/control/messages.ts';

const ask: LeafAsk = {
  name: 'a.test',
  nameKind: 'name',
  publicKey: Buffer.alloc(91),
  originNotBefore: null,
  originNotAfter: null,
  originFingerprint: null,
  trust: 'trusted',
};
const leaf = { certificate: 'PEM', serial: '01', notAfter: 1 };
const refusedWith = (code: FaultCode) => (error: unknown) => error instanceof Fault && error.code === code;

/** A link whose questions are kept instead of sent. */
function link(bound = 10): { control: ControlLink; sent: FromWorker[] } {
  const sent: FromWorker[] = [];
  return { control: new ControlLink(message => sent.push(message) > 0, bound), sent };
}

describe('asking the control process for a leaf', () => {
  it('gets each answer to its own question, in whatever order they come', async () => {
    const { control, sent } = link();
    const issuer = remoteIssuer(control);
    const first = issuer.issue(ask);
    const second = issuer.issue({ ...ask, name: 'b.test' });
    assert.deepEqual(
      sent.map(m => (m.kind === 'leaf' ? [m.id, m.ask.name] : m.kind)),
      [
        [1, 'a.test'],
        [2, 'b.test'],
      ],
    );
    assert.equal(control.answer({ kind: 'leaf', id: 2, leaf: { ...leaf, serial: '02' } }), true);
    assert.equal(control.answer({ kind: 'leaf', id: 1, leaf }), true);
    assert.equal((await first).serial, '01');
    assert.equal((await second).serial, '02');
  });

  it('is refused with the fault that the control process names', async () => {
    const { control } = link();
    const asked = remoteIssuer(control).issue(ask);
    control.answer({ kind: 'refused', id: 1, code: 'mint-refused', detail: 'the authority has expired' });
    await assert.rejects(asked, refusedWith('mint-refused'));
  });

  it('is refused at once when as many wait as may', async () => {
    const { control, sent } = link(1);
    const issuer = remoteIssuer(control);
    const waiting = issuer.issue(ask);
    await assert.rejects(issuer.issue(ask), refusedWith('mint-busy'));
    assert.equal(sent.length, 1);
    control.answer({ kind: 'leaf', id: 1, leaf });
    await waiting;
    const next = issuer.issue(ask);
    control.answer({ kind: 'leaf', id: 2, leaf });
    assert.equal((await next).serial, '01');
  });

  it('is refused when no answer came in time, and not earlier', async () => {
    const { control } = link();
    const asked = remoteIssuer(control).issue(ask);
    let settled = false;
    asked.catch(() => (settled = true));
    control.expire(Date.now());
    await Promise.resolve();
    assert.equal(settled, false);
    control.expire(Date.now() + 3_600_000);
    await assert.rejects(asked, refusedWith('control-gone'));
  });

  it('is refused once the control process is gone, then and ever after', async () => {
    const { control } = link();
    const issuer = remoteIssuer(control);
    const waiting = issuer.issue(ask);
    control.disconnect();
    await assert.rejects(waiting, refusedWith('control-gone'));
    await assert.rejects(issuer.issue(ask), refusedWith('control-gone'));
  });

  it('leaves messages that are no answers, and answers nobody waits for, alone', () => {
    const { control } = link();
    assert.equal(control.answer({ kind: 'drain' }), false);
    assert.equal(control.answer({ kind: 'leaf', id: 99, leaf }), true);
  });
});

describe('asking the control process for credentials', () => {
  it('tells right from wrong and hands the groups on', async () => {
    const { control } = link();
    const check = remoteCredentials(control, true);
    assert.equal(check.required, true);
    const right = check.verify('u', 'p', '10.0.0.1');
    control.answer({ kind: 'credentials', id: 1, outcome: 'ok', groups: ['staff'] });
    assert.deepEqual(await right, { outcome: 'ok', groups: ['staff'] });
    const wrong = check.verify('u', 'x', '10.0.0.1');
    control.answer({ kind: 'credentials', id: 2, outcome: 'refused', groups: [] });
    assert.deepEqual(await wrong, { outcome: 'refused' });
  });

  it('says that nobody can tell, rather than no, when the control process is gone', async () => {
    const { control } = link();
    const check = remoteCredentials(control, true);
    control.disconnect();
    assert.deepEqual(await check.verify('u', 'p', '10.0.0.1'), { outcome: 'unavailable' });
  });
});
