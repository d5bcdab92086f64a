/** The first request of a connection: which of the three kinds it is, and what is no request at all. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { hostOf, readAsked, type Asked } from '../../../src/proxy/ingress/http.ts';
import { capture } from '../../helpers/fixture-hellos.ts';
import { allOf, Harness } from '../harness.ts';

describe('ingress', () => {
  let h: Harness;
  before(() => {
    h = new Harness({ 'limits.head': '8KiB' });
  });
  after(() => h.cleanUp());

  async function read(
    bytes: string | Buffer,
    end = false,
    on = h,
  ): Promise<{ asked: Asked; left: () => Promise<string> }> {
    const { flow, client } = await on.flow();
    on.watch(flow);
    client.write(bytes);
    if (end) client.end();
    const asked = await readAsked(flow);
    return {
      asked,
      left: async () => {
        client.end();
        return (await allOf(flow.socket)).toString('latin1');
      },
    };
  }
  const refused = (code: string, detail?: RegExp) => (e: Error & { code?: string; detail?: string }) => {
    assert.equal(e.code, code);
    if (detail !== undefined) assert.match(e.detail ?? '', detail);
    return true;
  };

  test('CONNECT: the target is canonical, what follows the head is left in the socket', async () => {
    const { asked, left } = await read(
      'CONNECT WWW.Example.TEST.:443 HTTP/1.1\r\nHost: x\r\n\r\nearly bytes',
    );
    assert.ok(asked.kind === 'connect');
    assert.deepEqual(asked.target, { host: 'www.example.test', hostKind: 'name', port: 443 });
    assert.equal(await left(), 'early bytes');
  });

  for (const [target, host, kind] of [
    ['192.0.2.1:443', '192.0.2.1', 'ip'],
    ['[2001:DB8::1]:8443', '2001:db8::1', 'ip'],
    ['xn--bcher-kva.test:443', 'xn--bcher-kva.test', 'name'],
  ] as const)
    test(`CONNECT ${target}`, async () => {
      const { asked } = await read(`CONNECT ${target} HTTP/1.1\r\nHost: x\r\n\r\n`);
      assert.ok(asked.kind === 'connect');
      assert.equal(asked.target.host, host);
      assert.equal(asked.target.hostKind, kind);
    });

  for (const target of [
    'www.test',
    'www.test:0',
    'www.test:65536',
    ':443',
    '[::1:443',
    'a..b:443',
    '2130706433:443',
  ])
    test(`CONNECT ${target} is refused`, async () => {
      await assert.rejects(
        read(`CONNECT ${target} HTTP/1.1\r\nHost: x\r\n\r\n`),
        (e: Error & { code?: string }) => ['target-invalid', 'request-malformed'].includes(e.code ?? ''),
      );
    });

  test('absolute-form: the whole request is left for the relay', async () => {
    const text = 'POST HTTP://a.test/x HTTP/1.1\r\nHost: a.test\r\nContent-Length: 4\r\n\r\nbody';
    const { asked, left } = await read(text);
    assert.equal(asked.kind, 'absolute');
    assert.equal(await left(), text);
  });

  test('origin-form is meant for the proxy itself', async () => {
    const { asked, left } = await read('GET / HTTP/1.1\r\nHost: proxy\r\n\r\n');
    assert.equal(asked.kind, 'setup');
    assert.match(await left(), /^GET \/ /);
  });

  test('a head byte by byte is the same head', async () => {
    const { flow, client } = await h.flow();
    client.setNoDelay(true);
    const reading = readAsked(flow);
    for (const byte of 'CONNECT a.test:443 HTTP/1.1\r\nHost: a\r\n\r\n') {
      client.write(byte);
      await new Promise(resolve => setImmediate(resolve));
    }
    assert.equal((await reading).kind, 'connect');
  });

  test('other protocols are named', async () => {
    await assert.rejects(read(capture('curl')), refused('ingress-malformed', /transparent/));
    await assert.rejects(read(Buffer.from([5, 1, 0])), refused('ingress-malformed', /SOCKS5/));
    await assert.rejects(read('SSH-2.0-OpenSSH\r\n'), refused('ingress-malformed', /SSH/));
    await assert.rejects(read('PROXY TCP4 1.1.1.1 2.2.2.2 1 2\r\n'), refused('ingress-malformed', /PROXY/));
    await assert.rejects(read('\0\x01\x02\r\n\r\n'), refused('request-malformed'));
  });

  test('what never becomes a head ends in its time, and a client that leaves is named', async () => {
    const hasty = new Harness({ 'timeout.ingress': '100ms' });
    await assert.rejects(read('CONNECT a.test:4', false, hasty), refused('ingress-timeout'));
    await hasty.cleanUp();
    await assert.rejects(read('CONNECT a.test:4', true), refused('ingress-closed'));
    await assert.rejects(read(`GET / HTTP/1.1\r\nX: ${'x'.repeat(9000)}`), refused('request-head-too-large'));
  });

  test('CONNECT with a body is no CONNECT', async () => {
    for (const field of ['Content-Length: 5', 'Transfer-Encoding: chunked'])
      await assert.rejects(
        read(`CONNECT a.test:443 HTTP/1.1\r\nHost: a\r\n${field}\r\n\r\nhello`),
        refused('request-malformed'),
      );
  });

  test('hostOf is canonical or throws', () => {
    assert.deepEqual(hostOf('A.Test.'), { host: 'a.test', hostKind: 'name' });
    assert.throws(() => hostOf('a b'), refused('target-invalid'));
  });
});
