/** What the search sees of a body: by its head where that says something, by its octets where not, and never too much. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import zlib from 'node:zlib';
import fc from 'fast-check';
import { MAX_BODY_TEXT, readingOf, readingOfHead, searchedText } from '../../../src/audit/store/body-text.ts';
import { tokensOf } from '../../../src/audit/query/match.ts';

const seen = (body: Buffer | string, type: string | null, coding: string | null = null): string =>
  searchedText(Buffer.from(body), readingOf(type, coding));
const words = (body: Buffer | string, type: string | null, coding: string | null = null): string =>
  tokensOf(seen(body, type, coding)).join(' ');

describe('the text of a body', () => {
  it('has its escapes resolved where its shape has them', () => {
    for (const [body, type, expected] of [
      [
        '{"a":"caf\\u00e9\\nnext","b":"C:\\\\new","c":"\\ud83d\\ude00"}',
        'application/json',
        'a cafe next b c new c',
      ],
      ['{"a":"one\\ntwo"}', 'application/vnd.x+json; charset=utf-8', 'a one two'],
      [' [{"a":"one\\ntwo"}]', null, 'a one two'],
      ['var s = "one\\ntwo"', 'text/javascript', 'var s one two'],
      ['C:\\new\\table', 'text/plain', 'c new table'],
      ['a=b+c%20d&x=%C3%BC&y=%ff', 'application/x-www-form-urlencoded', 'a b c d x u y ff'],
      ['a+b%20c', 'text/plain', 'a b 20c'],
      ['<p class="x">total</p>', 'text/html', 'p class x total p'],
      ['<svg><text>word</text></svg>', 'image/svg+xml', 'svg text word text svg'],
    ] as const)
      assert.equal(words(body, type), expected, body);
  });

  it('is read by its charset, by a byte order mark before that, and by its octets without either', () => {
    const text = 'Überweisung für Zoë';
    for (const [body, type] of [
      [Buffer.from(text), null],
      [Buffer.from(text, 'latin1'), null],
      [Buffer.from(`${text} ☃`).subarray(0, -1), null],
      [Buffer.from(text, 'latin1'), 'text/plain; charset=iso-8859-1'],
      [Buffer.from(text, 'latin1'), 'text/plain; charset="nobody-knows"'],
      [Buffer.from(`\ufeff${text}`), 'text/plain; charset=latin1x'],
      [Buffer.from(`\ufeff${text}`, 'utf16le'), 'text/plain; charset=utf-8'],
      [Buffer.from(`\ufeff${text}`, 'utf16le').swap16(), null],
      [Buffer.from(text, 'utf16le'), 'text/plain; charset=UTF-16LE'],
    ] as const)
      assert.equal(words(body, type), 'uberweisung fur zoe', `${type}: ${body.toString('hex')}`);
    assert.equal(words(Buffer.from('93fa967b', 'hex'), 'text/plain; charset=shift_jis'), '日本');
  });

  it('is that of each part of a multipart body: heads, file names, texts, and no pictures', () => {
    const body = [
      '--B\r\nContent-Disposition: form-data; name="note"\r\n\r\nfirst part',
      '--B\r\nContent-Disposition: form-data; name="f"; filename="secret plan.json"\r\nContent-Type: application/json\r\n\r\n{"x":"one\\ntwo"}',
      '--B\r\nContent-Type: image/png\r\n\r\nPNGdata',
      '--B\r\nContent-Type: application/octet-stream\r\n\r\n\u0000\u0001binary',
      '--B--\r\n',
    ].join('\r\n');
    const found = words(body, 'multipart/form-data; boundary=B');
    for (const there of ['first part', 'secret plan json', 'x one two', 'image png'])
      assert.ok(found.includes(there), there);
    for (const gone of ['pngdata', 'binary']) assert.ok(!found.includes(gone), gone);
    assert.equal(words('no boundary at all', 'multipart/mixed'), 'no boundary at all');
    assert.equal(words('--', 'multipart/mixed'), '');
  });

  it('is empty for what is no text, whatever it claims, and for codings that nobody knows', () => {
    const noise = Buffer.from(Array.from({ length: 2000 }, (_, i) => (i * 7919) % 251));
    for (const type of ['text/plain', 'application/json', null, 'image/png', 'application/pdf'])
      assert.equal(seen(noise, type), '', String(type));
    assert.equal(seen('words', 'image/png'), '');
    assert.equal(seen('words', 'text/plain', 'zstd'), '');
    assert.equal(words('words', 'application/octet-stream'), 'words', 'a text sent as a file');
    assert.equal(words(zlib.gzipSync('words'), 'text/plain', 'gzip'), 'words');
    assert.equal(words(zlib.brotliCompressSync(zlib.gzipSync('words')), null, 'gzip, br'), 'words');
  });

  it('ends at its bound, with a whole word, in coded bodies as in others', () => {
    const long = 'größer '.repeat(20_000);
    for (const [body, coding] of [
      [Buffer.from(long), null],
      [zlib.gzipSync(long), 'gzip'],
      [zlib.brotliCompressSync(long), 'br'],
    ] as const) {
      const tokens = new Set(tokensOf(seen(body, 'text/plain', coding)));
      assert.deepEqual([...tokens], ['großer'], String(coding));
      assert.ok(seen(body, null, coding).length > MAX_BODY_TEXT * 0.7, String(coding));
    }
    const behind = `${'x '.repeat(MAX_BODY_TEXT / 2)}behind`;
    assert.ok(!words(behind, null).includes('behind'));
  });

  it('leaves out long runs of coded data, wherever they stand', () => {
    const data = (n: number): string => Buffer.alloc(n, 'abcdefghij0123456789+/').toString();
    for (let before = 0; before < 450; before += 7) {
      const blank = '. '.repeat(before).slice(0, before);
      assert.equal(words(`${blank}one "${data(200)}=" two ${data(900)}`, null), 'one two', String(before));
      const short = data(199);
      assert.ok(words(`${blank}one "${short}" two`, null).length > 150, String(before));
    }
  });

  it('has few readings, whatever heads say, and never fails', () => {
    assert.equal(
      readingOf('text/plain; charset=UTF8', 'GZip'),
      readingOf('Text/HTML;charset="utf-8"', 'gzip'),
    );
    assert.equal(readingOf('x', 'a b c d e, f, g, h'), readingOf(null, 'q,r,s'));
    assert.equal(readingOfHead('Content-Type: text/css\r\nContent-Encoding: br\r\n', 'decoded'), 'text -');
    assert.equal(readingOfHead('content-encoding: br\r\n', undefined), 'text - br');
    const types = [
      'multipart/x',
      'application/json',
      'application/x-www-form-urlencoded',
      'text/plain; charset=gbk',
    ];
    const heads = fc.oneof(fc.constantFrom(...types, null), fc.string());
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 300 }),
        heads,
        fc.option(fc.constantFrom('gzip', 'br', 'deflate', 'gzip, gzip'), { nil: null }),
        (body, type, coding) => {
          const text = seen(Buffer.from(body), type, coding);
          assert.ok(text.length <= MAX_BODY_TEXT * 2);
          assert.equal(text, seen(Buffer.from(body), type, coding), 'the same twice');
        },
      ),
      { numRuns: 500 },
    );
  });
});
