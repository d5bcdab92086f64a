/** Which fields end at this proxy. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  DROP,
  FATES,
  INTERCEPTED_REPLY_DROPS,
  namedByConnection,
} from '../../../src/wire/http1/hop-by-hop.ts';

test('the fields of RFC 9110 §7.6.1 have a fate', () => {
  for (const name of ['connection', 'te', 'transfer-encoding', 'upgrade', 'trailer'])
    assert.ok(FATES.has(name), name);
  for (const name of ['keep-alive', 'proxy-connection', 'proxy-authorization', 'proxy-authenticate'])
    assert.equal(FATES.get(name), DROP, name);
});

test('a Connection field may name what it likes, but not what an origin must see', () => {
  assert.equal(namedByConnection(['close', 'keep-alive', 'upgrade', 'te']), null);
  assert.deepEqual([...(namedByConnection(['keep-alive', 'x-a', 'x-b', 'x-a']) ?? [])], ['x-a', 'x-b']);
  for (const name of [
    'host',
    'content-length',
    'authorization',
    'cookie',
    'set-cookie',
    'cache-control',
    'expect',
  ])
    assert.equal(namedByConnection([name]), null, name);
  assert.equal(namedByConnection(['access-control-allow-origin', 'x-forwarded-for']), null);
});

test('replies of intercepted origins do not point to QUIC', () => {
  assert.ok(INTERCEPTED_REPLY_DROPS.has('alt-svc'));
});
