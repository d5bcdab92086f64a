/** OCSF: what the classes require is there, ids and names agree, nothing is empty, whatever goes in. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { ocsf, ocsfLine } from '../../../src/audit/export/ocsf.ts';
import { VERDICT } from '../sample.ts';
import { ACTIVE, fedEvent, fedExchange, fedFlow, nastyFed, SENDER, whole } from './fed.ts';

const BARE = { heads: false, bodies: false };
type Json = Record<string, unknown>;

/** Required by the base class, the category and the classes; constraints `at_least_one` (schema repository of OCSF). */
function check(sent: Json): void {
  for (const name of ['time', 'severity_id', 'category_uid', 'class_uid', 'type_uid', 'activity_id'])
    assert.equal(typeof sent[name], 'number', name);
  const { metadata, class_uid, activity_id, type_uid, category_uid } = sent as Record<string, number> & {
    metadata: Json;
  };
  assert.equal(metadata['version'], '1.3.0');
  assert.equal((metadata['product'] as Json)['vendor_name'], 'Sightglass');
  assert.equal(type_uid, (class_uid ?? 0) * 100 + (activity_id ?? 0));
  assert.equal(category_uid, Math.floor((class_uid ?? 0) / 1000));
  if (class_uid === 6002) assert.equal((sent['app'] as Json)['name'], 'Sightglass');
  else assert.ok('src_endpoint' in sent && 'dst_endpoint' in sent, 'ends');
  if (class_uid === 4002) {
    const request = sent['http_request'] as Json;
    assert.equal(typeof (request['url'] as Json)['url_string'], 'string');
    if ('http_response' in sent) assert.equal(typeof (sent['http_response'] as Json)['code'], 'number');
  }
  if ('tls' in sent) assert.equal(typeof (sent['tls'] as Json)['version'], 'string');
  if ('action_id' in sent) assert.deepEqual(metadata['profiles'], ['security_control']);
}

describe('OCSF', () => {
  it('of an exchange is HTTP Activity by its method', () => {
    const of = (method: string): Json => ocsf(whole(fedExchange({ method })), SENDER, BARE);
    for (const [method, activity] of [
      ['GET', 3],
      ['POST', 6],
      ['PATCH', 99],
      ['PROPFIND', 99],
    ] as const) {
      check(of(method));
      assert.deepEqual([of(method)['class_uid'], of(method)['activity_id']], [4002, activity]);
    }
    const heads = ocsf(whole(fedExchange()), SENDER, { heads: true, bodies: false });
    assert.deepEqual((heads['http_request'] as Json)['http_headers'], [
      { name: 'Host', value: 'www.example.test' },
      { name: 'Accept', value: '*/*' },
    ]);
  });

  it('of a flow is Network Activity; a block is refused and denied', () => {
    const sent = ocsf(whole(fedFlow()), SENDER, BARE);
    check(sent);
    assert.deepEqual([sent['class_uid'], sent['activity_id'], sent['action_id']], [4001, 6, 1]);
    const blocked = ocsf(whole(fedFlow({ verdict: { ...VERDICT, action: 'block' } })), SENDER, BARE);
    assert.deepEqual(
      [blocked['activity_id'], blocked['action_id'], blocked['disposition']],
      [5, 2, 'Blocked'],
    );
    const failed = ocsf(whole(fedFlow({ fault: 'origin-refused' })), SENDER, BARE);
    assert.deepEqual(
      [failed['activity_id'], failed['status_id'], failed['status_code']],
      [4, 2, 'origin-refused'],
    );
  });

  it('of an event is Application Lifecycle', () => {
    const sent = ocsf(whole(fedEvent({ name: 'service.started' })), SENDER, BARE);
    check(sent);
    assert.deepEqual([sent['class_uid'], sent['activity_id']], [6002, 3]);
  });

  it('is one line that holds what is required, whatever goes in', () => {
    fc.assert(
      fc.property(nastyFed, fed => {
        const line = ocsfLine(whole(fed), SENDER, { heads: true, bodies: false });
        assert.doesNotMatch(line, ACTIVE);
        check(JSON.parse(line) as Json);
      }),
      { numRuns: 300 },
    );
  });
});
