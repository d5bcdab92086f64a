/** ECS: only field names of the schema (and `sightglass.*`), of the right type, whatever goes in. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { parseAddress } from '../../../src/core/network.ts';
import { ecs, ecsLine } from '../../../src/audit/export/ecs.ts';
import { ACTIVE, body, fedEvent, fedExchange, fedFlow, nastyFed, SENDER, whole } from './fed.ts';

const BARE = { heads: false, bodies: false };

/**
 * Names and types of ECS 8.11 that are used: read in the field reference of Elastic (sets base, client, destination, ecs,
 * error, event, http, log, network, observer, related, rule, source, tls, url, user, user_agent).
 */
const FIELDS: Readonly<
  Record<string, 'keyword' | 'date' | 'long' | 'ip' | 'boolean' | 'text' | 'keyword[]' | 'ip[]'>
> = {
  '@timestamp': 'date',
  message: 'text',
  tags: 'keyword[]',
  'labels.request_headers': 'keyword',
  'labels.response_headers': 'keyword',
  'ecs.version': 'keyword',
  'log.level': 'keyword',
  'error.code': 'keyword',
  'error.message': 'text',
  'event.id': 'keyword',
  'event.kind': 'keyword',
  'event.category': 'keyword[]',
  'event.type': 'keyword[]',
  'event.action': 'keyword',
  'event.outcome': 'keyword',
  'event.duration': 'long',
  'event.reason': 'keyword',
  'observer.type': 'keyword',
  'observer.vendor': 'keyword',
  'observer.product': 'keyword',
  'observer.version': 'keyword',
  'observer.name': 'keyword',
  'source.address': 'keyword',
  'source.ip': 'ip',
  'source.port': 'long',
  'source.bytes': 'long',
  'client.address': 'keyword',
  'client.ip': 'ip',
  'client.port': 'long',
  'destination.address': 'keyword',
  'destination.domain': 'keyword',
  'destination.ip': 'ip',
  'destination.port': 'long',
  'user.name': 'keyword',
  'related.ip': 'ip[]',
  'related.hosts': 'keyword[]',
  'related.user': 'keyword[]',
  'http.version': 'keyword',
  'http.request.id': 'keyword',
  'http.request.method': 'keyword',
  'http.request.referrer': 'keyword',
  'http.request.body.bytes': 'long',
  'http.request.body.content': 'keyword',
  'http.response.status_code': 'long',
  'http.response.mime_type': 'keyword',
  'http.response.body.bytes': 'long',
  'http.response.body.content': 'keyword',
  'url.full': 'keyword',
  'url.original': 'keyword',
  'url.scheme': 'keyword',
  'url.domain': 'keyword',
  'url.port': 'long',
  'url.path': 'keyword',
  'url.query': 'keyword',
  'user_agent.original': 'keyword',
  'tls.version': 'keyword',
  'tls.version_protocol': 'keyword',
  'tls.cipher': 'keyword',
  'tls.established': 'boolean',
  'tls.resumed': 'boolean',
  'tls.next_protocol': 'keyword',
  'tls.client.server_name': 'keyword',
  'tls.client.ja3': 'keyword',
  'tls.client.supported_ciphers': 'keyword[]',
  'tls.server.hash.sha256': 'keyword',
  'tls.server.subject': 'keyword',
  'tls.server.issuer': 'keyword',
  'tls.server.not_before': 'date',
  'tls.server.not_after': 'date',
  'network.transport': 'keyword',
  'network.protocol': 'keyword',
  'network.bytes': 'long',
  'rule.name': 'keyword',
};

const IS: Readonly<Record<string, (value: unknown) => boolean>> = {
  keyword: value => typeof value === 'string',
  text: value => typeof value === 'string',
  date: value => typeof value === 'string',
  long: value => Number.isSafeInteger(value),
  boolean: value => typeof value === 'boolean',
  ip: value => typeof value === 'string' && parseAddress(value) !== null,
};

/** Every leaf has a name of the schema and its type. */
function check(object: unknown): void {
  const walk = (value: unknown, path: string): void => {
    if (path === 'sightglass' || value === undefined) return;
    const type = FIELDS[path];
    if (type?.endsWith('[]')) {
      assert.ok(Array.isArray(value), path);
      for (const entry of value as unknown[])
        assert.ok(IS[type.slice(0, -2)]?.(entry), `${path}: ${String(entry)}`);
    } else if (typeof value === 'object' && value !== null && !Array.isArray(value))
      for (const [key, inner] of Object.entries(value)) walk(inner, path === '' ? key : `${path}.${key}`);
    else assert.ok(type !== undefined && IS[type]?.(value), `${path} = ${JSON.stringify(value)}`);
  };
  walk(object, '');
}

describe('ECS', () => {
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
