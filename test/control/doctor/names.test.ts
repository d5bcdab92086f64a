import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { test, type TestContext } from 'node:test';
import { askNames } from '../../../src/control/doctor/names.ts';
import { EVERYWHERE, world } from '../../consumers/dns.ts';
import { codes, folder, patient } from './bench.ts';

/** A DNS server that answers every name with 127.0.0.1 or, as the world does, with EVERYWHERE. */
async function server(t: TestContext, address: string): Promise<string> {
  const origin = await world();
  t.after(() => origin.close());
  if (address === EVERYWHERE) return `127.0.0.1:${origin.port}`;
  const front = createSocket('udp4');
  front.bind(0, '127.0.0.1');
  await once(front, 'listening');
  t.after(() => {
    front.close();
  });
  front.on('message', (query, from) => {
    const back = createSocket('udp4');
    back.once('message', reply => {
      const changed = Buffer.from(reply);
      const at = changed.indexOf(Buffer.from(EVERYWHERE.split('.').map(Number)));
      if (at >= 0) Buffer.from(address.split('.').map(Number)).copy(changed, at);
      front.send(changed, from.port, from.address);
      back.close();
    });
    back.send(query, origin.port, '127.0.0.1');
  });
  return `127.0.0.1:${front.address().port}`;
}

void test('resolvers that agree, differ, fail and stay silent', async t => {
  const local = { host: 'localhost', port: 443 };
  const agreeing = await server(t, '127.0.0.1');
  const other = await server(t, EVERYWHERE);
  const dir = folder(t);
  const ask = (hosts: { host: string; port: number }[], ...servers: string[]) =>
    askNames(patient(dir, { hosts, patience: 300 }), servers);

  assert.deepEqual(codes(await ask([])), ['names-none']);
  assert.deepEqual(
    codes(await ask([{ host: '192.0.2.7', port: 443 }], agreeing)),
    ['names-none'],
    'an address is no name',
  );
  assert.deepEqual(codes(await ask([local], agreeing)), ['names-agree']);
  const [differ] = await ask([local], other);
  assert.equal(differ?.code, 'names-differ');
  assert.match(differ.evidence.join('\n'), new RegExp(EVERYWHERE.replaceAll('.', '\\.')));
  assert.deepEqual(codes(await ask([{ host: 'nowhere.invalid', port: 443 }], agreeing)), ['names-fail']);

  const deaf = createSocket('udp4');
  deaf.bind(0, '127.0.0.1');
  await once(deaf, 'listening');
  t.after(() => {
    deaf.close();
  });
  assert.deepEqual(codes(await ask([local], agreeing, `127.0.0.1:${deaf.address().port}`)), [
    'names-agree',
    'names-silent',
  ]);
});
