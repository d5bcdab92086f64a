/** One handshake of ours: done, refused, hung up on, aborted; and no listener or deadline of it stays behind. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { TLSSocket, connect as tlsConnect, createSecureContext } from 'node:tls';
import { Fault } from '../../src/core/faults.ts';
import type { Flow } from '../../src/proxy/flow.ts';
import { shakeHands } from '../../src/proxy/handshake.ts';
import { OriginCa } from '../helpers/proxy.ts';
import { Harness } from './harness.ts';

const WORDS = {
  done: 'secure',
  faultOf: (e: NodeJS.ErrnoException) => new Fault('client-tls-failed', e.code ?? e.message),
  hungUp: () => new Fault('client-rejected-leaf', 'hung up'),
} as const;
const failsWith = (code: string) => (e: Error & { code?: string }) => {
  assert.equal(e.code, code, e.message);
  return true;
};

describe('handshake', () => {
  const ca = new OriginCa();
  const h = new Harness();
  let pair: { key: string; cert: string };
  before(async () => {
    pair = await ca.certificate('www.test');
  });
  after(async () => {
    await h.cleanUp();
    ca.remove();
  });

  async function server(): Promise<{
    flow: Flow;
    tls: TLSSocket;
    client: Awaited<ReturnType<Harness['flow']>>['client'];
  }> {
    const { flow, client } = await h.flow();
    flow.deadline(60_000, 'client-tls-timeout');
    const tls = new TLSSocket(flow.socket, { isServer: true, secureContext: createSecureContext(pair) });
    return { flow, tls, client };
  }

  test('gives what was negotiated and leaves no deadline, canceller or listener but the one for late errors', async () => {
    const { flow, tls, client } = await server();
    const before = tls.listenerCount('close');
    const waiting = shakeHands(flow, tls, WORDS);
    tlsConnect({ socket: client, servername: 'www.test', ca: ca.pem, maxVersion: 'TLSv1.2' }).on(
      'error',
      () => undefined,
    );
    const leg = await waiting;
    assert.equal(leg.version, 'TLSv1.2');
    assert.equal(leg.resumed, false);
    assert.equal(flow.onAbort, null);
    assert.equal(flow.expiresAt, Number.POSITIVE_INFINITY);
    assert.equal(tls.listenerCount('close'), before);
    tls.emit('error', new Error('late, and nobody listens yet'));
  });

  test('what node raises becomes the fault that the caller names', async () => {
    const { flow, tls, client } = await server();
    const waiting = shakeHands(flow, tls, WORDS);
    client.write('no TLS at all, but long enough to be looked at');
    await assert.rejects(waiting, failsWith('client-tls-failed'));
    assert.equal(tls.destroyed, true);
  });

  test('a peer that hangs up without a word has its own fault', async () => {
    const { flow, tls, client } = await server();
    const waiting = shakeHands(flow, tls, WORDS);
    client.end();
    await assert.rejects(waiting, failsWith('client-rejected-leaf'));
  });

  test('the deadline of the flow ends it', async () => {
    const { flow, tls } = await server();
    const waiting = shakeHands(flow, tls, WORDS);
    flow.abort(new Fault('client-tls-timeout'));
    await assert.rejects(waiting, failsWith('client-tls-timeout'));
    assert.equal(tls.destroyed, true);
  });
});
