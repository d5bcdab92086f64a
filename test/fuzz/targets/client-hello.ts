import assert from 'node:assert/strict';
import { canonicalHost } from '../../../src/core/host-name.ts';
import { HelloReader, readHello, type HelloResult } from '../../../src/wire/client-hello.ts';
import { sniff } from '../../../src/wire/sniff.ts';
import { CAPTURES } from '../../helpers/fixture-hellos.ts';
import * as b from '../../helpers/hello-builder.ts';
import { mutateHello } from '../hello-mutations.ts';
import type { Rng } from '../rng.ts';
import type { FuzzTarget } from '../target.ts';

function inSegments(bytes: Buffer, rng: Rng): HelloResult {
  const reader = new HelloReader();
  let result: HelloResult = { outcome: 'need-more' };
  for (let at = 0; at < bytes.length;) {
    const n = 1 + rng.int(rng.oneIn(3) ? 3 : 400);
    const before: HelloResult = result;
    result = reader.push(bytes.subarray(at, at + n));
    if (before.outcome !== 'need-more') assert.equal(result, before, 'a final outcome stays');
    at += n;
  }
  return result;
}

const target: FuzzTarget = {
  name: 'client-hello',
  invariant:
    'Any bytes end in one of four outcomes that does not depend on how they are cut into segments or records, agrees with sniff about what is TLS, and holds no name that is not canonical.',
  seeds: () => [
    ...CAPTURES.map(c => c.bytes),
    b.hello(
      { extensions: [b.sni('a.example'), b.alpn('h2'), b.ech(0), b.versions(0x0304), b.groups(29)] },
      7,
    ),
    b.hello({ extensions: [b.serverNames([0, 'a.example'], [0, 'b.example'])] }),
    Buffer.from('GET / HTTP/1.1\r\n\r\n'),
    Buffer.from('802e0100020015000000100100800300', 'hex'),
  ],
  dictionary: [
    Buffer.from('160301', 'hex'),
    Buffer.from('0000000e000c000009', 'hex'),
    Buffer.from('fe0d', 'hex'),
    Buffer.from('1a1a', 'hex'),
    Buffer.from('xn--'),
    Buffer.from('127.0.0.1'),
    Buffer.from('.'),
  ],
  mutate: mutateHello,
  run(bytes, rng) {
    const whole = readHello(bytes);
    assert.deepEqual(inSegments(bytes, rng), whole, 'segments');
    if (bytes.length >= 2) assert.equal(sniff(bytes) === 'tls', whole.outcome !== 'not-tls', 'sniff');
    if (whole.outcome !== 'hello') return;
    const { hello } = whole;
    const message = b.unrecord(bytes).subarray(0, hello.size);
    assert.deepEqual(readHello(b.records(message, 1 + rng.int(message.length))), whole, 'records');
    if (hello.sni !== null) assert.deepEqual(canonicalHost(hello.sni), { kind: 'name', name: hello.sni });
    if (hello.rawSni !== null) assert.match(hello.rawSni, /^[\x21-\x7e]+$/);
    if (hello.sni === null && hello.rawSni !== null) assert.equal(canonicalHost(hello.rawSni).kind, 'ip');
    assert.match(hello.ja3, /^[0-9a-f]{32}$/);
    assert.match(hello.ja4, /^t(1[0-3]|s3|00)[di]\d{4}[0-9A-Za-z]{2}_[0-9a-f]{12}_[0-9a-f]{12}$/);
  },
};
export default target;
