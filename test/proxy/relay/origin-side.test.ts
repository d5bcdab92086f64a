/** The reading end towards the origin: answers to requests, and nothing that answers none (requirement D3). */
import assert from 'node:assert/strict';
import { duplexPair, type Duplex } from 'node:stream';
import { describe, test } from 'node:test';
import { OriginSide } from '../../../src/proxy/relay/origin-side.ts';
import { OriginLink } from '../../../src/proxy/relay/side.ts';
import { DEFAULT_LIMITS } from '../../../src/wire/http1/index.ts';
import { until } from '../harness.ts';

const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';

function scene(headGoesOn = true) {
  const log: string[] = [];
  let expecting = false;
  const side = new OriginSide({
    expecting: () => expecting,
    head: head => {
      log.push(`head ${head.status}`);
      return headGoesOn;
    },
    data: data => log.push(`data ${data.toString()}`),
    end: () => {
      expecting = false;
      log.push('end');
    },
    malformed: fault => log.push(fault.code),
    over: link => log.push(`over ${link.failure?.code ?? 'orderly'}`),
    drained: () => log.push('drained'),
  });
  const connect = (): { peer: Duplex; link: OriginLink } => {
    const [peer, socket] = duplexPair();
    peer.on('error', () => undefined);
    const link = new OriginLink(socket, 'a.test', 80, DEFAULT_LIMITS);
    side.adopt(link);
    return { peer, link };
  };
  const ask = (link: OriginLink, method = 'GET'): void => {
    expecting = true;
    link.reader.expect(method);
  };
  return { log, side, connect, ask };
}

describe('origin side', () => {
  test('an answer is head, data, end, and the link counts it', async () => {
    const { log, side, connect, ask } = scene();
    const { peer, link } = connect();
    ask(link);
    peer.write(OK);
    await until('the end', () => log.includes('end'));
    assert.deepEqual(log, ['head 200', 'data ok', 'end']);
    assert.equal(link.used, 1);
    assert.equal(side.link, link);
  });

  test('bytes that answer nothing end the connection: before a request, or glued behind an answer', async () => {
    const early = scene();
    const first = early.connect();
    first.peer.write(OK);
    await until('the end', () => first.link.socket.destroyed);
    assert.equal(early.side.link, null);
    assert.deepEqual(early.log, []);
    const glued = scene();
    const second = glued.connect();
    glued.ask(second.link);
    second.peer.write(OK + OK);
    await until('the end', () => second.link.socket.destroyed);
    assert.deepEqual(glued.log, ['head 200', 'data ok', 'end']);
    assert.equal(glued.side.link, null);
  });

  test('nonsense is malformed', async () => {
    const { log, connect, ask } = scene();
    const { peer, link } = connect();
    ask(link);
    peer.write('SSH-2.0-nonsense\r\n\r\n');
    await until('the fault', () => log.length > 0);
    assert.deepEqual(log, ['response-malformed']);
  });

  test('an end is told, with what the connection died of', async () => {
    const orderly = scene();
    orderly.connect().peer.end();
    await until('the end', () => orderly.log.length > 0);
    assert.equal(orderly.log[0], 'over orderly');
    const reset = scene();
    const { link } = reset.connect();
    link.socket.destroy(Object.assign(new Error('reset'), { code: 'ECONNRESET' }));
    await until('the end', () => reset.log.length > 0);
    assert.equal(reset.log[0], 'over origin-reset');
  });

  test('released or dropped, a connection is heard no more', async () => {
    const { log, side, connect, ask } = scene();
    const released = connect();
    ask(released.link);
    assert.equal(side.release(), released.link);
    released.peer.write(OK);
    await new Promise(resolve => setImmediate(resolve));
    assert.equal(released.link.socket.destroyed, false);
    const dropped = connect();
    side.drop();
    assert.equal(dropped.link.socket.destroyed, true);
    await new Promise(resolve => setImmediate(resolve));
    assert.deepEqual(log, []);
    assert.equal(side.link, null);
  });

  test('a head that ends HTTP leaves what follows unread, for the next owner', async () => {
    const { log, side, connect, ask } = scene(false);
    const { peer, link } = connect();
    ask(link);
    peer.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\nraw');
    await until('the head', () => log.length > 0);
    side.release();
    assert.deepEqual(log, ['head 101']);
    assert.equal(link.reader.takeRest().toString(), 'raw');
  });
});
