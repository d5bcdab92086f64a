/**
 * Both sides of an inspected connection break off after any number of bytes, in every way TCP knows. Whatever happens:
 * every connection ends by itself (the deadlines here are far away), leaves exactly one row, and an answer that arrived
 * whole has its exchange. Fixed seeds: a failure can be run again.
 */
import assert from 'node:assert/strict';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { ask, through } from '../e2e/load.ts';
import { makeRng, type Rng } from '../fuzz/rng.ts';
import { BEHAVIOURS, startRawOrigin } from '../helpers/origin.ts';
import {
  converse,
  openTunnel,
  OriginCa,
  startOrigin,
  startProxy,
  tlsInside,
  type TestProxy,
} from '../helpers/proxy.ts';
import { until } from './harness.ts';

const CUTS = ['reset', 'destroy', 'end'] as const;

interface Cutter {
  port: number;
  /** Connections that were cut. */
  cut: () => number;
  stop: () => Promise<unknown>;
}

/** Forwards to `target` and cuts each connection after a number of bytes in one direction. */
async function cutter(target: number, rng: Rng, most: number): Promise<Cutter> {
  let cut = 0;
  const sockets = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true }, one => {
    const other = connect({ port: target, host: '127.0.0.1', allowHalfOpen: true });
    const [victim, how] = [rng.pick([one, other]), rng.pick(CUTS)];
    let left = rng.int(most);
    for (const [from, to] of [
      [one, other],
      [other, one],
    ] as const) {
      sockets.add(from);
      from.on('error', () => undefined);
      from.on('data', data => {
        if (from === victim && data.length > left) {
          to.write(data.subarray(0, left));
          left = Infinity;
          cut++;
          for (const socket of [one, other])
            if (how === 'reset') socket.resetAndDestroy();
            else if (how === 'destroy') socket.destroy();
            else socket.end();
        } else if (to.writable) {
          if (from === victim) left -= data.length;
          to.write(data);
        }
      });
      from.on('end', () => to.end());
      from.on('close', () => {
        sockets.delete(from);
        to.destroySoon();
      });
    }
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    cut: () => cut,
    stop: () => {
      for (const socket of sockets) socket.destroy();
      return new Promise(resolve => server.close(resolve));
    },
  };
}

describe('adversity', () => {
  const ca = new OriginCa();
  let origin: Awaited<ReturnType<typeof startOrigin>>;
  let proxy: TestProxy;
  before(async () => {
    origin = await startOrigin(ca, 'www.test', (_req, res) => {
      res.setHeader('Content-Length', 1024);
      res.end(Buffer.alloc(1024, 'x'));
    });
    proxy = await startProxy({
      trust: [ca.pem],
      flags: { 'origin.resolve': 'www.test=127.0.0.1', 'timeout.response': '2s' },
    });
  });
  after(async () => {
    await proxy.stop();
    await origin.stop();
    ca.remove();
  });

  for (const [side, seed] of [
    ['client', 1],
    ['client', 2],
    ['origin', 3],
    ['origin', 4],
  ] as const)
    test(`the ${side}'s connections are cut anywhere (seed ${seed})`, async () => {
      // 6 KiB cover the dialogue, both handshakes and a few exchanges.
      const rng = makeRng(seed);
      const between = await cutter(side === 'client' ? proxy.port : origin.port, rng, 6_000);
      const [accepted, flows] = [proxy.proxy.counters.accepted, proxy.audit.flows.length];
      const answered: string[] = [];
      const target = {
        proxyPort: () => (side === 'client' ? between.port : proxy.port),
        ca: proxy.ca,
        host: 'www.test',
        port: side === 'client' ? origin.port : between.port,
      };
      const visitor = async (who: number): Promise<void> => {
        for (let visit = 0; visit < 20; visit++) {
          try {
            const socket = await through(target);
            socket.on('error', () => undefined);
            try {
              for (let n = 0; n < 5; n++) {
                const id = `${seed}-${who}-${visit}-${n}`;
                await ask(socket, 'www.test', id);
                answered.push(id);
              }
            } finally {
              socket.destroy();
            }
          } catch {
            // Cut: that is the point.
          }
        }
      };
      await Promise.all([0, 1, 2, 3, 4].map(visitor));
      await until('every connection to end by itself', () => proxy.proxy.counters.open === 0);
      assert.ok(between.cut() > 40, `only ${between.cut()} cuts`);
      assert.ok(answered.length > 20, `only ${answered.length} answers`);
      const rows = proxy.audit.flows.slice(flows);
      assert.equal(rows.length, proxy.proxy.counters.accepted - accepted);
      assert.equal(new Set(rows.map(r => r.flow)).size, rows.length);
      const paths = proxy.audit.exchanges.map(e => e.path);
      assert.equal(new Set(paths).size, paths.length);
      const good = new Set(proxy.audit.exchanges.filter(e => e.status === 200).map(e => e.path));
      assert.deepEqual(
        answered.filter(id => !good.has(`/1k?id=${id}`)),
        [],
      );
      await between.stop();
    });

  for (const behaviour of BEHAVIOURS.filter(b => b !== 'never-speak'))
    test(`an inspected origin that does ${behaviour}: an honest answer, one row each`, async () => {
      const raw = await startRawOrigin({ behaviour, tls: { ...(await ca.certificate('www.test')) } });
      const { socket, port } = await openTunnel(proxy.port, `www.test:${raw.port}`);
      const tls = await tlsInside(socket, 'www.test', proxy.ca);
      const text = await converse(
        tls,
        `GET /${behaviour} HTTP/1.1\r\nHost: www.test\r\nConnection: close\r\n\r\n`,
      );
      const flow = await proxy.flowOf(port);
      const [row, ...more] = proxy.audit.exchanges.filter(e => e.flow === flow.flow);
      assert.equal(more.length, 0);
      assert.ok(row);
      const status = Number(text.slice(9, 12));
      if (behaviour === 'answer' || behaviour === 'until-close') {
        assert.equal(status, 200);
        assert.equal(row.status, 200);
        assert.equal(row.fault, null);
      } else if (['half-body', 'reset-in-body', 'half-chunk'].includes(behaviour)) {
        // Too late for a page: the client is cut off, with or without the beginning of the answer.
        assert.ok(status === 200 || text === '');
        assert.doesNotMatch(text, /x{101}/);
        assert.equal(row.status, 200);
        assert.match(row.fault ?? '', /response-truncated|origin-reset/);
      } else {
        assert.match(String(status), /^50[24]$/);
        assert.equal(row.status, status);
        assert.ok(text.includes(`X-Sightglass-Fault: ${row.fault}`), row.fault ?? '');
        assert.equal(flow.fault, row.fault);
      }
      await raw.stop();
    });
});
