/** TCP to an origin over addresses that were checked, and only over those. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Fault } from '../../src/core/faults.ts';
import { parseNetwork } from '../../src/core/network.ts';
import { createDialer, type Dialer } from '../../src/proxy/dial.ts';
import { createResolver, type ResolvedAddress } from '../../src/proxy/resolve.ts';
import { startRawOrigin, type RawOrigin } from '../helpers/raw-origin.ts';
import { stalledPort, until, type StalledPort } from './harness.ts';

const LOOPBACK = [parseNetwork('127.0.0.0/8'), parseNetwork('::1')].filter(n => n !== null);

const v4 = (...addresses: string[]): ResolvedAddress[] =>
  addresses.map(address => ({ address, family: address.includes(':') ? 6 : 4 }));

function dialerTo(...addresses: string[]): Dialer & { asked: string[] } {
  const asked: string[] = [];
  const dialer = createDialer(
    createResolver({ system: name => Promise.resolve((asked.push(name), v4(...addresses))) }),
    () => ({ allow: LOOPBACK, ownListeners: [] }),
  );
  return { ...dialer, asked };
}
const free = { onCancellable: () => undefined };
const codeOf = (code: string) => (e: Error & { code?: string }) => e.code === code;

describe('dial', () => {
  let origin: RawOrigin;
  let stalled: StalledPort;
  before(async () => {
    origin = await startRawOrigin(socket => socket.end('hello'));
    stalled = await stalledPort();
  });
  after(async () => {
    await origin.stop();
    await stalled.stop();
  });

  test('an address literal is dialled as it stands and never looked up', async () => {
    const dialer = dialerTo('127.0.0.9');
    const { socket, address } = await dialer.dial('127.0.0.1', origin.port, free);
    assert.equal(address, '127.0.0.1');
    assert.deepEqual(dialer.asked, []);
    socket.destroy();
  });

  test('a name is looked up once and its address is the one connected to', async () => {
    const dialer = dialerTo('127.0.0.1');
    const { socket, address } = await dialer.dial('a.test', origin.port, free);
    assert.equal(address, '127.0.0.1');
    assert.equal(socket.remotePort, origin.port);
    assert.deepEqual(dialer.asked, ['a.test']);
    socket.destroy();
  });

  test('the next address is tried when one refuses, and the address that answered is told', async () => {
    const { socket, address } = await dialerTo('127.0.0.8', '::1', '127.0.0.1').dial(
      'a.test',
      origin.port,
      free,
    );
    assert.equal(address, '127.0.0.1');
    socket.destroy();
  });

  test('the next address is tried when one stays silent (Happy Eyeballs)', async () => {
    const open = await startRawOriginOn('127.0.0.2', stalled.port);
    const { socket, address } = await dialerTo('127.0.0.1', '127.0.0.2').dial('a.test', stalled.port, free);
    assert.equal(address, '127.0.0.2');
    socket.destroy();
    await open.stop();
  });

  test('reads of a connection found among several addresses land in the caller’s buffers', async () => {
    const got: string[] = [];
    let buffers = 0;
    const { socket } = await dialerTo('127.0.0.8', '127.0.0.1').dial('a.test', origin.port, {
      ...free,
      onread: {
        buffer: () => Buffer.alloc(16, ++buffers),
        callback: (n, buffer) => got.push(Buffer.from(buffer).toString('latin1', 0, n)) > 0,
      },
    });
    await until('the bytes', () => got.join('') === 'hello');
    assert.ok(buffers > 0);
    socket.destroy();
  });

  test('refused by all addresses is origin-refused; no address at all is dns-failed', async () => {
    await assert.rejects(
      dialerTo('127.0.0.8', '127.0.0.9').dial('a.test', origin.port, free),
      codeOf('origin-refused'),
    );
    await assert.rejects(dialerTo('127.0.0.8').dial('a.test', origin.port, free), codeOf('origin-refused'));
    await assert.rejects(dialerTo().dial('a.test', origin.port, free), codeOf('dns-failed'));
  });

  test('a running attempt can be cancelled and then leaves nothing behind', async () => {
    let cancel: ((fault: Fault) => void) | null = null;
    const dialling = dialerTo('127.0.0.1').dial('a.test', stalled.port, {
      onCancellable: c => {
        cancel = c;
      },
    });
    const stop = await until('the attempt', () => cancel);
    stop(new Fault('origin-connect-timeout'));
    await assert.rejects(dialling, codeOf('origin-connect-timeout'));
    assert.equal(cancel, null);
  });
});

async function startRawOriginOn(host: string, port: number): Promise<{ stop: () => Promise<unknown> }> {
  const { createServer } = await import('node:net');
  const server = createServer(socket => socket.on('error', () => undefined));
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, resolve);
  });
  return { stop: () => new Promise(resolve => server.close(resolve)) };
}
