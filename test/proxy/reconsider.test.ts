/** A rule with `apply: immediate` ends what it blocks; everything else lives on. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { after, before, test } from 'node:test';
import { reconsider } from '../../src/proxy/reconsider.ts';
import type { Flow } from '../../src/proxy/flow.ts';
import { converse, openTunnel, OriginCa, startOrigin, startProxy, tlsInside } from '../helpers/proxy.ts';
import { FACTS, INSPECT } from './harness.ts';

const ca = new OriginCa();
let origin: Awaited<ReturnType<typeof startOrigin>>;
let passOrigin: Awaited<ReturnType<typeof startOrigin>>;
before(async () => {
  origin = await startOrigin(ca, 'a.test', (req, res) => {
    if (req.url === '/slow') res.write('begun');
    else if (req.url !== '/never') res.end('ok');
  });
  passOrigin = await startOrigin(ca, 'pass.test', (_req, res) => res.end('ok'));
});
after(async () => {
  await origin.stop();
  await passOrigin.stop();
  ca.remove();
});

const OPEN = `version: 1
default: inspect
rules: [{ name: pass, when: { host: pass.test }, action: passthrough }]
`;
const STOP = `version: 1
default: inspect
rules: [{ name: stop, when: { host: [a.test, pass.test] }, action: block, apply: immediate }]
`;
const LATER = STOP.replace(', apply: immediate', '');
const GET = (path: string): string => `GET ${path} HTTP/1.1\r\nHost: a.test\r\n\r\n`;

test('idle, busy, unanswered and tunnelled flows end with blocked-by-policy; without the key they live on', async t => {
  const proxy = await startProxy({
    trust: [ca.pem],
    policy: OPEN,
    flags: { 'origin.resolve': ['a.test=127.0.0.1', 'pass.test=127.0.0.1', 'b.test=127.0.0.1'] },
  });
  t.after(() => proxy.stop());
  const inside = async () => {
    const { socket, port } = await openTunnel(proxy.port, `a.test:${origin.port}`);
    return { tls: await tlsInside(socket, 'a.test', proxy.ca), port };
  };
  const idle = await inside();
  await converse(idle.tls, GET('/'), /ok$/);
  const busy = await inside();
  await converse(busy.tls, GET('/slow'), /begun/);
  const passed = await openTunnel(proxy.port, `pass.test:${passOrigin.port}`);
  const through = await tlsInside(passed.socket, 'pass.test', ca.pem);
  const unanswered = await inside();
  const page = converse(unanswered.tls, GET('/never'));

  assert.equal(await proxy.apply(LATER), 0);
  assert.match(await converse(idle.tls, GET('/'), /ok$/), /200 OK/, 'an open flow keeps its verdict');

  const cut = [once(busy.tls, 'close'), once(through, 'close')];
  assert.equal(await proxy.apply(STOP), 4);
  await Promise.all(cut);
  assert.match(await page, /^HTTP\/1\.1 403 /);
  for (const { port } of [idle, busy, unanswered, passed]) {
    const row = await proxy.flowOf(port);
    assert.equal(row.fault, 'blocked-by-policy');
    assert.match(row.faultDetail ?? '', /^stop, in force since policy [0-9a-f]{12}$/);
    assert.notEqual(row.verdict?.action, 'block', 'the verdict it began with stays in its row');
  }
});

test('flows that are not decided, blocked or over are left alone; thousands are judged in pieces', async () => {
  const aborted: string[] = [];
  const flow = (over: object): Flow =>
    ({
      facts: FACTS,
      verdict: INSPECT,
      closed: false,
      abort: (f: Error) => aborted.push(f.message),
      ...over,
    }) as never;
  const flows = [
    flow({ facts: null }),
    flow({ verdict: { ...INSPECT, action: 'block' } }),
    flow({ closed: true }),
    ...Array.from({ length: 1000 }, () => flow({})),
  ];
  const source = { version: 'x', decide: () => INSPECT, decideHost: () => INSPECT };
  assert.equal(await reconsider(flows, source), 0, 'a policy that ends nothing');
  const ended = await reconsider(flows, { ...source, ends: () => ({ ...INSPECT, action: 'block' }) });
  assert.equal(ended, 1000);
  assert.equal(aborted.length, 1000);
});
