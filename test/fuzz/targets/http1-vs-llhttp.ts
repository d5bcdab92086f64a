import {
  DICTIONARY,
  REQUEST_SEEDS,
  RESPONSE_SEEDS,
  requestStream,
  responseStream,
} from '../../wire/http1/corpus.ts';
import { forwardedRequests, sameRequests, sameResponse } from '../../wire/http1/judge.ts';
import type { FuzzTarget } from '../target.ts';

const METHODS = ['GET', 'POST', 'HEAD', 'CONNECT'];

const target: FuzzTarget = {
  name: 'http1-vs-llhttp',
  invariant:
    'Whatever the codec accepts, llhttp in strict mode frames in the same way, as it came and as it is sent on.',
  seeds: () => [...REQUEST_SEEDS, ...RESPONSE_SEEDS.map(([, bytes]) => bytes)],
  dictionary: DICTIONARY,
  mutate: (_bytes, rng) => (rng.oneIn(2) ? requestStream(rng) : responseStream(rng)),
  async run(bytes, rng) {
    if (bytes.subarray(0, 4).toString('latin1') === 'HTTP') await sameResponse(rng.pick(METHODS), bytes);
    else {
      await sameRequests(bytes);
      await forwardedRequests(bytes);
    }
  },
};
export default target;
