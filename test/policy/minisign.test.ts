/** Signatures: minisign itself is the judge of what is good; whatever is changed in a good one makes it bad. */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import fc from 'fast-check';
import {
  parseSignature,
  parseSigningKey,
  refuseSignature,
  SIGNATURE_MAX,
  SignedBytes,
  signingTime,
} from '../../src/policy/minisign.ts';
import type { ListSignature, SigningKey } from '../../src/policy/minisign.ts';
import { makeSigner } from '../helpers/minisign.ts';

const LIST = Buffer.from('0.0.0.0 ads.test\n0.0.0.0 tracker.test\n');
const signer = makeSigner();

function keyOf(text: string): SigningKey {
  const key = parseSigningKey(text);
  assert.ok(key !== null);
  return key;
}

function signatureOf(text: Buffer | string): ListSignature {
  const parsed = parseSignature(Buffer.from(text));
  assert.ok(!('error' in parsed), JSON.stringify(parsed));
  return parsed;
}

function refusal(signature: ListSignature, key: SigningKey, list: Buffer, cut = list.length): string | null {
  const bytes = new SignedBytes(signature);
  for (let at = 0; at < list.length; at += cut) bytes.add(list.subarray(at, at + cut));
  return refuseSignature(signature, [key], bytes.end());
}

describe('beside minisign', () => {
  let dir: string;
  before(() => {
    dir = mkdtempSync(join(tmpdir(), 'sightglass-minisign-'));
    execFileSync('minisign', ['-G', '-W', '-p', join(dir, 'k.pub'), '-s', join(dir, 'k.key')]);
  });
  after(() => {
    rmSync(dir, { recursive: true, force: true });
  });

  for (const [kind, flags] of [
    ['prehashed', []],
    ['legacy', ['-l']],
  ] as const)
    it(`what it signs (${kind}) counts, however the list comes, and names key, comment and time`, () => {
      const list = join(dir, 'list.txt');
      writeFileSync(list, LIST);
      execFileSync('minisign', ['-S', ...flags, '-s', join(dir, 'k.key'), '-m', list]);
      const [comment = '', text = ''] = readFileSync(join(dir, 'k.pub'), 'utf8').split('\n');
      const key = keyOf(text);
      assert.ok(comment.endsWith(` ${key.id}`), comment);
      const signature = signatureOf(readFileSync(`${list}.minisig`));
      assert.equal(signature.prehashed, kind === 'prehashed');
      assert.match(signature.trustedComment, /^timestamp:\d+\tfile:list\.txt/);
      assert.ok((signingTime(signature.trustedComment) ?? 0) > 1_600_000_000);
      for (const cut of [1, 7, LIST.length]) assert.equal(refusal(signature, key, LIST, cut), null);
      assert.match(refusal(signature, key, Buffer.concat([LIST, LIST])) ?? '', /does not fit/);
      assert.match(refusal(signature, keyOf(makeSigner().publicKey), LIST) ?? '', /does not name/);
    });

  it('what the helper of these tests signs, it accepts; what we refuse, it refuses', () => {
    const list = join(dir, 'ours.txt');
    writeFileSync(list, LIST);
    const check = (signature: string): boolean => {
      writeFileSync(`${list}.minisig`, signature);
      return spawnSync('minisign', ['-V', '-q', '-P', signer.publicKey, '-m', list]).status === 0;
    };
    for (const prehashed of [true, false]) {
      const good = signer.sign(LIST, { prehashed, comment: 'timestamp:1\tfile:x' });
      assert.equal(check(good), true);
      for (const bad of [
        signer.sign(Buffer.from('other\n'), { prehashed, comment: 'timestamp:1\tfile:x' }),
        good.replace('timestamp:1', 'timestamp:2'),
        makeSigner().sign(LIST, { prehashed }),
        good.split('\n').slice(0, 2).join('\n'),
        '',
      ]) {
        assert.equal(check(bad), false, bad);
        const parsed = parseSignature(Buffer.from(bad));
        assert.ok('error' in parsed || refusal(parsed, keyOf(signer.publicKey), LIST) !== null, bad);
      }
    }
  });
});

it('a change of any byte makes a good signature a bad one, except in what nobody signed', () => {
  const good = Buffer.from(signer.sign(LIST, { comment: 'timestamp:1795188825\tfile:l' }));
  const key = keyOf(signer.publicKey);
  assert.equal(refusal(signatureOf(good), key, LIST), null);
  const free = 'untrusted comment: '.length;
  const firstLine = good.indexOf('\n');
  fc.assert(
    fc.property(fc.nat(good.length - 1), fc.integer({ min: 1, max: 255 }), (at, by) => {
      const bad = Buffer.from(good);
      bad[at] = (bad[at] ?? 0) ^ by;
      const parsed = parseSignature(bad);
      if ('error' in parsed) return;
      if (at >= free && at < firstLine) assert.equal(refusal(parsed, key, LIST), null);
      else if (at !== good.length - 1) assert.notEqual(refusal(parsed, key, LIST), null, `byte ${at}`);
    }),
    { numRuns: 400 },
  );
});

it('any list, key and comment: what is signed counts, for other bytes it does not', () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 200 }),
      fc.string({ maxLength: 50, unit: 'grapheme' }).filter(s => !/[\r\n\0]/.test(s)),
      fc.boolean(),
      (bytes, comment, prehashed) => {
        const list = Buffer.from(bytes);
        const parsed = signatureOf(signer.sign(list, { prehashed, comment }));
        const key = keyOf(signer.publicKey);
        assert.equal(parsed.trustedComment, comment);
        assert.equal(refusal(parsed, key, list), null);
        assert.notEqual(refusal(parsed, key, Buffer.concat([list, Buffer.from('x')])), null);
      },
    ),
    { numRuns: 60 },
  );
});

describe('reading', () => {
  const good = signer.sign(LIST);

  it('takes both kinds of line ends and a missing last one', () => {
    const text = good.trimEnd();
    for (const same of [text, `${text}\n`, `${text.replaceAll('\n', '\r\n')}\r\n`])
      assert.deepEqual(signatureOf(same), signatureOf(good));
  });

  it('says what is wrong with what is no signature', () => {
    const [a = '', b = '', c = '', d = ''] = good.split('\n');
    const cases: [string | Buffer, RegExp][] = [
      ['', /no signature/],
      ['<html>not found</html>', /no signature/],
      [[a, b].join('\n'), /no signature/],
      [[a, b, c, d, 'more'].join('\n'), /no signature/],
      [[b, a, c, d].join('\n'), /no signature/],
      [[a, b.slice(0, -4), c, d].join('\n'), /not written/],
      [[a, `RX${b.slice(2)}`, c, d].join('\n'), /not written/],
      [[a, b, c, `${d} `].join('\n'), /not written/],
      [[a, b.replace('=', ''), c, d].join('\n'), /not written/],
      [[`${a}${'x'.repeat(2000)}`, b, c, d].join('\n'), /too long/],
      [Buffer.from([0xff, 0xfe, 0x00]), /not text/],
      ['x'.repeat(SIGNATURE_MAX + 1), /larger/],
    ];
    for (const [text, message] of cases) {
      const parsed = parseSignature(Buffer.from(text));
      assert.ok('error' in parsed);
      assert.match(parsed.error, message);
    }
    for (const text of [
      '',
      'RWQ',
      signer.publicKey.slice(1),
      `${signer.publicKey} `,
      `A${signer.publicKey.slice(1)}`,
    ])
      assert.equal(parseSigningKey(text), null, text);
  });

  it('reads the time of signing only where it stands for itself', () => {
    assert.equal(signingTime('timestamp:1795188825\tfile:l\thashed'), 1795188825);
    assert.equal(signingTime('release 7 timestamp:12'), 12);
    for (const none of ['', 'xtimestamp:1', 'timestamp:', 'timestamp:1x', 'timestamp:1234567890123'])
      assert.equal(signingTime(none), null, none);
  });
});
