/** ECS, judged by the schema that Elastic publishes: its names (and `sightglass.*`), types, lists and allowed values, whatever goes in. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { EcsFlat, EcsVersion } from '@elastic/ecs';
import fc from 'fast-check';
import { parseAddress } from '../../../src/core/network.ts';
import { ecs, ecsLine, ECS_VERSION } from '../../../src/audit/export/ecs.ts';
import { ACTIVE, body, fedEvent, fedExchange, fedFlow, nastyFed, SENDER, whole } from './fed.ts';

const BARE = { heads: false, bodies: false };

/** What a value of each type of the schema looks like here. */
const IS: Readonly<Record<string, (value: unknown) => boolean>> = {
  keyword: value => typeof value === 'string',
  constant_keyword: value => typeof value === 'string',
  wildcard: value => typeof value === 'string',
  match_only_text: value => typeof value === 'string',
  date: value => typeof value === 'string' && !Number.isNaN(Date.parse(value)),
  long: value => Number.isSafeInteger(value),
  boolean: value => typeof value === 'boolean',
  ip: value => typeof value === 'string' && parseAddress(value) !== null,
};

interface SchemaField {
  type: string;
  normalize: readonly string[];
  allowed_values?: readonly { name: string; expected_event_types?: readonly string[] }[];
  pattern?: string;
}
const FIELDS = EcsFlat as unknown as Readonly<Record<string, SchemaField | undefined>>;
/** Every leaf has a name of the schema, its type, its values where these are few, and is a list exactly where it says so. */
function check(object: unknown): void {
  const leaf = (value: unknown, path: string, field: SchemaField): void => {
    // A record may carry a time that no date can hold (see isoTime).
    const is = IS[path === '@timestamp' ? 'keyword' : field.type];
    assert.ok(is?.(value), `${path} (${field.type}) = ${JSON.stringify(value)}`);
    if (field.allowed_values !== undefined && field.allowed_values.length > 0)
      assert.ok(
        field.allowed_values.some(({ name }) => name === value),
        `${path} is never ${String(value)}`,
      );
    if (field.pattern !== undefined) assert.match(String(value), new RegExp(field.pattern), path);
  };
  const walk = (value: unknown, path: string): void => {
    if (path === 'sightglass' || value === undefined) return;
    const own = FIELDS[path];
    // Labels are of the schema as a whole: any key below them is a keyword.
    const field = path.startsWith('labels.') ? { type: 'keyword', normalize: [] } : own;
    if (field !== undefined && field.type !== 'object') {
      const many = field.normalize.includes('array');
      assert.equal(Array.isArray(value), many, `${path}: list`);
      for (const one of many ? (value as unknown[]) : [value]) leaf(one, path, field);
    } else {
      assert.ok(typeof value === 'object' && value !== null && !Array.isArray(value), `${path} is no field`);
      for (const [key, inner] of Object.entries(value)) walk(inner, path === '' ? key : `${path}.${key}`);
    }
  };
  walk(object, '');
  const { category, type } = (object as { event: { category: string[]; type: string[] } }).event;
  const expected = category.flatMap(
    name =>
      FIELDS['event.category']?.allowed_values?.find(value => value.name === name)?.expected_event_types ??
      [],
  );
  for (const name of type) assert.ok(expected.includes(name), `event.type ${name} of ${category.join()}`);
}

describe('ECS', () => {
  it('is of the version that judges it', () => assert.equal(ECS_VERSION, EcsVersion));

  it('of an exchange', () => {
    const fed = fedExchange(
      { path: '/a?b=c?d', user: 'alice', reqHeaders: 'User-Agent: curl\r\nReferer: https://r.test/\r\n' },
      { req: null, res: body(Buffer.from('hi')) },
    );
    const sent = ecs(whole(fed), SENDER, { heads: true, bodies: true }) as never as Record<
      string,
      Record<string, unknown>
    >;
    check(sent);
    assert.deepEqual(sent['event']?.['type'], ['access', 'allowed']);
    assert.equal(sent['event']?.['duration'], 12_500_000);
    assert.equal(sent['url']?.['query'], 'b=c?d');
    assert.equal(sent['http']?.['version'], '1.1');
    assert.deepEqual(sent['tls'], { client: { server_name: 'www.example.test' } });
    assert.deepEqual(sent['user_agent'], { original: 'curl' });
    assert.match(JSON.stringify(sent['http']), /"content":"aGk="/);
  });

  it('of a flow has the leg to the client and the certificate of the origin', () => {
    const sent = ecs(whole(fedFlow()), SENDER, BARE) as never as Record<string, Record<string, unknown>>;
    check(sent);
    assert.equal(sent['tls']?.['version'], '1.3');
    assert.equal(sent['destination']?.['ip'], '192.0.2.7');
    assert.match(JSON.stringify(sent['tls']), new RegExp('AB'.repeat(32)));
    assert.deepEqual(sent['network'], { transport: 'tcp', bytes: 6000 });
  });

  it('of an event keeps its details one field', () => {
    const sent = ecs(whole(fedEvent()), SENDER, BARE) as never as Record<string, Record<string, unknown>>;
    check(sent);
    assert.equal(sent['sightglass']?.['detail'], '{"version":"abc"}');
  });

  it('is one line of names and types the schema knows, whatever goes in', () => {
    fc.assert(
      fc.property(nastyFed, fed => {
        const line = ecsLine(whole(fed), SENDER, BARE);
        assert.doesNotMatch(line, ACTIVE);
        assert.doesNotMatch(line, /\\ud[89ab][0-9a-f]{2}(?!\\ud[c-f])/i);
        check(JSON.parse(line));
      }),
      { numRuns: 400 },
    );
  });
});
