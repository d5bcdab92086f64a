/** Statements: signed over their very bytes, verified by openssl too, refused when anything in them was touched. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { describe, it } from 'node:test';
import {
  isSignedBy,
  keyIdOf,
  makeStatement,
  parseStatement,
  readSigned,
  signedText,
  signerOf,
} from '../../src/audit/statement.ts';
import { readCheckpoint, signCheckpoint } from '../../src/audit/checkpoint.ts';
import { scratch } from './sample.ts';

const pair = generateKeyPairSync('ed25519');
const signer = signerOf(pair.privateKey);
const made = makeStatement(signer, 'sightglass test 1', { day: '2026-11-20', rows: 5 });

describe('a signed statement', () => {
  it('is plain text that names its key', () => {
    assert.equal(
      made.statement,
      `sightglass test 1\nday 2026-11-20\nrows 5\nkey ${keyIdOf(pair.publicKey)}\n`,
    );
    assert.equal(parseStatement(made.statement)?.fields.get('rows'), '5');
    assert.deepEqual(readSigned(signedText(made)), made);
    assert.equal(isSignedBy(made, pair.publicKey), true);
  });

  it('is verified by openssl with the public key alone', t => {
    const dir = scratch(t);
    const file = (name: string, data: string | Buffer): string => {
      fs.writeFileSync(path.join(dir, name), data);
      return path.join(dir, name);
    };
    const out = execFileSync(
      'openssl',
      [
        'pkeyutl',
        '-verify',
        '-pubin',
        '-inkey',
        file('pub', pair.publicKey.export({ type: 'spki', format: 'pem' })),
        '-rawin',
        '-in',
        file('statement', made.statement),
        '-sigfile',
        file('sig', made.signature),
      ],
      { encoding: 'utf8' },
    );
    assert.match(out, /Signature Verified Successfully/);
  });

  it('does not survive a changed byte, another key, or another kind of key', () => {
    const bytes = Buffer.from(signedText(made));
    for (let bit = 0; bit < 8 * bytes.length; bit++) {
      const touched = Buffer.from(bytes);
      const i = bit >> 3;
      touched[i] = (touched[i] ?? 0) ^ (1 << (bit & 7));
      const read = readSigned(touched.toString('latin1'));
      assert.ok(read === null || !isSignedBy(read, pair.publicKey), `bit ${bit & 7} of byte ${i}`);
    }
    assert.equal(isSignedBy(made, generateKeyPairSync('ed25519').publicKey), false);
    const other = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    assert.equal(isSignedBy(made, other.publicKey), false);
    assert.throws(() => signerOf(other.privateKey), /Ed25519/);
  });

  it('is not made of what would not come back', () => {
    for (const value of ['', 'two\nlines', 'caf\u00e9', ' '])
      assert.throws(() => makeStatement(signer, 'sightglass test 1', { value }), TypeError);
    for (const text of [
      '',
      'x\n',
      'sightglass test 1\na 1\na 2\n',
      'sightglass test 1\na 1',
      `sightglass test 1\n${'a'.repeat(20_000)} 1\n`,
    ])
      assert.equal(parseStatement(text), null, JSON.stringify(text.slice(0, 40)));
  });
});

describe('a checkpoint', () => {
  const d = 'ab'.repeat(32);
  const value = {
    day: '2026-11-20',
    number: 3,
    previous: d,
    first: 10,
    last: 20,
    before: d,
    link: d,
    root: d,
    time: 1e12,
  };
  it('comes back as it was made', () => {
    const signed = signCheckpoint(signer, value);
    assert.deepEqual(readCheckpoint(signed.statement), { ...value, key: signer.keyId });
  });

  it('is nothing else, and not half of one', () => {
    assert.equal(readCheckpoint(made.statement), null);
    const { statement } = signCheckpoint(signer, value);
    for (const line of statement.split('\n').slice(1, -1))
      assert.equal(
        readCheckpoint(statement.replace(`${line}\n`, '')) === null,
        !line.startsWith('day '),
        line,
      );
    assert.equal(readCheckpoint(statement.replace('first 10', 'first 21')), null);
  });
});
