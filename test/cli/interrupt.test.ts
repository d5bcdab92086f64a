/** Ctrl-C, given by a real terminal: `script` makes one and hands on the key. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, ftruncateSync, mkdirSync, mkdtempSync, openSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { it } from 'node:test';
import { generateIdentity, identityToRecipient } from 'age-encryption';
import { Interrupted, interruptible } from '../../src/cli/interrupt.ts';

const ROOT = resolve(import.meta.dirname, '../..');

it('ends a backup with 130 and leaves nothing of it', { timeout: 120_000 }, async t => {
  const base = mkdtempSync(join(tmpdir(), 'sightglass-interrupt-'));
  t.after(() => rmSync(base, { recursive: true, force: true }));
  const data = join(base, 'data');
  mkdirSync(join(data, 'spool'), { recursive: true });
  // So much, all of it a hole, that nobody backs it up before the key is heard.
  const fd = openSync(join(data, 'spool', 'large'), 'w');
  ftruncateSync(fd, 2 ** 40);
  closeSync(fd);
  const recipient = await identityToRecipient(await generateIdentity());
  const command = [process.execPath, '--import', 'tsx', 'src/cli/main.ts', 'backup', '--data-dir', data]
    .concat(['--out', join(base, 'out.age'), '--recipient', recipient])
    .join(' ');
  const child = spawn('script', ['-qefc', command, join(base, 'typescript')], { cwd: ROOT });
  t.after(() => child.kill('SIGKILL'));
  let shown = '';
  child.stdout.on('data', (data: Buffer) => {
    const before = shown;
    shown += data.toString();
    if (!before.includes(' of 1.0 TiB') && shown.includes(' of 1.0 TiB')) child.stdin.write('\u0003');
  });
  const [code] = (await once(child, 'close')) as [number | null];
  assert.equal(code, 130, shown);
  assert.match(shown, /spool\/large {2}\d.* of 1\.0 TiB {2}0 %/);
  assert.match(shown, /\r\u001b\[Ksightglass: interrupted\r\nhint: Nothing half-made was left behind\./);
  assert.deepEqual(readdirSync(base).sort(), ['data', 'typescript']);
  assert.deepEqual(readdirSync(data), ['spool']);
});

it('says why work ended, whatever the work says, and hears no longer than the work lasts', async () => {
  const listeners = (): number => process.listenerCount('SIGINT') + process.listenerCount('SIGTERM');
  const before = listeners();
  assert.equal(await interruptible(async () => listeners() - before), 2);
  await assert.rejects(
    interruptible(async () => {
      throw new Error('its own');
    }),
    /its own/,
  );
  const cut = interruptible(async signal => {
    process.emit('SIGTERM', 'SIGTERM');
    assert.equal(signal.aborted, true);
    throw new Error('cut off');
  });
  await assert.rejects(cut, (error: unknown) => error instanceof Interrupted && error.exitCode === 143);
  assert.equal(listeners(), before);
});
