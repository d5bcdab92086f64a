/** The setup site: the root and how to use it, for anybody on the network, and nothing else of the product. */
import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { connect } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { runInNewContext } from 'node:vm';
import { startProxy, type TestProxy } from '../../helpers/proxy.ts';
import { allOf } from '../harness.ts';

describe('setup site', () => {
  let proxy: TestProxy;
  before(async () => {
    proxy = await startProxy();
  });
  after(() => proxy.stop());

  async function get(path: string, host = 'proxy.corp:8080', method = 'GET') {
    const socket = connect(proxy.port, '127.0.0.1');
    socket.write(`${method} ${path} HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
    const bytes = await allOf(socket);
    const end = bytes.indexOf('\r\n\r\n');
    return { head: bytes.toString('latin1', 0, end), body: bytes.subarray(end + 4) };
  }

  test('the root as PEM and as DER is the one that signs', async () => {
    const own = new X509Certificate(proxy.ca).fingerprint256;
    const pem = await get('/ca.pem');
    assert.match(pem.head, /^HTTP\/1\.1 200 OK\r\n[\s\S]*filename="sightglass-ca\.pem"/);
    assert.equal(new X509Certificate(pem.body).fingerprint256, own);
    const der = await get('/ca.crt');
    assert.match(der.head, /Content-Type: application\/x-x509-ca-cert/);
    assert.equal(new X509Certificate(der.body).fingerprint256, own);
    assert.ok((await get('/')).body.includes(own));
  });

  test('the automatic configuration leads everything but this host to the proxy', async () => {
    const { head, body } = await get('/proxy.pac?x=1');
    assert.match(head, /application\/x-ns-proxy-autoconfig/);
    const find = runInNewContext(`${body.toString()}; FindProxyForURL`, {
      isPlainHostName: (h: string) => !h.includes('.'),
    }) as (url: string, host: string) => string;
    assert.equal(find('https://example.test/', 'example.test'), 'PROXY proxy.corp:8080');
    assert.equal(find('http://intranet/', 'intranet'), 'DIRECT');
    assert.equal(find('http://127.0.0.1/', '127.0.0.1'), 'DIRECT');
    const wpad = await get('/wpad.dat');
    assert.match(wpad.head, /application\/x-ns-proxy-autoconfig/);
    assert.deepEqual(wpad.body, body);
  });

  test('a Host that is none never gets into a page or a script', async () => {
    for (const host of ['x";alert(1)//', '<script>alert(1)</script>', 'a b', '']) {
      for (const path of ['/', '/proxy.pac']) {
        const { head, body } = await get(path, host);
        if (head.startsWith('HTTP/1.1 200')) assert.doesNotMatch(body.toString(), /alert|<script/i, host);
        else assert.match(head, /^HTTP\/1\.1 400 /);
      }
    }
  });

  test('HEAD has the head of GET and no body', async () => {
    const [head, whole] = [await get('/ca.pem', 'p', 'HEAD'), await get('/ca.pem', 'p')];
    assert.equal(head.head, whole.head);
    assert.equal(head.body.length, 0);
  });

  test('other methods and paths are told that this is a proxy; there is no way to console, records or keys', async () => {
    for (const [method, path] of [
      ['POST', '/'],
      ['DELETE', '/ca.pem'],
      ['GET', '/api/session'],
      ['GET', '/ca.key'],
      ['GET', '/../../etc/passwd'],
      ['GET', '//ca.pem'],
    ] as const)
      assert.match((await get(path, 'p', method)).head, /^HTTP\/1\.1 400 /, `${method} ${path}`);
    assert.match((await get('/')).head, /Content-Security-Policy: default-src 'none'/);
  });

  test('a visit leaves one row with neither verdict nor fault', async () => {
    const before = proxy.audit.flows.length;
    await get('/');
    const [row] = (await proxy.flows(before + 1)).slice(before);
    assert.equal(row?.verdict, null);
    assert.equal(row?.fault, null);
  });
});
