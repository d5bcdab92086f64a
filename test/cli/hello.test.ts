import assert from 'node:assert/strict';
import { Readable, Writable } from 'node:stream';
import { describe, test } from 'node:test';
import { decodeHello, decodeStream, helloCommand } from '../../src/cli/hello.ts';
import * as b from '../helpers/hello-builder.ts';
import { capture } from '../helpers/fixture-hellos.ts';

async function run(bytes: Buffer, json: boolean): Promise<{ code: number; out: string }> {
  let out = '';
  const sink = new Writable({
    write: (chunk: Buffer, _encoding, done) => {
      out += chunk.toString();
      done();
    },
  });
  const pieces = [bytes.subarray(0, 100), bytes.subarray(100)].filter(p => p.length > 0);
  return { code: await decodeStream(Readable.from(pieces), sink, json), out };
}

describe('hello decode', () => {
  test('--json has the fields scripts rely on', async () => {
    const { code, out } = await run(capture('chromium'), true);
    const d = JSON.parse(out) as Record<string, unknown>;
    assert.equal(code, 0);
    assert.equal(d['outcome'], 'hello');
    assert.equal(d['sni'], 'fixture.example');
    assert.equal(d['rawSni'], 'fixture.example');
    assert.deepEqual(d['alpn'], ['h2', 'http/1.1']);
    assert.deepEqual(d['versions'], ['TLS 1.3', 'TLS 1.2']);
    assert.equal(d['ech'], 'grease-or-real');
    assert.match(String(d['ja3']), /^[0-9a-f]{32}$/);
    assert.match(String(d['ja4']), /^t13d\d{4}h2_[0-9a-f]{12}_[0-9a-f]{12}$/);
    assert.equal(d['reason'], null);
  });

  test('the other three outcomes: exit code 1, the same fields, a reason', async () => {
    const cases: Array<[Buffer, string, RegExp]> = [
      [capture('curl').subarray(0, 300), 'need-more', /not complete after 300 bytes/],
      [Buffer.alloc(0), 'need-more', /not complete after 0 bytes/],
      [Buffer.from('GET / HTTP/1.1\r\n'), 'not-tls', /text/],
      [b.hello({ extensions: [b.sni('a\0b')] }), 'malformed', /NUL/],
    ];
    const fields = Object.keys(decodeHello(capture('curl')));
    for (const [bytes, outcome, reason] of cases) {
      const { code, out } = await run(bytes, true);
      const d = JSON.parse(out) as { outcome: string; reason: string; sni: null };
      assert.equal(code, 1);
      assert.equal(d.outcome, outcome);
      assert.match(d.reason, reason);
      assert.equal(d.sni, null);
      assert.deepEqual(Object.keys(d), fields);
    }
  });

  test('the text for people names the facts and holds no control byte of the client', async () => {
    const bytes = b.hello({
      extensions: [b.sni('WWW.Example.com'), b.alpn('h2\x1b[31m', Buffer.from([0xff]))],
    });
    const { code, out } = await run(bytes, false);
    assert.equal(code, 0);
    assert.match(out, /server name +www\.example\.com \(sent as WWW\.Example\.com\)/);
    assert.match(out, /protocols +h2\\x1b\[31m, \\xff/);

    assert.doesNotMatch(out, /[\x00-\x09\x0b-\x1f\x7f-\xff]/);
    assert.match((await run(Buffer.from('PRI * HTTP/2.0'), false)).out, /looks like +plain HTTP/);
    assert.match(
      (await run(b.hello({ extensions: [b.sni('192.0.2.9')] }), false)).out,
      /the IP address 192\.0\.2\.9/,
    );
    assert.match((await run(b.hello({ extensions: null }), false)).out, /none sent/);
  });

  test('input beyond the bound is not read', async () => {
    let sent = 0;
    const endless = new Readable({
      read() {
        sent += 65_536;
        this.push(Buffer.alloc(65_536, 0x80));
      },
    });
    const sink = new Writable({ write: (_c, _e, done) => done() });
    assert.equal(await decodeStream(endless, sink, true), 1);
    assert.ok(sent < 2 * 1024 * 1024);
  });

  test('the verb has one sub-command', () => {
    assert.deepEqual(
      helloCommand().commands.map(c => c.name()),
      ['decode'],
    );
  });
});
