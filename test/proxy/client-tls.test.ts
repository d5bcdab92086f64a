/** TLS with the client under a leaf: what is negotiated, and every way in which it does not come about. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { connect as tlsConnect, type ConnectionOptions, type TLSSocket } from 'node:tls';
import { openAuthority, type Authority } from '../../ca/authority.ts';
import { createIssuer } from '../../ca/issuer.ts';
import { acceptClientTls, clientTlsFault } from '../../src/proxy/client-tls.ts';
import { peekHello } from '../../src/proxy/peek.ts';
import { FACTS, Harness, INSPECT } from './harness.ts';

const codeOf = (code: string) => (e: Error & { code?: string }) => {
  assert.equal(e.code, code, e.message);
  return true;
};

describe('client TLS', () => {
  const dir = mkdtempSync(join(tmpdir(), 'sightglass-client-tls-'));
  let authority: Authority;
  let h: Harness;
  before(() => {
    authority = openAuthority({ dir: join(dir, 'ca') });
    h = new Harness({ 'timeout.client-tls': '100ms' }, createIssuer({ authority }));
  });
  after(async () => {
    await h.cleanUp();
    rmSync(dir, { recursive: true, force: true });
  });

  /** A flow whose hello was peeked at, as connection.ts leaves it. */
  async function peeked(options: ConnectionOptions, alpn: string | null = 'http/1.1') {
    const { flow, client } = await h.flow();
    h.watch(flow);
    const tls = tlsConnect({
      socket: client,
      servername: 'www.test',
      ca: authority.certificatePem,
      ...options,
    });
    tls.on('error', () => undefined);
    const seen = await peekHello(flow);
    assert.ok(seen.outcome === 'hello');
    flow.open({ ...FACTS, outcome: 'hello', hello: seen.hello }, INSPECT);
    const leaf = await h.ctx.leaves.get('www.test', 'name', 'trusted', null);
    return { flow, tls, serve: () => acceptClientTls(flow, leaf, alpn) };
  }
  const secure = (tls: TLSSocket): Promise<void> =>
    new Promise(resolve => tls.once('secureConnect', resolve));

  for (const version of ['TLSv1.3', 'TLSv1.2'] as const)
    test(`${version}: the peeked hello is read again, both sides agree, the leg is on the flow`, async () => {
      const { flow, tls, serve } = await peeked({
        minVersion: version,
        maxVersion: version,
        ALPNProtocols: ['h2', 'http/1.1'],
      });
      const [server] = await Promise.all([serve(), secure(tls)]);
      assert.equal(tls.alpnProtocol, 'http/1.1');
      assert.equal(tls.getPeerCertificate().subjectaltname, 'DNS:www.test');
      assert.equal(flow.clientTls?.version, version);
      assert.equal(flow.clientTls.alpn, 'http/1.1');
      assert.match(flow.clientTls.cipher, /^TLS_/);
      assert.ok(flow.leafSerial);
      assert.equal(flow.onAbort, null);
      server.destroy();
    });

  test('a client without ALPN gets none', async () => {
    const { flow, tls, serve } = await peeked({}, null);
    const [server] = await Promise.all([serve(), secure(tls)]);
    assert.equal(tls.alpnProtocol, false);
    assert.equal(flow.clientTls?.alpn, null);
    server.destroy();
  });

  test('a client that speaks only another protocol gets an alert', async () => {
    const { tls, serve } = await peeked({ ALPNProtocols: ['spdy/1'] });
    const alert = new Promise<Error>(resolve => tls.once('error', resolve));
    await assert.rejects(serve(), codeOf('client-tls-failed'));
    assert.match((await alert).message, /no.application.protocol|alert number 120/i);
  });

  test('a client that hangs up, resets or stays silent during the handshake is named', async () => {
    for (const [leave, code] of [
      ['destroy', 'client-rejected-leaf'],
      ['resetAndDestroy', 'client-rejected-leaf'],
      ['pause', 'client-tls-timeout'],
    ] as const) {
      const { flow, client } = await h.flow();
      h.watch(flow);
      const { capture } = await import('../helpers/fixture-hellos.ts');
      client.write(capture('curl'));
      const seen = await peekHello(flow);
      assert.ok(seen.outcome === 'hello');
      flow.open({ ...FACTS, outcome: 'hello', hello: seen.hello }, INSPECT);
      const leaf = await h.ctx.leaves.get('www.test', 'name', 'trusted', null);
      const serving = acceptClientTls(flow, leaf, 'http/1.1');
      client.once('data', () => client[leave]());
      await assert.rejects(serving, codeOf(code));
    }
  });

  test('a client that was gone before we began does not leave us waiting', async () => {
    const { flow, tls, serve } = await peeked({});
    tls.destroy();
    flow.socket.destroy();
    await new Promise(resolve => flow.socket.once('close', resolve));
    await assert.rejects(serve());
  });

  test('alerts about the leaf are rejections, everything else is a failed handshake', () => {
    const of = (code: string, message = code): string =>
      clientTlsFault(Object.assign(new Error(message), { code })).code;
    for (const alert of ['UNKNOWN_CA', 'BAD_CERTIFICATE', 'CERTIFICATE_UNKNOWN', 'CERTIFICATE_EXPIRED'])
      for (const version of ['TLSV1_ALERT', 'SSLV3_ALERT'])
        assert.equal(of(`ERR_SSL_${version}_${alert}`), 'client-rejected-leaf', alert);
    assert.equal(of('ECONNRESET'), 'client-rejected-leaf');
    for (const code of [
      'ERR_SSL_NO_SHARED_CIPHER',
      'ERR_SSL_UNSUPPORTED_PROTOCOL',
      'ERR_SSL_DECRYPTION_FAILED_OR_BAD_RECORD_MAC',
    ])
      assert.equal(of(code), 'client-tls-failed', code);
  });
});
