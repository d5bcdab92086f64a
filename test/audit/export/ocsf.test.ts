/** OCSF: what the schema requires is there, every number is one of its list and stands beside its caption, whatever goes in. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { ocsf, ocsfLine, OCSF_VERSION } from '../../../src/audit/export/ocsf.ts';
import { VERDICT } from '../sample.ts';
import { ACTIVE, fedEvent, fedExchange, fedFlow, nastyFed, SENDER, whole } from './fed.ts';

const BARE = { heads: false, bodies: false };
type Json = Record<string, unknown>;

/**
 * What the schema repository of OCSF says of the classes and objects that are used (events/network/http_activity.json,
 * events/network/network_activity.json, events/application/application_lifecycle.json, profiles/security_control.json, the
 * objects by their names, dictionary.json): numbers with their captions, what is required, and of what one must be there.
 */
const ENUMS: Readonly<Record<string, Readonly<Record<number, string>>>> = {
  category_uid: { 4: 'Network Activity', 6: 'Application Activity' },
  class_uid: { 4001: 'Network Activity', 4002: 'HTTP Activity', 6002: 'Application Lifecycle' },
  severity_id: { 1: 'Informational', 2: 'Low', 3: 'Medium', 4: 'High', 5: 'Critical', 6: 'Fatal' },
  status_id: { 1: 'Success', 2: 'Failure' },
  action_id: { 1: 'Allowed', 2: 'Denied' },
  disposition_id: { 1: 'Allowed', 2: 'Blocked' },
  direction_id: { 1: 'Inbound', 2: 'Outbound', 3: 'Lateral' },
  algorithm_id: { 1: 'MD5', 2: 'SHA-1', 3: 'SHA-256', 4: 'SHA-512' },
};
const ACTIVITIES: Readonly<Record<number, readonly string[]>> = {
  4001: ['Unknown', 'Open', 'Close', 'Reset', 'Fail', 'Refuse', 'Traffic'],
  4002: ['Unknown', 'Connect', 'Delete', 'Get', 'Head', 'Options', 'Post', 'Put', 'Trace'],
  6002: ['Unknown', 'Install', 'Remove', 'Start', 'Stop'],
};
/** The sibling of a number, where it is not called as the number is without its ending. */
const CAPTIONS: Readonly<Record<string, string>> = { category_uid: 'category_name', class_uid: 'class_name' };
type Kind = 'number' | 'string' | 'object';
const REQUIRED: Readonly<Record<string, Readonly<Record<string, Kind>>>> = {
  '': {
    ...{ time: 'number', severity_id: 'number', category_uid: 'number', class_uid: 'number' },
    ...{ type_uid: 'number', activity_id: 'number', metadata: 'object' },
  },
  metadata: { version: 'string', product: 'object' },
  'metadata.product': { vendor_name: 'string' },
  http_response: { code: 'number' },
  http_headers: { name: 'string', value: 'string' },
  tls: { version: 'string' },
  'tls.certificate': { issuer: 'string', serial_number: 'string', fingerprints: 'object' },
  fingerprints: { algorithm_id: 'number', value: 'string' },
  'tls.ja3_hash': { algorithm_id: 'number', value: 'string' },
  connection_info: { direction_id: 'number' },
  app: { vendor_name: 'string' },
};
const ONE_OF: Readonly<Record<string, readonly string[]>> = {
  src_endpoint: ['ip', 'name', 'hostname'],
  dst_endpoint: ['ip', 'name', 'hostname'],
  'http_request.url': ['url_string', 'path'],
  'actor.user': ['name', 'uid', 'account'],
  traffic: ['bytes', 'bytes_in', 'bytes_out'],
  firewall_rule: ['name', 'uid'],
};

/** What is required is there, every number is one of its list and beside its caption, whatever the object. */
function check(sent: Json): void {
  const walk = (object: Json, path: string): void => {
    for (const [name, kind] of Object.entries(REQUIRED[path] ?? {}))
      assert.equal(typeof object[name], kind, `${path}.${name}`);
    const some = ONE_OF[path];
    if (some !== undefined)
      assert.ok(
        some.some(name => name in object),
        `${path} has none of ${some.join(', ')}`,
      );
    for (const [name, value] of Object.entries(object)) {
      const captions = ENUMS[name];
      if (captions !== undefined) {
        const caption = captions[value as number];
        assert.ok(caption !== undefined, `${path}.${name} ${String(value)}`);
        assert.equal(object[CAPTIONS[name] ?? name.replace(/_id$/, '')], caption, `${path}.${name}`);
      }
      if (name === 'unmapped') continue;
      const inner = path === '' ? name : `${path}.${name}`;
      if (Array.isArray(value))
        for (const one of value as unknown[]) {
          if (typeof one === 'object') walk(one as Json, name);
        }
      else if (typeof value === 'object' && value !== null) walk(value as Json, inner);
    }
  };
  walk(sent, '');
  const { metadata, class_uid, activity_id, type_uid, category_uid } = sent as Record<string, number> & {
    metadata: Json;
  };
  assert.equal(metadata['version'], OCSF_VERSION);
  assert.equal(type_uid, (class_uid ?? 0) * 100 + (activity_id ?? 0));
  assert.equal(category_uid, Math.floor((class_uid ?? 0) / 1000));
  // 99 is "Other": the name is the source's own.
  if (activity_id !== 99)
    assert.equal(sent['activity_name'], ACTIVITIES[class_uid ?? 0]?.[activity_id ?? 0], 'activity');
  assert.equal(sent['type_name'], `${String(sent['class_name'])}: ${String(sent['activity_name'])}`);
  if (class_uid === 6002) assert.ok('app' in sent);
  else assert.ok('src_endpoint' in sent && 'dst_endpoint' in sent, 'ends');
  if (class_uid === 4002) assert.ok('http_request' in sent || 'http_response' in sent);
  // Attributes of a profile may be used only where it is named.
  assert.equal('action_id' in sent, 'profiles' in metadata);
  if ('profiles' in metadata) assert.deepEqual(metadata['profiles'], ['security_control']);
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
