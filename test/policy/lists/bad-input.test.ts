/**
 * Lists as bad as they come, through every importer and the whole way of a fetched list: far too long, not text, one bad line
 * in a million, a publisher who sends us into our own network. What is bad is told, what was there stays, memory is bounded.
 * The same lengths in every format, with times: bench/lists.ts.
 */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:https';
import type { Server } from 'node:https';
import type { ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { gzipSync } from 'node:zlib';
import { parseNetwork } from '../../../src/core/network.ts';
import type { Network } from '../../../src/core/network.ts';
import { copyName } from '../../../src/policy/list-copies.ts';
import { readListText } from '../../../src/policy/list-text.ts';
import { IMPORTERS } from '../../../src/policy/lists/formats.ts';
import { importList, ImportRefused } from '../../../src/policy/lists/import.ts';
import type { ImportReport } from '../../../src/policy/lists/import.ts';
import type { UrlSource } from '../../../src/policy/rule.ts';
import { refreshUrl } from '../../../src/policy/sources.ts';
import { fetchList } from '../../../src/policy/sources-fetch.ts';
import { OriginCa } from '../../helpers/proxy.ts';
import { bytesOf } from './helper.ts';

const MB = 1024 * 1024;

/** A list of at least `bytes`, made on the way; `odd` gives the text of lines that are not names. */
async function* longList(bytes: number, odd: (line: number) => string | null): AsyncGenerator<Buffer> {
  let line = 0;
  for (let sent = 0; sent < bytes;) {
    let text = '';
    while (text.length < 1 << 18) text += `${odd(++line) ?? `h${line}.example${line % 977}.test`}\n`;
    sent += text.length;
    yield await Promise.resolve(Buffer.from(text));
  }
}

/** Bytes that look random and are the same every time. */
function junk(length: number, seed: number): Buffer {
  const blocks: Buffer[] = [];
  for (let i = 0; i * 32 < length; i++) blocks.push(createHash('sha256').update(`${seed} ${i}`).digest());
  return Buffer.concat(blocks).subarray(0, length);
}

describe('long lists', () => {
  it('200 MB with one bad line are read to the end in little memory, and the line is told', async () => {
    const bad = 5_000_000;
    let entries = 0;
    let highest = 0;
    const before = process.memoryUsage.rss();
    const report = await importList(
      longList(200 * MB, line => (line === bad ? 'not a name' : null)),
      () => void entries++,
      {
        format: null,
        onProgress: () => {
          highest = Math.max(highest, process.memoryUsage.rss() - before);
        },
      },
    );
    assert.ok(report.bytes >= 200 * MB && report.entries === entries && entries > bad);
    assert.deepEqual(
      [report.format, report.rejected, report.rejects.map(r => [r.line, r.text])],
      ['plain', 1, [[bad, 'not a name']]],
    );
    assert.ok(highest < 150 * MB, `${Math.round(highest / MB)} MB`);
  });

  it('one bad line in a million makes a list file of the policy be refused, with its number', async () => {
    const read = await readListText(
      longList(24 * MB, line => (line === 500_000 ? 'bad..test' : null)),
      { allowPublicSuffix: false, breathe: () => Promise.resolve() },
    );
    assert.deepEqual(
      read.problems.map(p => [p.line, p.column]),
      [[500_000, 1]],
    );
  });

  for (const { format } of IMPORTERS)
    it(`${format}: 8 MB without a line end are one or a few rejects, not a line in memory`, async () => {
      const { report, refused } = await tryImport(format, Buffer.alloc(8 * MB, 'a'));
      assert.ok(refused !== null || (report !== null && report.rejected <= 2 && report.entries === 0));
      for (const { text } of report?.rejects ?? []) assert.ok(text.length <= 200);
    });
});

async function tryImport(
  format: string | null,
  ...pieces: Buffer[]
): Promise<{ report: ImportReport | null; names: string[]; refused: ImportRefused | null }> {
  const names: string[] = [];
  try {
    const report = await importList(bytesOf(...pieces), e => void names.push(e.name), { format });
    return { report, names, refused: null };
  } catch (e) {
    assert.ok(e instanceof ImportRefused, String(e));
    return { report: null, names, refused: e };
  }
}

describe('what is no list', () => {
  const header = (hex: string): Buffer => Buffer.concat([Buffer.from(hex, 'hex'), junk(100_000, 1)]);
  const cases: [string, Buffer][] = [
    ['random bytes', junk(300_000, 2)],
    ['a program', header('7f454c460201010000000000')],
    ['a picture', header('89504e470d0a1a0a')],
    ['a zip', header('504b0304')],
    ['UTF-16', Buffer.from('\ufeffads.test\r\nb.test\r\n', 'utf16le')],
    ['a gzip of random bytes', gzipSync(junk(200_000, 3))],
    ['a gzip that is cut short', gzipSync(junk(200_000, 4)).subarray(0, 60_000)],
    ['a gzip of a gzip', gzipSync(gzipSync(Buffer.from('ads.test\n')))],
    ['junk behind 80,000 bytes of text', Buffer.concat([Buffer.alloc(80_000, '\n'), junk(100_000, 5)])],
    ['random bytes without NUL', Buffer.from(junk(300_000, 6).map(b => (b === 0 ? 1 : b)))],
    ['nothing', Buffer.alloc(0)],
  ];
  for (const [what, bytes] of cases)
    it(`${what}: refused in words or rejected, by every importer, and no name comes of it`, async () => {
      for (const format of [null, ...IMPORTERS.map(i => i.format)]) {
        const { report, names, refused } = await tryImport(format, bytes);
        if (refused === null) assert.deepEqual(names, [], format ?? 'told from the content');
        if (refused !== null) assert.ok(refused.message.length > 10 && refused.hint.length > 10);
        else if (bytes.length > 0) assert.ok((report?.rejected ?? 0) > 0, format ?? '');
        for (const { reason, text } of report?.rejects ?? []) assert.ok(reason !== '' && text.length <= 200);
      }
    });
});

describe('a publisher', () => {
  const ca = new OriginCa();
  const allow = [parseNetwork('127.0.0.0/8')].filter((n): n is Network => n !== null);
  const dir = mkdtempSync(join(tmpdir(), 'sightglass-bad-input-'));
  let server: Server;
  let source: UrlSource;
  let sent = 0;
  let answer: (res: ServerResponse) => void = () => undefined;

  before(async () => {
    server = createServer(await ca.certificate('lists.test'), (_req, res) => {
      answer(res);
    });
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    source = {
      kind: 'url',
      url: `https://lists.test:${port}/list`,
      refresh: 3_600_000,
      sha256: null,
      maxSize: 8 * MB,
      format: null,
      allowPublicSuffix: false,
    };
    answer = res => res.end('good.test\n');
    assert.equal((await refresh()).outcome, 'new');
  });
  after(() => {
    server.close();
    server.closeAllConnections();
    ca.remove();
    rmSync(dir, { recursive: true, force: true });
  });

  const addresses: Record<string, string> = { 'lists.test': '127.0.0.1', 'inner.test': '169.254.169.254' };
  const lookup = ((name: string, _options: object, done: (e: null, found: object[]) => void) => {
    done(null, [{ address: addresses[name], family: 4 }]);
  }) as never;
  const refresh = (): ReturnType<typeof refreshUrl> =>
    refreshUrl(source, dir, 1, (what, known) =>
      fetchList({ url: what.url, maxSize: what.maxSize, ...known, allow, ca: [ca.pem], lookup }),
    );
  const refused = async (message: RegExp): Promise<void> => {
    const { outcome, facts } = await refresh();
    assert.equal(outcome, 'failed');
    assert.match(facts.failed?.message ?? '', message);
    assert.equal(
      readFileSync(join(dir, copyName(source)), 'utf8'),
      'good.test\n',
      'the last good copy stays',
    );
  };

  it('who sends 200 MB is cut off at the size the policy gives, and told so', async () => {
    sent = 0;
    answer = res => {
      const piece = Buffer.from('h.example.test\n'.repeat(4096));
      const push = (): void => {
        while (sent < 200 * MB && !res.destroyed) {
          sent += piece.length;
          if (!res.write(piece)) {
            res.once('drain', push);
            return;
          }
        }
        res.end();
      };
      push();
    };
    await refused(/larger than 8388608 bytes/);
    assert.ok(sent < 60 * MB, `${Math.round(sent / MB)} MB were sent`);
  });

  it('who sends binary junk, an error page or nothing changes nothing', async () => {
    for (const [body, message] of [
      [junk(50_000, 7), /not text|not recognised/],
      [Buffer.from('<!doctype html><title>Sign in</title>'), /not recognised/],
      [Buffer.alloc(0), /no name|not recognised/],
    ] as const) {
      answer = res => res.end(body);
      await refused(message);
    }
  });

  it('who redirects to an internal address, by literal or by name, is not followed', async () => {
    for (const [location, message] of [
      ['https://169.254.169.254/latest/meta-data', /169\.254\.169\.254 is a metadata address/],
      ['https://inner.test/list', /169\.254\.169\.254 is a metadata address/],
      ['https://[::1]/list', /::1 is a loopback address/],
      ['http://lists.test/list', /from https to http/],
    ] as const) {
      answer = res => res.writeHead(302, { location }).end();
      await refused(message);
    }
  });
});
