import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { ja3, ja3Text } from '../../src/wire/ja3.ts';
import { readHello } from '../../src/wire/client-hello.ts';
import * as b from '../helpers/hello-builder.ts';
import { CAPTURES } from '../helpers/fixture-hellos.ts';
import { decimalList, fieldsOf, helloOf, judge } from '../helpers/hello-judges.ts';

/** Published pairs of text and hash: the first two from the JA3 description, the others from public databases. */
const VECTORS: Array<[text: string, hash: string]> = [
  [
    '769,47-53-5-10-49161-49162-49171-49172-50-56-19-4,0-10-11,23-24-25,0',
    'ada70206e40642a3e4461f35503241d5',
  ],
  ['769,4-5-10-9-100-98-3-6-19-18-99,,,', 'de350869b8c85de67a350c8d186f11e6'],
  [
    '771,4866-4867-4865-49196-49200-159-52393-52392-52394-49195-49199-158-49188-49192-107-49187-49191-103-49162-49172-57-49161-49171-51-157-156-61-60-53-47-255,0-11-10-13172-16-22-23-49-13-43-45-51,29-23-30-25-24,0-1-2',
    'ba730f97dcd1122e74e65411e68f1b40',
  ],
  [
    '771,4865-4866-4867-49195-49199-49196-49200-52393-52392-49171-49172-156-157-47-53,45-51-16-65037-23-17613-0-11-10-43-65281-35-18-5-13-27,4588-29-23-24,0',
    '98487aa16281980e7d1120d399efb6a4',
  ],
];

describe('JA3', () => {
  for (const [text, hash] of VECTORS)
    test(`published vector ${hash}`, () => {
      const [version = '', ciphers = '', extensions = '', groups = '', formats = ''] = text.split(',');
      const fields = fieldsOf(
        helloOf({
          version: Number(version),
          ciphers: decimalList(ciphers),
          extensions: decimalList(extensions),
          groups: decimalList(groups),
          formats: decimalList(formats),
        }),
      );
      assert.equal(ja3Text(fields), text);
      assert.equal(ja3(fields), hash);
    });

  test('without extensions the last three lists are empty', () => {
    const text = ja3Text(fieldsOf(b.hello({ version: 0x0301, ciphers: [4, 5], extensions: null })));
    assert.equal(text, '769,4-5,,,');
  });

  test('GREASE is nowhere in it', () => {
    const grease = helloOf({
      ciphers: [0x0a0a, 0x1301],
      extensions: [0x1a1a, 0, 10, 0xfafa],
      groups: [0x2a2a, 29],
    });
    assert.equal(ja3Text(fieldsOf(grease)), '771,4865,0-10,29,');
  });

  test('captured clients: tshark and the second implementation agree', async () => {
    let judged = 0;
    for (const { name, about, bytes } of CAPTURES) {
      const r = readHello(bytes);
      assert.ok(r.outcome === 'hello', name);
      assert.equal(r.hello.ja3, (await judge(bytes)).ja3, name);
      if (about.tshark === null) continue;
      assert.equal(r.hello.ja3, about.tshark.ja3, name);
      assert.equal(ja3Text(fieldsOf(bytes)), about.tshark.ja3Text, name);
      judged++;
    }
    assert.ok(judged >= 10, `tshark judged ${judged}`);
  });
});
