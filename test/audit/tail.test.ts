/** Reading segments: growing byte by byte, cut, damaged anywhere, resumed in the middle. */
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { describe, it } from 'node:test';
import { listSegments } from '../../src/audit/producer.ts';
import { openSpool } from '../../src/audit/spool.ts';
import { SegmentTail } from '../../src/audit/tail.ts';
import { exchange, scratch } from './sample.ts';
import type { Damage, TailState } from '../../src/audit/tail.ts';
import type { TestContext } from 'node:test';

/** A closed segment with `n` exchanges. */
function segment(t: TestContext, n: number): string {
  const dir = scratch(t);
  const spool = openSpool({ dir, producer: 1 });
  for (let i = 1; i <= n; i++)
    spool.append(exchange({ n: i, path: `/${i}`, reqHeaders: `X: ${i % 3}\r\n`, resHeaders: `Y: ${i}\r\n` }));
  spool.close();
  return path.join(dir, listSegments(dir)[0]?.name ?? '');
}

interface Read {
  ns: number[];
  damages: Damage[];
  state: TailState;
}

function drain(tail: SegmentTail, final: boolean): Read {
  const ns: number[] = [];
  const damages: Damage[] = [];
  let state: TailState;
  do {
    state = tail.read(
      r => {
        if (r.kind === 'exchange') {
          assert.equal(r.path, `/${r.n}`);
          assert.equal(r.reqHeaders, `X: ${r.n % 3}\r\n`);
          assert.equal(r.resHeaders, `Y: ${r.n}\r\n`);
          ns.push(r.n);
        }
      },
      d => damages.push(d),
      final,
    );
  } while (state === 'more');
  return { ns, damages, state };
}

const upTo = (n: number): number[] => Array.from({ length: n }, (_, i) => i + 1);

describe('a segment', () => {
  it('that grows by any steps gives every record once', t => {
    const bytes = fs.readFileSync(segment(t, 12));
    for (const step of [1, 7, 100]) {
      const file = path.join(scratch(t), 'growing.seg');
      fs.writeFileSync(file, '');
      const tail = new SegmentTail(file, 0);
      const ns: number[] = [];
      let state: TailState = 'idle';
      for (let at = 0; at < bytes.length; at += step) {
        fs.appendFileSync(file, bytes.subarray(at, at + step));
        const read = drain(tail, false);
        ns.push(...read.ns);
        state = read.state;
        assert.deepEqual(read.damages, []);
      }
      assert.deepEqual(ns, upTo(12), `steps of ${step}`);
      assert.equal(state, 'closed');
      tail.close();
    }
  });

  it('that ends at any byte is torn there, and everything before is read', t => {
    const bytes = fs.readFileSync(segment(t, 5));
    for (let end = 0; end < bytes.length; end += 3) {
      const file = path.join(scratch(t), 'cut.seg');
      fs.writeFileSync(file, bytes.subarray(0, end));
      const tail = new SegmentTail(file, 0);
      const { ns, damages } = drain(tail, true);
      assert.deepEqual(ns, upTo(ns.length));
      assert.ok(damages.every(d => d.torn));
      const lost = damages.reduce((sum, d) => sum + d.bytes, 0);
      assert.equal(tail.offset, end, `${lost} bytes lost`);
      tail.close();
    }
  });

  it('with any byte changed loses at most what that byte belongs to, and never gives a wrong record', t => {
    const bytes = fs.readFileSync(segment(t, 40));
    const headerEnd = 36;
    // The closing frame is 9 bytes; a damaged last length cannot be told from a torn end.
    for (let at = headerEnd; at < bytes.length - 9; at += 11) {
      const file = path.join(scratch(t), 'damaged.seg');
      const changed = Buffer.from(bytes);
      changed[at] = (changed[at] ?? 0) ^ 0x41;
      fs.writeFileSync(file, changed);
      const tail = new SegmentTail(file, 0);
      // `drain` compares every record with what was written.
      const { ns, damages } = drain(tail, true);
      assert.ok(damages.length > 0, `byte ${at} is noticed`);
      assert.ok(damages.every(d => !d.torn));
      // A definition that is lost takes the records with it that refer to it: a third share one header block here.
      assert.ok(ns.length >= 24 || damages.length > 10, `byte ${at}: ${ns.length} of 40 read`);
      assert.equal(new Set(ns).size, ns.length);
      tail.close();
    }
  });

  it('without its header is given up as a whole', t => {
    const file = segment(t, 3);
    const bytes = fs.readFileSync(file);
    bytes[0] = 0;
    fs.writeFileSync(file, bytes);
    const tail = new SegmentTail(file, 0);
    const { ns, damages } = drain(tail, true);
    assert.deepEqual(ns, []);
    assert.equal(damages[0]?.bytes, bytes.length);
    tail.close();
  });

  it('can be resumed at every offset that was ever reported', t => {
    const file = segment(t, 30);
    const first = new SegmentTail(file, 0);
    const offsets: number[] = [];
    const bytes = fs.readFileSync(file);
    // Let it grow so that it stops in many places.
    const growing = path.join(scratch(t), 'growing.seg');
    fs.writeFileSync(growing, '');
    const tail = new SegmentTail(growing, 0);
    const before: number[] = [];
    for (let at = 0; at < bytes.length; at += 97) {
      fs.appendFileSync(growing, bytes.subarray(at, at + 97));
      before.push(...drain(tail, false).ns);
      offsets.push(tail.offset);
      const resumed = new SegmentTail(file, tail.offset);
      assert.deepEqual(drain(resumed, true).ns, upTo(30).slice(before.length), `at ${tail.offset}`);
      resumed.close();
    }
    assert.ok(new Set(offsets).size > 20);
    tail.close();
    first.close();
  });

  it('with a body larger than a read comes whole', t => {
    const dir = scratch(t);
    const spool = openSpool({ dir, producer: 1 });
    const data = Buffer.alloc(3 * 1024 * 1024, 'abc');
    spool.append({ kind: 'body', flow: 1, n: 1, side: 'res', data });
    spool.append(exchange({ n: 1, path: '/1' }));
    spool.close();
    const tail = new SegmentTail(path.join(dir, listSegments(dir)[0]?.name ?? ''), 0);
    const kinds: string[] = [];
    let state: TailState;
    do {
      state = tail.read(
        r => {
          kinds.push(r.kind);
          if (r.kind === 'body') assert.ok(r.data.equals(data));
        },
        d => assert.fail(JSON.stringify(d)),
        true,
      );
    } while (state === 'more');
    assert.deepEqual(kinds, ['body', 'exchange']);
    tail.close();
  });
});
