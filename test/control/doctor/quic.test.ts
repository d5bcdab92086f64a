import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { test, type TestContext } from 'node:test';
import fc from 'fast-check';
import { askQuic, offeredVersions, unknownVersionDatagram } from '../../../src/control/doctor/quic.ts';
import { codes, folder, patient } from './bench.ts';

/** RFC 9000 §17.2.1, as a server writes it. */
function versionNegotiation(datagram: Buffer, ...versions: number[]): Buffer {
  const list = Buffer.alloc(4 * versions.length);
  versions.forEach((v, i) => list.writeUInt32BE(v, 4 * i));
  return Buffer.concat([
    Buffer.from([0x80, 0, 0, 0, 0]),
    datagram.subarray(14, 23),
    datagram.subarray(5, 14),
    list,
  ]);
}

async function udp(t: TestContext, answer: (datagram: Buffer) => Buffer | null): Promise<number> {
  const socket = createSocket('udp4');
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  t.after(() => {
    socket.close();
  });
  socket.on('message', (datagram, from) => {
    const reply = answer(datagram);
    if (reply !== null) socket.send(reply, from.port, from.address);
  });
  return socket.address().port;
}

void test('an origin that answers, one that talks nonsense, one that is silent, and none', async t => {
  const ask = (...ports: number[]) =>
    askQuic(patient(folder(t), { hosts: ports.map(port => ({ host: '127.0.0.1', port })), patience: 300 }));
  assert.deepEqual(codes(await ask()), ['quic-none']);
  let size = 0;
  const open = await udp(t, datagram => {
    size = datagram.length;
    return versionNegotiation(datagram, 1, 0x6b3343cf);
  });
  const silent = await udp(t, () => null);
  const nonsense = await udp(t, () => Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n'));
  const [answer] = await ask(silent, open);
  assert.equal(answer?.code, 'quic-open');
  assert.deepEqual(answer.evidence, [`127.0.0.1 UDP ${open}: speaks versions 0x00000001, 0x6b3343cf`]);
  assert.ok(size >= 1200, 'a server ignores shorter first datagrams');
  assert.deepEqual(codes(await ask(silent, nonsense)), ['quic-closed']);
});

void test('only an answer to our own ids counts', () => {
  const ids = Buffer.from('00112233445566778899aabbccddeeff', 'hex');
  const datagram = unknownVersionDatagram(ids);
  assert.deepEqual(offeredVersions(versionNegotiation(datagram, 1), ids), ['0x00000001']);
  assert.equal(offeredVersions(versionNegotiation(datagram, 1), Buffer.alloc(16)), null);
  assert.equal(offeredVersions(datagram, ids), null, 'an echo is no answer');
});

void test('no packet breaks the reader', () => {
  const ids = Buffer.alloc(16, 7);
  const whole = versionNegotiation(unknownVersionDatagram(ids), 1, 2, 3);
  for (let i = 0; i < 27; i++) assert.equal(offeredVersions(whole.subarray(0, i), ids), null);
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), bytes => {
      const read = offeredVersions(Buffer.from(bytes), ids);
      assert.ok(read === null || read.length <= 32);
    }),
  );
});
