/** What strangers wrote, made visible; numbers, times, shells, dumps, JSON and passwords as people see them. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { reachable } from '../../../../web/client/format/address.ts';
import { curlCommand, shellQuote } from '../../../../web/client/format/curl.ts';
import { hexLines, looksLikeText } from '../../../../web/client/format/hex.ts';
import { bytes, duration, percent } from '../../../../web/client/format/numbers.ts';
import { prettyJson } from '../../../../web/client/format/pretty.ts';
import { passwordStrength } from '../../../../web/client/format/strength.ts';
import { fromLocalInput, toLocalInput, utc } from '../../../../web/client/format/time.ts';
import { visible, visibleLines } from '../../../../web/client/format/visible.ts';
import { lineOfRule, tokensOf } from '../../../../web/client/format/yaml.ts';

describe('visible', () => {
  it('shows control, bidi and zero-width characters and leaves the rest', () => {
    assert.equal(visible('plain ä 漢 😀'), 'plain ä 漢 😀');
    assert.equal(visible('a\u0000b\r\n\u001b\u007f'), 'a␀b␍␊␛␡');
    assert.equal(visible('x\u202egpj.exe'), 'x⟨U+202E⟩gpj.exe');
    assert.equal(visible('a\u200bb\ufeff\u2066'), 'a⟨U+200B⟩b⟨U+FEFF⟩⟨U+2066⟩');
    assert.equal(visible('\ud800'), '⟨U+D800⟩');
    assert.equal(visible('tag\u{e0041}'), 'tag⟨U+E0041⟩');
    assert.equal(visibleLines('a\r\nb\tc\rd'), 'a\nb\tc␍d');
  });

  it('lets no character through that turns or hides text', () => {
    const sly = /[\u202a-\u202e\u2066-\u2069\u200b-\u200f\u0000-\u0008\u000b-\u001f\u007f-\u009f]/;
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), text => {
        assert.doesNotMatch(visible(text), sly);
        assert.doesNotMatch(visibleLines(text), sly);
      }),
    );
  });
});

describe('curl', () => {
  it('quotes so that a shell hands over the very same text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 60 }), text => {
        fc.pre(!text.includes('\0') && !/[\ud800-\udfff]/u.test(text));
        const said = execFileSync('/bin/sh', ['-c', `printf %s ${shellQuote(text)}`]).toString();
        assert.equal(said, text);
      }),
      { numRuns: 40 },
    );
    assert.equal(shellQuote("it's $(here) `now`"), `'it'\\''s $(here) \`now\`'`);
  });

  it('keeps masked secrets masked, and leaves out what curl says itself', () => {
    const headers = [
      { name: 'Host', value: 'a.example' },
      { name: 'Authorization', value: 'Bearer ***' },
      { name: 'Transfer-Encoding', value: 'chunked' },
      { name: 'X-Empty', value: '' },
    ];
    assert.equal(
      curlCommand({ method: 'POST', url: 'https://a.example/', headers, hasBody: true }),
      [
        "curl 'https://a.example/'",
        "--request 'POST'",
        "--header 'Authorization: Bearer ***'",
        "--header 'X-Empty;'",
        '--data-binary @request-body',
      ].join(' \\\n  '),
    );
    assert.match(curlCommand({ method: 'HEAD', url: 'x', headers: [], hasBody: false }), /--head$/);
  });
});

describe('numbers and times', () => {
  it('have three digits and a unit', () => {
    assert.deepEqual([0, 999, 1024, 1536, 123_456_789].map(bytes), [
      '0 B',
      '999 B',
      '1 KiB',
      '1.5 KiB',
      '118 MiB',
    ]);
    assert.deepEqual([0, 0.4, 42, 1240, 61_000, 7_500_000].map(duration), [
      '<1 ms',
      '<1 ms',
      '42 ms',
      '1.24 s',
      '1 min 1 s',
      '2 h 5 min',
    ]);
    assert.deepEqual([percent(1, 8), percent(1, 100_000), percent(0, 0)], ['13 %', '<0.1 %', null]);
  });

  it('go into a local input and back, to the second', () => {
    const now = Date.UTC(2026, 10, 20, 12, 34, 56);
    assert.equal(fromLocalInput(toLocalInput(now)), now);
    assert.equal(fromLocalInput(''), null);
    assert.equal(utc(now), '2026-11-20 12:34:56.000 UTC');
    assert.equal(utc(NaN), '–');
  });
});

describe('bodies', () => {
  it('become a dump of sixteen bytes a line', () => {
    const data = new Uint8Array([0x7b, 0x22, 0xff, ...Array.from({ length: 14 }, () => 0x41)]);
    assert.deepEqual(hexLines(data, 0, 10), [
      '00000000  7b 22 ff 41 41 41 41 41  41 41 41 41 41 41 41 41  {"·AAAAAAAAAAAAA',
      '00000010  41                                                A',
    ]);
    assert.equal(looksLikeText(new TextEncoder().encode('grüße\n')), true);
    assert.equal(looksLikeText(new Uint8Array([0, 1, 2, 3])), false);
  });

  it('are laid out when they are JSON, without changing a token', () => {
    assert.equal(
      prettyJson('{"a":[1,{}],"b":"x, {y}"}'),
      '{\n  "a": [\n    1,\n    {}\n  ],\n  "b": "x, {y}"\n}',
    );
    assert.equal(
      prettyJson('{"n":1.00000000000000000001,"n":2}'),
      '{\n  "n": 1.00000000000000000001,\n  "n": 2\n}',
    );
    assert.equal(prettyJson('{"a":'), null);
    assert.equal(prettyJson('plain'), null);
    fc.assert(
      fc.property(fc.json(), text => {
        const pretty = prettyJson(text);
        if (pretty !== null) assert.deepEqual(JSON.parse(pretty), JSON.parse(text));
      }),
    );
  });
});

describe('small judgements', () => {
  it('tell how guessable a password is', () => {
    assert.equal(passwordStrength('', 'admin').level, 0);
    assert.equal(passwordStrength('short', 'admin').level, 1);
    assert.equal(passwordStrength('aaaaaaaaaaaaaaaa', 'admin').level, 1);
    assert.equal(passwordStrength('adminadminadmin', 'admin').level, 1);
    assert.equal(passwordStrength('plum orbit lantern 7', 'admin').level, 3);
  });

  it('turn an every-address listener into one that can be reached', () => {
    assert.equal(reachable('[::]:8080', 'proxy.example'), 'proxy.example:8080');
    assert.equal(reachable('0.0.0.0:3128', '10.0.0.1'), '10.0.0.1:3128');
    assert.equal(reachable('192.0.2.1:8080', 'x'), '192.0.2.1:8080');
    assert.equal(reachable('', 'x'), 'x:8080');
  });

  it('tint YAML without losing a character, and find the line of a rule', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 80 }), text => {
        const line = text.replaceAll('\n', ' ');
        assert.equal(
          tokensOf(line)
            .map(token => token.text)
            .join(''),
          line,
        );
      }),
    );
    assert.deepEqual(
      tokensOf('  - name: "a # b"  # why').map(token => token.kind),
      ['text', 'mark', 'key', 'text', 'string', 'text', 'comment'],
    );
    const lines = [
      'rules:',
      '  - name: "web"',
      '    hosts: [x]',
      'doubt:',
      '  no-sni: block',
      'default: inspect',
    ];
    assert.equal(lineOfRule(lines, 'web'), 1);
    assert.equal(lineOfRule(lines, 'doubt:no-sni'), 4);
    assert.equal(lineOfRule(lines, 'default'), 5);
    assert.equal(lineOfRule(lines, 'gone'), null);
  });
});
