import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { flowSteps, MannerTally, requestSteps } from '../../src/policy/replay-manner.ts';
import { verdict } from './recorded.ts';

const inspect = verdict('inspect', 'r');
const about = { host: 'a.test', user: null, client: '10.0.0.1', was: 'r', is: 'r' };

describe('manner of a verdict', () => {
  it('tells every key that changes, from what to what', () => {
    const other = {
      ...inspect,
      ...{ capture: 'bodies' as const, mask: 'strict', tls: 'tls13' as const },
      parent: { group: 'corp', via: ['p.test:1'] },
    };
    assert.deepEqual(flowSteps(inspect, other, 'https'), [
      { what: 'capture', from: 'headers', to: 'bodies' },
      { what: 'mask', from: 'standard', to: 'strict' },
      { what: 'tls', from: 'modern', to: 'tls13' },
      { what: 'parent', from: null, to: 'corp' },
    ]);
    assert.deepEqual(
      flowSteps(inspect, other, 'http').map(s => s.what),
      ['capture', 'mask', 'parent'],
    );
    // A request goes the way of its flow.
    assert.deepEqual(
      requestSteps(inspect, other).map(s => s.what),
      ['capture', 'mask'],
    );
  });

  it('of a block only how it is told counts, of a passthrough only its way', () => {
    const block = verdict('block', 'r');
    const reset = { ...block, block: 'reset' as const, capture: 'bodies' as const };
    assert.deepEqual(flowSteps(block, reset, 'https'), [{ what: 'block', from: 'page', to: 'reset' }]);
    assert.deepEqual(requestSteps(block, reset), [{ what: 'block', from: 'page', to: 'reset' }]);
    const pass = verdict('passthrough', 'r');
    assert.deepEqual(flowSteps(pass, { ...pass, capture: 'bodies' }, 'https'), []);
    assert.deepEqual(requestSteps(pass, { ...pass, capture: 'bodies' }), []);
  });
});

describe('tally of manners', () => {
  it('counts what changes in two ways under both, most first', () => {
    const tally = new MannerTally();
    const strict = { what: 'mask', from: 'standard', to: 'strict' } as const;
    const bodies = { what: 'capture', from: 'headers', to: 'bodies' } as const;
    tally.add([strict, bodies], about);
    tally.add([bodies], { ...about, host: 'b.test' });
    tally.add([], about);
    assert.deepEqual(
      tally.changes().map(c => [c.what, c.from, c.to, c.count, c.hosts]),
      [
        ['capture', 'headers', 'bodies', 2, 2],
        ['mask', 'standard', 'strict', 1, 1],
      ],
    );
  });

  it('holds a bounded number of ways apart', () => {
    const tally = new MannerTally();
    for (let i = 0; i < 500; i++) tally.add([{ what: 'parent', from: null, to: `g${i}` }], about);
    assert.equal(tally.changes().length, 100);
  });
});
