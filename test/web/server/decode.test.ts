import assert from 'node:assert/strict';
import { test } from 'node:test';
import { brotliCompressSync, constants, deflateRawSync, deflateSync, gzipSync } from 'node:zlib';
import { decodeBody, MAX_LAYERS, MAX_RATIO } from '../../../web/server/decode.ts';

const TEXT = Buffer.from('The quick brown fox jumps over the lazy dog. '.repeat(20));
const MAX = 1024 * 1024;

test('each coding, several in a row, none and identity', async () => {
  const table: [string | null, Buffer, string[]][] = [
    [null, TEXT, []],
    ['', TEXT, []],
    ['identity', TEXT, []],
    ['gzip', gzipSync(TEXT), ['gzip']],
    ['x-gzip', gzipSync(TEXT), ['x-gzip']],
    ['GZip', gzipSync(TEXT), ['gzip']],
    ['br', brotliCompressSync(TEXT), ['br']],
    ['deflate', deflateSync(TEXT), ['deflate']],
    ['deflate', deflateRawSync(TEXT), ['deflate']],
    ['gzip, br', brotliCompressSync(gzipSync(TEXT)), ['br', 'gzip']],
    ['gzip,gzip,identity,gzip', gzipSync(gzipSync(gzipSync(TEXT))), ['gzip', 'gzip', 'gzip']],
  ];
  for (const [coding, body, codings] of table) {
    const decoded = await decodeBody(body, coding, MAX);
    assert.deepEqual(
      { ...decoded, data: decoded.data.toString() },
      {
        data: TEXT.toString(),
        codings,
        whole: true,
        note: null,
      },
    );
  }
});

test('a bomb of zeros stops at the ratio, at the size, and at the layers', async () => {
  const bomb = gzipSync(Buffer.alloc(64 * 1024 * 1024), { level: 9 });
  const small = gzipSync(Buffer.alloc(1024 * 1024), { level: 9 });
  const byRatio = await decodeBody(small, 'gzip', MAX);
  assert.equal(byRatio.data.length, Math.max(64 * 1024, small.length * MAX_RATIO));
  assert.equal(byRatio.whole, false);
  assert.match(byRatio.note ?? '', /expands more than 250 times/);

  const bySize = await decodeBody(bomb, 'gzip', MAX);
  assert.equal(bySize.data.length, MAX);
  assert.match(bySize.note ?? '', /first 1048576 bytes/);

  let nested: Buffer = bomb;
  for (let i = 0; i < 3; i++) nested = gzipSync(nested, { level: 9 });
  const layered = await decodeBody(nested, 'gzip, gzip, gzip, gzip', MAX);
  assert.ok(layered.data.length <= MAX);
  assert.equal(layered.whole, false);

  const brotli = brotliCompressSync(Buffer.alloc(32 * 1024 * 1024), {
    params: { [constants.BROTLI_PARAM_QUALITY]: 5 },
  });
  assert.ok((await decodeBody(brotli, 'br', MAX)).data.length <= MAX);

  const many = Array.from({ length: MAX_LAYERS + 1 }, () => 'gzip').join(', ');
  const refused = await decodeBody(TEXT, many, MAX);
  assert.deepEqual([refused.codings, refused.whole], [[], false]);
  assert.match(refused.note ?? '', /claims 6 content codings/);
  const endless = await decodeBody(TEXT, 'gzip,'.repeat(100_000), MAX);
  assert.equal(endless.whole, false);
});

test('cut, damaged and falsely labelled bodies give what can be had and say so', async () => {
  for (const [coding, whole] of [
    ['gzip', gzipSync(TEXT)],
    ['deflate', deflateSync(TEXT)],
    ['br', brotliCompressSync(TEXT)],
  ] as const) {
    const cut = await decodeBody(whole.subarray(0, whole.length - 6), coding, MAX);
    assert.equal(TEXT.toString().startsWith(cut.data.toString()), true, coding);
  }
  const damaged = gzipSync(TEXT);
  damaged[20] = (damaged[20] ?? 0) ^ 0xff;
  assert.match((await decodeBody(damaged, 'gzip', MAX)).note ?? '', /damaged/);
  const lie = await decodeBody(TEXT, 'gzip', MAX);
  assert.equal(lie.whole, false);
  const unknown = await decodeBody(TEXT, 'compress', MAX);
  assert.deepEqual([unknown.data, unknown.whole], [TEXT, false]);
  assert.match(unknown.note ?? '', /not known here/);
  const empty = await decodeBody(Buffer.alloc(0), 'gzip', MAX);
  assert.equal(empty.data.length, 0);
});

test('a plain body beyond the bound is cut', async () => {
  const cut = await decodeBody(TEXT, null, 10);
  assert.deepEqual([cut.data.toString(), cut.whole], ['The quick ', false]);
  const exact = await decodeBody(TEXT, null, TEXT.length);
  assert.equal(exact.whole, true);
});
