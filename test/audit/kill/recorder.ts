/**
 * Child of exactly-once.test.ts: carries a spool into the store until it is killed, or, when its input ends, until no segment
 * is left (every producer is dead or closed by then). Arguments: spool folder, audit folder.
 */
import { writeSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { Ingest } from '../../../src/audit/ingest.ts';
import { listSegments } from '../../../src/audit/producer.ts';

const [spoolDir = '', auditDir = ''] = process.argv.slice(2);
const ingest = new Ingest({ spoolDir, auditDir });
let ending = false;
process.stdin.on('end', () => {
  ending = true;
});
process.stdin.resume();
writeSync(1, 'ready\n');
for (;;) {
  const step = ingest.step();
  if (step.more) {
    await new Promise(resolve => setImmediate(resolve));
    continue;
  }
  if (ending && listSegments(spoolDir).length === 0) break;
  await sleep(2);
}
ingest.close();
process.exit(0);
