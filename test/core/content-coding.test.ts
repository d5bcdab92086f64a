/** Content codings: their order, each of them undone, the bound kept, and bodies that are cut off or not what they claim. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import zlib from 'node:zlib';
import { codingsOf, decoderOf } from '../../src/core/content-coding.ts';

const TEXT = Buffer.from('a text that is long enough to be worth it '.repeat(50));
const CODED: Record<string, Buffer> = {
  gzip: zlib.gzipSync(TEXT),
  'x-gzip': zlib.gzipSync(TEXT),
  deflate: zlib.deflateSync(TEXT),
  br: zlib.brotliCompressSync(TEXT),
};
const undo = (coding: string, data: Buffer, most = 1e6): Buffer =>
  (decoderOf(coding, data) ?? assert.fail(`${coding} is not known`))(data, most);

describe('content codings', () => {
  it('are listed in the order in which they are taken off', () => {
    assert.deepEqual(codingsOf('gzip, BR ,identity,, deflate'), ['deflate', 'br', 'gzip']);
    assert.deepEqual([codingsOf(null), codingsOf(''), codingsOf('identity')], [[], [], []]);
  });

  it('are undone, whole or as far as a body that was cut off goes', () => {
    for (const [coding, data] of Object.entries(CODED)) {
      assert.deepEqual(undo(coding, data), TEXT, coding);
      const part = undo(coding, data.subarray(0, data.length - 3));
      assert.ok(part.length <= TEXT.length && TEXT.subarray(0, part.length).equals(part), coding);
    }
    assert.deepEqual(undo('deflate', zlib.deflateRawSync(TEXT)), TEXT, 'raw deflate under its other name');
    assert.deepEqual(undo('gzip', TEXT), TEXT, 'a coding that was only named');
    assert.equal(decoderOf('zstd', TEXT), null);
  });

  it('give no more than they may, and no answer for octets that are something else', () => {
    for (const [coding, data] of Object.entries(CODED))
      assert.throws(() => undo(coding, data, 100), { code: 'ERR_BUFFER_TOO_LARGE' }, coding);
    assert.throws(() => undo('br', Buffer.from([255, 255, 255])));
    for (const length of [0, 1, 2])
      for (const octet of [0, 0x78, 0x1f, 0xff])
        assert.doesNotThrow(() => decoderOf('deflate', Buffer.alloc(length, octet)), `${length} × ${octet}`);
  });
});
