import assert from 'node:assert/strict';
import { ResponseReader, serializeResponse, serializeTrailers } from '../../../src/wire/http1/index.ts';
import { DICTIONARY, RESPONSE_SEEDS, responseStream } from '../../wire/http1/corpus.ts';
import type { Transcript } from '../../wire/http1/transcript.ts';
import { drive, resend } from '../../wire/http1/transcript.ts';
import type { FuzzTarget } from '../target.ts';

const METHODS = ['GET', 'GET', 'HEAD', 'CONNECT'];

function read(method: string, chunks: Iterable<Buffer>): Transcript {
  const reader = new ResponseReader();
  reader.expect(method);
  return drive(reader, chunks, { finish: true });
}

const target: FuzzTarget = {
  name: 'http1-response',
  invariant:
    'Reading a response never throws nor hangs, says the same however the octets are cut, and what is sent on for an accepted one is read back as the same response.',
  seeds: () => RESPONSE_SEEDS.map(([, bytes]) => bytes),
  dictionary: DICTIONARY,
  mutate: (_bytes, rng) => responseStream(rng),
  run(bytes, rng) {
    const method = rng.pick(METHODS);
    const whole = read(method, [bytes]);
    const at = rng.int(bytes.length + 1);
    assert.deepEqual(read(method, [bytes.subarray(0, at), bytes.subarray(at)]), whole);
    assert.deepEqual(
      read(
        method,
        Array.from(bytes, byte => Buffer.from([byte])),
      ),
      whole,
    );

    if (whole.malformed !== null) return;
    // A head that switched protocols has no end; its rest is raw.
    const accepted = whole.messages;
    const sent = Buffer.concat(
      accepted.map(m =>
        resend({ ...m, trailers: m.trailers ?? [] }, serializeResponse as never, serializeTrailers),
      ),
    );
    const again = read(
      method,
      [sent, whole.rest].filter(b => b.length > 0),
    );
    assert.equal(again.malformed, null);
    assert.deepEqual(
      again.messages.map(m => [m.head.kind === 'response' && m.head.status, m.body, m.trailers]),
      accepted.map(m => [m.head.kind === 'response' && m.head.status, m.body, m.trailers]),
    );
    assert.deepEqual(again.rest, whole.rest);
  },
};
export default target;
