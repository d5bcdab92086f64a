import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { HelloReader, MAX_HELLO, MAX_RECORDS, type HelloResult } from '../../src/wire/client-hello.ts';
import * as b from '../helpers/hello-builder.ts';
import { factsOf as facts, reasonOf as reason } from '../helpers/hello-judges.ts';
import { CAPTURES } from '../helpers/fixture-hellos.ts';

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

describe('records', () => {
  test('what is no TLS is told by its first bytes (H6)', () => {
    for (const text of ['GET / HTTP/1.1\r\n', 'PRI * HTTP/2.0\r\n', 'SSH-2.0-x\r\n', 'x'])
      assert.match(reason(Buffer.from(text), 'not-tls'), /text, not a TLS record/);
    // An SSLv2 hello: two length bytes with the high bit, then message type 1.
    assert.match(reason(Buffer.from('802e0100020015', 'hex'), 'not-tls'), /SSLv2/);
    assert.match(reason(Buffer.from([0]), 'not-tls'), /0x00/);
    assert.match(reason(Buffer.from([23, 2, 0, 0, 5]), 'not-tls'), /second byte 0x02/);
    assert.match(reason(Buffer.from([20, 0xfe, 0xfd]), 'not-tls'), /second byte 0xfe/);
  });

  test('a handshake record of a version that does not exist is malformed: OpenSSL 3.5 would read it', () => {
    assert.match(reason(Buffer.from([22, 2, 0, 0, 5]), 'malformed'), /version byte 0x02/);
    assert.match(reason(Buffer.from([22, 0xfe, 0xfd]), 'malformed'), /version byte 0xfe/);
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
