/** TLS to an origin: the name it must prove, what we offer, and the fault for every way it goes wrong. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { AddressInfo } from 'node:net';
import { createServer, type TlsOptions, type TLSSocket } from 'node:tls';
import { connectOriginTls, originContexts, type OriginTarget } from '../../src/proxy/origin.ts';
import type { TlsProfile } from '../../src/core/verdict.ts';
import { createDialer } from '../../src/proxy/dial.ts';
import { createResolver } from '../../src/proxy/resolve.ts';
import { freePort } from '../helpers/free-port.ts';
import { startRawOrigin } from '../helpers/origin.ts';
import { makeTestCa, type TestCa } from '../helpers/tls-authority.ts';
import { FACTS, Harness, INSPECT, until } from './harness.ts';

const codeOf = (code: string) => (e: Error & { code?: string }) => {
  assert.equal(e.code, code, e.message);
  return true;
};

describe('origin TLS', () => {
  let ca: TestCa;
  let h: Harness;
  before(() => {
    ca = makeTestCa();
    h = new Harness({
      'origin.trust': 'none',
      'origin.extra-ca': ca.caFile,
      'timeout.origin-tls': '100ms',
      'timeout.dial': '1s',
    });
    h.ctx.originTls = originContexts([], [ca.caFile]);
    h.ctx.dialer = createDialer(
      createResolver({ system: () => Promise.resolve([{ address: '127.0.0.1', family: 4 }]) }),
      () => ({ allow: h.ctx.settings['egress.allow'], ownListeners: [] }),
    );
  });
  after(async () => {
    await h.cleanUp();
    ca.remove();
  });

  interface Seen {
    servername: string | false;
    alpn: string | false | null;
    protocol: string | null;
  }
  async function serving(
    options: TlsOptions,
  ): Promise<{ port: number; seen: Seen[]; received: () => string }> {
    const seen: Seen[] = [];
    let text = '';
    const sockets: TLSSocket[] = [];
    const server = createServer(options, socket => {
      seen.push({
        servername: (socket as TLSSocket & { servername?: string | false }).servername ?? false,
        alpn: socket.alpnProtocol,
        protocol: socket.getProtocol(),
      });
      sockets.push(socket);
      socket.on('data', (data: Buffer) => (text += data.toString()));
      socket.on('error', () => undefined);
    });
    server.on('tlsClientError', () => undefined);
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
    h.onCleanUp(() => {
      server.close();
      for (const socket of sockets) socket.destroy();
    });
    return { port: (server.address() as AddressInfo).port, seen, received: () => text };
  }
  async function reach(target: Partial<OriginTarget> & { port: number }, alpn: string[] = ['http/1.1']) {
    const { flow } = await h.flow();
    h.watch(flow);
    const whole: OriginTarget = { dial: 'www.test', name: 'www.test', nameKind: 'name', ...target };
    const connecting = connectOriginTls(flow, whole, alpn);
    return { flow, connecting };
  }

  test('the name goes into SNI, ALPN is what we were told, the legs and the certificate are on the flow', async () => {
    const { port, seen } = await serving({
      ...ca.issue({ names: ['www.test', 'alt.test'] }),
      ALPNProtocols: ['h2', 'http/1.1'],
    });
    const { flow, connecting } = await reach({ port });
    const link = await connecting;
    await until('the origin', () => seen.length === 1);
    assert.deepEqual(seen, [{ servername: 'www.test', alpn: 'http/1.1', protocol: 'TLSv1.3' }]);
    assert.equal(link.address, '127.0.0.1');
    assert.deepEqual(link.cert.names, ['www.test', 'alt.test']);
    assert.match(link.cert.fingerprint, /^[0-9a-f]{64}$/);
    assert.equal(flow.originTls?.alpn, 'http/1.1');
    assert.equal(flow.originTls.version, 'TLSv1.3');
    assert.equal(flow.originAddress, '127.0.0.1');
    assert.equal(flow.onAbort, null);
    link.socket.destroy();
  });

  test('what is dialled and what must be proven may differ: CONNECT to an address, a name in the hello', async () => {
    const { port, seen } = await serving(ca.issue({ names: ['www.test'] }));
    const { connecting } = await reach({ port, dial: '127.0.0.1' }, []);
    const link = await connecting;
    await until('the origin', () => seen.length === 1);
    assert.equal(seen[0]?.servername, 'www.test');
    assert.equal(link.tls.alpn, null);
    link.socket.destroy();
  });

  test('an address is proven by an address in the certificate and never sent as SNI', async () => {
    const { port, seen } = await serving(ca.issue({ names: ['127.0.0.1'] }));
    const { connecting } = await reach({ port, dial: '127.0.0.1', name: '127.0.0.1', nameKind: 'ip' });
    const link = await connecting;
    await until('the origin', () => seen.length === 1);
    assert.equal(seen[0]?.servername, false);
    link.socket.destroy();
    const other = await serving(ca.issue({ names: ['www.test'] }));
    const wrong = await reach({ port: other.port, dial: '127.0.0.1', name: '127.0.0.1', nameKind: 'ip' });
    await assert.rejects(wrong.connecting, codeOf('cert-name-mismatch'));
  });

  test('RSA origins and TLS 1.2 are fine; TLS 1.1 and CBC are not', async () => {
    const rsa = ca.issue({ names: ['www.test'], key: 'rsa' });
    const old = await serving({ ...rsa, maxVersion: 'TLSv1.2' });
    const { flow, connecting } = await reach({ port: old.port });
    (await connecting).socket.destroy();
    assert.equal(flow.originTls?.version, 'TLSv1.2');
    assert.match(flow.originTls.cipher, /^TLS_ECDHE_RSA_WITH_/);
    for (const options of [
      { maxVersion: 'TLSv1.1', minVersion: 'TLSv1', ciphers: 'DEFAULT:@SECLEVEL=0' },
      { maxVersion: 'TLSv1.2', ciphers: 'ECDHE-RSA-AES128-SHA' },
    ] as TlsOptions[]) {
      const { port } = await serving({ ...rsa, ...options });
      const bad = await reach({ port });
      await assert.rejects(bad.connecting, codeOf('origin-tls-failed'));
      assert.equal(bad.flow.originTls, null);
    }
  });

  describe('the TLS profile of the verdict', () => {
    const only: [string, TlsOptions, Partial<Record<TlsProfile, RegExp>>][] = [
      [
        'TLS 1.3',
        { minVersion: 'TLSv1.3' },
        { modern: /^TLS_AES_/, tls13: /^TLS_AES_/, compatible: /^TLS_AES_/ },
      ],
      [
        'TLS 1.2 with AEAD',
        { maxVersion: 'TLSv1.2', ciphers: 'ECDHE-RSA-AES128-GCM-SHA256' },
        { modern: /^TLS_ECDHE_RSA_WITH_AES_128_GCM/, compatible: /^TLS_ECDHE_RSA_WITH_AES_128_GCM/ },
      ],
      [
        'CBC with forward secrecy',
        { maxVersion: 'TLSv1.2', ciphers: 'ECDHE-RSA-AES256-SHA' },
        { compatible: /^TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA$/ },
      ],
      [
        'static RSA',
        { maxVersion: 'TLSv1.2', ciphers: 'AES128-SHA' },
        { compatible: /^TLS_RSA_WITH_AES_128_CBC_SHA$/ },
      ],
      ['TLS 1.1', { maxVersion: 'TLSv1.1', minVersion: 'TLSv1', ciphers: 'DEFAULT:@SECLEVEL=0' }, {}],
      ['suites without encryption', { maxVersion: 'TLSv1.2', ciphers: 'ECDHE-RSA-NULL-SHA:@SECLEVEL=0' }, {}],
    ];
    for (const [what, options, agreed] of only)
      test(`an origin that only speaks ${what}: ${Object.keys(agreed).join(', ') || 'nobody'}`, async () => {
        const { port } = await serving({ ...ca.issue({ names: ['www.test'], key: 'rsa' }), ...options });
        for (const tls of ['modern', 'tls13', 'compatible'] as const) {
          const { flow } = await h.flow();
          h.watch(flow);
          flow.open(FACTS, { ...INSPECT, tls });
          const connecting = connectOriginTls(
            flow,
            { dial: 'www.test', name: 'www.test', nameKind: 'name', port },
            ['http/1.1'],
          );
          const suite = agreed[tls];
          if (suite === undefined) {
            await assert.rejects(connecting, codeOf('origin-tls-failed'), tls);
            assert.equal(flow.originTls, null);
          } else {
            (await connecting).socket.destroy();
            assert.match(flow.originTls?.cipher ?? '', suite, tls);
          }
        }
      });

    test('checks certificates alike, and makes one context per profile', async () => {
      const { port } = await serving(ca.issue({ names: ['other.test'], key: 'rsa' }));
      for (const tls of ['tls13', 'compatible'] as const) {
        const { flow } = await h.flow();
        h.watch(flow);
        flow.open(FACTS, { ...INSPECT, tls });
        const target: OriginTarget = { dial: 'www.test', name: 'www.test', nameKind: 'name', port };
        await assert.rejects(connectOriginTls(flow, target, []), codeOf('cert-name-mismatch'));
        assert.equal(h.ctx.originTls(tls), h.ctx.originTls(tls));
        assert.notEqual(h.ctx.originTls(tls), h.ctx.originTls('modern'));
      }
    });
  });

  test('a refused certificate stands on the flow and nothing was sent to its origin', async () => {
    const { port, received } = await serving(ca.issue({ names: ['other.test'] }));
    const { flow, connecting } = await reach({ port });
    await assert.rejects(connecting, codeOf('cert-name-mismatch'));
    assert.deepEqual(flow.originCert?.names, ['other.test']);
    assert.equal(received(), '');
    const untrusted = await serving(ca.issue({ names: ['www.test'], selfSigned: true }));
    const second = await reach({ port: untrusted.port });
    await assert.rejects(second.connecting, codeOf('cert-self-signed'));
    assert.deepEqual(second.flow.originCert?.names, ['www.test']);
  });

  for (const [behaviour, code] of [
    ['close-at-once', 'origin-tls-failed'],
    ['reset-at-once', 'origin-tls-failed'],
    ['never-speak', 'origin-tls-timeout'],
  ] as const)
    test(`an origin that does ${behaviour} is ${code}`, async () => {
      const origin = await startRawOrigin({ behaviour, tls: ca.issue({ names: ['www.test'] }) });
      const { flow, connecting } = await reach({ port: origin.port });
      await assert.rejects(connecting, (e: Error & { code?: string }) => {
        // A reset may overtake the end of connect.
        assert.ok([code, 'origin-refused'].includes(e.code ?? ''), e.message);
        return true;
      });
      assert.equal(flow.originTls, null);
      await origin.visit(v => v.closed);
      await origin.stop();
    });

  test('nobody there is origin-refused', async () => {
    const { connecting } = await reach({ port: await freePort() });
    await assert.rejects(connecting, codeOf('origin-refused'));
  });

  test('the stores of the settings make a context, a file that is none does not', () => {
    assert.ok(originContexts(['bundled', 'system'], [ca.caFile])('modern').context);
    assert.throws(() => originContexts([], ['/nonexistent/ca.pem']), /ENOENT/);
  });
});
