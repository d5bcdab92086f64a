/**
 * What a direct client refuses must also be refused through the proxy (requirements V1 to V12): real origins with real
 * bad certificates, an untrusted leaf with an explanation for the client, and not one request byte at the origin.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { connect as tlsConnect } from 'node:tls';
import { isFaultCode, type FaultCode } from '../../src/core/faults.ts';
import { originTlsFault } from '../../src/proxy/verify.ts';
import { converse, openTunnel, startProxy, tlsInside, type TestProxy } from '../helpers/proxy.ts';
import {
  BAD_KINDS,
  badCertificates,
  makeTestCa,
  type BadKind,
  type IssuedFiles,
  type TestCa,
} from '../helpers/tls-authority.ts';

const EXPECTED: Record<BadKind, FaultCode[]> = {
  expired: ['cert-expired'],
  notYetValid: ['cert-not-yet-valid'],
  wrongName: ['cert-name-mismatch'],
  selfSigned: ['cert-self-signed'],
  untrusted: ['cert-untrusted'],
  weakKey: ['cert-weak-key'],
  cnOnly: ['cert-no-san'],
  wrongUse: ['cert-invalid'],
  missingIntermediate: ['cert-untrusted'],
  falseIntermediate: ['cert-invalid', 'cert-untrusted'],
};

describe('verify', () => {
  let ca: TestCa;
  let bad: Record<BadKind, IssuedFiles>;
  let proxy: TestProxy;
  let requests = 0;
  const servers: Server[] = [];

  before(async () => {
    ca = makeTestCa();
    bad = badCertificates(ca, 'site.test');
    proxy = await startProxy({ trust: [ca.caPem], flags: { 'origin.resolve': 'site.test=127.0.0.1' } });
  });
  after(async () => {
    await proxy.stop();
    for (const s of servers) s.close();
    ca.remove();
  });

  async function origin(files: { cert: string; key: string }, extra: object = {}): Promise<number> {
    // Level 0, because OpenSSL 3.5 (Node 24) would not even serve the weak key.
    const ciphers = 'DEFAULT:@SECLEVEL=0';
    const server = createServer(
      { cert: files.cert, key: files.key, minVersion: 'TLSv1.2', ciphers, ...extra },
      (_req, res) => {
        requests++;
        res.end('reached');
      },
    );
    servers.push(server);
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
    return (server.address() as AddressInfo).port;
  }

  /** What a client that trusts us sees, and what one sees that clicks the warning away. */
  async function visit(port: number): Promise<{ trusting: string; insisting: string; fault: string | null }> {
    const first = await openTunnel(proxy.port, `site.test:${port}`);
    const trusting = await tlsInside(first.socket, 'site.test', proxy.ca).then(
      () => 'accepted',
      (e: Error) => e.message,
    );
    const flow = await proxy.flowOf(first.port);
    const second = await openTunnel(proxy.port, `site.test:${port}`);
    const tls = tlsConnect({ socket: second.socket, servername: 'site.test', rejectUnauthorized: false });
    const insisting = await converse(tls, 'GET / HTTP/1.1\r\nHost: site.test\r\n\r\n');
    await proxy.flowOf(second.port);
    return { trusting, insisting, fault: flow.fault };
  }

  test('a good chain passes: the control of all that follows', async () => {
    for (const key of ['ec', 'rsa'] as const) {
      const port = await origin(ca.issue({ names: ['site.test'], key }));
      const { socket } = await openTunnel(proxy.port, `site.test:${port}`);
      const tls = await tlsInside(socket, 'site.test', proxy.ca);
      assert.match(
        await converse(tls, 'GET / HTTP/1.1\r\nHost: site.test\r\nConnection: close\r\n\r\n'),
        /reached$/,
      );
    }
    assert.equal(requests, 2);
  });

  for (const kind of BAD_KINDS)
    test(`${kind}: refused, explained under a leaf nobody trusts, origin never asked`, async () => {
      requests = 0;
      const { trusting, insisting, fault } = await visit(await origin(bad[kind]));
      assert.notEqual(trusting, 'accepted');
      assert.ok(isFaultCode(fault ?? '') && EXPECTED[kind].includes(fault as FaultCode), `${kind}: ${fault}`);
      assert.match(insisting, /^HTTP\/1\.1 502 Bad Gateway/);
      assert.ok(insisting.includes(`X-Sightglass-Fault: ${fault}`), insisting.slice(0, 300));
      assert.equal(requests, 0);
    });

  test('an origin with a certificate of our own authority is refused even where the store trusts it', async () => {
    // The administrator's store trusts our root, as it does on every client: it still must not vouch for origins.
    const second = await startProxy({
      trust: [ca.caPem],
      trustOwn: true,
      flags: { 'origin.resolve': 'site.test=127.0.0.1' },
    });
    const key = readFileSync(join(second.dataDir, 'ca', 'authority.key'), 'utf8');
    const fake = makeTestCa({ signWith: { cert: second.ca, key } });
    requests = 0;
    const { socket, port } = await openTunnel(
      second.port,
      `site.test:${await origin(fake.issue({ names: ['site.test'] }))}`,
    );
    await assert.rejects(tlsInside(socket, 'site.test', second.ca));
    assert.equal((await second.flowOf(port)).fault, 'cert-own-ca');
    assert.equal(requests, 0);
    await second.stop();
    fake.remove();
  });

  test('an origin that insists on a client certificate gets none and the fault says so', async () => {
    const port = await origin(ca.issue({ names: ['site.test'] }), {
      requestCert: true,
      rejectUnauthorized: true,
      ca: ca.caPem,
    });
    const { socket, port: from } = await openTunnel(proxy.port, `site.test:${port}`);
    const tls = await tlsInside(socket, 'site.test', proxy.ca);
    const answer = await converse(tls, 'GET / HTTP/1.1\r\nHost: site.test\r\n\r\n');
    assert.match(answer, /^HTTP\/1\.1 502 /);
    assert.equal((await proxy.flowOf(from)).fault, 'origin-client-cert');
  });

  test('an origin that speaks only TLS 1.1 is refused in one handshake, without a lower retry', async () => {
    const port = await origin(ca.issue({ names: ['site.test'] }), {
      minVersion: 'TLSv1',
      maxVersion: 'TLSv1.1',
      ciphers: 'DEFAULT:@SECLEVEL=0',
    });
    let connections = 0;
    servers.at(-1)?.on('connection', () => connections++);
    const { socket, port: from } = await openTunnel(proxy.port, `site.test:${port}`);
    const tls = await tlsInside(socket, 'site.test', proxy.ca);
    assert.match(await converse(tls, 'GET / HTTP/1.1\r\nHost: site.test\r\n\r\n'), /origin-tls-failed/);
    assert.equal((await proxy.flowOf(from)).fault, 'origin-tls-failed');
    assert.equal(connections, 1);
  });

  test('errors nobody foresaw still become an origin fault, with OpenSSL’s word as detail', () => {
    for (const [code, fault] of [
      ['CRL_HAS_EXPIRED', 'cert-invalid'],
      ['ERR_SSL_WRONG_VERSION_NUMBER', 'origin-tls-failed'],
      ['ECONNRESET', 'origin-tls-failed'],
      ['SOMETHING', 'cert-invalid'],
      ['UNSPECIFIED', 'cert-invalid'],
    ] as const)
      assert.equal(originTlsFault(Object.assign(new Error('x'), { code })).code, fault);
  });
});
