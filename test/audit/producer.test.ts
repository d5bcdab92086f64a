/** Producer numbers are never given twice, also to processes that ask at once; processes are told apart from their successors. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { describe, it } from 'node:test';
import {
  allocateProducer,
  isAlive,
  listSegments,
  segmentName,
  startTicks,
} from '../../src/audit/producer.ts';
import { scratch } from './sample.ts';

describe('allocateProducer', () => {
  it('counts up and keeps few claims', t => {
    const dir = path.join(scratch(t), 'new', 'spool');
    const given = Array.from({ length: 20 }, () => allocateProducer(dir));
    assert.deepEqual(
      given,
      Array.from({ length: 20 }, (_, i) => i + 1),
    );
    assert.ok(fs.readdirSync(dir).length <= 9);
  });

  it('goes on above the segments when the claims are lost', t => {
    const dir = scratch(t);
    fs.writeFileSync(path.join(dir, segmentName(41, 3)), '');
    assert.equal(allocateProducer(dir), 42);
  });

  it('gives no number twice to processes that ask at once', async t => {
    const dir = scratch(t);
    const script = `
      import { allocateProducer } from ${JSON.stringify(new URL('../../src/audit/producer.ts', import.meta.url).href)};
      const out = [];
      for (let i = 0; i < 50; i++) out.push(allocateProducer(${JSON.stringify(dir)}));
      console.log(out.join(' '));`;
    const file = path.join(dir, 'ask.mts');
    fs.writeFileSync(file, script);
    const given = await Promise.all(
      [1, 2, 3].map(
        () =>
          new Promise<number[]>((resolve, reject) => {
            const child = spawn(process.execPath, ['--import', import.meta.resolve('tsx'), file], {
              stdio: ['ignore', 'pipe', 'inherit'],
            });
            let text = '';
            child.stdout.on('data', (data: Buffer) => (text += data.toString()));
            child.on('error', reject);
            child.on('close', () => resolve(text.trim().split(' ').map(Number)));
          }),
      ),
    );
    const all = given.flat();
    assert.equal(all.length, 150);
    assert.equal(new Set(all).size, 150, 'all different');
    for (const one of given)
      assert.deepEqual(
        one,
        [...one].sort((a, b) => a - b),
        'and rising',
      );
  });
});

describe('segments', () => {
  it('are listed by producer and sequence; other files are not', t => {
    const dir = scratch(t);
    for (const name of [
      segmentName(2, 1),
      segmentName(1, 10),
      segmentName(1, 9),
      'x.seg',
      '1-2.seg',
      'producer-00000001',
    ])
      fs.writeFileSync(path.join(dir, name), '');
    assert.deepEqual(
      listSegments(dir).map(s => s.name),
      ['00000001-00000009.seg', '00000001-00000010.seg', '00000002-00000001.seg'],
    );
    assert.deepEqual(listSegments(path.join(dir, 'none')), []);
  });
});

describe('isAlive', () => {
  it('knows this process, and that a pid used again is not it', () => {
    const ticks = startTicks(process.pid);
    assert.ok(ticks > 0);
    assert.equal(isAlive(process.pid, ticks), true);
    assert.equal(isAlive(process.pid, ticks + 1), false);
    assert.equal(isAlive(process.pid, 0), true, 'without ticks the pid alone is asked');
  });
  it('knows a process that ended', async () => {
    const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' });
    const pid = child.pid ?? 0;
    const ticks = startTicks(pid);
    assert.equal(isAlive(pid, ticks), true);
    const ended = new Promise(resolve => child.on('close', resolve));
    child.kill('SIGKILL');
    await ended;
    assert.equal(isAlive(pid, ticks), false);
  });
});
