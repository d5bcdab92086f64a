import assert from 'node:assert/strict';
import { CodecError } from '../../../src/audit/bytes.ts';
import { decodeBatch, encodeBatch } from '../../../src/audit/fleet/batch.ts';
import type { FuzzTarget } from '../target.ts';

const target: FuzzTarget = {
  name: 'fleet-batch',
  invariant:
    'Any bytes are a batch whose every byte belongs to one part, or a CodecError; a batch encodes to itself in meaning.',
  seeds: () => [
    encodeBatch({ parts: [] }),
    encodeBatch({
      parts: [
        {
          segment: '00000001-00000002.seg',
          head: Buffer.alloc(36, 1),
          from: 100,
          to: 160,
          done: true,
          fresh: true,
          prelude: Buffer.from('dictionary'),
          frames: Buffer.alloc(40, 2),
          damages: [{ offset: 120, bytes: 20, reason: 'x', torn: true }],
          ended: { producer: 1, at: 5 },
        },
      ],
    }),
  ],
  dictionary: ['SGFB', '"s":', '.seg', 'true', 'null', '9007199254740993', '-1', '1e400'].map(word =>
    Buffer.from(word),
  ),
  run: bytes => {
    let batch;
    try {
      batch = decodeBatch(bytes);
    } catch (error) {
      assert.ok(error instanceof CodecError, String(error));
      return;
    }
    assert.deepEqual(decodeBatch(encodeBatch(batch)), batch);
    for (const part of batch.parts) assert.ok(part.to - part.from >= part.frames.length);
  },
};

export default target;
