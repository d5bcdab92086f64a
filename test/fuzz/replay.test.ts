/** Every target: its seeds and everything it ever found hold the invariant, and so does a short fixed campaign. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { campaign, check, corpus, loadTarget, shrink, targetNames } from './engine.ts';
import { makeRng } from './rng.ts';
import type { FuzzTarget } from './target.ts';

const RUNS = 1500;

for (const name of targetNames())
  describe(`fuzz target ${name}`, () => {
    test('seeds and earlier finds hold the invariant', async () => {
      const target = await loadTarget(name);
      const inputs = [...target.seeds(), ...corpus(name).map(c => c.bytes)];
      assert.ok(inputs.length > 0);
      for (const bytes of inputs) {
        const find = await check(target, bytes);
        assert.equal(find, null, `${bytes.subarray(0, 40).toString('hex')}: ${String(find?.error)}`);
      }
    });

    test(`${RUNS} inputs of a fixed seed hold it`, async () => {
      const { inputs, find } = await campaign(await loadTarget(name), { seed: 20261120, runs: RUNS });
      assert.equal(find, null, `${find?.bytes.toString('hex')}: ${String(find?.error)}`);
      assert.equal(inputs, RUNS);
    });
  });

describe('the fuzz engine itself', () => {
  const broken: FuzzTarget = {
    name: 'broken',
    invariant: 'No input holds the byte 0xfe.',
    seeds: () => [Buffer.from('some ordinary text to start from')],
    run: bytes => {
      if (bytes.includes(0xfe)) throw new Error('found');
    },
  };

  test('finds what is there to find, and makes it small', async () => {
    const { find } = await campaign(broken, { seed: 1, runs: 20_000 });
    assert.ok(find !== null);
    assert.deepEqual((await shrink(broken, find)).bytes, Buffer.from([0xfe]));
  });

  test('the same seed gives the same inputs', async () => {
    const inputs = async (seed: number): Promise<string[]> => {
      const seen: string[] = [];
      const spy = { ...broken, run: (bytes: Buffer) => void seen.push(bytes.toString('hex')) };
      await campaign(spy, { seed, runs: 200 });
      return seen;
    };
    assert.deepEqual(await inputs(7), await inputs(7));
    assert.notDeepEqual(await inputs(7), await inputs(8));
  });

  test('random numbers stay in their range', () => {
    const rng = makeRng(3);
    for (let i = 1; i < 300; i++) assert.ok(rng.int(i) < i);
    assert.equal(rng.bytes(9).length, 9);
  });
});
