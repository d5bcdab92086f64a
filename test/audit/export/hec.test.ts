/** HEC: objects one after another that split again without a separator, whatever they hold. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { hecLine } from '../../../src/audit/export/hec.ts';
import { ACTIVE, fedExchange, fedFlow, nastyFed, SENDER, whole } from './fed.ts';

const options = { payload: 'json', index: null, include: { heads: false, bodies: false } } as const;

describe('HEC', () => {
  it('names time, host and kind beside the record', () => {
    const sent = JSON.parse(hecLine(whole(fedFlow()), SENDER, { ...options, index: 'web' })) as Record<
      string,
      unknown
    >;
    assert.deepEqual(
      { ...sent, event: null },
      {
        time: 1795176000,
        host: 'proxy1.example.test',
        source: 'sightglass',
        sourcetype: 'sightglass:flow',
        index: 'web',
        event: null,
      },
    );
    assert.equal((sent['event'] as { ja4: string }).ja4, 't13d0203h2_aaaaaaaaaaaa_bbbbbbbbbbbb');
  });

  it('speaks ECS when told to', () => {
    const sent = JSON.parse(hecLine(whole(fedExchange()), SENDER, { ...options, payload: 'ecs' })) as {
      event: { ecs: unknown };
    };
    assert.deepEqual(sent.event.ecs, { version: '8.11.0' });
  });

  it('is one line, whatever goes in', () => {
    fc.assert(
      fc.property(nastyFed, fed => {
        const line = hecLine(whole(fed), SENDER, options);
        assert.doesNotMatch(line, ACTIVE);
        assert.equal(typeof (JSON.parse(line) as { event: unknown }).event, 'object');
      }),
      { numRuns: 200 },
    );
  });
});
