/** Profiles made ready: what each switches on and off, and which one a verdict gets. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Masker, Maskers, Tally } from '../../../src/capture/mask/masker.ts';
import { STANDARD_PROFILE } from '../../../src/core/masking.ts';
import type { MaskingProfile } from '../../../src/core/masking.ts';
import type { Field } from '../../../src/wire/http1/index.ts';

const field = (rawName: string, value: string): Field => ({ name: rawName.toLowerCase(), rawName, value });
const FIELDS = [
  field('Cookie', 'a=b'),
  field('X-Employee', '17'),
  field('X-Note', 'paid with 4111111111111111'),
  field('Proxy-Authorization', 'Basic dTpw'),
];
const TARGET = '/pay/4111111111111111?token=x&staff=y';

function heads(profile: Partial<MaskingProfile>): { head: string; path: string; tally: Tally } {
  const masker = new Masker({ ...STANDARD_PROFILE, ...profile }, ['token']);
  const tally = new Tally();
  return { path: masker.path(TARGET, tally), head: masker.head(FIELDS, 'req-head', tally), tally };
}

describe('heads and paths', () => {
  test('standard: names and forms, counted by place', () => {
    const { head, path, tally } = heads({});
    assert.equal(path, '/pay/‹masked card›?token=‹masked›&staff=y');
    assert.equal(
      head,
      'Cookie: a=‹masked›\r\nX-Employee: 17\r\nX-Note: paid with ‹masked card›\r\nProxy-Authorization: Basic ‹masked 4›\r\n',
    );
    assert.deepEqual(tally.items, [
      { where: 'path', what: 'query', count: 1 },
      { where: 'path', what: 'card', count: 1 },
      { where: 'req-head', what: 'headers', count: 2 },
      { where: 'req-head', what: 'card', count: 1 },
    ]);
  });

  test('a profile adds names', () => {
    const { head, path } = heads({ headers: ['x-employee'], query: ['staff'] });
    assert.match(head, /X-Employee: ‹masked 2›/);
    assert.match(path, /staff=‹masked›/);
  });

  test('detectors can be switched off; credentials of this proxy stay masked', () => {
    const { head, path } = heads({ detectors: [] });
    assert.equal(path, TARGET);
    assert.match(head, /^Cookie: a=b\r\n.*4111.*\r\nProxy-Authorization: Basic ‹masked 4›/s);
    assert.match(
      heads({ originals: 'why' }).head,
      /^Cookie: a=b\r\n.*Proxy-Authorization: Basic ‹masked 4›/s,
    );
    assert.equal(heads({ originals: 'why' }).path, TARGET);
  });
});

test('texts that come another way go through the same', () => {
  const tally = new Tally();
  const masker = new Masker(STANDARD_PROFILE, []);
  assert.equal(masker.text('{"otp":"1"}', 'req-body', tally), '{"otp":"‹masked›"}');
  assert.deepEqual(tally.items, [{ where: 'req-body', what: 'json', count: 1 }]);
});

test('the masker of a verdict: standard, strict, a named one, and strict when nobody knows the name', () => {
  const hr: MaskingProfile = { ...STANDARD_PROFILE, query: ['staff'] };
  const maskers = new Maskers(['token'], name => (name === 'hr' ? hr : undefined));
  assert.equal(maskers.of(undefined).path('/?token=a&staff=b&c=d'), '/?token=‹masked›&staff=b&c=d');
  assert.equal(maskers.of('standard'), maskers.of(undefined));
  assert.equal(maskers.of('hr').path('/?token=a&staff=b&c=d'), '/?token=‹masked›&staff=‹masked›&c=d');
  assert.equal(maskers.of('hr'), maskers.of('hr'), 'made once');
  assert.equal(maskers.of('gone').path('/?c=d'), '/?c=‹masked›');
  assert.equal(maskers.of('strict').path('/?c=d'), '/?c=‹masked›');
});
