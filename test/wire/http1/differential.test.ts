/**
 * Against llhttp as Node runs it (strict): whatever we accept, llhttp frames in the same way; and what we write for
 * the next hop, llhttp and we read back as the same messages. Thousands of messages from fixed seeds.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { mutate } from '../../fuzz/mutate.ts';
import { makeRng } from '../../fuzz/rng.ts';
import { DICTIONARY, REQUEST_SEEDS, RESPONSE_SEEDS, requestStream, responseStream } from './corpus.ts';
import type { Verdict } from './judge.ts';
import { forwardedRequests, sameRequests, sameResponse } from './judge.ts';

const ROUNDS = 3000;
const METHODS = ['GET', 'GET', 'GET', 'POST', 'HEAD', 'CONNECT'];

/** Agreement must be common among the inputs, and so must refusal, or the inputs prove nothing. */
function assertBalance(seen: Verdict[]): void {
  const share = (verdict: Verdict): number => seen.filter(v => v === verdict).length / seen.length;
  assert.ok(share('agreed') > 0.15, `agreed: ${share('agreed')}`);
  assert.ok(share('we refused') > 0.1, `refused: ${share('we refused')}`);
}

test('built request streams: llhttp sees the same requests', async () => {
  const rng = makeRng(1);
  const seen: Verdict[] = [];
  for (let i = 0; i < ROUNDS; i++) seen.push(await sameRequests(requestStream(rng)));
  assertBalance(seen);
});

test('mutated requests: llhttp sees the same requests', async () => {
  const rng = makeRng(2);
  const seen: Verdict[] = [];
  const pool = { others: REQUEST_SEEDS, dictionary: DICTIONARY, maxLength: 2048 };
  for (let i = 0; i < ROUNDS; i++) seen.push(await sameRequests(mutate(rng.pick(REQUEST_SEEDS), rng, pool)));
  assertBalance(seen);
});

test('what is sent on for accepted requests is read back as those requests', async () => {
  const rng = makeRng(3);
  const seen: Verdict[] = [];
  const pool = { others: REQUEST_SEEDS, dictionary: DICTIONARY, maxLength: 2048 };
  for (let i = 0; i < ROUNDS; i++) {
    const bytes = rng.oneIn(2) ? requestStream(rng) : mutate(rng.pick(REQUEST_SEEDS), rng, pool);
    seen.push(await forwardedRequests(bytes));
  }
  assert.ok(seen.filter(v => v === 'agreed').length > ROUNDS / 5);
});

test('built responses: llhttp sees the same response, as received and as sent on', async () => {
  const rng = makeRng(4);
  const seen: Verdict[] = [];
  for (let i = 0; i < ROUNDS; i++) seen.push(await sameResponse(rng.pick(METHODS), responseStream(rng)));
  assertBalance(seen);
});

test('mutated responses: llhttp sees the same response, as received and as sent on', async () => {
  const rng = makeRng(5);
  const seen: Verdict[] = [];
  const pool = { others: RESPONSE_SEEDS.map(s => s[1]), dictionary: DICTIONARY, maxLength: 2048 };
  for (let i = 0; i < ROUNDS; i++) {
    const [method, bytes] = rng.pick(RESPONSE_SEEDS);
    seen.push(await sameResponse(method, mutate(bytes, rng, pool)));
  }
  assertBalance(seen);
});
