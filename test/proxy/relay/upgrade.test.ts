/** After 101 there are bytes: both ways, half-closed, counted into the one exchange row, and ended when silent. */
import assert from 'node:assert/strict';
import { connect, type Socket } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { startProxy, type TestProxy } from '../../helpers/proxy.ts';
import { startRawOrigin, type RawOrigin } from '../../helpers/raw-origin.ts';
import { until } from '../harness.ts';

const POLICY = 'version: 1\ndefault: { action: inspect, capture: headers }\n';
const SWITCH = 'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n';

describe('upgrade', () => {
  let proxy: TestProxy;
  before(async () => {
    proxy = await startProxy({ policy: POLICY });
  });
  after(() => proxy.stop());

  async function upgraded(
    by = proxy,
  ): Promise<{ client: Socket; heard: () => string; at: Socket; origin: RawOrigin }> {
    const origin = await startRawOrigin(socket => {
      socket.once('data', () => socket.write(`${SWITCH}early`));
    });
    const client = connect({ port: by.port, host: '127.0.0.1', allowHalfOpen: true });
    let text = '';
    client.on('error', () => undefined);
    client.on('data', data => (text += data.toString()));
    client.write(
      `GET http://127.0.0.1:${origin.port}/ws HTTP/1.1\r\nHost: 127.0.0.1:${origin.port}\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n`,
    );
    await until('the switch', () => text.endsWith('early'));
    const [at] = origin.sockets;
    assert.ok(at);
    return { client, heard: () => text.slice(text.indexOf('\r\n\r\n') + 4), at, origin };
  }
  const rowOf = async (client: Socket, by = proxy) => {
    const flow = await by.flowOf(client.localPort ?? 0);
    const row = by.audit.exchanges.filter(e => e.flow === flow.flow);
    assert.equal(row.length, 1);
    return { flow, row: row[0] };
  };

  test('bytes both ways, each side may end first, all counted once', async () => {
    for (const first of ['client', 'origin'] as const) {
      const { client, heard, at, origin } = await upgraded();
      client.write('ping');
      await until('ping', () => origin.received[0]?.endsWith('ping'));
      if (first === 'client') {
        client.end();
        await until('the end at the origin', () => at.readableEnded);
        at.end('last words');
      } else {
        at.end('last words');
        await until('the last words', () => heard().endsWith('last words'));
        client.end();
      }
      const port = client.localPort;
      assert.ok(port);
      const { flow, row } = await rowOf(client);
      assert.equal(heard(), 'earlylast words', first);
      assert.equal(row?.status, 101);
      assert.equal(row.upgraded, true);
      assert.equal(row.req.size, 4);
      assert.equal(row.res.size, 'earlylast words'.length);
      assert.equal(row.fault, null);
      assert.equal(flow.fault, null);
      await origin.stop();
    }
  });

  test('a reset by either side is named in the row', async () => {
    const one = await upgraded();
    one.client.resetAndDestroy();
    const flow = (await until('the row', () => proxy.audit.exchanges.find(e => e.fault === 'client-reset')))
      .flow;
    assert.ok(proxy.audit.exchanges.filter(e => e.flow === flow).length === 1);
    await one.origin.stop();
    const two = await upgraded();
    two.at.resetAndDestroy();
    assert.equal((await rowOf(two.client)).row?.fault, 'origin-reset');
    await two.origin.stop();
  });

  test('silence ends it', async () => {
    const hasty = await startProxy({ policy: POLICY, flags: { 'timeout.idle': '1s' } });
    const { client, origin } = await upgraded(hasty);
    const { flow, row } = await rowOf(client, hasty);
    assert.equal(flow.fault, 'idle-timeout');
    assert.equal(row?.fault, 'idle-timeout');
    await origin.stop();
    await hasty.stop();
  });
});
