/** The console's routes on a collector: rows of two proxies out of a real PostgreSQL, and every page that a row leads to. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { directRoad, Pump } from '../../../src/audit/fleet/pump.ts';
import { Intake } from '../../../src/audit/fleet/intake.ts';
import { SpoolSource } from '../../../src/audit/fleet/spool-source.ts';
import { openSpool } from '../../../src/audit/spool.ts';
import { PostgresStore } from '../../../src/audit/store/postgres/postgres.ts';
import { PostgresWriter } from '../../../src/audit/store/postgres/writer.ts';
import type { BodyPreview, ExchangeDetail, FlowDetail } from '../../../web/contract.ts';
import { exchange, flow, flowId, flowOpen, NOON, scratch } from '../../audit/sample.ts';
import { startPostgres } from '../../helpers/postgres.ts';
import { house, reveal } from './harness.ts';
import { faceted, searched } from './patient.ts';

const BODY = Buffer.from('hello from the origin');

test('rows of two proxies, and the pages of their exchanges, flows and bodies', async t => {
  const postgres = await startPostgres();
  t.after(() => postgres.cleanUp());
  const target = await postgres.database('console');
  const writer = new PostgresWriter({ target, now: () => NOON });
  const store = new PostgresStore(target);
  t.after(() => store.close());
  t.after(() => writer.close());
  const intake = new Intake(writer);
  for (const [i, name] of ['edge-1', 'edge-2'].entries()) {
    const spoolDir = scratch(t);
    const spool = openSpool({ dir: spoolDir, producer: 1, maxSegment: 256 * 1024 });
    spool.append(flowOpen({ flow: flowId(1, 1) }));
    const facts = {
      size: BODY.length,
      kept: BODY.length,
      sha256: createHash('sha256').update(BODY).digest('hex'),
      truncated: false,
    };
    for (let n = 1; n <= 2; n++) {
      spool.append({ kind: 'body', flow: flowId(1, 1), n, side: 'res', data: BODY });
      spool.append(exchange({ flow: flowId(1, 1), n, path: `/${name}/${n}`, res: facts }));
    }
    spool.append(flow({ flow: flowId(1, 1), exchanges: 2 }));
    spool.append(flowOpen({ flow: flowId(1, 2) }));
    spool.close();
    const source = new SpoolSource({ spoolDir, shared: false, now: () => NOON, isAlive: () => true });
    const pump = new Pump(source, directRoad(intake, { name, spool: Buffer.alloc(16, i + 1) }), spoolDir);
    while ((await pump.step()).more);
  }

  const h = await house(t, { deps: { audit: store } });
  const viewer = await h.person('admin');
  const got = async <T>(path: string): Promise<T> => {
    const answer = await viewer.get(path);
    assert.equal(answer.status, 200, `${path}: ${answer.text}`);
    return answer.json<T>();
  };
  const rows = await searched<'exchanges'>(got, '/api/search?kind=exchanges');
  const ids = rows.map(row => ('exchange' in row ? row.exchange : ''));
  assert.deepEqual(ids, ['2-1-1.2', '2-1-1.1', '1-1-1.2', '1-1-1.1']);
  assert.deepEqual(
    rows.map(row => row.proxy),
    ['edge-2', 'edge-2', 'edge-1', 'edge-1'],
  );
  const ofOne = await searched<'exchanges'>(got, '/api/search?kind=exchanges&q=proxy:EDGE-1');
  assert.deepEqual(
    ofOne.map(row => row.proxy),
    ['edge-1', 'edge-1'],
  );
  assert.deepEqual(await searched<'flows'>(got, '/api/search?kind=flows&q=-proxy:edge-*'), []);
  assert.deepEqual((await faceted(got, '/api/facets?kind=exchanges&fields=proxy'))[0]?.values, [
    { value: 'edge-1', count: 2 },
    { value: 'edge-2', count: 2 },
  ]);
  // The same ids of the proxies' own, told apart by the number in front.
  for (const [id, path] of [
    ['1-1-1.1', '/edge-1/1'],
    ['2-1-1.1', '/edge-2/1'],
  ]) {
    const detail = await got<ExchangeDetail>(`/api/exchange/${id}`);
    assert.equal(detail.row.path, path);
    assert.equal(detail.row.proxy, path?.split('/')[1]);
    assert.deepEqual([detail.previous, detail.next], [null, id?.replace('.1', '.2')]);
    await reveal(viewer, id ?? '');
    const preview = await got<BodyPreview>(`/api/exchange/${id}/preview/res`);
    assert.ok(JSON.stringify(preview).includes('hello from the origin'));
    assert.deepEqual((await viewer.get(`/api/exchange/${id}/body/res`)).body, BODY);
    assert.match((await viewer.get(`/api/exchange/${id}/har`)).text, new RegExp(path ?? ''));
  }
  const detail = await got<FlowDetail>('/api/flow/2-1-1');
  assert.deepEqual(
    detail.exchanges.map(row => row.path),
    ['/edge-2/1', '/edge-2/2'],
  );
  assert.equal(
    (await viewer.get('/api/exchange/1-1.1')).status,
    404,
    'an id without its proxy is nobody here',
  );
});
