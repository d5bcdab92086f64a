/** The tree has the shape of RFC 6962, a proof for any choice of rows leads to its root, and nothing else does. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { Frontier, merkleRoot, prove, rootOf } from '../../src/audit/merkle.ts';

const sha = (text: string): string => createHash('sha256').update(text).digest('hex');
const leavesOf = (n: number): string[] => Array.from({ length: n }, (_, i) => sha(`leaf ${i}`));

/** The definition of RFC 6962 §2.1, word for word. */
function defined(leaves: string[]): string {
  if (leaves.length === 0) return sha('');
  if (leaves.length === 1) return leaves[0] ?? '';
  let k = 1;
  while (k * 2 < leaves.length) k *= 2;
  return sha(`node ${defined(leaves.slice(0, k))} ${defined(leaves.slice(k))}`);
}

const choice = fc
  .integer({ min: 1, max: 70 })
  .chain(n => fc.tuple(fc.constant(n), fc.subarray(Array.from({ length: n }, (_, i) => i))));

describe('the tree', () => {
  it('grows to the root that the definition gives', () => {
    const frontier = new Frontier();
    for (let n = 0; n < 70; n++) {
      assert.equal(frontier.root(), defined(leavesOf(n)), `${n} leaves`);
      assert.equal(merkleRoot(leavesOf(n)), frontier.root());
      frontier.add(sha(`leaf ${n}`));
    }
    frontier.clear();
    assert.equal(frontier.root(), sha(''));
  });

  it('proves any choice of leaves, and only with the right digests at the right places', () => {
    fc.assert(
      fc.property(choice, fc.nat(), ([n, picks], r) => {
        const leaves = leavesOf(n);
        const proof = prove(leaves, picks);
        const chosen = picks.map(index => ({ index, digest: leaves[index] ?? '' }));
        assert.equal(rootOf(n, chosen, proof), merkleRoot(leaves));
        if (chosen.length === 0) return;
        const at = r % chosen.length;
        const changed = chosen.map((c, i) => (i === at ? { ...c, digest: sha('other') } : c));
        assert.notEqual(rootOf(n, changed, proof), merkleRoot(leaves));
        assert.equal(rootOf(n, chosen, [...proof, sha('more')]), null);
        if (proof.length > 0) assert.equal(rootOf(n, chosen, proof.slice(1)), null);
      }),
      { seed: 3 },
    );
  });

  it('a proof for one row of many is short, for all rows empty', () => {
    const leaves = leavesOf(65_536);
    assert.equal(prove(leaves, [12_345]).length, 16);
    assert.equal(
      prove(
        leaves,
        leaves.map((_, i) => i),
      ).length,
      0,
    );
  });

  it('takes no numbers that cannot be', () => {
    for (const size of [0, -1, 1.5, NaN, 2 ** 40]) assert.equal(rootOf(size, [], [sha('x')]), null);
    assert.equal(rootOf(2, [{ index: 2, digest: sha('x') }], []), null);
    assert.equal(
      rootOf(
        1,
        [
          { index: 0, digest: 'a' },
          { index: 0, digest: 'b' },
        ],
        [],
      ),
      null,
    );
  });
});
