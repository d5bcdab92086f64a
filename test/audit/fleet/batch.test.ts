/** Batches come back as they were, and nothing that does not add up is taken for one. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodeBatch, encodeBatch } from '../../../src/audit/fleet/batch.ts';
import { CodecError } from '../../../src/audit/bytes.ts';
import type { ShippedPart } from '../../../src/audit/fleet/batch.ts';

const part = (changes: Partial<ShippedPart> = {}): ShippedPart => ({
  segment: '00000001-00000002.seg',
  head: Buffer.alloc(36, 1),
  from: 100,
  to: 160,
  done: false,
  fresh: true,
  prelude: Buffer.from('dictionary'),
  frames: Buffer.alloc(40, 2),
  damages: [{ offset: 120, bytes: 20, reason: 'checksum does not fit', torn: false }],
  ended: null,
  ...changes,
});

test('a batch comes back', () => {
  const batch = {
    parts: [
      part(),
      part({ segment: '00000003-00000001.seg', from: 0, to: 76, damages: [], prelude: Buffer.alloc(0) }),
      part({
        segment: '00000004-00000001.seg',
        from: 0,
        to: 0,
        head: Buffer.alloc(0),
        frames: Buffer.alloc(0),
        prelude: Buffer.alloc(0),
        damages: [],
        done: true,
        ended: { producer: 4, at: 1.5 },
      }),
      part({
        segment: '00000005-00000001.seg',
        from: 0,
        to: 36,
        frames: Buffer.alloc(0),
        prelude: Buffer.alloc(0),
        damages: [],
      }),
    ],
  };
  assert.deepEqual(decodeBatch(encodeBatch(batch)), batch);
  assert.deepEqual(decodeBatch(encodeBatch({ parts: [] })), { parts: [] });
});

test('what does not add up is refused', () => {
  const wrong: [string, ShippedPart[]][] = [
    ['bytes are missing', [part({ to: 161 })]],
    ['bytes are too many', [part({ to: 150 })]],
    ['a damage elsewhere', [part({ damages: [{ offset: 155, bytes: 20, reason: '', torn: false }] })]],
    ['a segment twice', [part(), part()]],
    ['a path', [part({ segment: '../../etc/passwd' })]],
    ['an end of somebody else', [part({ ended: { producer: 2, at: 0 } })]],
    ['a prelude without a fresh start', [part({ fresh: false })]],
    ['a beginning that is not fresh', [part({ fresh: false, from: 0, to: 96, prelude: Buffer.alloc(0) })]],
    ['an offset that is none', [part({ from: -1, to: 59 })]],
    ['a long head', [part({ head: Buffer.alloc(37) })]],
  ];
  for (const [why, parts] of wrong) assert.throws(() => decodeBatch(encodeBatch({ parts })), CodecError, why);
  const good = encodeBatch({ parts: [part()] });
  for (let at = 0; at < good.length; at++)
    assert.throws(() => decodeBatch(good.subarray(0, at)), CodecError, `cut at ${at}`);
  assert.throws(() => decodeBatch(Buffer.concat([good, Buffer.alloc(1)])), CodecError);
});
