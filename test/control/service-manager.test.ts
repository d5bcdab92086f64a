import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { serviceManager, watchdogMs } from '../../src/control/service-manager.ts';

function folder(t: TestContext): string {
  const dir = mkdtempSync(join(tmpdir(), 'sightglass-notify-'));
  t.after(() => {
    rmSync(dir, { recursive: true, force: true });
  });
  return dir;
}

async function until(enough: () => boolean): Promise<void> {
  for (let i = 0; i < 200 && !enough(); i++) await new Promise(resolve => setTimeout(resolve, 50));
}

/** A receiver as systemd is one: a datagram socket of the unix kind; what comes is written to a file. */
async function receiver(t: TestContext, dir: string): Promise<{ socket: string; heard: () => string }> {
  const [socket, log] = [join(dir, 'notify'), join(dir, 'heard')];
  writeFileSync(log, '');
  const script = `
import os, socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1])
print('bound', flush=True)
while True:
    data, ancillary, flags, sender = s.recvmsg(4096, 256)
    # A barrier: its descriptor is closed to say that everything before it was read.
    for level, kind, fds in ancillary:
        for i in range(0, len(fds), 4):
            os.close(int.from_bytes(fds[i:i + 4], sys.byteorder))
    with open(sys.argv[2], 'ab') as f:
        f.write(data + b'\\n')
`;
  const child = spawn('python3', ['-c', script, socket, log], { stdio: ['ignore', 'pipe', 'inherit'] });
  t.after(() => child.kill());
  await new Promise(resolve => child.stdout.once('data', resolve));
  return { socket, heard: () => readFileSync(log, 'utf8') };
}

void test('systemd hears that the service is ready, lives and stops', async t => {
  const { socket, heard } = await receiver(t, folder(t));
  const failures: string[] = [];
  const manager = serviceManager({
    env: { NOTIFY_SOCKET: socket, WATCHDOG_USEC: '1500000', PATH: process.env['PATH'] },
    pid: process.pid,
    onFailure: message => failures.push(message),
  });
  manager.ready('serving at [::]:8080');
  await until(() => heard().includes('WATCHDOG=1'));
  assert.match(heard(), /READY=1/);
  assert.match(heard(), /STATUS=serving at \[::\]:8080/);
  assert.match(heard(), /WATCHDOG=1/);
  manager.stopping();
  await until(() => heard().includes('STOPPING=1'));
  assert.match(heard(), /STOPPING=1/);
  const beats = heard().split('WATCHDOG=1').length;
  await new Promise(resolve => setTimeout(resolve, 1200));
  assert.equal(heard().split('WATCHDOG=1').length, beats, 'who stops gives no sign of life');
  assert.deepEqual(failures, []);
});

void test('messages that come together are all brought, one child at a time', async t => {
  const dir = folder(t);
  const [slow, log] = [join(dir, 'slow'), join(dir, 'log')];
  writeFileSync(slow, `#!/bin/sh\nsleep 0.2\necho "$@" >> ${log}\n`);
  chmodSync(slow, 0o755);
  writeFileSync(log, '');
  const manager = serviceManager({
    env: { NOTIFY_SOCKET: '/nowhere', PATH: process.env['PATH'] },
    pid: 7,
    onFailure: () => undefined,
    command: slow,
  });
  manager.ready('a');
  manager.stopping();
  const lines = (): string[] => readFileSync(log, 'utf8').trim().split('\n');
  await until(() => lines().length === 2);
  assert.deepEqual(lines(), [
    '--pid=7 READY=1 STATUS=a',
    '--pid=7 STOPPING=1 STATUS=finishing what is in flight',
  ]);
});

void test('without systemd nothing is said; a messenger that is missing is told once', async t => {
  const failures: string[] = [];
  const options = { pid: 1, onFailure: (message: string) => void failures.push(message) };
  serviceManager({ ...options, env: {}, command: join(folder(t), 'none') }).ready('x');
  const manager = serviceManager({
    ...options,
    env: { NOTIFY_SOCKET: '/n' },
    command: join(folder(t), 'none'),
  });
  manager.ready('x');
  await until(() => failures.length > 0);
  manager.stopping();
  await new Promise(resolve => setTimeout(resolve, 200));
  assert.equal(failures.length, 1);
  assert.match(failures[0] ?? '', /ENOENT/);
});

void test('the watchdog watches the process it names', () => {
  assert.equal(watchdogMs({ WATCHDOG_USEC: '90000000' }, 5), 90_000);
  assert.equal(watchdogMs({ WATCHDOG_USEC: '90000000', WATCHDOG_PID: '5' }, 5), 90_000);
  assert.equal(watchdogMs({ WATCHDOG_USEC: '90000000', WATCHDOG_PID: '6' }, 5), null);
  for (const value of [undefined, '', '0', '-1', 'x'])
    assert.equal(watchdogMs({ WATCHDOG_USEC: value }, 5), null);
});
