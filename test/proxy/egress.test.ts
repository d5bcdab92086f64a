/** Where nothing is ever dialled (requirement S4): by class, by spelling, by name, and our own listeners. */
import assert from 'node:assert/strict';
import { networkInterfaces } from 'node:os';
import { after, before, describe, test } from 'node:test';
import { parseNetwork, type Network } from '../../src/core/network.ts';
import { createDialer } from '../../src/proxy/dial.ts';
import { refusedEgress } from '../../src/proxy/egress.ts';
import { createResolver } from '../../src/proxy/resolve.ts';
import { connect } from 'node:net';
import { converse, startProxy, type TestProxy } from '../helpers/proxy.ts';
import { startRawOrigin, type RawOrigin } from '../helpers/raw-origin.ts';

const REFUSED: Record<string, string[]> = {
  loopback: [
    '127.0.0.1',
    '127.255.255.254',
    '::1',
    '::ffff:127.0.0.1',
    '::ffff:7f00:1',
    '64:ff9b::7f00:1',
    '2002:7f00:1::',
  ],
  metadata: ['169.254.169.254', '::ffff:169.254.169.254', 'fd00:ec2::254', '100.100.100.200'],
  'link-local': ['169.254.1.1', 'fe80::1', '::ffff:169.254.1.1'],
  unspecified: ['0.0.0.0', '::', '::ffff:0.0.0.0'],
  multicast: ['224.0.0.1', '255.255.255.255', 'ff02::1'],
  reserved: ['240.0.0.1', '192.0.2.1', '2001:db8::1', 'not an address', '2130706433', '0177.0.0.1', '127.1'],
};

const network = (text: string): Network => {
  const parsed = parseNetwork(text);
  assert.ok(parsed);
  return parsed;
};

describe('egress', () => {
  for (const [kind, addresses] of Object.entries(REFUSED))
    test(`${kind} addresses are refused in every spelling`, () => {
      for (const address of addresses)
        assert.match(
          refusedEgress(address, 443, { allow: [], ownListeners: [] }) ?? 'allowed',
          new RegExp(`is a ${kind} address`),
          address,
        );
    });

  test('public and private addresses may be dialled', () => {
    for (const address of ['8.8.8.8', '10.1.2.3', '172.16.0.1', '192.168.1.1', 'fd12::1', '2606:4700::1111'])
      assert.equal(refusedEgress(address, 443, { allow: [], ownListeners: [] }), null, address);
  });

  test('egress.allow opens exactly the networks it names', () => {
    const rules = { allow: [network('127.0.0.2/32'), network('fe80::/10')], ownListeners: [] };
    assert.equal(refusedEgress('127.0.0.2', 443, rules), null);
    assert.equal(refusedEgress('::ffff:127.0.0.2', 443, rules), null);
    assert.equal(refusedEgress('fe80::2', 443, rules), null);
    assert.match(refusedEgress('127.0.0.1', 443, rules) ?? '', /loopback/);
  });

  test('our own listeners stay refused whatever egress.allow says, wildcards as every address of this host', () => {
    const allow = [network('0.0.0.0/0'), network('::/0')];
    const own = Object.values(networkInterfaces())
      .flatMap(list => list ?? [])
      .map(i => i.address);
    for (const host of ['::', '0.0.0.0']) {
      const rules = { allow, ownListeners: [{ host, port: 8080 }] };
      for (const address of ['127.0.0.1', '127.0.0.9', '::1', '::ffff:127.0.0.1', '0.0.0.0', '::', ...own])
        assert.match(
          refusedEgress(address, 8080, rules) ?? '',
          /listener of this proxy/,
          `${host} ${address}`,
        );
      assert.equal(refusedEgress('127.0.0.1', 8081, rules), null);
      assert.equal(refusedEgress('8.8.8.8', 8080, rules), null);
    }
    const one = { allow, ownListeners: [{ host: '127.0.0.1', port: 9080 }] };
    assert.match(refusedEgress('::ffff:127.0.0.1', 9080, one) ?? '', /listener/);
  });

  test('a listener on one address is also what its unspecified spelling reaches', () => {
    const rules = {
      allow: [network('0.0.0.0/0'), network('::/0')],
      ownListeners: [{ host: '127.0.0.1', port: 9080 }],
    };
    // Connecting to 0.0.0.0 or :: arrives at loopback on Linux.
    for (const address of ['0.0.0.0', '::'])
      assert.match(refusedEgress(address, 9080, rules) ?? '', /listener/, address);
    const named = { ...rules, ownListeners: [{ host: 'localhost', port: 9080 }] };
    for (const address of ['127.0.0.1', '::1', '0.0.0.0'])
      assert.match(refusedEgress(address, 9080, named) ?? '', /listener/, address);
  });
});

describe('egress through the dialer', () => {
  let origin: RawOrigin;
  before(async () => {
    origin = await startRawOrigin(() => undefined);
  });
  after(() => origin.stop());

  test('a name is judged by what it resolves to, and what is refused is never dialled', async () => {
    for (const address of ['127.0.0.1', '::1', '0.0.0.0', '169.254.169.254', 'fe80::1']) {
      const dialer = createDialer(
        createResolver({
          system: () => Promise.resolve([{ address, family: address.includes(':') ? 6 : 4 }]),
        }),
        () => ({ allow: [], ownListeners: [] }),
      );
      await assert.rejects(
        dialer.dial('innocent.test', origin.port, { onCancellable: () => undefined }),
        (e: Error & { code: string }) => e.code === 'egress-refused',
      );
    }
    assert.equal(origin.sockets.length, 0);
  });

  test('of several addresses only the permitted ones are tried', async () => {
    const dialer = createDialer(
      createResolver({
        system: () =>
          Promise.resolve([
            { address: '127.0.0.1', family: 4 },
            { address: '127.0.0.3', family: 4 },
          ]),
      }),
      () => ({ allow: [network('127.0.0.3/32')], ownListeners: [] }),
    );
    // Nobody listens on 127.0.0.3; the listening 127.0.0.1 must not be the way out.
    await assert.rejects(
      dialer.dial('mixed.test', origin.port, { onCancellable: () => undefined }),
      (e: Error & { code: string }) => e.code === 'origin-refused',
    );
    assert.equal(origin.sockets.length, 0);
  });
});

describe('egress as a client meets it', () => {
  let proxy: TestProxy;
  let origin: RawOrigin;
  before(async () => {
    origin = await startRawOrigin(() => undefined);
    proxy = await startProxy({
      flags: {
        'egress.allow': 'none',
        'proxy.connect-ports': 'any',
        'origin.resolve': [
          'loop.test=127.0.0.1',
          'six.test=::1',
          'zero.test=0.0.0.0',
          'meta.test=169.254.169.254',
        ],
      },
    });
  });
  after(async () => {
    await proxy.stop();
    await origin.stop();
  });

  test('every spelling of this host is refused with 403 or 400 and never dialled', async () => {
    const hosts = [
      '127.0.0.1',
      '[::1]',
      '0.0.0.0',
      '[::ffff:127.0.0.1]',
      'localhost',
      'loop.test',
      'six.test',
    ];
    for (const host of [...hosts, 'zero.test', '[::]', '2130706433', '0x7f000001', '0177.0.0.1', '127.1']) {
      const answer = await converse(
        connect(proxy.port, '127.0.0.1'),
        `GET http://${host}:${origin.port}/ HTTP/1.1\r\nHost: ${host}:${origin.port}\r\n\r\n`,
      );
      assert.match(
        answer,
        /^HTTP\/1\.1 (403|400) [\s\S]*X-Sightglass-Fault: (egress-refused|target-invalid|request-malformed)/,
        host,
      );
    }
    assert.equal(origin.sockets.length, 0);
  });

  test('the metadata service is refused by address and by name', async () => {
    for (const host of ['169.254.169.254', '[fd00:ec2::254]', 'meta.test']) {
      const answer = await converse(
        connect(proxy.port, '127.0.0.1'),
        `GET http://${host}/latest/meta-data/ HTTP/1.1\r\nHost: ${host}\r\n\r\n`,
      );
      assert.match(answer, /^HTTP\/1\.1 403 [\s\S]*egress-refused/, host);
    }
  });

  test('a proxy that is asked for itself does not loop, though loopback is allowed', async () => {
    const looping = await startProxy();
    try {
      const answer = await converse(
        connect(looping.port, '127.0.0.1'),
        `GET http://127.0.0.1:${looping.port}/ HTTP/1.1\r\nHost: 127.0.0.1:${looping.port}\r\n\r\n`,
      );
      assert.match(answer, /^HTTP\/1\.1 403 [\s\S]*egress-refused/);
      assert.equal((await looping.flows(1)).length, 1);
    } finally {
      await looping.stop();
    }
  });
});
