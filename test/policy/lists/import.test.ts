import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { describe, it } from 'node:test';
import { gzipSync } from 'node:zlib';
import { ImportRefused, importFiles, importList } from '../../../src/policy/lists/import.ts';
import { IMPORTERS } from '../../../src/policy/lists/formats.ts';
import { bytesOf, readList } from './helper.ts';

describe('import', () => {
  it('undoes gzip, and tells a damaged one', async () => {
    const gz = gzipSync('0.0.0.0 a.test\n');
    let entries = 0;
    const report = await importList(bytesOf(gz), () => entries++, { format: null });
    assert.deepEqual([report.format, entries], ['hosts', 1]);
    await assert.rejects(
      importList(bytesOf(gz.subarray(0, -6)), () => undefined, { format: 'hosts' }),
      { name: 'ImportRefused', message: /gzip/ },
    );
  });

  it('is the same however the bytes are cut, in every format that says so itself', async () => {
    const text = '\ufeff# ü\r\nbücher.test\r\n.b.test\r\nlast.test';
    const whole = await readList('plain', text);
    const bytes = Buffer.from(text);
    for (let at = 1; at < bytes.length; at++) {
      const names: string[] = [];
      await importList(bytesOf(bytes.subarray(0, at), bytes.subarray(at)), e => names.push(e.name), {
        format: 'plain',
      });
      assert.deepEqual(
        names,
        whole.full.map(e => e.name),
      );
    }
  });

  it('tells one bad line in a million', async () => {
    const million = async function* (): AsyncGenerator<Buffer> {
      for (let i = 0; i < 1000; i++) {
        let text = '';
        for (let j = 0; j < 1000; j++) text += i === 700 && j === 7 ? 'bad..name\n' : `h${i}-${j}.test\n`;
        yield Buffer.from(text);
      }
    };
    const report = await importList(million(), () => undefined, { format: null });
    assert.deepEqual([report.entries, report.rejected, report.detected], [999_999, 1, true]);
    assert.deepEqual(report.rejects, [
      { file: null, line: 700_008, reason: 'empty label', text: 'bad..name' },
    ]);
  });

  it('counts all rejects by reason and quotes the first', async () => {
    const { report } = await readList('plain', 'bad..name\n10.0.0.1\n'.repeat(500));
    assert.equal(report.rejected, 1000);
    assert.equal(report.rejects.length, 100);
    assert.deepEqual(report.reasons, { 'empty label': 500, 'an address, not a domain name': 500 });
  });

  it('refuses what is no list, each with what to do', async () => {
    const cases: [bytes: Buffer, message: RegExp, hint: RegExp][] = [
      [Buffer.from([0xff, 0xfe, 0x61, 0]), /UTF-16/, /iconv/],
      [Buffer.from('PK\u0003\u0004xxxx'), /zip/, /Unpack/],
      [Buffer.concat([Buffer.alloc(10), randomBytes(1000)]), /not text/, /UTF-8/],
      [Buffer.from('<html>404</html>'), /not recognised/, /--format/],
      [Buffer.alloc(0), /not recognised/, /--format/],
    ];
    for (const [bytes, message, hint] of cases)
      await assert.rejects(
        importList(bytesOf(bytes), () => undefined, { format: null }),
        e => {
          assert.ok(e instanceof ImportRefused);
          assert.match(e.message, message);
          assert.match(e.hint, hint);
          return true;
        },
      );
    await assert.rejects(readList('excel', 'a.test'), /unknown format/);
  });

  it('skips an endless line and goes on', async () => {
    for (const { format } of IMPORTERS.filter(
      i => !['json', 'sightglass', 'rpz', 'csv'].includes(i.format),
    )) {
      const good = {
        adblock: '||a.test^',
        hosts: '0.0.0.0 a.test',
        dnsmasq: 'address=/a.test/',
        unbound: 'local-zone: "a.test" static',
        nginx: 'a.test 1;',
      }[format];
      const line =
        good ??
        (format === 'suricata'
          ? 'drop tls any any -> any any (msg:"x"; tls.sni; content:"a.test"; nocase; startswith; endswith; sid:1;)'
          : 'a.test');
      const { report, entries } = await readList(format, [
        `${line}\n`,
        'x'.repeat(100_000),
        'y'.repeat(100_000),
        `\n${line}\n`,
      ]);
      assert.deepEqual([entries.length, report.rejected, report.rejects[0]?.line], [2, 1, 2], format);
    }
  });

  it('walks category folders, takes the chosen ones, tells what names cannot say', async () => {
    const files = async function* (): AsyncGenerator<{ path: string; chunks: AsyncIterable<Buffer> }> {
      yield { path: 'blacklists/README', chunks: bytesOf('hello') };
      yield { path: 'blacklists/adult/domains', chunks: bytesOf('a.test\n', 'b.t', 'est') };
      yield { path: 'blacklists/adult/urls', chunks: bytesOf('c.test/x\n') };
      yield { path: 'blacklists/games/mixed/domains', chunks: bytesOf('d.test\nbad..name\n') };
      yield { path: 'blacklists/games/mixed/expressions', chunks: bytesOf('(foo|bar)') };
    };
    const all: string[] = [];
    const report = await importFiles(files(), e => all.push(`${e.category} ${e.match} ${e.name}`), {
      format: null,
    });
    assert.deepEqual(all, ['adult both a.test', 'adult both b.test', 'games/mixed both d.test']);
    assert.deepEqual(report.categories, { adult: 2, 'games/mixed': 1 });
    assert.deepEqual(
      report.rejects.map(r => `${r.file} ${r.line}`),
      ['blacklists/adult/urls 1', 'blacklists/games/mixed/domains 2', 'blacklists/games/mixed/expressions 1'],
    );
    const some = await importFiles(files(), () => undefined, {
      format: null,
      categories: new Set(['adult']),
    });
    assert.deepEqual([some.entries, some.rejected], [2, 1]);
    await assert.rejects(
      importFiles(files(), () => undefined, { format: 'hosts' }),
      /squidguard/,
    );
    const none = async function* (): AsyncGenerator<{ path: string; chunks: AsyncIterable<Buffer> }> {
      yield { path: 'x', chunks: bytesOf('') };
    };
    await assert.rejects(
      importFiles(none(), () => undefined, { format: null }),
      /no list in it/,
    );
  });

  it('breathes and tells progress', async () => {
    let breaths = 0;
    let last = 0;
    await importList(bytesOf('a.test\n', 'b.test\n'), () => undefined, {
      format: 'plain',
      breathe: async () => void breaths++,
      onProgress: (bytes, entries) => (last = bytes * 10 + entries),
    });
    assert.deepEqual([breaths, last], [2, 142]);
  });
});
