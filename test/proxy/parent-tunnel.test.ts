/** CONNECT to a parent: what is written, what counts as a yes, and what is told of a 407. The rest is seen in parent.test.ts. */
import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { test } from 'node:test';
import { Fault } from '../../src/core/faults.ts';
import { loginWords, openTunnel, type Login } from '../../src/proxy/parent-tunnel.ts';
import { DEFAULT_LIMITS } from '../../src/wire/http1/index.ts';
import { startParent } from '../helpers/parent.ts';

const LOGIN: Login = { name: 'corp', value: `Basic ${Buffer.from('ada:hunter2').toString('base64')}` };

test('credentials are sent when there are some, and a 407 says whose were not taken', async t => {
  const parent = await startParent({ login: 'ada:other' });
  t.after(() => parent.stop());
  for (const [login, words] of [
    [null, 'the group has no credentials'],
    [LOGIN, 'it did not take those of "corp"'],
  ] as const) {
    const socket = connect(parent.port, '127.0.0.1');
    const options = { onCancellable: () => undefined, limits: DEFAULT_LIMITS, login };
    await assert.rejects(openTunnel(socket, 'www.test:443', options), (e: unknown) => {
      assert.ok(e instanceof Fault);
      assert.deepEqual([e.code, e.detail], ['parent-auth', `407 Who are you; ${words}`]);
      return true;
    });
    assert.equal(loginWords(login), words);
    assert.equal(socket.destroyed, true);
  }
  assert.deepEqual(
    parent.heads.map(head => /proxy-authorization: (.*)/i.exec(head)?.[1] ?? null),
    [null, LOGIN.value],
  );
});
