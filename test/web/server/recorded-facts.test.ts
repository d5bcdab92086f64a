/** What was recorded, as a decision takes it: the origin from the row, the request from the exchange. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { recordedFacts } from '../../../web/server/recorded-facts.ts';
import { flow as flowRecord, flowOpen } from '../../audit/sample.ts';
import { exchange } from './memory-reader.ts';

test('a flow has the facts it was decided on, and what its origin showed', () => {
  const record = flowRecord({ fault: 'cert-expired' });
  const facts = recordedFacts(record, null);
  assert.deepEqual(facts?.origin, {
    subject: 'CN=www.example.test',
    issuer: 'CN=Test CA',
    fault: 'cert-expired',
  });
  assert.deepEqual(facts.hello, record.facts?.hello);
  assert.equal(recordedFacts(flowOpen(), null)?.origin, undefined);
  assert.equal(recordedFacts(flowRecord({ originCert: null, fault: 'dns-failed' }), null)?.origin, undefined);
  assert.equal(recordedFacts(flowRecord({ facts: null }), null), null);
});

test('a request is there with method, path and content type, for the host it names', () => {
  const one = exchange({
    host: 'cdn.test',
    method: 'POST',
    path: '/a/../up/%61?q=1',
    reqHeaders: 'Host: cdn.test\r\nContent-Type: Text/CSV; charset=x\r\n',
  });
  const facts = recordedFacts(flowRecord(), one);
  assert.deepEqual(facts?.request, { method: 'POST', path: '/up/a', contentType: 'text/csv' });
  assert.deepEqual([facts.host, facts.hello?.sni], ['cdn.test', 'cdn.test']);
  assert.equal(recordedFacts(flowRecord(), exchange())?.request?.contentType, null);
});
