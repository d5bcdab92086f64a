/** TLS with the parent itself: verified like an origin, and what goes wrong with its certificate is told apart. */
import assert from 'node:assert/strict';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { createServer as createTlsServer, createSecureContext } from 'node:tls';
import { after, before, describe, test } from 'node:test';
import { Fault } from '../../src/core/faults.ts';
import { secureParent } from '../../src/proxy/parent-tls.ts';
import { OriginCa } from '../helpers/proxy.ts';

describe('TLS with a parent', () => {
  const ca = new OriginCa();
  const server = createTlsServer();
  let port = 0;
  before(async () => {
    server.setSecureContext(await ca.certificate('proxy.test'));
    server.on('secureConnection', socket => socket.end(`hello ${String(socket.servername)}`));
    server.on('tlsClientError', () => undefined);
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
    port = (server.address() as AddressInfo).port;
  });
  after(() => {
    server.close();
    ca.remove();
  });

  const trusting = (pem: string, ownCas: string[] = []) => ({
    context: () => createSecureContext({ ca: pem }),
    ownCas: new Set(ownCas),
  });
  async function tcp(to = port): Promise<Socket> {
    const socket = connect(to, '127.0.0.1');
    await new Promise(resolve => socket.once('connect', resolve));
    return socket;
  }
  const refused = (code: string, detail: RegExp) => (e: unknown) => {
    assert.ok(e instanceof Fault);
    assert.equal(e.code, code);
    assert.match(e.detail ?? '', detail);
    return true;
  };
  const quietly = (): void => undefined;

  test('is complete before the socket is handed out, and names the host', async () => {
    const tls = await secureParent(await tcp(), 'proxy.test', trusting(ca.pem), quietly);
    assert.equal(tls.authorized, true);
    let text = '';
    tls.on('data', chunk => (text += String(chunk)));
    await new Promise(resolve => tls.once('end', resolve));
    assert.equal(text, 'hello proxy.test');
    tls.destroy();
  });

  test('another name, an unknown authority and our own authority are refused', async () => {
    const other = new OriginCa();
    await assert.rejects(
      secureParent(await tcp(), 'other.test', trusting(ca.pem), quietly),
      refused('parent-untrusted', /^cert-name-mismatch, /),
    );
    await assert.rejects(
      secureParent(await tcp(), 'proxy.test', trusting(other.pem), quietly),
      refused('parent-untrusted', /^cert-untrusted, /),
    );
    const { X509Certificate } = await import('node:crypto');
    const own = new X509Certificate(ca.pem).fingerprint256.replaceAll(':', '').toLowerCase();
    await assert.rejects(
      secureParent(await tcp(), 'proxy.test', trusting(ca.pem, [own]), quietly),
      refused('parent-untrusted', /^cert-own-ca, /),
    );
    other.remove();
  });

  test('a parent without TLS, one that hangs up, and a cancelled attempt', async () => {
    const plain = createServer(socket => {
      socket.on('error', () => undefined);
      socket.once('data', () => socket.end('HTTP/1.1 400 No\r\n\r\n'));
    });
    const silent = createServer(socket => socket.on('error', () => undefined));
    for (const s of [plain, silent]) await new Promise<void>(resolve => s.listen(0, '127.0.0.1', resolve));
    const portOf = (s: typeof plain): number => (s.address() as AddressInfo).port;
    await assert.rejects(
      secureParent(await tcp(portOf(plain)), 'proxy.test', trusting(ca.pem), quietly),
      refused('parent-unreachable', /./),
    );
    let cancel: ((fault: Fault) => void) | null = null;
    const waiting = await tcp(portOf(silent));
    const attempt = secureParent(waiting, 'proxy.test', trusting(ca.pem), c => {
      cancel = c;
    });
    const ended = assert.rejects(attempt, refused('draining', /^$/));
    (cancel as ((fault: Fault) => void) | null)?.(new Fault('draining'));
    await ended;
    assert.equal(waiting.destroyed, true);
    plain.close();
    silent.close();
  });
});
