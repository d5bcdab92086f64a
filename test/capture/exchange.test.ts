/** The records of one exchange. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { BodyTap, CaptureBudget } from '../../src/capture/body.ts';
import type { SeenExchange } from '../../src/capture/exchange.ts';
import { assembleExchange, mediaType } from '../../src/capture/exchange.ts';
import { Maskers } from '../../src/capture/mask/masker.ts';
import type { CaptureLevel } from '../../src/core/verdict.ts';

const MASKERS = new Maskers(['token']);
const KEYS = MASKERS.of(undefined);

function seen(capture: CaptureLevel, more: Partial<SeenExchange> = {}): SeenExchange {
  const tap = (text: string) => {
    const one = new BodyTap({ limit: 4, hash: true, budget: new CaptureBudget(100) });
    one.push(Buffer.from(text));
    return one.finish();
  };
  return {
    flow: 7,
    n: 2,
    started: 1000,
    requestAt: 1010,
    responseAt: 1050,
    ended: 1100,
    client: '10.0.0.1',
    user: null,
    scheme: 'https',
    host: 'h.example',
    port: 443,
    request: {
      method: 'POST',
      target: '/a?token=x',
      version: '1.1',
      fields: [{ name: 'cookie', rawName: 'Cookie', value: 'a=b' }],
    },
    response: {
      status: 200,
      fields: [{ name: 'content-type', rawName: 'Content-Type', value: 'Text/HTML; charset=utf-8' }],
    },
    verdict: { action: 'inspect', rule: 'r', policy: 'p', reason: '', capture, block: 'page' },
    req: tap('hello'),
    res: tap('hi'),
    fault: null,
    upgraded: false,
    ...more,
  };
}

test('bodies first, the exchange last, secrets masked', () => {
  const records = assembleExchange(seen('bodies'), KEYS);
  assert.deepEqual(
    records.map(r => r.kind),
    ['body', 'body', 'exchange'],
  );
  const [req, res, exchange] = records;
  assert.ok(req?.kind === 'body' && req.side === 'req' && req.data.toString() === 'hell');
  assert.ok(res?.kind === 'body' && res.side === 'res' && res.data.toString() === 'hi');
  assert.ok(exchange?.kind === 'exchange');
  assert.equal(exchange.ms, 100);
  assert.equal(exchange.wait, 40);
  assert.equal(exchange.path, '/a?token=‹masked›');
  assert.equal(exchange.reqHeaders, 'Cookie: a=‹masked›\r\n');
  assert.equal(exchange.contentType, 'text/html');
  assert.equal(exchange.protocol, 'HTTP/1.1');
  assert.equal(exchange.req.size, 5);
  assert.ok(exchange.req.truncated);
  assert.equal(exchange.res.sha256?.length, 64);
});

test('the masker of the verdict’s profile is what masks', () => {
  const verdict = { ...seen('headers').verdict, mask: 'strict' as const };
  const request = { ...seen('headers').request, target: '/a?x=y', fields: [] };
  const path = (more: Partial<SeenExchange>) =>
    assembleExchange(seen('headers', { request, ...more }), MASKERS.of(more.verdict?.mask)).map(r =>
      r.kind === 'exchange' ? r.path : '',
    );
  assert.deepEqual(path({}), ['/a?x=y']);
  assert.deepEqual(path({ verdict }), ['/a?x=‹masked›']);
});

describe('capture levels', () => {
  test('headers: sizes only, no bodies', () => {
    const records = assembleExchange(seen('headers'), KEYS);
    assert.equal(records.length, 1);
    const exchange = records[0];
    assert.ok(exchange?.kind === 'exchange');
    assert.deepEqual(exchange.req, { size: 5, kept: 0, sha256: null, truncated: false });
  });

  test('flow: nothing', () => {
    assert.deepEqual(assembleExchange(seen('flow'), KEYS), []);
  });
});

test('no response: no status, no wait, no type, but the fault', () => {
  const [exchange] = assembleExchange(
    seen('headers', {
      response: null,
      responseAt: null,
      fault: { code: 'response-closed', detail: null },
      request: { method: 'GET', target: '/', version: '1.0', fields: [] },
    }),
    KEYS,
  );
  assert.ok(exchange?.kind === 'exchange');
  assert.equal(exchange.status, null);
  assert.equal(exchange.wait, null);
  assert.equal(exchange.contentType, null);
  assert.equal(exchange.resHeaders, '');
  assert.equal(exchange.fault, 'response-closed');
  assert.equal(exchange.protocol, 'HTTP/1.0');
});

test('media types', () => {
  const of = (value: string): string | null => mediaType([{ name: 'content-type', rawName: 'CT', value }]);
  assert.equal(of('application/JSON'), 'application/json');
  assert.equal(of(' a/b ;c=d'), 'a/b');
  assert.equal(of(';charset=x'), null);
  assert.equal(of('x'.repeat(300))?.length, 100);
  assert.equal(mediaType([]), null);
});

describe('what was masked', () => {
  const body = (text: string, limit = 1000) => {
    const one = new BodyTap({ limit, hash: true, budget: new CaptureBudget(10_000) });
    one.push(Buffer.from(text));
    return one.finish();
  };
  const post = (text: string, type: string) =>
    assembleExchange(
      seen('bodies', {
        request: {
          ...seen('bodies').request,
          fields: [{ name: 'content-type', rawName: 'Content-Type', value: type }],
        },
        req: body(text),
      }),
      KEYS,
    );

  test('stands in the record, place by place', () => {
    const [req, , exchange] = post('{"password":"x","card":"4111 1111 1111 1111"}', 'application/json');
    assert.ok(req?.kind === 'body' && exchange?.kind === 'exchange');
    assert.equal(req.data.toString(), '{"password":"‹masked›","card":"‹masked card›"}');
    assert.equal(exchange.masked, 'path:query=1 req-body:json=1 req-body:card=1');
    assert.deepEqual(exchange.req, {
      size: 45,
      kept: req.data.length,
      sha256: null,
      truncated: false,
      form: 'masked',
    });
  });

  test('a body that cannot be read is not stored and the record says so', () => {
    const records = post('\u0000\u0001binary', 'application/grpc');
    const exchange = records.at(-1);
    assert.ok(exchange?.kind === 'exchange');
    assert.equal(records.filter(r => r.kind === 'body' && r.side === 'req').length, 0);
    assert.equal(exchange.req.form, 'binary');
    assert.equal(exchange.req.kept, 0);
  });

  test('a record in which nothing was masked has no such field', () => {
    const request = { ...seen('headers').request, target: '/', fields: [] };
    const [exchange] = assembleExchange(seen('headers', { request }), KEYS);
    assert.ok(exchange?.kind === 'exchange' && !('masked' in exchange));
  });
});
