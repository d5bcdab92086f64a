/**
 * Child of day-keeper.test.ts, run with a tmpfs of its own mounted at the folder it is given: the disk of the store is remounted
 * read-only under the recorder, and writable again. Prints what happened as JSON; the parent judges it.
 */
import { execFileSync } from 'node:child_process';
import path from 'node:path';
import { Ingest } from '../../../src/audit/ingest.ts';
import { openSpool } from '../../../src/audit/spool.ts';
import { openStore } from '../../../src/audit/store/sqlite.ts';
import { exchange, flowId, NOON, query } from '../sample.ts';

const [dir = ''] = process.argv.slice(2);
const auditDir = path.join(dir, 'audit');
const spoolDir = path.join(dir, 'spool');
const remount = (how: 'ro' | 'rw'): void => {
  execFileSync('mount', ['-o', `remount,${how}`, dir]);
};

const spool = openSpool({ dir: spoolDir, producer: 1 });
const write = (n: number): void => {
  spool.append(exchange({ flow: flowId(1, 1), n }));
  spool.flush();
};
let ingest = new Ingest({ spoolDir, auditDir, now: () => NOON, isAlive: () => true });
write(1);
ingest.step();
write(2);
// A mount with files open for writing cannot be made read-only: both let go first, as after a restart.
ingest.close();
spool.close();
remount('ro');
ingest = new Ingest({ spoolDir, auditDir, now: () => NOON, isAlive: () => true });
let error = '';
try {
  ingest.step();
} catch (e) {
  error = (e as Error).message;
}
remount('rw');
ingest.step();
ingest.close();
const store = openStore({ dir: auditDir });
const rows = await store.search(query(''), { kind: 'exchanges' });
await store.close();
console.log(JSON.stringify({ error, exchanges: rows.rows.map(r => r.exchange) }));
