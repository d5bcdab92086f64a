import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { ja4, ja4Raw } from '../../src/wire/ja4.ts';
import * as b from '../helpers/hello-builder.ts';
import { CAPTURES } from '../helpers/fixture-hellos.ts';
import { fieldsOf, helloOf, hexList, judge } from '../helpers/hello-judges.ts';

/** Published pairs of raw and hashed form: the description's example, then test data of FoxIO's implementations. */
const VECTORS: Array<[name: string, raw: string, hashed: string]> = [
  [
    'the example of the description',
    't13d1516h2_002f,0035,009c,009d,1301,1302,1303,c013,c014,c02b,c02c,c02f,c030,cca8,cca9_0005,000a,000b,000d,0012,0015,0017,001b,0023,002b,002d,0033,4469,ff01_0403,0804,0401,0503,0805,0501,0806,0601',
    't13d1516h2_8daaf6152771_e5627efa2ab1',
  ],
  [
    'a browser with ECH and post-quantum signature algorithms',
    't13d1517h2_002f,0035,009c,009d,1301,1302,1303,c013,c014,c02b,c02c,c02f,c030,cca8,cca9_0005,000a,000b,000d,0012,0017,001b,0023,002b,002d,0033,44cd,ca34,fe0d,ff01_0904,0905,0906,0403,0804,0401,0503,0805,0501,0806,0601',
    't13d1517h2_8daaf6152771_cb7bf5808d99',
  ],
  [
    'TLS 1.2 with http/1.1',
    't12d2708h1_002f,0033,0035,0039,003c,003d,0067,006b,009c,009d,009e,009f,c009,c00a,c013,c014,c023,c024,c027,c028,c02b,c02c,c02f,c030,cca8,cca9,ccaa_000a,000b,000d,0016,0017,ff01_0403,0503,0603,0807,0808,0809,080a,080b,0804,0805,0806,0401,0501,0601,0303,0301,0302,0402,0502,0602',
    't12d2708h1_a2460661a67a_eed5f1524d5c',
  ],
  [
    'no server name',
    't13i3011h2_002f,0033,0035,0039,003c,003d,0067,006b,009c,009d,009e,009f,1301,1302,1303,c009,c00a,c013,c014,c023,c024,c027,c028,c02b,c02c,c02f,c030,cca8,cca9,ccaa_000a,000b,000d,0016,0017,002b,002d,0031,0033,ff01_0905,0906,0904,0403,0503,0603,0807,0808,081a,081b,081c,0809,080a,080b,0804,0805,0806,0401,0501,0601,0303,0301,0302,0402,0502,0602',
    't13i3011h2_1d37bd780c83_882d495ac381',
  ],
];

describe('JA4', () => {
  for (const [name, raw, hashed] of VECTORS)
    test(`published vector: ${name}`, () => {
      const [head = '', ciphers = '', sorted = '', algorithms = ''] = raw.split('_');
      const extensions = [16, ...hexList(sorted).reverse(), ...(head[3] === 'd' ? [0] : [])];
      const alpn = head.endsWith('h1') ? ['http/1.1'] : ['h2', 'http/1.1'];
      const fields = fieldsOf(
        helloOf({ ciphers: hexList(ciphers).reverse(), extensions, algorithms: hexList(algorithms), alpn }),
      );
      assert.equal(ja4Raw(fields), raw);
      assert.equal(ja4(fields), hashed);
    });

  test('without signature algorithms the list ends without an underscore', () => {
    const raw = VECTORS[0]?.[1] ?? '';
    // 000d itself stays in the published list, so its contents are emptied after parsing.
    const fields = fieldsOf(
      helloOf({ ciphers: [0x1301], extensions: [...hexList(raw.split('_')[2] ?? '')] }),
    );
    assert.match(ja4({ ...fields, signatureAlgorithms: [] }), /_6d807ffa2a79$/);
  });

  test('nothing to hash is written as zeros', () => {
    assert.match(
      ja4(fieldsOf(b.hello({ extensions: null }))),
      /^t12i0300.{2}_.{12}_000000000000$|^t12i030000_.{12}_000000000000$/,
    );
    assert.match(
      ja4(fieldsOf(b.hello({ extensions: [b.sni('a.example'), b.alpn('h2')] }))),
      /^t12d0302h2_.{12}_000000000000$/,
    );
    assert.match(
      ja4(fieldsOf(b.hello({ ciphers: [0x0a0a], extensions: [] }))),
      /^t12i000000_000000000000_000000000000$/,
    );
  });

  const alpn: Array<[first: Buffer | string, chars: string]> = [
    ['h2', 'h2'],
    ['http/1.1', 'h1'],
    ['x', 'xx'],
    ['h3-29', 'h9'],
    [Buffer.from([0xab]), 'ab'],
    [Buffer.from([0xab, 0xcd]), 'ad'],
    [Buffer.from([0x30, 0xab]), '3b'],
    [Buffer.from([0x30, 0x31, 0xab, 0xcd]), '3d'],
    [Buffer.from([0x30, 0xab, 0xcd, 0x31]), '01'],
    [' ', '20'],
    ['a ', '60'],
    ['_x', '58'],
  ];
  for (const [first, chars] of alpn)
    test(`ALPN ${JSON.stringify(first.toString('latin1'))} shows as ${chars}`, () => {
      const fields = fieldsOf(b.hello({ extensions: [b.alpn(first, 'h2')] }));
      assert.equal(ja4(fields).slice(8, 10), chars);
    });

  test('a GREASE protocol is not the first one', () => {
    const fields = fieldsOf(b.hello({ extensions: [b.alpn(Buffer.from([0x1a, 0x1a]), 'h2')] }));
    assert.equal(ja4(fields).slice(8, 10), 'h2');
  });

  test('the version is the highest offered one, GREASE and order aside', () => {
    const at = (version: number, ...list: number[]): string =>
      ja4(fieldsOf(b.hello({ version, extensions: list.length ? [b.versions(...list)] : [] }))).slice(1, 3);
    assert.equal(at(0x0303, 0x0303, 0x0304), '13');
    assert.equal(at(0x0303, 0xfafa, 0x0303), '12');
    assert.equal(at(0x0303, 0x7f1c), '00');
    assert.equal(at(0x0302), '11');
    assert.equal(at(0x0301), '10');
    assert.equal(at(0x0300), 's3');
    assert.equal(at(0x0304), '13');
  });

  test('more than 99 are shown as 99, QUIC starts with q', () => {
    const ciphers = Array.from({ length: 120 }, (_, i) => 0x1000 + i);
    const fields = fieldsOf(b.hello({ ciphers, extensions: [] }));
    assert.match(ja4(fields), /^t12i990000_/);
    assert.match(ja4(fields, 'q'), /^q12i990000_/);
  });

  test('an IP literal in the extension still counts as an extension with a name', () => {
    assert.match(ja4(fieldsOf(b.hello({ extensions: [b.sni('192.0.2.1')] }))), /^t12d/);
  });

  test('captured clients: the second implementation agrees', async () => {
    for (const { name, bytes } of CAPTURES)
      assert.equal(ja4(fieldsOf(bytes)), (await judge(bytes)).ja4, name);
  });

  test('generated hellos: the second implementation agrees', async () => {
    const u16 = fc.integer({ min: 1, max: 0xffff });
    // Types with contents that the judge parses too; 43 is left to the captures, as it always means 1.3 to the judge.
    const extension = fc.oneof(
      fc.constantFrom(0, 10, 11, 13, 16, 5, 23, 35, 0x0a0a, 0xdada),
      fc.integer({ min: 100, max: 60_000 }),
    );
    const lists = fc.record({
      version: fc.constantFrom(0x0301, 0x0302, 0x0303),
      ciphers: fc.array(u16, { minLength: 1, maxLength: 40 }),
      extensions: fc.uniqueArray(extension, { minLength: 1, maxLength: 30 }),
      algorithms: fc.array(u16, { minLength: 1, maxLength: 12 }),
      groups: fc.array(u16, { minLength: 1, maxLength: 8 }),
      alpn: fc.array(fc.stringMatching(/^[a-z0-9]{1,12}$/), { minLength: 1, maxLength: 4 }),
    });
    // The judge hashes an empty list where the description asks for zeros, and knows GREASE by its low digits only.
    const known = (l: { extensions: number[]; ciphers: number[]; algorithms: number[] }): boolean =>
      l.extensions.some(e => e !== 0 && e !== 16 && (e & 0x0f0f) !== 0x0a0a) &&
      [...l.extensions, ...l.ciphers, ...l.algorithms].every(
        v => (v & 0x0f0f) !== 0x0a0a || v >> 8 === (v & 0xff),
      );
    await fc.assert(
      fc.asyncProperty(lists.filter(known), async l => {
        const bytes = helloOf(l);
        assert.equal(ja4(fieldsOf(bytes)), (await judge(bytes)).ja4);
      }),
      { numRuns: 300, seed: 20261120 },
    );
  });
});
