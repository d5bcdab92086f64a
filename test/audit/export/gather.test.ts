/** Rows get what a format wants beside them, in their order; a record that is gone meanwhile is left out. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { gather } from '../../../src/audit/export/gather.ts';
import { exchange, flow } from '../sample.ts';
import { body, fedEvent, fedExchange, fedFlow } from './fed.ts';
import type { Asked } from '../../../src/audit/export/gather.ts';

const rows = Array.from({ length: 40 }, (_, i) =>
  fedExchange({ n: i + 1, res: { ...exchange().res, size: i % 2 } }),
);

class Store implements Asked {
  asked: string[] = [];
  running = 0;
  most = 0;
  async exchange(id: string) {
    this.running++;
    this.most = Math.max(this.most, this.running);
    await new Promise(resolve => setImmediate(resolve));
    this.running--;
    return rows.find(fed => fed.row.exchange === id && fed.row.exchange !== '1-1.3')?.detail ?? null;
  }
  async body(id: string, side: 'req' | 'res') {
    this.asked.push(`${id} ${side}`);
    return body(Buffer.from(id));
  }
  async flow() {
    return { row: null, open: false, record: flow(), exchanges: [], moreExchanges: false };
  }
}

describe('gathering', () => {
  it('asks for details of a few rows at a time and keeps their order', async () => {
    const store = new Store();
    const fed = await gather(
      store,
      'exchanges',
      rows.map(r => r.row),
      'heads',
    );
    assert.deepEqual(
      fed.map(f => f.kind === 'exchange' && f.row.exchange),
      rows.map(r => r.row.exchange).filter(id => id !== '1-1.3'),
    );
    assert.ok(store.most <= 16, String(store.most));
    assert.deepEqual(store.asked, []);
  });

  it('asks for bodies only where there were bytes', async () => {
    const store = new Store();
    await gather(
      store,
      'exchanges',
      rows.slice(0, 2).map(r => r.row),
      'bodies',
    );
    assert.deepEqual(store.asked, ['1-1.2 res']);
  });

  it('asks nothing when the row is enough', async () => {
    const store = new Store();
    const fed = await gather(store, 'exchanges', [rows[0]!.row], 'none');
    assert.deepEqual([fed[0]?.kind === 'exchange' && fed[0].detail, store.most], [null, 0]);
    assert.equal((await gather(store, 'events', [fedEvent().row], 'heads'))[0]?.kind, 'event');
    const [one] = await gather(store, 'flows', [fedFlow().row], 'heads');
    assert.deepEqual(one, fedFlow());
  });
});
