import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  count,
  duration,
  hostPort,
  network,
  portOrAny,
  proxyPlace,
  size,
  staticName,
  text,
  webUrl,
  word,
} from '../../src/settings/kinds.ts';
import type { Kind } from '../../src/settings/kinds.ts';

const context = { base: '/', home: '/home/someone' };

function table<T>(name: string, kind: Kind<T>, good: [string, string][], bad: [string, RegExp][]): void {
  describe(name, () => {
    for (const [given, shown] of good)
      it(`reads ${given} as ${shown} and reads its own words again`, () => {
        assert.equal(kind.show(kind.read(given, context)), shown);
        assert.equal(kind.show(kind.read(shown, context)), shown);
      });
    for (const [given, why] of bad)
      it(`refuses ${JSON.stringify(given)}`, () => {
        assert.throws(() => kind.read(given, context), { name: 'RangeError', message: why });
      });
  });
}

table(
  'duration',
  duration(100, 86_400_000),
  [
    ['250ms', '250ms'],
    ['10s', '10s'],
    ['60s', '1m'],
    ['1.5h', '90m'],
    ['24 h', '1d'],
  ],
  [
    ['10', /no unit; write 10s or 10ms/],
    ['10x', /"x" is no unit of time/],
    ['10S', /no unit of time/],
    ['-1s', /no duration/],
    ['', /no duration/],
    ['1ms', /out of range; from 100ms to 1d/],
    ['2d', /out of range/],
    ['Infinitys', /no duration/],
  ],
);

table(
  'size',
  size(1, 2 ** 40),
  [
    ['256KiB', '256KiB'],
    ['1024', '1KiB'],
    ['2GB', '1953125KiB'],
    ['0.5MiB', '512KiB'],
    ['64kib', '64KiB'],
  ],
  [
    ['64 potatoes', /"potatoes" is no unit of size/],
    ['0', /out of range/],
    ['1.0001B', /no whole number|no size/],
    ['0x10', /no unit|no size/],
    ['99TiB', /out of range/],
  ],
);

table(
  'number',
  count(1, 10),
  [['007', '7']],
  [
    ['11', /out of range; from 1 to 10/],
    ['1.5', /no whole number/],
    ['1e3', /no whole number/],
    ['', /no whole number/],
  ],
);

table(
  'address to listen at',
  hostPort,
  [
    ['127.0.0.1:8080', '127.0.0.1:8080'],
    ['[::]:0', '[::]:0'],
    [':8080', '[::]:8080'],
    ['[2001:DB8::1]:443', '[2001:db8::1]:443'],
    ['localhost:9080', 'localhost:9080'],
  ],
  [
    ['8080', /write HOST:PORT/],
    ['127.0.0.1', /write HOST:PORT/],
    ['127.0.0.1:70000', /write HOST:PORT/],
    ['300.0.0.1:80', /no address of this machine/],
    ['::1:8080', /write HOST:PORT/],
    ['proxy.example.com:8080', /no address of this machine/],
  ],
);

table(
  'place of a proxy',
  proxyPlace,
  [
    ['Proxy.Example.com:8080', 'proxy.example.com:8080'],
    ['[2001:DB8::1]:443', '[2001:db8::1]:443'],
  ],
  [
    ['proxy.example.com', /write HOST:PORT/],
    ['proxy.example.com:0', /write HOST:PORT/],
    ['http://proxy:8080', /write HOST:PORT/],
    ['a"b:8080', /write HOST:PORT/],
  ],
);

table(
  'network',
  network,
  [
    ['10.0.0.0/8', '10.0.0.0/8'],
    ['192.0.2.7', '192.0.2.7/32'],
    ['FD00::/8', 'fd00::/8'],
    ['::ffff:192.0.2.7', '192.0.2.7/32'],
  ],
  [
    ['10.0.0.1/8', /bits set behind it/],
    ['10.0.0.0/33', /bad prefix length/],
    ['example.com', /no network/],
    ['', /no network/],
  ],
);

table(
  'port',
  portOrAny,
  [
    ['443', '443'],
    ['any', 'any'],
  ],
  [
    ['0', /no port/],
    ['65536', /no port/],
    ['https', /no port/],
  ],
);

table(
  'fixed answer',
  staticName,
  [
    ['Git.Example.COM=10.1.2.3', 'git.example.com=10.1.2.3'],
    ['a.test=[::1]', 'a.test=::1'],
    ['a.test=::1', 'a.test=::1'],
  ],
  [
    ['a.test', /write NAME=ADDRESS/],
    ['a.test=b.test', /write NAME=ADDRESS/],
    ['10.0.0.1=10.0.0.2', /write NAME=ADDRESS/],
    ['a.test=::1=x', /write NAME=ADDRESS/],
  ],
);

table('plain word', word('KEY'), [['Access_Token', 'access_token']], [['a b', /no plain word/]]);
table(
  'text',
  text('TEXT', 5),
  [['abc', 'abc']],
  [
    ['a\r\nb', /control characters/],
    ['abcdef', /longer than 5/],
  ],
);

table(
  'address of a web site',
  webUrl,
  [
    ['http://Proxy.example.com:8080', 'http://proxy.example.com:8080'],
    ['https://proxy.example.com/', 'https://proxy.example.com'],
  ],
  [
    ['proxy.example.com', /no URL/],
    ['ftp://proxy.example.com', /and nothing more/],
    ['http://proxy.example.com/path', /and nothing more/],
    ['http://user@proxy.example.com', /and nothing more/],
  ],
);
