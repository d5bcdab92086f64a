/** Verifying and exporting a day that is being written never holds its log: the log stays bounded however long they take. */
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { it } from 'node:test';
import { Ingest } from '../../../src/audit/ingest.ts';
import { openSpool } from '../../../src/audit/spool.ts';
import { batches } from '../../../src/audit/store/chain-rows.ts';
import { dayPath, openDayForReading } from '../../../src/audit/store/schema.ts';
import { verifyStore } from '../../../src/audit/verify/store.ts';
import { exchange, flowId, NOON, scratch } from '../sample.ts';
import { pair, signer } from './recorded.ts';

it('a reader in the middle of the chain lets the recorder move its log into the file', t => {
  const base = scratch(t);
  const [spoolDir, auditDir] = [path.join(base, 'spool'), path.join(base, 'audit')];
  const spool = openSpool({ dir: spoolDir, producer: 1 });
  const ingest = new Ingest({ spoolDir, auditDir, signer, now: () => NOON, isAlive: () => true });
  let n = 0;
  const write = (): void => {
    for (let i = 0; i < 500; i++)
      spool.append(
        exchange({ flow: flowId(1, 1), n: ++n, reqHeaders: `X-Id: ${n} ${'x'.repeat(3000)}\r\n` }),
      );
    spool.flush();
    while (ingest.step().rows > 0);
  };
  const log = (): number => fs.statSync(`${dayPath(auditDir, '2026-11-20')}-wal`).size;
  write();
  const db = openDayForReading(auditDir, '2026-11-20');
  assert.ok(db !== null);
  const slow = batches(db, Number.MAX_SAFE_INTEGER);
  slow.next();
  let most = 0;
  for (let round = 0; round < 20; round++) {
    write();
    most = Math.max(most, log());
  }
  // Some 45 MB were written; the log is moved into the file every 4,000 pages, with one batch on top.
  assert.ok(fs.statSync(dayPath(auditDir, '2026-11-20')).size > 30e6);
  assert.ok(most < 30e6, `the log grew to ${most} bytes`);
  slow.return(undefined);
  db.close();
  ingest.finish();
  ingest.close();
  spool.close();
  assert.deepEqual(verifyStore(auditDir, pair.publicKey).days[0]?.findings, []);
});
