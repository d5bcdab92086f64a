import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as b from '../helpers/hello-builder.ts';
import { factsOf as facts, reasonOf as reason } from '../helpers/hello-judges.ts';

const withName = (name: string | Buffer): Buffer => b.hello({ extensions: [b.sni(name)] });

describe('server name (H4)', () => {
  const good: Array<[string, string]> = [
    ['example.com', 'example.com'],
    ['EXAMPLE.com', 'example.com'],
    ['example.com.', 'example.com'],
    ['localhost', 'localhost'],
    ['xn--bcher-kva.example', 'xn--bcher-kva.example'],
    ['XN--BCHER-KVA.example', 'xn--bcher-kva.example'],
    ['_dmarc.example.com', '_dmarc.example.com'],
    ['r3---sn-4g5e6nsz.example', 'r3---sn-4g5e6nsz.example'],
    [`${'a'.repeat(63)}.example`, `${'a'.repeat(63)}.example`],
  ];
  for (const [raw, sni] of good)
    test(`"${raw}" is ${sni}`, () => {
      const h = facts(withName(raw));
      assert.equal(h.sni, sni);
      assert.equal(h.rawSni, raw);
    });

  for (const raw of ['192.0.2.7', '2001:db8::7', '[2001:db8::7]'])
    test(`the IP literal ${raw} is no name`, () => {
      const h = facts(withName(raw));
      assert.equal(h.sni, null);
      assert.equal(h.rawSni, raw);
    });

  const bad: Array<[string, Buffer, RegExp]> = [
    ['empty name', withName(''), /empty name/],
    ['NUL inside', withName('good.example\0.evil.example'), /NUL/],
    ['NUL at the end', withName('good.example\0'), /NUL/],
    ['BEL', withName('a\x07b.example'), /control byte 0x07/],
    ['ANSI escape', withName('\x1b[31mred.example'), /control byte 0x1b/],
    ['DEL', withName('a\x7f.example'), /control byte 0x7f/],
    ['CR LF', withName('a.example\r\nX: y'), /control byte 0x0d/],
    ['space', withName('a b.example'), /space/],
    ['UTF-8', withName(Buffer.from('bücher.example', 'utf8')), /non-ASCII byte 0xc3/],
    ['latin1', withName(Buffer.from('bücher.example', 'latin1')), /non-ASCII byte 0xfc/],
    ['wildcard', withName('*.example.com'), /no host name/],
    ['port', withName('example.com:443'), /no host name/],
    ['slash', withName('example.com/x'), /no host name/],
    ['percent', withName('%65xample.com'), /no host name/],
    ['leading dot', withName('.example.com'), /empty label/],
    ['two dots', withName('a..example.com'), /empty label/],
    ['only a dot', withName('.'), /empty name/],
    ['label of 64', withName(`${'a'.repeat(64)}.example`), /longer than 63/],
    ['254 characters', withName(`${'a'.repeat(49)}.`.repeat(5) + 'abcd'), /longer than 253/],
    ['65,000 characters', withName('a'.repeat(65_000)), /no host name/],
    ['decimal IPv4', withName('2130706433'), /numeric last label/],
    ['octal IPv4', withName('0177.0.0.1'), /numeric|ambiguous/],
    ['bad A-label', withName('xn--\x61\x2d\x2d.example'), /no host name/],
    [
      'two names',
      b.hello({ extensions: [b.serverNames([0, 'a.example'], [0, 'b.example'])] }),
      /more than one/,
    ],
    [
      'same name twice',
      b.hello({ extensions: [b.serverNames([0, 'a.example'], [0, 'a.example'])] }),
      /more than one/,
    ],
    ['name type 1', b.hello({ extensions: [b.serverNames([1, 'a.example'])] }), /name type 1/],
    [
      'second of type 1',
      b.hello({ extensions: [b.serverNames([0, 'a.example'], [1, 'x'])] }),
      /more than one/,
    ],
    ['empty list', b.hello({ extensions: [b.serverNames()] }), /empty list/],
    ['empty extension', b.hello({ extensions: [b.other(0)] }), /too early/],
    ['list longer than data', b.hello({ extensions: [b.other(0, b.u16(9))] }), /too early/],
    [
      'bytes after the list',
      b.hello({ extensions: [b.other(0, Buffer.concat([b.sni('a.example')[1], b.u8(0)]))] }),
      /1 bytes too many/,
    ],
  ];
  for (const [what, bytes, why] of bad)
    test(`${what} is malformed`, () => assert.match(reason(bytes, 'malformed'), why));
});
