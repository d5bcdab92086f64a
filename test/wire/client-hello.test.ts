import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  HelloReader,
  MAX_HELLO,
  MAX_RECORDS,
  readHello,
  type HelloResult,
} from '../../src/wire/client-hello.ts';
import * as b from '../helpers/hello-builder.ts';
import { CAPTURES } from '../helpers/fixture-hellos.ts';

function facts(bytes: Buffer) {
  const r = readHello(bytes);
  assert.equal(r.outcome, 'hello', JSON.stringify(r));
  return r.hello;
}

function reason(bytes: Buffer, outcome: 'malformed' | 'not-tls'): string {
  const r = readHello(bytes);
  assert.equal(r.outcome, outcome, JSON.stringify(r));
  return (r as { reason: string }).reason;
}

const withName = (name: string | Buffer): Buffer => b.hello({ extensions: [b.sni(name)] });

describe('facts of a hello', () => {
  test('every field, GREASE left out', () => {
    const h = facts(
      b.hello({
        ciphers: [0x2a2a, 0x1301, 0xc02f],
        extensions: [
          b.other(0x3a3a),
          b.sni('WWW.Example.COM.'),
          b.groups(0x4a4a, 0x11ec, 29),
          b.pointFormats(0),
          b.alpn(Buffer.from([0x5a, 0x5a]), 'h2', 'http/1.1'),
          b.sigAlgs(0x0403, 0x0804),
          b.versions(0x6a6a, 0x0304, 0x0303, 0x7f1c),
          b.ech(0),
          b.other(0xfafa, b.u8(0)),
        ],
      }),
    );
    assert.equal(h.sni, 'www.example.com');
    assert.equal(h.rawSni, 'WWW.Example.COM.');
    assert.deepEqual(h.alpn, ['h2', 'http/1.1']);
    assert.deepEqual(h.versions, ['TLS 1.3', 'TLS 1.2', '0x7f1c']);
    assert.deepEqual(h.ciphers, [0x1301, 0xc02f]);
    assert.deepEqual(h.groups, [0x11ec, 29]);
    assert.equal(h.ech, 'grease-or-real');
    assert.equal(h.grease, true);
  });

  test('without supported_versions the version is that of the message', () => {
    for (const [version, text] of [
      [0x0303, 'TLS 1.2'],
      [0x0302, 'TLS 1.1'],
      [0x0301, 'TLS 1.0'],
      [0x0300, 'SSL 3.0'],
    ] as const)
      assert.deepEqual(facts(b.hello({ version, extensions: [] })).versions, [text]);
  });

  test('no extension block and an empty one are hellos without a name', () => {
    for (const extensions of [null, []]) {
      const h = facts(b.hello({ extensions }));
      assert.equal(h.sni, null);
      assert.equal(h.rawSni, null);
      assert.equal(h.grease, false);
      assert.deepEqual(h.alpn, []);
    }
  });

  test('ECH outer, inner and the abandoned ESNI are told apart from none (H5)', () => {
    assert.equal(facts(b.hello()).ech, 'none');
    assert.equal(facts(b.hello({ extensions: [b.ech(0)] })).ech, 'grease-or-real');
    assert.equal(facts(b.hello({ extensions: [b.ech(1)] })).ech, 'inner');
    assert.equal(facts(b.hello({ extensions: [b.other(0xffce, b.u16(1))] })).ech, 'grease-or-real');
    assert.equal(facts(b.hello({ extensions: [b.ech(1), b.other(0xffce)] })).ech, 'inner');
    assert.match(reason(b.hello({ extensions: [b.ech(2)] }), 'malformed'), /ECH form 2/);
    assert.match(reason(b.hello({ extensions: [b.other(0xfe0d)] }), 'malformed'), /ends 1 bytes too early/);
  });

  test('unknown, zero-length and very many extensions are tolerated (H3)', () => {
    const many = Array.from({ length: 9000 }, (_, i) => b.other(2000 + i));
    const h = facts(b.hello({ extensions: [b.sni('many.example'), ...many] }));
    assert.equal(h.sni, 'many.example');
    assert.match(h.ja4, /^t12d0399/);
  });

  test('a session id is optional, the captured clients are all read', () => {
    assert.equal(facts(b.hello({ sessionId: Buffer.alloc(0) })).sni, 'example.com');
    assert.ok(CAPTURES.length >= 10);
    for (const { name, about, bytes } of CAPTURES) {
      const h = facts(bytes);
      assert.equal(h.rawSni, about.tshark?.sni ?? null, name);
      assert.equal(h.size, b.unrecord(bytes).length, name);
    }
  });
});

describe('server name (H4)', () => {
  const good: Array<[string, string]> = [
    ['example.com', 'example.com'],
    ['EXAMPLE.com', 'example.com'],
    ['example.com.', 'example.com'],
    ['localhost', 'localhost'],
    ['xn--bcher-kva.example', 'xn--bcher-kva.example'],
    ['XN--BCHER-KVA.example', 'xn--bcher-kva.example'],
    ['_dmarc.example.com', '_dmarc.example.com'],
    ['r3---sn-4g5e6nsz.example', 'r3---sn-4g5e6nsz.example'],
    [`${'a'.repeat(63)}.example`, `${'a'.repeat(63)}.example`],
  ];
  for (const [raw, sni] of good)
    test(`"${raw}" is ${sni}`, () => {
      const h = facts(withName(raw));
      assert.equal(h.sni, sni);
      assert.equal(h.rawSni, raw);
    });

  for (const raw of ['192.0.2.7', '2001:db8::7', '[2001:db8::7]'])
    test(`the IP literal ${raw} is no name`, () => {
      const h = facts(withName(raw));
      assert.equal(h.sni, null);
      assert.equal(h.rawSni, raw);
    });

  const bad: Array<[string, Buffer, RegExp]> = [
    ['empty name', withName(''), /empty name/],
    ['NUL inside', withName('good.example\0.evil.example'), /NUL/],
    ['NUL at the end', withName('good.example\0'), /NUL/],
    ['BEL', withName('a\x07b.example'), /control byte 0x07/],
    ['ANSI escape', withName('\x1b[31mred.example'), /control byte 0x1b/],
    ['DEL', withName('a\x7f.example'), /control byte 0x7f/],
    ['CR LF', withName('a.example\r\nX: y'), /control byte 0x0d/],
    ['space', withName('a b.example'), /space/],
    ['UTF-8', withName(Buffer.from('bücher.example', 'utf8')), /non-ASCII byte 0xc3/],
    ['latin1', withName(Buffer.from('bücher.example', 'latin1')), /non-ASCII byte 0xfc/],
    ['wildcard', withName('*.example.com'), /no host name/],
    ['port', withName('example.com:443'), /no host name/],
    ['slash', withName('example.com/x'), /no host name/],
    ['percent', withName('%65xample.com'), /no host name/],
    ['leading dot', withName('.example.com'), /empty label/],
    ['two dots', withName('a..example.com'), /empty label/],
    ['only a dot', withName('.'), /empty name/],
    ['label of 64', withName(`${'a'.repeat(64)}.example`), /longer than 63/],
    ['254 characters', withName(`${'a'.repeat(49)}.`.repeat(5) + 'abcd'), /longer than 253/],
    ['65,000 characters', withName('a'.repeat(65_000)), /no host name/],
    ['decimal IPv4', withName('2130706433'), /numeric last label/],
    ['octal IPv4', withName('0177.0.0.1'), /numeric|ambiguous/],
    ['bad A-label', withName('xn--\x61\x2d\x2d.example'), /no host name/],
    [
      'two names',
      b.hello({ extensions: [b.serverNames([0, 'a.example'], [0, 'b.example'])] }),
      /more than one/,
    ],
    [
      'same name twice',
      b.hello({ extensions: [b.serverNames([0, 'a.example'], [0, 'a.example'])] }),
      /more than one/,
    ],
    ['name type 1', b.hello({ extensions: [b.serverNames([1, 'a.example'])] }), /name type 1/],
    [
      'second of type 1',
      b.hello({ extensions: [b.serverNames([0, 'a.example'], [1, 'x'])] }),
      /more than one/,
    ],
    ['empty list', b.hello({ extensions: [b.serverNames()] }), /empty list/],
    ['empty extension', b.hello({ extensions: [b.other(0)] }), /too early/],
    ['list longer than data', b.hello({ extensions: [b.other(0, b.u16(9))] }), /too early/],
    [
      'bytes after the list',
      b.hello({ extensions: [b.other(0, Buffer.concat([b.sni('a.example')[1], b.u8(0)]))] }),
      /1 bytes too many/,
    ],
  ];
  for (const [what, bytes, why] of bad)
    test(`${what} is malformed`, () => assert.match(reason(bytes, 'malformed'), why));
});

describe('structure', () => {
  const bad: Array<[string, Buffer, RegExp]> = [
    ['duplicate SNI', b.hello({ extensions: [b.sni('a.example'), b.sni('b.example')] }), /extension 0 twice/],
    ['duplicate unknown', b.hello({ extensions: [b.other(4242), b.other(4242)] }), /extension 4242 twice/],
    ['duplicate GREASE', b.hello({ extensions: [b.other(0x1a1a), b.other(0x1a1a)] }), /twice/],
    [
      'pre_shared_key not last',
      b.hello({ extensions: [b.other(41, b.u8(1)), b.other(99)] }),
      /pre_shared_key/,
    ],
    ['no cipher suites', b.hello({ ciphers: [] }), /no cipher suite/],
    ['odd cipher list', b.hello({ cipherBytes: Buffer.alloc(3) }), /odd length/],
    ['no compression method', b.hello({ compression: Buffer.alloc(0) }), /no compression/],
    ['session id of 33', b.hello({ sessionId: Buffer.alloc(33) }), /session id of 33/],
    ['version 2', b.hello({ version: 0x0002 }), /version 0x0002/],
    ['version 0xfeff', b.hello({ version: 0xfeff }), /version 0xfeff/],
    ['bytes after extensions', b.hello({ trailer: b.u8(0) }), /1 bytes too many/],
    [
      'extension beyond its block',
      b.hello({ extensions: [[9, Buffer.alloc(0)]], trailer: b.u16(3) }),
      /too many/,
    ],
    ['empty ALPN', b.hello({ extensions: [b.alpn()] }), /ALPN is an empty list/],
    ['empty ALPN name', b.hello({ extensions: [b.alpn('h2', '')] }), /empty protocol name/],
    [
      'odd groups',
      b.hello({ extensions: [b.other(10, b.vec16(Buffer.alloc(3)))] }),
      /supported_groups has an odd/,
    ],
    ['empty versions', b.hello({ extensions: [b.versions()] }), /supported_versions is an empty list/],
    [
      'empty signature algorithms',
      b.hello({ extensions: [b.sigAlgs()] }),
      /signature_algorithms is an empty/,
    ],
    ['empty point formats', b.hello({ extensions: [b.pointFormats()] }), /ec_point_formats is an empty/],
    ['message shorter than its parts', b.hello({ claimedLength: 50 }), /bytes after the ClientHello/],
    ['body of nothing', b.records(Buffer.from([1, 0, 0, 0])), /ends 2 bytes too early/],
    ['ServerHello', b.hello({ type: 2 }), /type 2, not a ClientHello/],
    ['HelloRequest', b.records(Buffer.from([0, 0, 0, 0])), /type 0, not a ClientHello/],
  ];
  for (const [what, bytes, why] of bad)
    test(`${what} is malformed`, () => assert.match(reason(bytes, 'malformed'), why));

  test('every truncation inside the message is malformed, none is taken for a hello', () => {
    const whole = b.message({
      extensions: [b.sni('a.example'), b.alpn('h2'), b.versions(0x0304), b.groups(29)],
    });
    // Up to the end of the compression methods; there the hello without extensions is legal.
    const legal = 4 + 2 + 32 + 33 + 2 + 2 * b.PLAIN_CIPHERS.length + 2;
    for (let n = 4; n < whole.length; n++) {
      const cut = Buffer.from(whole.subarray(0, n));
      cut.writeUIntBE(n - 4, 1, 3);
      assert.equal(readHello(b.records(cut)).outcome, n === legal ? 'hello' : 'malformed', `cut at ${n}`);
    }
  });
});

describe('records', () => {
  test('what is no TLS is told by its first bytes (H6)', () => {
    for (const text of ['GET / HTTP/1.1\r\n', 'PRI * HTTP/2.0\r\n', 'SSH-2.0-x\r\n', 'x'])
      assert.match(reason(Buffer.from(text), 'not-tls'), /text, not a TLS record/);
    // An SSLv2 hello: two length bytes with the high bit, then message type 1.
    assert.match(reason(Buffer.from('802e0100020015', 'hex'), 'not-tls'), /SSLv2/);
    assert.match(reason(Buffer.from([0]), 'not-tls'), /0x00/);
    assert.match(reason(Buffer.from([22, 2, 0, 0, 5]), 'not-tls'), /second byte 0x02/);
    assert.match(reason(Buffer.from([22, 0xfe, 0xfd]), 'not-tls'), /second byte 0xfe/);
  });

  test('TLS that is no ClientHello is malformed', () => {
    assert.match(reason(b.record(Buffer.from([2, 40]), 21), 'malformed'), /type 21 \(alert\)/);
    assert.match(reason(b.record(Buffer.alloc(9), 23), 'malformed'), /application_data/);
    assert.match(reason(b.record(Buffer.alloc(1), 20), 'malformed'), /change_cipher_spec/);
  });

  test('a record of another kind in the middle is malformed', () => {
    const msg = b.message();
    const first = b.record(msg.subarray(0, 20));
    assert.match(
      reason(Buffer.concat([first, b.record(Buffer.from([1, 0]), 21)]), 'malformed'),
      /record 2 .*alert/,
    );
    assert.match(
      reason(Buffer.concat([first, b.record(msg.subarray(20), 22, 0x0201)]), 'malformed'),
      /record 2/,
    );
  });

  test('empty and oversized records are malformed', () => {
    assert.match(reason(b.record(Buffer.alloc(0)), 'malformed'), /empty/);
    const msg = b.message({ extensions: [b.sni('a.example'), b.padding(30_000)] });
    assert.match(reason(b.records(msg, 2 ** 14 + 1), 'malformed'), /16385 bytes/);
    assert.equal(facts(b.records(msg, 2 ** 14)).sni, 'a.example');
  });

  test('bytes after the message in its record are malformed, bytes after the record are not ours', () => {
    const msg = b.message();
    assert.match(
      reason(b.record(Buffer.concat([msg, Buffer.from([1])])), 'malformed'),
      /after the ClientHello/,
    );
    assert.equal(facts(Buffer.concat([b.record(msg), b.record(Buffer.alloc(100), 23)])).sni, 'example.com');
    assert.equal(facts(Buffer.concat([b.record(msg), Buffer.from('anything')])).sni, 'example.com');
  });

  test('any minor version and any record version of SSL 3 or later is read', () => {
    for (const version of [0x0300, 0x0301, 0x0303, 0x0304, 0x03ff])
      assert.equal(facts(b.record(b.message(), 22, version)).sni, 'example.com');
  });

  test('the message may be as long as the cap and no longer (H2)', () => {
    const base = b.message({ extensions: [b.sni('a.example'), b.padding(0)] }).length;
    // One extension holds at most 65,535 bytes, which is just enough.
    const exact = b.message({ extensions: [b.sni('a.example'), b.padding(MAX_HELLO - base)] });
    assert.equal(exact.length, MAX_HELLO);
    assert.equal(facts(b.records(exact)).sni, 'a.example');
    const over = b.message({ extensions: [b.sni('a.example'), b.padding(MAX_HELLO - base + 1)] });
    assert.match(reason(b.records(over), 'malformed'), /longer than the 65536/);
  });

  test('a claim of 16 MB is refused on the claim, with ten bytes read and next to nothing allocated (H2)', () => {
    const reader = new HelloReader();
    const before = process.memoryUsage().arrayBuffers;
    assert.equal(reader.push(Buffer.from([22, 3, 1, 0x40, 0, 1, 0xff, 0xff])).outcome, 'need-more');
    assert.equal(reader.push(Buffer.from([0xff])).outcome, 'malformed');
    assert.ok(process.memoryUsage().arrayBuffers - before < 1024 * 1024);
  });

  test('more records than the bound are malformed; a 16 KiB hello in one-byte records is not', () => {
    const base = b.message({ extensions: [b.sni('a.example'), b.padding(0)] }).length;
    const fits = b.message({ extensions: [b.sni('a.example'), b.padding(MAX_RECORDS - base)] });
    assert.equal(facts(b.records(fits, 1)).sni, 'a.example');
    const over = b.message({ extensions: [b.sni('a.example'), b.padding(MAX_RECORDS - base + 1)] });
    assert.match(reason(b.records(over, 1), 'malformed'), /more than 16384 TLS records/);
  });
});

describe('incremental reading (H1)', () => {
  test('an empty chunk changes nothing and a final outcome stays', () => {
    const reader = new HelloReader();
    assert.equal(reader.push(Buffer.alloc(0)).outcome, 'need-more');
    const final = reader.push(b.hello());
    assert.equal(final.outcome, 'hello');
    assert.equal(reader.push(Buffer.from('garbage')), final);
  });

  test('the reader keeps no view of the chunk it was given', () => {
    const bytes = b.hello({ extensions: [b.sni('kept.example')] });
    const reader = new HelloReader();
    const chunk = Buffer.from(bytes.subarray(0, 90));
    reader.push(chunk);
    chunk.fill(0xff);
    const r = reader.push(bytes.subarray(90));
    assert.equal(r.outcome === 'hello' && r.hello.sni, 'kept.example');
  });

  test('byte by byte, each byte of a 60 KiB hello is copied a bounded number of times', () => {
    // Counted, not timed: the bytes that Buffer.copy moves stay within a small multiple of the hello.
    const bytes = b.hello({ extensions: [b.sni('a.example'), b.padding(60_000)] });
    const proto = Buffer.prototype as Buffer;
    const original = Object.getOwnPropertyDescriptor(proto, 'copy') as PropertyDescriptor;
    const copy = original.value as (this: Buffer, ...args: unknown[]) => number;
    let copied = 0;
    Object.defineProperty(proto, 'copy', {
      ...original,
      value: function (this: Buffer, ...args: unknown[]) {
        const n = copy.apply(this, args);
        copied += n;
        return n;
      },
    });
    try {
      const reader = new HelloReader();
      let r: HelloResult = { outcome: 'need-more' };
      for (const byte of bytes) r = reader.push(Buffer.from([byte]));
      assert.equal(r.outcome, 'hello');
    } finally {
      Object.defineProperty(proto, 'copy', original);
    }
    assert.ok(copied >= bytes.length - 5, 'the count counts');
    assert.ok(copied < 4 * bytes.length, `${copied} bytes copied for ${bytes.length}`);
  });
});
