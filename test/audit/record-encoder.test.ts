/** Encoder and decoder walk through a segment in step: every record comes back exactly as it was, hostile ones included. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { BODY_FORMS } from '../../src/core/masking.ts';
import { ByteWriter, CodecError } from '../../src/audit/bytes.ts';
import { newCursor, readFrame } from '../../src/audit/frame.ts';
import { RecordDecoder } from '../../src/audit/record-decoder.ts';
import { RecordEncoder } from '../../src/audit/record-encoder.ts';
import { makeRng } from '../fuzz/rng.ts';
import { exchange, flow, flowId, flowOpen, HOSTILE, randomExchange, spooled } from './sample.ts';
import type { AuditRecord } from '../../src/core/records.ts';

const SALT = 99;

/** Frames of `records`, and what a decoder makes of them. */
function encoded(records: AuditRecord[], encoder = new RecordEncoder(new ByteWriter(16), SALT)): Buffer {
  for (const record of records) encoder.encode(record);
  return Buffer.from(encoder.out.bytes.subarray(0, encoder.out.at));
}

function decoded(bytes: Buffer, decoder = new RecordDecoder()): AuditRecord[] {
  const cursor = newCursor();
  const out: AuditRecord[] = [];
  for (let at = 0; at < bytes.length; at = cursor.end) {
    assert.equal(readFrame(bytes, at, bytes.length, SALT, cursor), 'frame');
    const record = decoder.decode(bytes, cursor.type, cursor.start, cursor.end);
    if (record !== null) out.push(record);
  }
  return out;
}

describe('records', () => {
  it('of every kind come back', () => {
    const records: AuditRecord[] = [
      flowOpen(),
      { kind: 'body', flow: flowId(3, 9), n: 4, side: 'req', data: Buffer.from([0, 255, 10, 13]) },
      { kind: 'body', flow: flowId(2 ** 26 - 1, 2 ** 27 - 1), n: 1, side: 'res', data: Buffer.alloc(0) },
      exchange(),
      flow(),
      { kind: 'event', time: 5, name: 'policy.applied', detail: { version: 'x', nested: [1, null] } },
    ];
    assert.deepEqual(decoded(encoded(records)), records);
  });

  it('at random come back, in one segment and over forgotten dictionaries', () => {
    const rng = makeRng(1);
    // More different texts than a dictionary holds, so that it is emptied more than once.
    const records = Array.from({ length: 12_000 }, (_, i) => ({
      ...randomExchange(rng, flowId(1, 1 + rng.int(50)), i, 1_795_000_000_000 + i / 3),
      ...(i % 2 === 0 ? { reqHeaders: `X-Unique: ${i}\r\n` } : {}),
    }));
    assert.deepEqual(decoded(encoded(records)), spooled(records));
  });

  it('with hostile texts in every field come back', () => {
    for (const text of [...HOSTILE, '', 'x'.repeat(100_000), '\u0100'.repeat(70)]) {
      const recordsOf = (text: string): AuditRecord[] => [
        exchange({
          path: text,
          host: text,
          method: text,
          user: text,
          reqHeaders: text,
          resHeaders: text,
          contentType: text,
          fault: text,
          faultDetail: text,
          protocol: text,
          masked: text,
        }),
        flow({ faultDetail: text }),
      ];
      // Half a surrogate pair is in no database text, so it ends here.
      assert.deepEqual(decoded(encoded(recordsOf(text))), recordsOf(text.replace('\ud800', '\ufffd')));
    }
  });

  it('with numbers at their ends come back', () => {
    for (const n of [0, 1, 127, 128, 16_383, 16_384, 2 ** 31 - 1, 2 ** 31, 2 ** 32 + 5, 2 ** 53 - 1]) {
      const record = exchange({
        n,
        port: n,
        time: n,
        status: n,
        req: { size: n, kept: n, sha256: 'ab'.repeat(32), truncated: true },
        res: { size: n, kept: 0, sha256: null, truncated: n === 0 },
      });
      assert.deepEqual(decoded(encoded([record])), [record]);
    }
  });

  it('with every form of a body come back', () => {
    for (const form of BODY_FORMS.slice(1)) {
      const record = exchange({
        req: { size: 9, kept: 0, sha256: null, truncated: false, form },
        res: { size: 9, kept: 5, sha256: 'ab'.repeat(32), truncated: true, form },
        masked: 'req-body:card=2',
      });
      assert.deepEqual(decoded(encoded([record])), [record]);
    }
  });

  it('share their repeated texts: the second exchange of a kind takes a tenth of the first', () => {
    const encoder = new RecordEncoder(new ByteWriter(64), SALT);
    const first = encoded([exchange()], encoder).length;
    const second = encoded([exchange({ n: 2 })], encoder).length - first;
    assert.ok(second * 6 < first, `${first} bytes, then ${second}`);
  });

  it('refer to nothing that was dropped', () => {
    const encoder = new RecordEncoder(new ByteWriter(64), SALT);
    encoder.encode(exchange({ reqHeaders: 'lost' }));
    encoder.out.at = 0;
    encoder.abandon();
    const records = [exchange({ reqHeaders: 'lost', n: 2 })];
    assert.deepEqual(decoded(encoded(records, encoder)), records);
  });
});

describe('the decoder', () => {
  it('says when a definition is missing instead of using another', () => {
    const encoder = new RecordEncoder(new ByteWriter(64), SALT);
    const definitions = encoded([exchange()], encoder).length;
    const rest = encoded([exchange({ n: 2 })], encoder).subarray(definitions);
    assert.throws(() => decoded(rest), CodecError);
  });

  it('never hands out anything but a record or a CodecError for any payload', () => {
    const rng = makeRng(8);
    let refused = 0;
    for (let i = 0; i < 4000; i++) {
      const bytes = rng.bytes(rng.int(60));
      try {
        const record = new RecordDecoder().decode(bytes, rng.int(12), 0, bytes.length);
        assert.ok(record === null || typeof record.kind === 'string');
      } catch (error) {
        assert.ok(error instanceof CodecError, String(error));
        refused++;
      }
    }
    assert.ok(refused > 1000);
  });

  it('knows when the producer has closed', () => {
    const encoder = new RecordEncoder(new ByteWriter(64), SALT);
    encoder.close();
    const decoder = new RecordDecoder();
    assert.equal(decoder.closed, false);
    assert.deepEqual(decoded(encoded([], encoder), decoder), []);
    assert.equal(decoder.closed, true);
  });
});
