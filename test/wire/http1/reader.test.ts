/** The same octets whole, split at every offset and octet by octet say the same, for good and for bad messages. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { RequestReader, ResponseReader } from '../../../src/wire/http1/index.ts';
import { mutate } from '../../fuzz/mutate.ts';
import { makeRng } from '../../fuzz/rng.ts';
import { DICTIONARY, REQUEST_SEEDS, RESPONSE_SEEDS, requestStream, responseStream } from './corpus.ts';
import type { Transcript } from './transcript.ts';
import { cuts, drive } from './transcript.ts';

const SMALL = { head: 160, fields: 4, interim: 2, chunkExtensions: 20 };
type Limits = typeof SMALL | undefined;

const asRequests = (chunks: Iterable<Buffer>, limits: Limits): Transcript =>
  drive(new RequestReader(limits), chunks, { finish: true });

const asResponse =
  (method: string) =>
  (chunks: Iterable<Buffer>, limits: Limits): Transcript => {
    const reader = new ResponseReader(limits);
    reader.expect(method);
    return drive(reader, chunks, { finish: true });
  };

function everyCut(bytes: Buffer, read: (chunks: Iterable<Buffer>, limits: Limits) => Transcript): void {
  for (const limits of [undefined, SMALL]) {
    const whole = read([bytes], limits);
    for (const chunks of cuts(bytes)) {
      const cut = read(chunks, limits);
      assert.deepEqual(cut, whole, `${JSON.stringify(bytes.toString('latin1'))} cut at ${chunks[0]?.length}`);
    }
  }
}

describe('requests', () => {
  for (const [i, bytes] of REQUEST_SEEDS.entries())
    test(`seed ${i}`, () => {
      everyCut(bytes, asRequests);
    });

  test('built and mutated streams', () => {
    const rng = makeRng(11);
    const pool = { others: REQUEST_SEEDS, dictionary: DICTIONARY, maxLength: 600 };
    for (let i = 0; i < 150; i++)
      everyCut(rng.oneIn(2) ? requestStream(rng) : mutate(rng.pick(REQUEST_SEEDS), rng, pool), asRequests);
  });

  test('any cut into many pieces', () => {
    const bytes = Buffer.concat([REQUEST_SEEDS[3]!, REQUEST_SEEDS[4]!, REQUEST_SEEDS[2]!]);
    const whole = asRequests([bytes], undefined);
    assert.equal(whole.messages.length, 5);
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: bytes.length }), { maxLength: 12 }), offsets => {
        const at = [0, ...offsets.sort((a, b) => a - b), bytes.length];
        const chunks = at.slice(1).map((to, i) => bytes.subarray(at[i], to));
        assert.deepEqual(asRequests(chunks, undefined), whole);
      }),
      { numRuns: 300, seed: 7 },
    );
  });
});

describe('responses', () => {
  for (const [i, [method, bytes]] of RESPONSE_SEEDS.entries())
    test(`seed ${i}`, () => {
      everyCut(bytes, asResponse(method));
    });

  test('built and mutated streams', () => {
    const rng = makeRng(12);
    const pool = { others: RESPONSE_SEEDS.map(s => s[1]), dictionary: DICTIONARY, maxLength: 600 };
    for (let i = 0; i < 150; i++) {
      const [method, seed] = rng.pick(RESPONSE_SEEDS);
      everyCut(rng.oneIn(2) ? responseStream(rng) : mutate(seed, rng, pool), asResponse(method));
    }
  });
});
