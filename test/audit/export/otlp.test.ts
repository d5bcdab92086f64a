/** OTLP, read by the message types that OpenTelemetry publishes. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { otlpRecord, otlpRequest } from '../../../src/audit/export/otlp.ts';
import { NOON } from '../sample.ts';
import { ACTIVE, fedEvent, fedExchange, fedFlow, nastyFed, whole } from './fed.ts';
import { checkOtlp } from './otlp-reader.ts';

const BARE = { heads: false, bodies: false };

describe('OTLP', () => {
  it('puts records under one resource and one scope', () => {
    const records = [fedExchange(), fedFlow(), fedEvent()].map(fed => ({
      host: 'proxy1',
      text: otlpRecord(whole(fed), BARE, NOON + 5),
    }));
    const sent = checkOtlp(otlpRequest(records, '1.2.3'));
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

  it('has a resource for each machine that recorded', () => {
    const records = ['b', 'a', 'b'].map((host, n) => ({
      host,
      text: otlpRecord(whole(fedExchange({ method: `GET${n + 1}` })), BARE, NOON),
    }));
    const sent = checkOtlp(otlpRequest(records, '1.2.3'));
    assert.deepEqual(
      sent.map(({ host, body }) => `${String(host)} ${body.slice(0, 4)}`),
      ['b GET1', 'b GET3', 'a GET2'],
    );
  });

  it('is valid, whatever goes in', () => {
    fc.assert(
      fc.property(nastyFed, fed => {
        const record = otlpRecord(whole(fed), { heads: true, bodies: false }, NOON);
        assert.doesNotMatch(record, ACTIVE);
        assert.equal(
          checkOtlp(
            otlpRequest(
              [1, 2].map(() => ({ host: 'proxy1', text: record })),
              '1.2.3',
            ),
          ).length,
          2,
        );
      }),
      { numRuns: 300 },
    );
  });
});
