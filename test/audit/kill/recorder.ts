/**
 * Child of exactly-once.test.ts: carries a spool into the store until it is killed, or, when its input ends, until no segment
 * is left (every producer is dead or closed by then). Arguments: spool folder, audit folder.
 */
import { createPrivateKey } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { Ingest } from '../../../src/audit/ingest.ts';
import { listSegments } from '../../../src/audit/producer.ts';
import { signerOf } from '../../../src/audit/statement.ts';
import { say } from './say.ts';

const [spoolDir = '', auditDir = ''] = process.argv.slice(2);
const key = createPrivateKey(process.env['TEST_SIGNING_KEY'] ?? '');
const ingest = new Ingest({ spoolDir, auditDir, signer: signerOf(key) });
let ending = false;
process.stdin.on('end', () => {
  ending = true;
});
process.stdin.resume();
say('ready');
for (;;) {
  const step = ingest.step();
  if (step.more) {
    await new Promise(resolve => setImmediate(resolve));
    continue;
  }
  if (ending && listSegments(spoolDir).length === 0) break;
  await sleep(2);
}
ingest.finish();
ingest.close();
process.exit(0);
