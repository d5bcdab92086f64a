/**
 * Child of recorder.test.ts, run in a mount namespace of its own: a real file system under the store, which the kernel makes
 * read-only while the recorder has its files open, as it does after an error of the disk. Then it is unmounted, checked and
 * mounted again under the running recorder. Prints what happened as JSON; the parent judges it.
 */
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { auditDir, spoolDir, startRecorder } from '../../../src/audit/recorder.ts';
import { openSpool } from '../../../src/audit/spool.ts';
import { openStore } from '../../../src/audit/store/sqlite.ts';
import { exchange, flowId, query } from '../sample.ts';
import type { EventRecord } from '../../../src/core/records.ts';

const [dataDir = ''] = process.argv.slice(2);
const image = path.join(dataDir, 'image');
const mountPoint = auditDir(dataDir);
const run = (command: string, ...args: string[]): void => {
  execFileSync(command, args, {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: { ...process.env, PATH: `${process.env['PATH'] ?? ''}:/usr/sbin:/sbin` },
  });
};
const until = async (condition: () => boolean): Promise<void> => {
  while (!condition()) await sleep(10);
};

fs.writeFileSync(image, '');
fs.truncateSync(image, 16 * 2 ** 20);
run('mkfs.ext4', '-q', '-F', image);
fs.mkdirSync(mountPoint);
// What shows while the file system is away: nobody must begin a store there.
run('mount', '-t', 'tmpfs', '-o', 'ro', 'sightglass-test', mountPoint);
const mount = (): void => run('mount', '-o', 'loop,errors=remount-ro', image, mountPoint);
mount();

const events: EventRecord[] = [];
const told = (name: string): boolean => events.some(event => event.name === name);
const recorder = startRecorder({ dataDir, onEvent: event => events.push(event) });
const spool = openSpool({ dir: spoolDir(dataDir), producer: 1000 });
const write = (n: number): void => {
  spool.append(exchange({ flow: flowId(1000, 1), n }));
  spool.flush();
};
write(1);
await until(() => recorder.stats().rows === 1);
run('mount', '-o', 'remount,abort', mountPoint);
write(2);
await until(() => told('recorder.failing'));
const rowsWhileFailing = recorder.stats().rows;
run('umount', mountPoint);
// Exit 1 says that something was mended.
run('sh', '-c', 'e2fsck -p "$1" || [ $? -eq 1 ]', 'sh', image);
mount();
await until(() => told('recorder.recovered'));
write(3);
spool.close();
await recorder.stop();
const store = openStore({ dir: mountPoint });
const exchanges = await store.search(query(''), { kind: 'exchanges' });
const rows = await store.search(query('', 'events'), { kind: 'events' });
await store.close();
console.log(
  JSON.stringify({
    told: events.map(event => event.name),
    error: events.find(event => event.name === 'recorder.failing')?.detail['error'],
    rowsWhileFailing,
    exchanges: exchanges.rows.map(row => row.exchange),
    events: rows.rows.map(row => row.event),
  }),
);
