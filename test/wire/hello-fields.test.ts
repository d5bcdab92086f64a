import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { readHello } from '../../src/wire/client-hello.ts';
import * as b from '../helpers/hello-builder.ts';
import { reasonOf as reason } from '../helpers/hello-judges.ts';

describe('structure', () => {
  const bad: Array<[string, Buffer, RegExp]> = [
    ['duplicate SNI', b.hello({ extensions: [b.sni('a.example'), b.sni('b.example')] }), /extension 0 twice/],
    ['duplicate unknown', b.hello({ extensions: [b.other(4242), b.other(4242)] }), /extension 4242 twice/],
    ['duplicate GREASE', b.hello({ extensions: [b.other(0x1a1a), b.other(0x1a1a)] }), /twice/],
    [
      'pre_shared_key not last',
      b.hello({ extensions: [b.other(41, b.u8(1)), b.other(99)] }),
      /pre_shared_key/,
    ],
    ['no cipher suites', b.hello({ ciphers: [] }), /no cipher suite/],
    ['odd cipher list', b.hello({ cipherBytes: Buffer.alloc(3) }), /odd length/],
    ['no compression method', b.hello({ compression: Buffer.alloc(0) }), /no compression/],
    ['session id of 33', b.hello({ sessionId: Buffer.alloc(33) }), /session id of 33/],
    ['version 2', b.hello({ version: 0x0002 }), /version 0x0002/],
    ['version 0xfeff', b.hello({ version: 0xfeff }), /version 0xfeff/],
    ['bytes after extensions', b.hello({ trailer: b.u8(0) }), /1 bytes too many/],
    [
      'extension beyond its block',
      b.hello({ extensions: [[9, Buffer.alloc(0)]], trailer: b.u16(3) }),
      /too many/,
    ],
    ['empty ALPN', b.hello({ extensions: [b.alpn()] }), /ALPN is an empty list/],
    ['empty ALPN name', b.hello({ extensions: [b.alpn('h2', '')] }), /empty protocol name/],
    [
      'odd groups',
      b.hello({ extensions: [b.other(10, b.vec16(Buffer.alloc(3)))] }),
      /supported_groups has an odd/,
    ],
    ['empty versions', b.hello({ extensions: [b.versions()] }), /supported_versions is an empty list/],
    [
      'empty signature algorithms',
      b.hello({ extensions: [b.sigAlgs()] }),
      /signature_algorithms is an empty/,
    ],
    ['empty point formats', b.hello({ extensions: [b.pointFormats()] }), /ec_point_formats is an empty/],
    ['message shorter than its parts', b.hello({ claimedLength: 50 }), /bytes after the ClientHello/],
    ['body of nothing', b.records(Buffer.from([1, 0, 0, 0])), /ends 2 bytes too early/],
    ['ServerHello', b.hello({ type: 2 }), /type 2, not a ClientHello/],
    ['HelloRequest', b.records(Buffer.from([0, 0, 0, 0])), /type 0, not a ClientHello/],
  ];
  for (const [what, bytes, why] of bad)
    test(`${what} is malformed`, () => assert.match(reason(bytes, 'malformed'), why));

  test('every truncation inside the message is malformed, none is taken for a hello', () => {
    const whole = b.message({
      extensions: [b.sni('a.example'), b.alpn('h2'), b.versions(0x0304), b.groups(29)],
    });
    // Up to the end of the compression methods; there the hello without extensions is legal.
    const legal = 4 + 2 + 32 + 33 + 2 + 2 * b.PLAIN_CIPHERS.length + 2;
    for (let n = 4; n < whole.length; n++) {
      const cut = Buffer.from(whole.subarray(0, n));
      cut.writeUIntBE(n - 4, 1, 3);
      assert.equal(readHello(b.records(cut)).outcome, n === legal ? 'hello' : 'malformed', `cut at ${n}`);
    }
  });
});
