/** OTLP against its JSON mapping (proto3): known keys only, 64-bit integers as decimal text, each value of one type. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { otlpRecord, otlpRequest } from '../../../src/audit/export/otlp.ts';
import { NOON } from '../sample.ts';
import { ACTIVE, fedEvent, fedExchange, fedFlow, nastyFed, SENDER, whole } from './fed.ts';
import { checkOtlp } from './otlp-reader.ts';

const BARE = { heads: false, bodies: false };

describe('OTLP', () => {
  it('puts records under one resource and one scope', () => {
    const records = [fedExchange(), fedFlow(), fedEvent()].map(fed => otlpRecord(whole(fed), BARE, NOON + 5));
    const sent = checkOtlp(otlpRequest(records, SENDER));
    assert.equal(sent.length, 3);
    assert.deepEqual(
      sent.map(r => r.eventName),
      ['sightglass.exchange', 'sightglass.flow', 'policy.applied'],
    );
    assert.equal(sent[0]?.timeUnixNano, `${NOON}000000`);
    assert.equal(sent[0]?.attributes.get('http.response.status_code'), '200');
    assert.equal(sent[0]?.attributes.get('url.full'), 'https://www.example.test/');
    assert.equal(sent[1]?.attributes.get('tls.protocol.version'), '1.3');
  });

  it('is valid, whatever goes in', () => {
    fc.assert(
      fc.property(nastyFed, fed => {
        const record = otlpRecord(whole(fed), { heads: true, bodies: false }, NOON);
        assert.doesNotMatch(record, ACTIVE);
        assert.equal(checkOtlp(otlpRequest([record, record], SENDER)).length, 2);
      }),
      { numRuns: 300 },
    );
  });
});
