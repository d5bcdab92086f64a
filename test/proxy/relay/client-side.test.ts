/** The reading end towards the client: events in order, nothing parsed while held, and no listener left behind. */
import assert from 'node:assert/strict';
import { duplexPair, type Duplex } from 'node:stream';
import { describe, test } from 'node:test';
import { ClientSide, type ClientEvents } from '../../../src/proxy/relay/client-side.ts';
import { Turn } from '../../../src/proxy/turn.ts';
import { DEFAULT_LIMITS } from '../../../src/wire/http1/index.ts';
import { until } from '../harness.ts';

const GET = (path: string): string => `GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`;

function scene(): { log: string[]; peer: Duplex; side: ClientSide; socket: Duplex } {
  const log: string[] = [];
  const [peer, socket] = duplexPair();
  const events: ClientEvents = {
    begun: () => log.push('begun'),
    head: head => log.push(`head ${head.target}`),
    data: data => log.push(`data ${data.toString()}`),
    end: () => {
      log.push('end');
      side.hold();
    },
    malformed: fault => {
      log.push(fault.code);
      side.stop();
    },
    cutShort: () => {
      log.push('cut short');
      side.stop();
    },
    saidAll: () => {
      log.push('said all');
      side.stop();
    },
    failed: error => log.push(error.message),
    closed: () => log.push('closed'),
    drained: () => log.push('drained'),
  };
  const side = new ClientSide(socket, DEFAULT_LIMITS, events);
  side.start();
  return { log, peer, side, socket };
}
const seen = (log: string[], ...want: string[]): Promise<unknown> =>
  until(
    want.join(),
    () => log.join() === want.join() || (log.length >= want.length && assert.deepEqual(log, want)),
  );

describe('client side', () => {
  test('a request in pieces: begun, head, data, end', async () => {
    const { log, peer } = scene();
    peer.write('POST /1 HTTP/1.1\r\nHo');
    await seen(log, 'begun');
    peer.write('st: a\r\nContent-Length: 4\r\n\r\nab');
    await seen(log, 'begun', 'head /1', 'data ab', 'begun');
    peer.write('cd');
    await seen(log, 'begun', 'head /1', 'data ab', 'begun', 'data cd', 'end');
  });

  test('a pipelined request waits, as bytes and unread, until the side proceeds', async () => {
    const { log, peer, side, socket } = scene();
    peer.write(GET('/1') + GET('/2'));
    await seen(log, 'head /1', 'end');
    peer.write(GET('/3'));
    await until('the pause', () => socket.isPaused());
    assert.deepEqual(log, ['head /1', 'end']);
    side.proceed();
    side.pump();
    await seen(log, 'head /1', 'end', 'head /2', 'end');
    side.proceed();
    side.pump();
    await seen(log, 'head /1', 'end', 'head /2', 'end', 'head /3', 'end');
  });

  test('an end between requests is all there is to say; the requests before it are still served', async () => {
    const { log, peer, side } = scene();
    peer.end(GET('/1') + GET('/2'));
    await seen(log, 'head /1', 'end');
    await new Promise(resolve => setImmediate(resolve));
    side.proceed();
    side.pump();
    await seen(log, 'head /1', 'end', 'head /2', 'end');
    side.proceed();
    side.pump();
    await seen(log, 'head /1', 'end', 'head /2', 'end', 'said all');
  });

  test('an end inside a request cuts it short; bytes that are no request are malformed', async () => {
    const one = scene();
    one.peer.end('GET / HT');
    await until('the end', () => one.log.includes('cut short'));
    assert.deepEqual(one.log, ['begun', 'cut short']);
    const two = scene();
    two.peer.write('\x01\x02 nonsense\r\n\r\n');
    await seen(two.log, 'request-malformed');
  });

  test('release hands over the bytes behind the last request and leaves no listener', async () => {
    const { log, peer, side, socket } = scene();
    const before = ['data', 'drain', 'end', 'error', 'close'].map(name => socket.listenerCount(name));
    assert.ok(before.every(n => n > 0));
    peer.write(`${GET('/1')}raw bytes`);
    await seen(log, 'head /1', 'end');
    assert.equal(side.release().toString(), 'raw bytes');
    for (const name of ['data', 'drain', 'error']) assert.equal(socket.listenerCount(name), 0, name);
    peer.write('more');
    await new Promise(resolve => setImmediate(resolve));
    assert.deepEqual(log, ['head /1', 'end']);
  });

  test('farewell says the last words, ends, and reads on without listening', async () => {
    const { log, peer, side, socket } = scene();
    const turn = new Turn({ healthy: true, append: () => undefined, flush: () => undefined });
    peer.write(GET('/1'));
    await seen(log, 'head /1', 'end');
    turn.write(socket, 'bye');
    side.farewell(turn);
    let heard = '';
    peer.on('data', (data: Buffer) => (heard += data.toString()));
    peer.write(GET('/2'));
    await new Promise(resolve => peer.once('end', resolve));
    assert.equal(heard, 'bye');
    peer.end();
    await until('the close', () => log.includes('closed'));
    assert.deepEqual(
      log.filter(l => l.startsWith('head')),
      ['head /1'],
    );
  });
});
