/** Our side of TLS with whoever must prove a name: what is said in the hello, what is told of the certificate, what is refused. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, type AddressInfo } from 'node:net';
import { createSecureContext, createServer, type TLSSocket } from 'node:tls';
import { after, before, describe, test } from 'node:test';
import type { Fault } from '../../src/core/faults.ts';
import { startVerifiedTls, type VerifiedTls } from '../../src/proxy/verified-tls.ts';
import { originTlsFault } from '../../src/proxy/verify.ts';
import { OriginCa } from '../helpers/proxy.ts';

describe('verified TLS', () => {
  const [ca, stranger] = [new OriginCa(), new OriginCa()];
  const server = createServer({ ALPNProtocols: ['h2', 'http/1.1'] });
  before(async () => {
    server.addContext('name.test', await ca.certificate('name.test'));
    server.setSecureContext(await ca.certificate('127.0.0.1'));
    server.on('secureConnection', socket => {
      socket.on('error', () => undefined);
      socket.end(`sni ${String((socket as TLSSocket & { servername?: string | false }).servername)}`);
    });
    server.on('tlsClientError', () => undefined);
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
  });
  after(() => {
    server.close();
    ca.remove();
    stranger.remove();
  });

  async function begin(wanted: Partial<VerifiedTls> = {}): Promise<TLSSocket> {
    const tcp = connect((server.address() as AddressInfo).port, '127.0.0.1');
    await once(tcp, 'connect');
    return startVerifiedTls(tcp, {
      name: 'name.test',
      secureContext: createSecureContext({ ca: ca.pem }),
      ownCas: new Set(),
      alpn: [],
      ...wanted,
    });
  }
  async function complete(wanted: Partial<VerifiedTls> = {}): Promise<{ tls: TLSSocket; told: string }> {
    const tls = await begin(wanted);
    let told = '';
    tls.on('data', (chunk: Buffer) => (told += chunk.toString()));
    await once(tls, 'end');
    tls.destroy();
    return { tls, told };
  }
  /** The fault that ends a handshake. */
  async function refusal(wanted: Partial<VerifiedTls>): Promise<Fault> {
    const tls = await begin(wanted);
    tls.once('secureConnect', () => {
      tls.destroy(new Error('it was believed'));
    });
    const [error] = (await once(tls, 'error')) as [Error];
    assert.notEqual(error.message, 'it was believed');
    return originTlsFault(error);
  }

  test('a name goes into SNI and is proven; the best protocol that both know is spoken', async () => {
    const { tls, told } = await complete({ alpn: ['h3', 'http/1.1'] });
    assert.equal(told, 'sni name.test');
    assert.equal(tls.alpnProtocol, 'http/1.1');
    assert.equal((await complete()).tls.alpnProtocol, false);
  });

  test('an address is proven by the certificate and never sent as SNI', async () => {
    assert.equal((await complete({ name: '127.0.0.1' })).told, 'sni false');
  });

  test('what was shown is told once: believed, refused by us, and refused by its chain', async () => {
    for (const [wanted, code] of [
      [{}, null],
      // The one without SNI shows a certificate for its address alone.
      [{ name: '::1' }, 'cert-name-mismatch'],
      [{ secureContext: createSecureContext({ ca: stranger.pem }) }, 'cert-untrusted'],
    ] as const) {
      const shown: (string | undefined)[] = [];
      const asked = { ...wanted, onShown: (c: { subjectaltname?: string }) => shown.push(c.subjectaltname) };
      if (code === null) await complete(asked);
      else assert.equal((await refusal(asked)).code, code);
      assert.deepEqual(shown, [code === 'cert-name-mismatch' ? 'IP Address:127.0.0.1' : 'DNS:name.test']);
    }
  });

  test('our own authority above a peer is refused', async () => {
    let issuer = '';
    await complete({
      onShown: c => {
        issuer = c.issuerCertificate.fingerprint256.replaceAll(':', '').toLowerCase();
      },
    });
    assert.equal((await refusal({ ownCas: new Set([issuer]) })).code, 'cert-own-ca');
  });

  test('a certificate that makes its reader fail is refused and takes nothing along', async () => {
    const onShown = (): void => {
      throw new Error('unreadable');
    };
    const fault = await refusal({ onShown });
    assert.deepEqual([fault.code, fault.detail], ['cert-invalid', 'unreadable']);
    const failed = await refusal({ onShown, secureContext: createSecureContext({ ca: stranger.pem }) });
    assert.equal(failed.code, 'cert-untrusted', 'the chain is judged all the same');
  });
});
