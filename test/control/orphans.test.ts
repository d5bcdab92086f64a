import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after, beforeEach, describe, it } from 'node:test';
import { dismissOrphans, holdDataDir, workersLeft } from '../../src/control/orphans.ts';

const base = mkdtempSync(join(tmpdir(), 'sightglass-orphans-'));
const children: ChildProcess[] = [];
let dataDir: string;
let run: string;
let n = 0;

beforeEach(() => {
  dataDir = join(base, String(++n));
  run = join(dataDir, 'run');
  mkdirSync(run, { recursive: true });
});
after(() => {
  for (const child of children) child.kill('SIGKILL');
  rmSync(base, { recursive: true, force: true });
});

const module = JSON.stringify(resolve(import.meta.dirname, '../../src/control/orphans.ts'));

/** Another process that does something with the data directory, says so, and stays until it is asked to leave. */
async function another(what: string): Promise<ChildProcess & { pid: number }> {
  const child = spawn(
    process.execPath,
    [
      '--import',
      'tsx',
      '--input-type=module',
      '-e',
      `const o = await import(${module}); o.${what}(${JSON.stringify(dataDir)});
       process.on('SIGTERM', () => process.exit(0)); setInterval(() => {}, 1000); console.log('up');`,
    ],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  children.push(child);
  assert.ok(child.stdout !== null && child.pid !== undefined);
  await once(child.stdout, 'data');
  return child as ChildProcess & { pid: number };
}

/** A pid that belonged to a process that has ended. */
async function deadPid(): Promise<number> {
  const child = spawn(process.execPath, ['-e', '']);
  await once(child, 'exit');
  return child.pid ?? assert.fail('no pid');
}

describe('workers of an earlier control process', () => {
  it('are asked to leave, and take their note with them', async () => {
    const worker = await another('announceWorker');
    assert.deepEqual(readdirSync(run), [`worker-${worker.pid}.json`]);
    assert.equal(workersLeft(dataDir), true);
    const left = once(worker, 'exit');
    assert.deepEqual(dismissOrphans(dataDir), [worker.pid]);
    assert.deepEqual(await left, [0, null]);
    assert.equal(workersLeft(dataDir), false);
    assert.deepEqual(readdirSync(run), []);
  });

  it('are nobody on a first start', () => {
    assert.deepEqual(dismissOrphans(join(base, 'never')), []);
    assert.equal(workersLeft(join(base, 'never')), false);
  });

  it('are never mistaken for a stranger who got their pid', async () => {
    const stranger = await another('holdDataDir');
    writeFileSync(
      join(run, `worker-${stranger.pid}.json`),
      JSON.stringify({ pid: stranger.pid, started: '1' }),
    );
    assert.equal(workersLeft(dataDir), false);
    assert.deepEqual(dismissOrphans(dataDir), []);
    assert.equal(stranger.exitCode, null);
    assert.ok(!existsSync(join(run, `worker-${stranger.pid}.json`)), 'the stale note is removed');
  });

  it('that are gone, or left half a note, leave only a file to remove', async () => {
    const pid = await deadPid();
    writeFileSync(join(run, `worker-${pid}.json`), JSON.stringify({ pid, started: 'gone' }));
    writeFileSync(join(run, 'worker-1.json'), '{"pid":');
    writeFileSync(join(run, 'worker-2.json'), 'null');
    writeFileSync(join(run, 'unrelated.json'), '{}');
    assert.deepEqual(dismissOrphans(dataDir), []);
    assert.deepEqual(readdirSync(run), ['unrelated.json']);
  });
});

describe('a data directory', () => {
  it('is held by one control process at a time', async () => {
    const holder = await another('holdDataDir');
    assert.throws(() => holdDataDir(dataDir), new RegExp(`in use by the process ${holder.pid};`));
    const left = once(holder, 'exit');
    holder.kill('SIGKILL');
    await left;
    const letGo = holdDataDir(dataDir);
    assert.match(readFileSync(join(run, 'control.json'), 'utf8'), new RegExp(`"pid":${process.pid}`));
    letGo();
    assert.ok(!existsSync(join(run, 'control.json')));
  });
});
