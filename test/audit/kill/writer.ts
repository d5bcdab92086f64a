/**
 * Child of exactly-once.test.ts: opens a spool and writes flows with exchanges as fast as it can, printing after each flush
 * how far it got, until it is killed or has written what was asked. Arguments: spool folder, number of flushes, 1 to close.
 */
import { allocateProducer } from '../../../src/audit/producer.ts';
import { openSpool } from '../../../src/audit/spool.ts';
import { exchange, flow, flowId, flowOpen } from '../sample.ts';
import { say } from './say.ts';

const [dir = '', rounds = '0', close = '0'] = process.argv.slice(2);
const producer = allocateProducer(dir);
// Small segments, so that kills meet rotation too.
const spool = openSpool({ dir, producer, maxSegment: 16 * 1024 });
// The parent reads whole lines only; a line says what the flush before it acknowledged.
say(`producer ${producer}`);

let counter = 0;
for (let round = 0; round < Number(rounds); round++) {
  const id = flowId(producer, ++counter);
  spool.append(flowOpen({ flow: id }));
  const exchanges = 1 + (round % 7);
  for (let n = 1; n <= exchanges; n++) {
    if (n % 3 === 0)
      spool.append({ kind: 'body', flow: id, n, side: 'res', data: Buffer.from(`body ${id} ${n}`) });
    const res = n % 3 === 0 ? { size: 20, kept: 20, sha256: 'aa'.repeat(32), truncated: false } : undefined;
    spool.append(exchange({ flow: id, n, path: `/${counter}/${n}`, ...(res === undefined ? {} : { res }) }));
    if (n % 2 === 0) {
      spool.flush();
      say(`x ${counter} ${n}`);
    }
  }
  // Every fifth flow stays open, as a long download does.
  const open = round % 5 === 4;
  if (!open) spool.append(flow({ flow: id, exchanges }));
  spool.flush();
  say(`${open ? 'o' : 'f'} ${counter} ${exchanges}`);
}
if (close === '1') spool.close();
say('done');
