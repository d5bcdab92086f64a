/** The host that exists only inside the proxy: which root a client accepts is proven by a request, and left on the record. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { converse, openTunnel, startProxy, tlsInside, type TestProxy } from '../../helpers/proxy.ts';
import { allOf } from '../harness.ts';

const HOST = 'check.sightglass.internal';
const ASK = `GET /check HTTP/1.1\r\nHost: ${HOST}\r\n\r\n`;

describe('check host', () => {
  let proxy: TestProxy;
  before(async () => {
    // Nothing of it is policy's: it answers under a policy that blocks everything.
    proxy = await startProxy({
      policy: 'version: 1\ndefault: block\n',
      setup: { pac: 'function FindProxyForURL() { return %HERE%; }', profile: '<plist/>', next: true },
    });
  });
  after(() => proxy.stop());

  async function plain(bytes: string): Promise<string> {
    const socket = connect(proxy.port, '127.0.0.1');
    socket.write(bytes);
    return (await allOf(socket)).toString();
  }

  test('over HTTP it answers who came through the proxy, and nobody else', async () => {
    const through = await plain(`GET http://${HOST}/check HTTP/1.1\r\nHost: ${HOST}\r\n\r\n`);
    assert.match(
      through,
      /^HTTP\/1\.1 200 OK[\s\S]*Access-Control-Allow-Origin: \*[\s\S]*sightglass check\n$/,
    );
    assert.match(await plain(ASK), /^HTTP\/1\.1 400 /, 'asked directly it proves nothing');
    assert.match(
      await plain(`GET http://${HOST}:8081/check HTTP/1.1\r\nHost: ${HOST}:8081\r\n\r\n`),
      /^HTTP\/1\.1 403 /,
      'another port is another host, and the policy blocks it',
    );
    const home = await plain(`GET http://${HOST}/ HTTP/1.1\r\nHost: ${HOST}\r\n\r\n`);
    assert.match(
      home,
      new RegExp(`127\\.0\\.0\\.1:${proxy.port}/proxy\\.pac`),
      'it names the proxy, not itself',
    );
    assert.match(home, /connect-src http:\/\/check\.sightglass\.internal/);
  });

  test('over TLS a request proves the root of the leaf: this one, or the one that follows', async () => {
    const roots = { '': proxy.ca, 'next.': readFileSync(join(proxy.dataDir, 'ca/next.crt'), 'utf8') };
    for (const [prefix, root] of Object.entries(roots)) {
      const { socket, port } = await openTunnel(proxy.port, `${prefix}${HOST}:443`);
      const tls = await tlsInside(socket, `${prefix}${HOST}`, root);
      const answer = await converse(tls, `GET /check HTTP/1.1\r\nHost: ${prefix}${HOST}\r\n\r\n`);
      assert.match(answer, /^HTTP\/1\.1 200 OK[\s\S]*sightglass check\n$/);
      const flow = await proxy.flowOf(port);
      assert.deepEqual([flow.verdict, flow.fault, flow.exchanges], [null, null, 0]);
      assert.ok(flow.leafSerial !== null && flow.facts?.host === `${prefix}${HOST}`);
    }
  });

  test('who does not trust the root is recorded as one that refused; who only connects proves nothing', async () => {
    const refused = await openTunnel(proxy.port, `next.${HOST}:443`);
    await assert.rejects(tlsInside(refused.socket, `next.${HOST}`, proxy.ca), /certificate/);
    assert.equal((await proxy.flowOf(refused.port)).fault, 'client-rejected-leaf');
    const idle = await openTunnel(proxy.port, `${HOST}:443`);
    (await tlsInside(idle.socket, HOST, proxy.ca)).end();
    assert.equal((await proxy.flowOf(idle.port)).fault, 'ingress-closed');
    const garbage = await openTunnel(proxy.port, `${HOST}:443`);
    await converse(await tlsInside(garbage.socket, HOST, proxy.ca), 'no http\r\n\r\n');
    assert.notEqual((await proxy.flowOf(garbage.port)).fault, null);
    const other = await openTunnel(proxy.port, `${HOST}:443`);
    await assert.rejects(tlsInside(other.socket, 'www.example.com', proxy.ca));
    assert.equal((await proxy.flowOf(other.port)).fault, 'client-tls-failed');
  });
});
