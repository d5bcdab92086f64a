import assert from 'node:assert/strict';
import { RequestReader, serializeRequest, serializeTrailers } from '../../../src/wire/http1/index.ts';
import { DICTIONARY, REQUEST_SEEDS, requestStream } from '../../wire/http1/corpus.ts';
import { drive, resend } from '../../wire/http1/transcript.ts';
import type { Rng } from '../rng.ts';
import type { FuzzTarget } from '../target.ts';

/** Two to eight pieces. */
function pieces(bytes: Buffer, rng: Rng): Buffer[] {
  const at = Array.from({ length: 1 + rng.int(7) }, () => rng.int(bytes.length + 1)).sort((a, b) => a - b);
  return [0, ...at].map((from, i) => bytes.subarray(from, at[i] ?? bytes.length));
}

const target: FuzzTarget = {
  name: 'http1-request',
  invariant:
    'Reading requests never throws nor hangs, says the same however the octets are cut, and what is sent on for what was accepted is read back as the same requests.',
  seeds: () => [...REQUEST_SEEDS],
  dictionary: DICTIONARY,
  mutate: (_bytes, rng) => requestStream(rng),
  run(bytes, rng) {
    const whole = drive(new RequestReader(), [bytes], { finish: true });
    assert.deepEqual(drive(new RequestReader(), pieces(bytes, rng), { finish: true }), whole);
    const singles = Array.from(bytes, byte => Buffer.from([byte]));
    assert.deepEqual(drive(new RequestReader(), singles, { finish: true }), whole);

    const accepted = whole.messages.filter(m => m.trailers !== null);
    const sent = Buffer.concat(accepted.map(m => resend(m, serializeRequest as never, serializeTrailers)));
    const again = drive(new RequestReader(), [sent], { finish: true });
    assert.equal(again.malformed, null);
    assert.deepEqual(
      again.messages.map(m => [
        m.head.kind === 'request' && [m.head.method, m.head.target],
        m.body,
        m.trailers,
      ]),
      accepted.map(m => [m.head.kind === 'request' && [m.head.method, m.head.target], m.body, m.trailers]),
    );
  },
};
export default target;
