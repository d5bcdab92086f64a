import assert from 'node:assert/strict';
import zlib from 'node:zlib';
import { maskBody, MAX_DECODED } from '../../../src/capture/mask/body.ts';
import { Masker } from '../../../src/capture/mask/masker.ts';
import { NATIONAL_SETS, STANDARD_PROFILE } from '../../../src/core/masking.ts';
import type { FuzzTarget } from '../target.ts';

const masker = new Masker(
  { ...STANDARD_PROFILE, national: NATIONAL_SETS, patterns: { staff: 'E-[0-9]{4,6}' }, fields: ['salary'] },
  [],
);
const TYPES = [
  'application/json',
  'application/x-www-form-urlencoded',
  'multipart/form-data; boundary=B',
  'text/plain; charset=utf-16le',
  'text/html',
  null,
];
const CODINGS = [null, null, null, 'gzip', 'br', 'deflate'];

/** First octet: which type and coding; the rest is the body, coded when the second bit says so. */
const seed = (type: number, body: string): Buffer => Buffer.concat([Buffer.from([type]), Buffer.from(body)]);

const target: FuzzTarget = {
  name: 'mask-body',
  invariant:
    'Any body under any head is stored masked, as it came or not at all; it grows at most twentyfold, masking it again changes nothing, and no error comes.',
  seeds: () => [
    seed(
      0,
      '{"password":"x","a":[{"pin":1234},"4111 1111 1111 1111"],"b":"{\\"otp\\":\\"1\\"}"}\n{"token":"y"}',
    ),
    seed(1, 'user=a&pass%77ord=b&card=4111+1111+1111+1111&iban=DE89370400440532013000'),
    seed(
      2,
      '--B\r\nContent-Disposition: form-data; name="password"\r\n\r\nx\r\n--B\r\nContent-Disposition: form-data; name="f"; filename="a"\r\n\r\n\u0000\r\n--B--',
    ),
    seed(4, '<p>536-90-4399 AB123456C eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln E-12345</p>'),
    Buffer.concat([Buffer.from([3]), Buffer.from('{"password":"x"}', 'utf16le')]),
  ],
  dictionary: [
    '"password":',
    '"token":{',
    '4111111111111111',
    '--B\r\n',
    '\r\n\r\n',
    '%20',
    '\\"',
    '‹masked›',
    'eyJ',
    'Bearer ',
    '&otp=',
    'DE89',
  ].map(word => Buffer.from(word)),
  run: (bytes, rng) => {
    const type = TYPES[(bytes[0] ?? 0) % TYPES.length] ?? null;
    const plain = bytes.subarray(1);
    const contentEncoding = CODINGS[rng.int(CODINGS.length)] ?? null;
    const coded = rng.int(4) > 0;
    const data =
      !coded || contentEncoding === null
        ? plain
        : contentEncoding === 'gzip'
          ? zlib.gzipSync(plain)
          : contentEncoding === 'br'
            ? zlib.brotliCompressSync(plain)
            : zlib.deflateSync(plain);
    if (data.length === 0) return;
    const facts = { size: data.length, kept: data.length, sha256: null, truncated: rng.int(2) === 0 };
    const head = { contentType: type, contentEncoding, upgraded: false };
    const once = maskBody({ kept: Buffer.from(data), facts }, head, masker, () => undefined);
    if (once.kept === null) {
      assert.ok(['coding', 'size', 'binary', 'broken'].includes(once.facts.form ?? ''));
      return;
    }
    assert.ok(
      once.kept.length <= Math.max(data.length, plain.length, 1) * 20 && once.kept.length <= MAX_DECODED * 20,
    );
    if (once.facts.form === undefined) {
      assert.deepEqual(once.kept, data);
      return;
    }
    const again = maskBody(
      { kept: once.kept, facts: once.facts },
      { ...head, contentEncoding: once.facts.form === 'decoded' ? null : contentEncoding },
      masker,
      () => undefined,
    );
    if (again.kept !== null) assert.equal(again.kept.toString('latin1'), once.kept.toString('latin1'));
  },
};

export default target;
