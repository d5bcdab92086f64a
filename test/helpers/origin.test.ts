import assert from 'node:assert/strict';
import { test } from 'node:test';
import { curl } from './curl.ts';
import { startRawOrigin } from './origin.ts';
import type { Behaviour } from './origin.ts';
import { makeTestCa } from './tls-authority.ts';

/** What curl makes of each behaviour: 52 nothing came, 56 reset, 18 short, 1 no HTTP, 28 timed out, 35 TLS broke off. */
const CODES: Partial<Record<Behaviour, { plain: number[]; tls: number[] }>> = {
  answer: { plain: [0], tls: [0] },
  'close-at-once': { plain: [52, 56], tls: [35] },
  'reset-at-once': { plain: [7, 52, 56], tls: [7, 35] },
  'never-speak': { plain: [28], tls: [28] },
  'never-answer': { plain: [28], tls: [28] },
  'close-after-request': { plain: [52], tls: [52, 56] },
  'reset-after-request': { plain: [56], tls: [56] },
  nonsense: { plain: [1], tls: [1] },
  // curl forgives a head that ends early; what it is worth here is that the status line came.
  'half-head': { plain: [0], tls: [0] },
  'half-body': { plain: [18], tls: [18, 56] },
  'reset-in-body': { plain: [18, 56], tls: [18, 56] },
  'half-chunk': { plain: [18, 56], tls: [18, 56] },
  'until-close': { plain: [0], tls: [0] },
};

for (const kind of ['plain', 'tls'] as const)
  test(`every misbehaviour over ${kind} is what its name says`, async t => {
    const ca = makeTestCa();
    t.after(ca.remove);
    const tls = kind === 'tls' ? ca.issue({ names: ['localhost'] }) : undefined;
    const origin = await startRawOrigin({ name: 'wicked', ...(tls === undefined ? {} : { tls }) });
    t.after(origin.stop);
    const url = `${kind === 'tls' ? 'https' : 'http'}://localhost:${origin.port}/path`;
    for (const [behaviour, codes] of Object.entries(CODES)) {
      origin.behaviour = behaviour as Behaviour;
      // Only silence needs an end of our making.
      const patience = behaviour.startsWith('never') ? '0.7' : '30';
      const answer = await curl('--cacert', ca.caFile, '--max-time', patience, '-4', url);
      assert.ok(
        codes[kind].includes(answer.code),
        `${behaviour}: curl ended with ${answer.code} ${answer.stderr}`,
      );
      if (answer.code === 0 && answer.status === 200 && behaviour !== 'half-head')
        assert.match(answer.body.toString(), /^wicked answers request 1\n$/);
    }
    const visit = await origin.visit(v => v.answered === 1);
    assert.match(visit.received.toString(), /^GET \/path HTTP\/1\.1\r\nHost: localhost:/);
    assert.equal(visit.sni, kind === 'tls' ? 'localhost' : null);
    assert.equal(origin.visits.length, Object.keys(CODES).length);
  });

test('requests on one connection are told apart, bodies by length and chunks included', async t => {
  const origin = await startRawOrigin();
  t.after(origin.stop);
  const url = `http://127.0.0.1:${origin.port}`;
  const body = 'b'.repeat(3000);
  const chunked = ['-H', 'Transfer-Encoding: chunked', '--data-binary', body];
  const three = await curl(
    `${url}/1`,
    '--next',
    '-s',
    '-o',
    '/dev/null',
    '--data-binary',
    body,
    `${url}/2`,
    '--next',
    '-s',
    '-o',
    '/dev/null',
    ...chunked,
    `${url}/3`,
  );
  assert.equal(three.code, 0);
  assert.equal(origin.visits.length, 1);
  assert.equal((await origin.visit()).answered, 3);
  assert.equal(origin.visits[0]?.received.toString().match(/ HTTP\/1\.1\r\n/g)?.length, 3);
});
