/** The manner of a verdict on the wire: only what it says, absent as ever, and nothing that is no manner. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ByteWriter, CodecError } from '../../src/audit/bytes.ts';
import { FRAME } from '../../src/audit/frame.ts';
import { RecordDecoder } from '../../src/audit/record-decoder.ts';
import { CONTEXT_PARTS, mannerParts, readManner } from '../../src/audit/record-format.ts';
import { VERDICT } from './sample.ts';
import type { Verdict } from '../../src/core/verdict.ts';

const corp = { group: 'corp', via: ['p1.test:3128', 'p2.test:3128'] };

/** A context as segments hold it, without a manner: what every version before wrote. */
const OLD = [
  ...['10.0.0.1', null, 'https', 'a.test', 443, 'HTTP/1.1', 'headers'],
  ...['inspect', 'all', '0123456789ab', 'because', 'headers', 'page'],
];

function define(parts: readonly unknown[]): void {
  const out = new ByteWriter(2048);
  out.uint(1);
  out.at += out.bytes.write(JSON.stringify(parts), out.at, 'utf8');
  const bytes = Buffer.from(out.bytes.subarray(0, out.at));
  assert.equal(new RecordDecoder().decode(bytes, FRAME.context, 0, bytes.length), null);
}

describe('the manner of a verdict', () => {
  it('comes back as it was, and takes no room when there is none', () => {
    const manners: Partial<Verdict>[] = [
      {},
      { mask: 'strict' },
      { tls: 'compatible', parent: corp },
      { mask: 'standard', tls: 'tls13', parent: { group: 'x', via: [] } },
    ];
    for (const manner of manners) {
      const parts = mannerParts({ ...VERDICT, ...manner });
      assert.equal(parts.length, Object.keys(manner).length === 0 ? 0 : 1);
      assert.deepEqual(readManner((JSON.parse(JSON.stringify(parts)) as unknown[])[0]), manner);
    }
  });

  it('is refused when it is something else', () => {
    const wrong = [
      null,
      'strict',
      { mask: 1 },
      { tls: null },
      { parent: 'corp' },
      { parent: { group: 1, via: [] } },
      { parent: { group: 'corp', via: [1] } },
    ];
    for (const value of wrong) assert.equal(readManner(value), null, JSON.stringify(value));
  });

  it('may be missing from a context, which older segments never had', () => {
    assert.equal(OLD.length, CONTEXT_PARTS);
    define(OLD);
    define([...OLD, { mask: 'strict' }]);
    assert.throws(() => define(OLD.slice(1)), CodecError);
    assert.throws(() => define([...OLD, { mask: 'strict' }, 1]), CodecError);
    assert.throws(() => define([...OLD, 'strict']), CodecError);
  });
});
