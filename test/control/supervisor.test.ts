/** Where workers listen: what they are told at the start, and where they come back. Deaths under load are in e2e/resilience. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { allocateProducer } from '../../src/audit/producer.ts';
import { fixPorts } from '../../src/control/fixed-ports.ts';
import { createSupervisor, type Supervisor, type SupervisorOptions } from '../../src/control/supervisor.ts';
import { policyVersion } from '../../src/policy/compile.ts';
import { parsePolicy } from '../../src/policy/parse.ts';
import { loadSettings } from '../../src/settings/load.ts';
import { freePort } from '../helpers/free-port.ts';

describe('supervisor', () => {
  let dir: string;
  let supervisor: Supervisor | null;
  let stranger: Server;
  let taken: number;
  beforeEach(async () => {
    dir = mkdtempSync(join(tmpdir(), 'sightglass-supervisor-'));
    supervisor = null;
    taken = await freePort();
    stranger = createServer().listen(taken, '127.0.0.1');
    await once(stranger, 'listening');
  });
  afterEach(async () => {
    await supervisor?.stop();
    stranger.close();
    rmSync(dir, { recursive: true, force: true });
  });

  /** Starts workers and tells what happens to them through `told`. */
  const start = (
    listen: string,
    workers: number,
    told: (name: string) => void,
    more: Partial<SupervisorOptions> = {},
  ): ReturnType<Supervisor['start']> => {
    const parsed = parsePolicy('version: 1\ndefault: block\nrules: []\n');
    assert.ok(parsed.ok);
    const { document } = parsed;
    supervisor = createSupervisor({
      settings: loadSettings({
        flags: { 'data-dir': dir, workers: String(workers), 'proxy.listen': listen },
      }),
      issuer: { issue: () => Promise.reject(new Error('nobody asks')) },
      credentials: { required: false, verify: () => Promise.resolve({ outcome: 'refused' }) },
      snapshot: () => ({ version: policyVersion(document, new Map()), document, lists: {} }),
      authority: () => ({ certificates: [], root: '', crl: new Uint8Array() }),
      setup: () => ({ pac: '', profile: '', next: false }),
      ownListeners: () => [],
      allocateProducer: () => allocateProducer(join(dir, 'spool')),
      othersLeave: () => false,
      onEvent: told,
      ...more,
    });
    return supervisor.start();
  };
  const accepts = async (port: number): Promise<void> => {
    const socket = connect(port, '127.0.0.1');
    await once(socket, 'connect');
    socket.destroy();
  };

  test('all workers killed at once come back on the very port that port 0 became', async () => {
    let alive = 0;
    let back: () => void = () => undefined;
    const again = new Promise<void>(resolve => (back = resolve));
    const [at] = await start('127.0.0.1:0', 2, name => {
      if (name === 'worker.started' && ++alive === 4) back();
    });
    assert.ok(at !== undefined && at.port > 0);
    for (const { pid } of supervisor?.workers() ?? []) process.kill(pid, 'SIGKILL');
    await again;
    await accepts(at.port);
  });

  test('a free port that somebody takes before the first worker listens is given up for another', async () => {
    let asked = 0;
    const [at] = await start('127.0.0.1:0', 1, () => undefined, {
      fixPorts: async listen =>
        ++asked === 1 ? listen.map(({ host }) => ({ host, port: taken })) : await fixPorts(listen),
    });
    assert.equal(asked, 2);
    assert.notEqual(at?.port, taken);
    await accepts(at?.port ?? 0);
    assert.equal(supervisor?.workers().length, 1, 'the one that could not listen is gone');
  });

  test('a port that is always taken is told in the end, and nobody is left running', async () => {
    let asked = 0;
    const starting = start('127.0.0.1:0', 1, () => undefined, {
      fixPorts: listen => {
        asked++;
        return Promise.resolve(listen.map(({ host }) => ({ host, port: taken })));
      },
    });
    await assert.rejects(starting, { code: 'EADDRINUSE' });
    assert.equal(asked, 5);
    assert.deepEqual(supervisor?.workers(), []);
  });

  test('a port that was named is waited for while workers of an earlier control process are leaving', async () => {
    let asked = 0;
    const [at] = await start(`127.0.0.1:${taken}`, 1, () => undefined, {
      othersLeave: () => {
        asked++;
        stranger.close();
        return true;
      },
    });
    assert.deepEqual([at?.port, asked], [taken, 1]);
  });

  test('a port that was named and is taken is told at once', async () => {
    let died = 0;
    await assert.rejects(
      start(`127.0.0.1:${taken}`, 1, name => {
        if (name === 'worker.died') died++;
      }),
      { code: 'EADDRINUSE' },
    );
    assert.equal(died, 1, 'nobody tried a second time');
  });
});
