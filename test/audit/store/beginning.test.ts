/** The beginning of a coded body is exactly that of the text, for every ratio, every cut, and within the bound for bombs. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import zlib from 'node:zlib';
import { beginningOf } from '../../../src/audit/store/beginning.ts';
import { makeRng } from '../../fuzz/rng.ts';
import { coded } from '../random-body.ts';

const WANT = 4096;
const CODINGS = ['gzip', 'deflate', 'br', 'gzip, br'];
const takenOff = (coding: string): string[] => coding.split(', ').reverse();

/** Octets that pack about `ratio` to one. */
function packing(length: number, ratio: number): Buffer {
  const rng = makeRng(ratio);
  const out = Buffer.alloc(length);
  for (let at = 0; at < length; at += 64) {
    const fresh = Math.max(1, Math.floor(64 / ratio));
    for (let i = 0; i < fresh; i++) out[at + i] = rng.int(256);
  }
  return out.subarray(0, length);
}

describe('the beginning of a coded body', () => {
  it('is that of the octets themselves, short or long, packing well or badly', () => {
    for (const coding of CODINGS)
      for (const length of [0, 1, 100, WANT - 1, WANT, WANT + 1, 60_000])
        for (const ratio of [1, 4, 12, 60]) {
          const data = packing(length, ratio);
          const found = beginningOf(coded(data, coding), takenOff(coding), WANT);
          const which = `${coding}, ${length} octets, ${ratio}:1`;
          assert.ok(found !== null && found.data.equals(data.subarray(0, WANT)), which);
          assert.ok(found.whole === length <= WANT || (!found.whole && length === WANT), which);
        }
  });

  it('of a body that was cut off anywhere is the beginning of what was sent', () => {
    const data = packing(3000, 3);
    for (const coding of CODINGS) {
      const whole = coded(data, coding);
      let longest = 0;
      for (let cut = 0; cut <= whole.length; cut += 37) {
        const found = beginningOf(whole.subarray(0, cut), takenOff(coding), WANT) ?? assert.fail();
        assert.ok(data.subarray(0, found.data.length).equals(found.data), `${coding} at ${cut}`);
        longest = Math.max(longest, found.data.length);
      }
      assert.ok(longest > 1500, coding);
    }
  });

  it('of a decompression bomb is bounded, and what is no such coding gives nothing', () => {
    const zeros = Buffer.alloc(8 * 1024 * 1024);
    for (const bomb of [zlib.gzipSync(zeros), zlib.brotliCompressSync(zeros)]) {
      const coding = bomb[0] === 0x1f ? 'gzip' : 'br';
      const found = beginningOf(bomb, [coding], WANT) ?? assert.fail();
      assert.ok(found.data.length <= WANT && !found.whole && found.data.every(octet => octet === 0));
    }
    assert.equal(beginningOf(Buffer.from('x'), ['zstd'], WANT), null);
    assert.equal(beginningOf(Buffer.from('x'), ['br', 'br', 'br'], WANT), null);
    assert.equal(beginningOf(Buffer.from([255, 1, 2, 3]), ['br'], WANT)?.data.length, 0);
  });
});
