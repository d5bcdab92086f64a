import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { connect, createServer } from 'node:tls';
import type { Server } from 'node:tls';
import { MODERN_CIPHERS, MODERN_GROUPS } from '../../src/proxy/tls-profile.ts';
import { makeTestCa } from '../helpers/tls-authority.ts';
import type { TestCa } from '../helpers/tls-authority.ts';

describe('the TLS profile', () => {
  let ca: TestCa;
  let ours: Server;
  /** Takes everything OpenSSL has: shows that a refusal by ours is the profile's doing and not the test's. */
  let lax: Server;

  async function serve(ciphers: string, groups: string): Promise<Server> {
    // An RSA key, because most of what must be refused needs one.
    const { cert, key } = ca.issue({ names: ['site.test'], key: 'rsa' });
    const server = createServer({
      cert,
      key,
      ciphers,
      ecdhCurve: groups,
      dhparam: 'auto',
      minVersion: 'TLSv1.2',
    });
    // A refused handshake is what these tests want to see; the client tells how it went.
    server.on('tlsClientError', () => undefined);
    server.on('secureConnection', socket => socket.on('error', () => undefined).end());
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return server;
  }

  before(async () => {
    ca = makeTestCa();
    ours = await serve(MODERN_CIPHERS, MODERN_GROUPS);
    lax = await serve('ALL:COMPLEMENTOFALL:@SECLEVEL=0', 'auto');
  });
  after(() => {
    ours.close();
    lax.close();
    ca.remove();
  });

  /** The suite agreed on with a client that offers just this, or `refused`. */
  function offered(
    server: Server,
    ciphers: string,
    version: 'TLSv1.2' | 'TLSv1.3' = 'TLSv1.2',
  ): Promise<string> {
    return new Promise(done => {
      const client = connect({
        host: '127.0.0.1',
        port: (server.address() as AddressInfo).port,
        servername: 'site.test',
        ca: ca.caPem,
        minVersion: version,
        maxVersion: version,
        // Level 0, so that the client may offer what we must refuse.
        ciphers: version === 'TLSv1.2' ? `${ciphers}:@SECLEVEL=0` : ciphers,
      });
      client.on('secureConnect', () => {
        done(client.getCipher().standardName);
        client.destroy();
      });
      client.on('error', () => {
        done('refused');
      });
    });
  }

  for (const [ciphers, suite] of [
    ['ECDHE-RSA-AES128-GCM-SHA256', 'TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256'],
    ['ECDHE-RSA-CHACHA20-POLY1305', 'TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256'],
  ] as const)
    it(`agrees on ${ciphers}`, async () => {
      assert.equal(await offered(ours, ciphers), suite);
    });

  it('agrees on TLS 1.3', async () => {
    assert.equal(await offered(ours, 'TLS_AES_256_GCM_SHA384', 'TLSv1.3'), 'TLS_AES_256_GCM_SHA384');
  });

  for (const [what, ciphers] of [
    ['static RSA', 'AES128-GCM-SHA256'],
    ['CBC', 'ECDHE-RSA-AES128-SHA'],
    ['CBC with SHA-256', 'ECDHE-RSA-AES128-SHA256'],
    ['finite-field Diffie-Hellman', 'DHE-RSA-AES128-GCM-SHA256'],
    ['no encryption', 'ECDHE-RSA-NULL-SHA'],
  ] as const)
    it(`refuses ${what}`, async () => {
      assert.notEqual(await offered(lax, ciphers), 'refused', 'the client can do it');
      assert.equal(await offered(ours, ciphers), 'refused');
    });
});
