/** The outcome depends on the bytes alone: whole, split at every offset, byte by byte, in records of every size. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { HelloReader, readHello, type HelloResult } from '../../src/wire/client-hello.ts';
import { sniff } from '../../src/wire/sniff.ts';
import * as b from '../helpers/hello-builder.ts';
import { CAPTURES, capture } from '../helpers/fixture-hellos.ts';

function feed(chunks: Iterable<Buffer>): HelloResult {
  const reader = new HelloReader();
  let result: HelloResult = { outcome: 'need-more' };
  for (const chunk of chunks) result = reader.push(chunk);
  return result;
}

function* pieces(bytes: Buffer, size: number): Generator<Buffer> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

/** One of each outcome and of each phase that can refuse. */
const CASES: Array<[string, Buffer]> = [
  ...CAPTURES.map(c => [c.name, c.bytes] as [string, Buffer]),
  ['half a hello', capture('curl').subarray(0, 200)],
  ['http', Buffer.from('GET / HTTP/1.1\r\nHost: a\r\n\r\n')],
  ['sslv2', Buffer.from('802e0100020015000000100100800300', 'hex')],
  ['tls that is no handshake', b.record(Buffer.from([2, 40]), 21)],
  ['two names', b.hello({ extensions: [b.serverNames([0, 'a.example'], [0, 'b.example'])] })],
  ['late duplicate', b.hello({ extensions: [b.sni('a.example'), b.alpn('h2'), b.other(7), b.other(7)] })],
  ['trailing bytes', b.record(Buffer.concat([b.message(), Buffer.alloc(5)]))],
  ['empty record later', Buffer.concat([b.record(b.message().subarray(0, 9)), b.record(Buffer.alloc(0))])],
  ['early data after it', Buffer.concat([b.hello(), b.record(Buffer.alloc(50), 23)])],
];

describe('TCP segments', () => {
  for (const [name, bytes] of CASES) {
    test(`${name}: split at every offset`, () => {
      const whole = readHello(bytes);
      for (let cut = 0; cut <= bytes.length; cut++)
        assert.deepEqual(feed([bytes.subarray(0, cut), bytes.subarray(cut)]), whole, `cut at ${cut}`);
    });
    test(`${name}: byte by byte and in threes`, () => {
      const whole = readHello(bytes);
      assert.deepEqual(feed(pieces(bytes, 1)), whole);
      assert.deepEqual(feed(pieces(bytes, 3)), whole);
    });
  }

  test('a prefix is need-more until the last byte of the hello, never anything else', () => {
    const bytes = capture('chromium');
    const reader = new HelloReader();
    for (let i = 0; i < bytes.length - 1; i++)
      assert.equal(reader.push(bytes.subarray(i, i + 1)).outcome, 'need-more', `byte ${i}`);
    assert.equal(reader.push(bytes.subarray(-1)).outcome, 'hello');
  });
});

describe('TLS records', () => {
  for (const name of ['chromium', 'curl', 'openssl-no-sni']) {
    test(`${name}: records of every size give the same facts`, () => {
      const whole = readHello(capture(name));
      const message = b.unrecord(capture(name));
      for (let size = 1; size <= message.length; size++)
        assert.deepEqual(readHello(b.records(message, size)), whole, `records of ${size}`);
    });
  }

  test('any cut into records, then any cut into segments', () => {
    const message = b.unrecord(capture('chromium'));
    const whole = readHello(capture('chromium'));
    const sizes = fc.array(fc.integer({ min: 1, max: 700 }), { minLength: 1, maxLength: 20 });
    fc.assert(
      fc.property(sizes, sizes, (recordSizes, segmentSizes) => {
        const cut = (bytes: Buffer, by: number[]): Buffer[] => {
          const out: Buffer[] = [];
          for (let at = 0, i = 0; at < bytes.length; i++) {
            const n = by[i % by.length] as number;
            out.push(bytes.subarray(at, at + n));
            at += n;
          }
          return out;
        };
        const wire = Buffer.concat(cut(message, recordSizes).map(f => b.record(f)));
        assert.deepEqual(feed(cut(wire, segmentSizes)), whole);
      }),
      { numRuns: 200, seed: 20261120 },
    );
  });
});

describe('any bytes', () => {
  test('no throw, cuts do not matter, and sniff agrees about what is TLS', () => {
    const start = fc.constantFrom('', '16', '1603', '160301', '160301000401000000', '14', '17', '80', '47');
    fc.assert(
      fc.property(start, fc.uint8Array({ maxLength: 80 }), fc.nat(90), (hex, tail, cut) => {
        const bytes = Buffer.concat([Buffer.from(hex, 'hex'), tail]);
        const whole = readHello(bytes);
        assert.deepEqual(feed([bytes.subarray(0, cut), bytes.subarray(cut)]), whole);
        if (bytes.length >= 2) assert.equal(sniff(bytes) === 'tls', whole.outcome !== 'not-tls');
      }),
      { numRuns: 2000, seed: 20261120 },
    );
  });
});
