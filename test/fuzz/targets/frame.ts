import assert from 'node:assert/strict';
import { ByteWriter, CodecError } from '../../../src/audit/bytes.ts';
import { findFrame, newCursor, readFrame, sealFrame } from '../../../src/audit/frame.ts';
import { RecordDecoder } from '../../../src/audit/record-decoder.ts';
import { RecordEncoder } from '../../../src/audit/record-encoder.ts';
import { exchange, flow, flowId, flowOpen, randomExchange } from '../../audit/sample.ts';
import { makeRng, type Rng } from '../rng.ts';
import type { FuzzTarget } from '../target.ts';

const SALT = 0;

function segment(seed: number): Buffer {
  const rng = makeRng(seed);
  const encoder = new RecordEncoder(new ByteWriter(64), SALT);
  encoder.encode(flowOpen());
  for (let n = 1; n <= 4; n++) encoder.encode(randomExchange(rng, flowId(1, 1), n, n * 1000));
  encoder.encode({ kind: 'body', flow: flowId(1, 1), n: 5, side: 'res', data: rng.bytes(40) });
  encoder.encode(exchange({ n: 5 }));
  encoder.encode(flow());
  encoder.encode({ kind: 'event', time: 1, name: 'x', detail: {} });
  encoder.close();
  return Buffer.from(encoder.out.bytes.subarray(0, encoder.out.at));
}

interface Outcome {
  frames: [number, number, number][];
  end: string;
  records: number;
}

/** Read as the recorder does: frames until it stops, decoding each; damage is skipped. */
function readAll(bytes: Buffer, limit: number): Outcome {
  const cursor = newCursor();
  const decoder = new RecordDecoder();
  const frames: [number, number, number][] = [];
  let records = 0;
  let at = 0;
  while (at < limit) {
    const outcome = readFrame(bytes, at, limit, SALT, cursor);
    if (outcome === 'need-more') {
      assert.ok(at + cursor.want > limit, 'more is wanted only when it is not there');
      return { frames, end: 'need-more', records };
    }
    if (outcome === 'corrupt') {
      const next = findFrame(bytes, at, limit, SALT);
      if (next < 0) return { frames, end: 'corrupt', records };
      assert.ok(next > at);
      at = next;
      continue;
    }
    assert.ok(
      cursor.start > at && cursor.start <= cursor.end && cursor.end <= limit,
      'a frame lies in its bytes',
    );
    frames.push([cursor.type, cursor.start, cursor.end]);
    try {
      if (decoder.decode(bytes, cursor.type, cursor.start, cursor.end) !== null) records++;
    } catch (error) {
      if (!(error instanceof CodecError)) throw error;
    }
    at = cursor.end;
  }
  return { frames, end: 'all', records };
}

/** Give every frame that is plausible a fitting checksum, so that mutations reach the decoder. */
function reseal(bytes: Buffer): Buffer {
  const out = Buffer.from(bytes);
  for (let at = 0; at + 9 <= out.length;) {
    const end = at + 8 + out.readUInt32LE(at);
    if (end > out.length || end <= at + 8) break;
    sealFrame(out, at, end, SALT);
    at = end;
  }
  return out;
}

const target: FuzzTarget = {
  name: 'frame',
  invariant:
    'Any bytes are frames, a torn end or corrupt; frames lie inside them; a longer read only adds frames; every payload is a record or a CodecError.',
  seeds: () => [segment(1), segment(2), Buffer.alloc(40)],
  maxLength: 8192,
  mutate: (bytes: Buffer, rng: Rng) => {
    const changed = Buffer.from(bytes);
    for (let i = 0; i < 1 + rng.int(4); i++) {
      const at = 9 + rng.int(Math.max(1, changed.length - 9));
      if (at < changed.length) changed[at] = rng.int(256);
    }
    return reseal(changed);
  },
  run: (bytes: Buffer, rng: Rng) => {
    const whole = readAll(bytes, bytes.length);
    const cut = rng.int(bytes.length + 1);
    const part = readAll(bytes, cut);
    // Up to the first damage the part sees what the whole sees.
    const same = part.frames.findIndex((f, i) => JSON.stringify(f) !== JSON.stringify(whole.frames[i]));
    if (part.end === 'need-more' && same >= 0) {
      const first = part.frames[same];
      assert.ok(
        first !== undefined && whole.end !== 'all',
        `frame ${JSON.stringify(first)} is only in the part`,
      );
    }
    assert.ok(whole.records <= whole.frames.length);
  },
};

export default target;
