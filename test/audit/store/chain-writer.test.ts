/** The chain while it is written: across batches, restarts and days it is one; checkpoints cover every row once. */
import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { it } from 'node:test';
import { GENESIS, nextLink, readEntries } from '../../../src/audit/chain.ts';
import { readCheckpoint } from '../../../src/audit/checkpoint.ts';
import { merkleRoot } from '../../../src/audit/merkle.ts';
import { signerOf } from '../../../src/audit/statement.ts';
import { chainStart, ChainWriter, putChainStart } from '../../../src/audit/store/chain-writer.ts';
import { openDayForWriting } from '../../../src/audit/store/schema.ts';
import { scratch } from '../sample.ts';
import type Database from 'better-sqlite3';

const signer = signerOf(generateKeyPairSync('ed25519').privateKey);
const digest = (i: number): string => i.toString(16).padStart(64, '0');

/** Every stored entry's digest in order, with the links made anew. */
function stored(db: Database.Database): string[] {
  const digests: string[] = [];
  let link = chainStart(db)?.link ?? GENESIS;
  let seq = (chainStart(db)?.seq ?? 0) + 1;
  for (const batch of db.prepare('SELECT seq, entries, link FROM chain ORDER BY seq').all() as {
    seq: number;
    entries: Buffer;
    link: Buffer;
  }[]) {
    assert.equal(batch.seq, seq);
    for (const entry of readEntries(batch.entries) ?? []) {
      digests.push(entry.digest);
      link = nextLink(link, entry.digest);
      assert.equal(entry.mark, link.slice(0, 16));
      seq++;
    }
    assert.equal(batch.link.toString('hex'), link);
  }
  return digests;
}

it('is one chain over batches, restarts and days, and every row has one checkpoint', t => {
  const dir = scratch(t);
  let db = openDayForWriting(dir, '2026-11-20', () => undefined);
  let chain = new ChainWriter(db, '2026-11-20');
  const checkpoints: NonNullable<ReturnType<typeof readCheckpoint>>[] = [];
  const check = (): void => {
    const signed = chain.checkpoint(signer, 1000);
    const checkpoint = signed === null ? null : readCheckpoint(signed.statement);
    assert.ok(checkpoint !== null);
    checkpoints.push(checkpoint);
  };
  let n = 0;
  const add = (rows: number): void => {
    for (let i = 0; i < rows; i++) chain.add('event', ++n, digest(n));
    chain.save();
  };
  assert.equal(chain.checkpoint(signer, 1), null, 'nothing to sign');
  add(3);
  check();
  add(700);
  add(1);
  // A kill: what was saved is all there is.
  chain = new ChainWriter(db, '2026-11-20');
  assert.equal(chain.unsigned, 701);
  add(2);
  check();
  add(5);
  check();
  const end = chain.end();
  const first = stored(db);
  db.close();

  db = openDayForWriting(dir, '2026-11-21', made => putChainStart(made, end));
  t.after(() => db.close());
  chain = new ChainWriter(db, '2026-11-21');
  add(4);
  check();
  const all = [...first, ...stored(db)];
  assert.deepEqual(
    all,
    Array.from({ length: n }, (_, i) => digest(i + 1)),
  );

  let link = GENESIS;
  let last = 0;
  for (const [i, c] of checkpoints.entries()) {
    assert.equal(c.number, i + 1);
    assert.equal(c.first, last + 1);
    assert.equal(c.before, link);
    const covered = all.slice(c.first - 1, c.last);
    assert.equal(c.root, merkleRoot(covered));
    link = covered.reduce(nextLink, link);
    assert.equal(c.link, link);
    last = c.last;
  }
  assert.equal(last, n);
  assert.equal(checkpoints.at(-1)?.day, '2026-11-21');
  assert.equal(chainStart(db)?.day, '2026-11-20');
});

it('of a file that had rows before says which ones it does not cover', t => {
  const db = openDayForWriting(scratch(t), '2026-11-20', () => undefined);
  t.after(() => db.close());
  db.exec(`INSERT INTO event VALUES (1, 1, 'before', '{}'), (2, 1, 'before', '{}')`);
  const chain = new ChainWriter(db, '2026-11-20');
  assert.deepEqual(chainStart(db)?.unchained, { exchange: 0, flow: 0, event: 2 });
  assert.equal(chain.unsigned, 0);
});
