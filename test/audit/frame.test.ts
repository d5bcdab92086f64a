/** Frames: the same bytes whole, cut at every offset and with each byte changed give a frame, need-more or corrupt, never a wrong frame. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  decodeHeader,
  encodeFrame,
  encodeHeader,
  findFrame,
  FRAME,
  FRAME_HEAD,
  HEADER_LENGTH,
  MAX_FRAME,
  newCursor,
  readFrame,
} from '../../src/audit/frame.ts';
import { makeRng } from '../fuzz/rng.ts';

const SALT = 0x12345678;
const HEADER = { producer: 7, pid: 4242, startTicks: 987654321, created: 1_795_000_000_000.5, salt: SALT };

describe('segment header', () => {
  it('comes back as it was written', () => {
    assert.deepEqual(decodeHeader(encodeHeader(HEADER)), {
      kind: 'header',
      header: HEADER,
      next: HEADER_LENGTH,
    });
  });
  it('wants more when it is cut at any offset', () => {
    const bytes = encodeHeader(HEADER);
    for (let n = 0; n < bytes.length; n++) assert.equal(decodeHeader(bytes.subarray(0, n)).kind, 'need-more');
  });
  it('refuses what is no segment and versions it does not know', () => {
    const other = encodeHeader(HEADER);
    other[0] = 0;
    assert.equal(decodeHeader(other).kind, 'corrupt');
    const newer = encodeHeader(HEADER);
    newer.writeUInt16LE(2, 4);
    assert.match(JSON.stringify(decodeHeader(newer)), /version 2/);
  });
});

describe('frames', () => {
  const payloads = ['', 'a', 'payload', 'x'.repeat(5000)].map(text => Buffer.from(text));
  const bytes = Buffer.concat(payloads.map((p, i) => encodeFrame(FRAME.text + (i % 2), p, SALT)));

  /** Everything readable in the first `limit` bytes, and how it ended. */
  function readAll(limit: number): { payloads: Buffer[]; end: string } {
    const cursor = newCursor();
    const out: Buffer[] = [];
    for (let at = 0; at < limit; at = cursor.end) {
      const outcome = readFrame(bytes, at, limit, SALT, cursor);
      if (outcome !== 'frame') return { payloads: out, end: outcome };
      out.push(bytes.subarray(cursor.start, cursor.end));
    }
    return { payloads: out, end: 'all' };
  }

  it('come back whole, and every cut wants more after the whole ones', () => {
    assert.deepEqual(readAll(bytes.length), { payloads, end: 'all' });
    const ends = payloads.map((_, i) =>
      payloads.slice(0, i + 1).reduce((sum, p) => sum + FRAME_HEAD + 1 + p.length, 0),
    );
    for (let limit = 0; limit < bytes.length; limit++) {
      const whole = ends.filter(end => end <= limit).length;
      const got = readAll(limit);
      assert.equal(got.payloads.length, whole, `cut at ${limit}`);
      assert.equal(got.end, limit === 0 || ends.includes(limit) ? 'all' : 'need-more', `cut at ${limit}`);
    }
  });

  it('are corrupt or incomplete when any byte is changed, never a frame', () => {
    const one = encodeFrame(FRAME.event, Buffer.from('some event'), SALT);
    for (let i = 0; i < one.length; i++)
      for (const bit of [1, 2, 16, 128]) {
        const changed = Buffer.from(one);
        changed[i] = (changed[i] ?? 0) ^ bit;
        assert.notEqual(readFrame(changed, 0, changed.length, SALT, newCursor()), 'frame', `byte ${i}`);
      }
  });

  it('of another segment are corrupt: the salt is another', () => {
    assert.equal(readFrame(bytes, 0, bytes.length, SALT + 1, newCursor()), 'corrupt');
  });

  it('longer than the cap are corrupt at once, not waited for', () => {
    const head = Buffer.alloc(FRAME_HEAD);
    head.writeUInt32LE(MAX_FRAME + 1, 0);
    assert.equal(readFrame(head, 0, head.length, SALT, newCursor()), 'corrupt');
    head.writeUInt32LE(MAX_FRAME, 0);
    assert.equal(readFrame(head, 0, head.length, SALT, newCursor()), 'need-more');
  });

  it('are found again after damage, and forged ones inside a body are not', () => {
    const rng = makeRng(3);
    const forged = encodeFrame(FRAME.event, Buffer.from('{"forged":true}'), 0);
    const body = encodeFrame(FRAME.body, Buffer.concat([rng.bytes(50), forged, rng.bytes(50)]), SALT);
    const next = encodeFrame(FRAME.event, Buffer.from('{}'), SALT);
    const both = Buffer.concat([body, next]);
    both[0] = 0xff;
    both[1] = 0xff;
    assert.equal(findFrame(both, 0, both.length, SALT), body.length);
    assert.equal(findFrame(both, 0, body.length, SALT), -1);
  });
});
