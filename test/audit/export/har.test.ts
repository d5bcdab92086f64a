/** HAR against the published schema (har-schema, JSON schema draft 6); bodies come back; secrets do not come out; anything is valid. */
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { describe, it } from 'node:test';
import zlib from 'node:zlib';
import Ajv from 'ajv';
import fc from 'fast-check';
import { harEntry, harHead, harTail } from '../../../src/audit/export/har.ts';
import { exchange } from '../sample.ts';
import { ACTIVE, body, fedExchange, nastyFed } from './fed.ts';
import type { ExchangeDetail, FedBodies, FedRow } from '../../../src/audit/store/store.ts';

const require = createRequire(import.meta.url);

/** The schema wants an address where there may be none: a reader that insists on one would refuse every HAR of a proxy. */
const ajv = new Ajv({ allErrors: true, unknownFormats: 'ignore' });
ajv.addMetaSchema(require('ajv/lib/refs/json-schema-draft-06.json') as object);
for (const schema of Object.values(require('har-schema') as Record<string, object>)) ajv.addSchema(schema);

interface Entry {
  request: { headers: { name: string; value: string }[]; postData?: { text: string; _encoding?: string } };
  response: { status: number; content: { text?: string; encoding?: string; comment?: string; size: number } };
  _redacted: string[];
}

function entriesOf(text: string): Entry[] {
  const har = JSON.parse(text) as { log: { entries: Entry[] } };
  const valid = ajv.validate('har.json#', har) as boolean;
  assert.ok(valid, JSON.stringify(ajv.errors?.slice(0, 3)));
  return har.log.entries;
}

const written = (fed: FedRow & { kind: 'exchange' }): string =>
  `${harHead('1.2.3')}${harEntry(fed.detail as ExchangeDetail, fed.bodies, '192.0.2.7')}${harTail(null)}`;
const one = (fed: FedRow & { kind: 'exchange' }): Entry => entriesOf(written(fed))[0]!;
const withBody = (data: Buffer, more: Parameters<typeof body>[1] = {}): FedBodies => ({
  req: null,
  res: body(data, { contentType: 'text/plain', ...more }),
});

describe('HAR', () => {
  it('is valid with none, one and several entries', () => {
    assert.deepEqual(entriesOf(harHead('1') + harTail({ rows: 0, truncated: false })), []);
    const [a, b] = [fedExchange(), fedExchange({ n: 2, path: '/?a=1&b&=c' })].map(fed =>
      harEntry(fed.detail!, null, '192.0.2.7'),
    );
    assert.equal(entriesOf(`${harHead('1')}${a},\n${b}${harTail(null)}`).length, 2);
  });

  it('has bodies as text, decoded, or as base64', () => {
    const content = (bodies: FedBodies) =>
      one(fedExchange({ res: { ...exchange().res, size: 9 } }, bodies)).response.content;
    assert.equal(content(withBody(Buffer.from('gr\u00fc\u00df dich'))).text, 'gr\u00fc\u00df dich');
    assert.equal(content(withBody(zlib.gzipSync('zipped'), { contentEncoding: 'gzip' })).text, 'zipped');
    assert.equal(content(withBody(zlib.brotliCompressSync('br'), { contentEncoding: 'br' })).text, 'br');
    const bytes = Buffer.from([0xff, 0xfe, 0]);
    assert.deepEqual(content(withBody(bytes)), {
      size: 3,
      mimeType: 'text/plain',
      text: bytes.toString('base64'),
      encoding: 'base64',
    });
    const damaged = content(withBody(Buffer.from('no gzip'), { contentEncoding: 'gzip' }));
    assert.equal(damaged.encoding, 'base64');
    assert.match(damaged.comment ?? '', /coded by gzip/);
    const facts = { size: 100, kept: 4, sha256: null, truncated: true };
    assert.match(content(withBody(Buffer.from('half'), { facts })).comment ?? '', /first 4 of 100/);
    assert.match(content({ req: null, res: null }).comment ?? '', /not captured/);
  });

  it('does not inflate without bound', () => {
    const bomb = zlib.gzipSync(Buffer.alloc(20 * 1024 * 1024));
    assert.equal(
      one(fedExchange({}, withBody(bomb, { contentEncoding: 'gzip' }))).response.content.encoding,
      'base64',
    );
  });

  it('holds no credentials, and says which were taken out', () => {
    const fed = fedExchange({
      path: '/?token=‹masked 12›',
      reqHeaders: 'Authorization: Bearer ‹masked 40›\r\nCookie: let=through\r\nX-Id: 1\r\n',
      resHeaders: 'Set-Cookie: id=let-through; Path=/\r\n',
    });
    const entry = one(fed);
    assert.deepEqual(entry._redacted, [
      'request.url',
      'request.headers.Authorization',
      'request.headers.Cookie',
      'response.headers.Set-Cookie',
    ]);
    assert.doesNotMatch(written(fed), /let-?=?through/);
    assert.deepEqual(entry.request.headers[2], { name: 'X-Id', value: '1' });
  });

  it('is valid and one line per entry, whatever goes in', () => {
    fc.assert(
      fc.property(nastyFed, fc.uint8Array({ maxLength: 50 }), (fed, octets) => {
        if (fed.kind !== 'exchange') return;
        const text = written({ ...fed, bodies: withBody(Buffer.from(octets)) });
        assert.equal(text.split('\n').length, 4);
        assert.doesNotMatch(text.replaceAll('\n', ''), ACTIVE);
        const har = JSON.parse(text) as object;
        const ok = ajv.validate('har.json#', har) as boolean;
        // A URL with a host that is none is what was recorded; everything else must be as the schema says.
        const errors = ok
          ? []
          : (ajv.errors ?? []).filter(e => !/\.(?:url|startedDateTime)$/.test(e.dataPath));
        assert.deepEqual(
          errors.map(e => `${e.dataPath} ${e.message}`),
          [],
        );
      }),
      { numRuns: 300 },
    );
  });
});
