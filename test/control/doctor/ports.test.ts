import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer as createHttpServer } from 'node:http';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { openAuthority } from '../../../ca/authority.ts';
import { askPorts } from '../../../src/control/doctor/ports.ts';
import { freePort } from '../../helpers/free-port.ts';
import { codes, folder, patient } from './bench.ts';

async function listening(t: TestContext, server: Server, host = '127.0.0.1'): Promise<number> {
  server.listen(0, host);
  await once(server, 'listening');
  t.after(() => server.close());
  return (server.address() as AddressInfo).port;
}

/** A server as the setup site of the installation whose root this is. */
const site = (root: string): Server =>
  createHttpServer((request, response) => {
    response.end(request.url === '/ca.pem' ? root : '');
  });

const ask = (dir: string, listen: string, addresses: string[] = []) =>
  askPorts(patient(dir, { flags: { 'proxy.listen': listen }, patience: 1_500 }), addresses);

void test('a listener that serves: to all, to some of the addresses, or to this machine only', async t => {
  const dir = folder(t);
  const root = openAuthority({ dir: join(dir, 'ca'), passphrase: null }).certificatePem;
  const everywhere = await listening(t, site(root), '0.0.0.0');
  const local = await listening(t, site(root));
  assert.deepEqual(codes(await ask(dir, `0.0.0.0:${everywhere}`, ['127.0.0.2'])), ['port-serves']);
  const [filtered] = await ask(dir, `0.0.0.0:${local}`, ['127.0.0.1', '127.0.0.2']);
  assert.equal(filtered?.code, 'port-filtered');
  assert.deepEqual(filtered.evidence, [`127.0.0.2:${local}: ECONNREFUSED`]);
  assert.deepEqual(codes(await ask(dir, `127.0.0.1:${local}`)), ['port-local']);
});

void test('nobody, a stranger, and somebody who says nothing', async t => {
  const dir = folder(t);
  openAuthority({ dir: join(dir, 'ca'), passphrase: null });
  const other = openAuthority({ dir: join(folder(t), 'ca'), passphrase: null }).certificatePem;
  assert.deepEqual(codes(await ask(dir, `127.0.0.1:${await freePort()}`)), ['port-closed']);

  const strangers = [
    await listening(t, site('hello')),
    await listening(t, site(other)),
    await listening(
      t,
      createServer(s => void s.end('SSH-2.0-strange\r\n')),
    ),
    await listening(
      t,
      createServer(s => void s.resetAndDestroy()),
    ),
    await listening(
      t,
      createHttpServer((_, response) => void response.end(Buffer.alloc(1_000_000))),
    ),
  ];
  for (const port of strangers)
    assert.deepEqual(codes(await ask(dir, `127.0.0.1:${port}`)), ['port-stranger']);

  const mute = createServer(s => void s.on('error', () => undefined).resume());
  assert.deepEqual(codes(await ask(dir, `127.0.0.1:${await listening(t, mute)}`)), ['port-mute']);
});

void test('without a root nothing that answers can be ours', async t => {
  const port = await listening(t, site(''));
  assert.deepEqual(codes(await ask(folder(t), `127.0.0.1:${port}`)), ['port-stranger']);
});
