/** A recorded store for the tests of the verifier: two sealed days and an open one, made by the recorder itself. */
import { generateKeyPairSync } from 'node:crypto';
import path from 'node:path';
import { Ingest } from '../../../src/audit/ingest.ts';
import { openSpool } from '../../../src/audit/spool.ts';
import { signerOf } from '../../../src/audit/statement.ts';
import { Witness } from '../../../src/audit/witness.ts';
import { makeRng } from '../../fuzz/rng.ts';
import { DAY, flow, flowId, flowOpen, NOON, randomExchange } from '../sample.ts';

export const pair = generateKeyPairSync('ed25519');
export const signer = signerOf(pair.privateKey);
export const DAYS = ['2026-11-20', '2026-11-21', '2026-11-22'] as const;
export const witnessOf = (dir: string): string => path.join(dir, 'witness.ndjson');

/** Record `flows` flows with an exchange and a body each per day; returns the folder of the day files. */
export function recorded(dir: string, flows = 40): string {
  const [spoolDir, auditDir] = [path.join(dir, 'spool'), path.join(dir, 'audit')];
  let now = NOON;
  const ingest = new Ingest({
    spoolDir,
    auditDir,
    signer,
    witness: new Witness(witnessOf(dir)),
    now: () => now,
    steady: () => now,
    isAlive: () => true,
  });
  const spool = openSpool({ dir: spoolDir, producer: 1 });
  const rng = makeRng(3);
  let counter = 0;
  for (const [i] of DAYS.entries()) {
    for (let n = 0; n < flows; n++) {
      const id = flowId(1, ++counter);
      spool.append(flowOpen({ flow: id }));
      spool.append({ kind: 'body', flow: id, n: 1, side: 'res', data: Buffer.from(`body ${n} `.repeat(60)) });
      spool.append({
        ...randomExchange(rng, id, 1, now),
        res: { size: 500, kept: 500, sha256: 'ab'.repeat(32), truncated: false },
      });
      spool.append(flow({ flow: id, time: now }));
      if (n % 10 === 9) {
        spool.flush();
        ingest.step();
        now += 61_000;
      }
    }
    spool.append({ kind: 'event', time: now, name: 'test.day', detail: { i } });
    spool.flush();
    ingest.step();
    if (i < DAYS.length - 1) now = NOON + (i + 1) * DAY;
  }
  spool.close();
  ingest.step();
  while (ingest.seal());
  ingest.finish();
  ingest.close();
  return auditDir;
}
