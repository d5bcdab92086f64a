/** What Prometheus and whatever restarts services see of the real product, also across the death of a worker. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { curl } from '../helpers/curl.ts';
import { startProduct, type Product } from '../helpers/product.ts';

describe('metrics and health', () => {
  let product: Product;
  let base: string;
  before(async () => {
    product = await startProduct({
      workers: 2,
      policy: 'version: 1\ndefault: block\nrules: []\n',
      flags: { 'metrics.listen': '127.0.0.1:0' },
    });
    const ready = product.log().find(line => line['event'] === 'service.ready');
    assert.ok(ready, JSON.stringify(product.log()));
    base = new URL((ready['metrics'] as string[])[0] ?? '').origin;
  });
  after(() => product.cleanUp());

  const read = async (): Promise<Map<string, number>> => {
    const lines = (await (await fetch(`${base}/metrics`)).text()).split('\n');
    return new Map(
      lines
        .filter(line => line.startsWith('sightglass_'))
        .map(line => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ') + 1))]),
    );
  };
  const until = async (enough: (values: Map<string, number>) => boolean): Promise<Map<string, number>> => {
    for (let i = 0; ; i++) {
      const values = await read();
      if (enough(values) || i === 60) return values;
      await new Promise(resolve => setTimeout(resolve, 250));
    }
  };
  const restarts = (values: Map<string, number>): number =>
    [0, 1].reduce((sum, i) => sum + (values.get(`sightglass_worker_restarts{worker="${i}"}`) ?? 0), 0);
  const blocked = 'sightglass_flows_total{verdict="block"}';

  test('flows are counted by verdict and fault, and not forgotten when their worker dies', async () => {
    assert.equal((await fetch(`${base}/readyz`)).status, 200);
    for (let i = 0; i < 5; i++) await curl('--proxy', product.url, `http://blocked-${i}.test/`);
    const before = await until(v => v.get(blocked) === 5);
    assert.equal(before.get(blocked), 5);
    assert.equal(before.get('sightglass_faults_total{code="blocked-by-policy",side="us"}') ?? 0, 5);
    assert.equal(before.get('sightglass_connections_total'), 5);
    assert.equal(before.get('sightglass_spool_writing{worker="1"}'), 1);

    // Both at once: nobody is left to hold the port, and they must come back on the one that clients know.
    const killed = product.workers();
    assert.equal(killed.length, 2);
    for (const pid of killed) process.kill(pid, 'SIGKILL');
    // A worker writes its first beat when it listens.
    const serving = (values: Map<string, number>): boolean =>
      [0, 1].every(i => values.get(`sightglass_spool_writing{worker="${i}"}`) === 1);
    const restarted = await until(v => restarts(v) === 2 && serving(v));
    assert.equal(restarts(restarted), 2);
    assert.ok(serving(restarted));
    assert.equal(restarted.get(blocked), 5, 'a counter does not go back');
    await curl('--proxy', product.url, 'http://blocked.test/');
    assert.equal((await until(v => v.get(blocked) === 6)).get(blocked), 6);
  });

  test('no flow may reach the listener through the proxy', async () => {
    const through = await curl('--proxy', product.url, `${base}/metrics`);
    assert.notEqual(through.status, 200);
  });
});
