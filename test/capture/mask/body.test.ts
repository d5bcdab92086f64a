/** Bodies before they are stored: by type, by coding, cut, and what happens to their digests. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import zlib from 'node:zlib';
import fc from 'fast-check';
import { BodyTap, CaptureBudget } from '../../../src/capture/body.ts';
import { MAX_DECODED, MAX_TEXT, maskBody } from '../../../src/capture/mask/body.ts';
import type { BodyHead } from '../../../src/capture/mask/body.ts';
import { Masker } from '../../../src/capture/mask/masker.ts';
import { STANDARD_PROFILE, STRICT_PROFILE } from '../../../src/core/masking.ts';

const standard = new Masker(STANDARD_PROFILE, []);
const LIMIT = 64 * 1024 * 1024;

function tapped(data: Buffer, limit = LIMIT) {
  const tap = new BodyTap({ limit, hash: true, budget: new CaptureBudget(LIMIT) });
  tap.push(data);
  return tap.finish();
}

function masked(data: Buffer | string, head: Partial<BodyHead> = {}, by = standard, limit = LIMIT) {
  const found: string[] = [];
  const result = maskBody(
    tapped(Buffer.from(data as string), limit),
    { contentType: 'application/json', contentEncoding: null, upgraded: false, ...head },
    by,
    what => found.push(what),
  );
  return { ...result, found, text: result.kept?.toString() ?? null };
}

const SECRET = '{"password":"hunter2","note":"ü"}';
const CLEAN = '{"note":"ü"}';

describe('by type', () => {
  const CASES: [string | null, string, string][] = [
    ['application/json', SECRET, '{"password":"‹masked›","note":"ü"}'],
    ['application/problem+json; charset=utf-8', SECRET, '{"password":"‹masked›","note":"ü"}'],
    [null, SECRET, '{"password":"‹masked›","note":"ü"}'],
    [
      'application/x-www-form-urlencoded',
      'a=b&pin=1&n=4111+1111+1111+1111',
      'a=b&pin=‹masked›&n=‹masked card›',
    ],
    ['text/plain', 'user=a&pass=b', 'user=a&pass=‹masked›'],
    ['text/html', '<p>4111 1111 1111 1111</p>', '<p>‹masked card›</p>'],
    ['text/html', '<script>x={"token":"a"}</script>', '<script>x={"token":"‹masked›"}</script>'],
    ['image/svg+xml', '<t>DE89370400440532013000</t>', '<t>‹masked iban›</t>'],
    ['image/png', SECRET, '{"password":"‹masked›","note":"ü"}'],
    [
      'multipart/form-data; boundary=B',
      '--B\r\nContent-Disposition: form-data; name="j"\r\nContent-Type: application/json\r\n\r\n{"otp":"1"}\r\n--B--\r\n',
      '--B\r\nContent-Disposition: form-data; name="j"\r\nContent-Type: application/json\r\n\r\n{"otp":"‹masked›"}\r\n--B--\r\n',
    ],
  ];
  for (const [contentType, body, expected] of CASES)
    test(`${contentType ?? 'no type'}: ${body.slice(0, 20)}`, () => {
      const { text, facts } = masked(body, { contentType });
      assert.equal(text, expected);
      assert.equal(facts.form, 'masked');
      assert.equal(facts.sha256, null, 'the original’s digest would let a short secret be guessed');
      assert.equal(facts.kept, Buffer.byteLength(expected));
      assert.equal(facts.size, Buffer.byteLength(body));
    });

  test('nothing found: the octets and the digest of the wire', () => {
    const { text, facts, found } = masked(CLEAN);
    assert.equal(text, CLEAN);
    assert.deepEqual(found, []);
    assert.ok(facts.form === undefined && facts.sha256?.length === 64);
  });

  test('UTF-16 is read as what it is', () => {
    const little = masked(Buffer.from(`\ufeff${SECRET}`, 'utf16le'), { contentType: 'text/plain' });
    assert.match(little.kept?.toString('utf16le') ?? '', /"‹masked›","note":"ü"/);
    const big = masked(Buffer.from(`\ufeff${SECRET}`, 'utf16le').swap16(), { contentType: 'text/plain' });
    assert.match(
      Buffer.from(big.kept ?? '')
        .swap16()
        .toString('utf16le'),
      /"‹masked›","note":"ü"/,
    );
  });
});

describe('by coding', () => {
  const CODINGS: [string, (data: string) => Buffer][] = [
    ['gzip', zlib.gzipSync],
    ['x-gzip', zlib.gzipSync],
    ['deflate', zlib.deflateSync],
    ['deflate', zlib.deflateRawSync],
    ['br', zlib.brotliCompressSync],
    ['gzip, br', data => zlib.brotliCompressSync(zlib.gzipSync(data))],
    ['identity', data => Buffer.from(data)],
  ];
  for (const [contentEncoding, encode] of CODINGS) {
    test(`${contentEncoding}: what is found leaves it decoded and masked`, () => {
      const { text, facts } = masked(encode(SECRET), { contentEncoding });
      assert.equal(text, '{"password":"‹masked›","note":"ü"}');
      assert.equal(facts.form, contentEncoding === 'identity' ? 'masked' : 'decoded');
      assert.equal(facts.sha256, null);
    });
    test(`${contentEncoding}: clean it stays as it came`, () => {
      const wire = encode(CLEAN);
      const { kept, facts } = masked(wire, { contentEncoding });
      assert.deepEqual(kept, wire);
      assert.equal(facts.form, undefined);
    });
  }

  test('cut off, what there is of it is masked', () => {
    const wire = zlib.gzipSync(`${SECRET}${'x,1234 '.repeat(5000)}${Math.PI}`);
    const { text, facts } = masked(wire, { contentEncoding: 'gzip' }, standard, wire.length - 20);
    assert.match(text ?? '', /^\{"password":"‹masked›"/);
    assert.ok(facts.truncated && facts.form === 'decoded');
  });

  const WITHHELD: [string, Partial<BodyHead>, Buffer][] = [
    ['coding', { contentEncoding: 'zstd' }, Buffer.from(SECRET)],
    ['coding', { contentEncoding: 'gzip, gzip, gzip' }, Buffer.from(SECRET)],
    ['size', { contentEncoding: 'gzip' }, zlib.gzipSync(Buffer.alloc(MAX_DECODED + 1))],
    ['broken', { contentEncoding: 'br' }, Buffer.from(`\u00ff\u00ff${SECRET}`, 'latin1')],
    ['binary', { contentType: 'application/grpc' }, Buffer.from('\u0000\u0000password')],
    ['binary', { upgraded: true, contentType: null }, Buffer.from(SECRET)],
    ['binary', { contentType: 'text/plain; charset=utf-7' }, Buffer.from(SECRET)],
  ];
  for (const [form, head, data] of WITHHELD)
    test(`not stored: ${form} ${JSON.stringify(head)}`, () => {
      const { kept, facts } = masked(data, head);
      assert.equal(kept, null);
      assert.equal(facts.form, form);
      assert.equal(facts.kept, 0);
      assert.equal(facts.sha256 !== null, data.length >= 1024, 'only a long one keeps its digest');
    });

  test('a coding that was named but not applied does no harm', () => {
    assert.equal(masked(SECRET, { contentEncoding: 'gzip' }).facts.form, 'masked');
  });
});

test('files are stored as they came, by `strict` not', () => {
  const png = Buffer.from('\u0089PNG\r\n\u001a\n\u0000\u0000', 'latin1');
  assert.deepEqual(masked(png, { contentType: 'image/png' }).kept, png);
  assert.equal(
    masked(png, { contentType: 'image/png' }, new Masker(STRICT_PROFILE, [])).facts.form,
    'binary',
  );
});

test('a profile that keeps originals touches nothing', () => {
  const open = new Masker({ ...STANDARD_PROFILE, originals: 'a case' }, []);
  const { text, facts } = masked(SECRET, {}, open);
  assert.equal(text, SECRET);
  assert.ok(facts.sha256 !== null);
});

test('beyond the bound nothing is looked at and nothing kept', () => {
  const { kept, facts } = masked(Buffer.alloc(MAX_TEXT + 10, 'a '), { contentType: 'text/plain' });
  assert.equal(kept?.length, MAX_TEXT);
  assert.ok(facts.truncated && facts.kept === MAX_TEXT && facts.size === MAX_TEXT + 10);
});

test('any octets under any head: no error, bounded growth, and masking twice changes nothing', () => {
  const type = fc.constantFrom(
    null,
    'application/json',
    'text/html',
    'multipart/form-data; boundary=B',
    'x/y',
  );
  const piece = fc.constantFrom(
    '{"pin":',
    '"1"',
    '--B\r\n',
    '\r\n\r\n',
    'a=1&otp=',
    '4111111111111111',
    '\u0000',
    '‹',
    ',',
  );
  fc.assert(
    fc.property(fc.array(fc.oneof(piece, fc.string())), type, fc.boolean(), (parts, contentType, short) => {
      const data = Buffer.from(parts.join(''));
      const limit = short ? Math.floor(data.length / 2) : LIMIT;
      const once = masked(data, { contentType }, standard, limit);
      if (once.kept === null) return;
      assert.ok(once.kept.length <= data.length * 20);
      const twice = maskBody(
        { kept: once.kept, facts: once.facts },
        { contentType, contentEncoding: null, upgraded: false },
        standard,
        () => undefined,
      );
      if (twice.kept !== null) assert.equal(twice.kept.toString('latin1'), once.kept.toString('latin1'));
    }),
  );
});
