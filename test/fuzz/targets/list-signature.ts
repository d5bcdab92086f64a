import assert from 'node:assert/strict';
import {
  parseSignature,
  parseSigningKey,
  refuseSignature,
  SIGNATURE_MAX,
  SignedBytes,
  signingTime,
} from '../../../src/policy/minisign.ts';
import { makeSigner } from '../../helpers/minisign.ts';
import type { FuzzTarget } from '../target.ts';

const LIST = Buffer.from('ads.test\n');
const signer = makeSigner('fuzz');
const key = parseSigningKey(signer.publicKey);
const seeds = [true, false].map(prehashed => Buffer.from(signer.sign(LIST, { prehashed })));
/** What a signer bound: the lines after the first. */
const bound = (bytes: Buffer): string =>
  bytes
    .subarray(bytes.indexOf('\n') + 1)
    .toString('latin1')
    .replaceAll('\r\n', '\n')
    .replace(/\r?\n?$/, '');
const made = new Set(seeds.map(bound));

const target: FuzzTarget = {
  name: 'list-signature',
  invariant:
    'Any bytes are a signature whose parts have their lengths, or an error in words; the only ones that count are those the signer made, whatever stands in the comment that nobody signs.',
  seeds: () => seeds,
  dictionary: [
    'untrusted comment: ',
    'trusted comment: ',
    '\n',
    '\r\n',
    'RWQ',
    'RUQ',
    '=',
    '==',
    'timestamp:1',
  ].map(w => Buffer.from(w)),
  run(bytes) {
    assert.ok(key !== null);
    const parsed = parseSignature(bytes);
    if ('error' in parsed) {
      assert.ok(parsed.error.length > 5 && parsed.error.length < 100);
      return;
    }
    assert.ok(bytes.length <= SIGNATURE_MAX);
    assert.deepEqual([parsed.signature.length, parsed.global.length], [64, 64]);
    assert.match(parsed.keyId, /^[0-9A-F]{1,16}$/);
    assert.ok(!/[\n\0]/.test(parsed.trustedComment));
    const at = signingTime(parsed.trustedComment);
    assert.ok(at === null || (Number.isSafeInteger(at) && at >= 0));
    const signed = new SignedBytes(parsed);
    signed.add(LIST);
    const counts = refuseSignature(parsed, [key], signed.end()) === null;
    assert.equal(counts, made.has(bound(bytes)));
  },
};

export default target;
