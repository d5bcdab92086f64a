/** Field names and method look-alikes. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  CONNECTION_ID,
  KNOWN,
  LENGTH_ID,
  OTHER,
  isMethodLookalike,
  nameOf,
} from '../../../src/wire/http1/names.ts';

test('a known spelling gives the one entry, another spelling the same name and number', () => {
  assert.equal(nameOf('Content-Length'), KNOWN.get('Content-Length'));
  for (const raw of ['content-length', 'Content-Length', 'CONTENT-LENGTH', 'cOntent-lenGth'])
    assert.deepEqual(nameOf(raw), { rawName: raw, name: 'content-length', id: LENGTH_ID });
  assert.equal(nameOf('connection').id, CONNECTION_ID);
  assert.deepEqual(nameOf('X-Unheard-Of'), { rawName: 'X-Unheard-Of', name: 'x-unheard-of', id: OTHER });
});

test('names off the list never enter it', () => {
  const before = KNOWN.size;
  for (let i = 0; i < 100; i++) nameOf(`X-Hostile-${i}`);
  assert.equal(KNOWN.size, before);
});

test('look-alikes differ from a known method in case only', () => {
  for (const method of ['head', 'Head', 'gEt', 'connect', 'oPTIONS'])
    assert.ok(isMethodLookalike(method), method);
  for (const method of ['HEAD', 'GET', 'BREW', 'brew', 'M-SEARCH', 'HEADS'])
    assert.ok(!isMethodLookalike(method), method);
});
