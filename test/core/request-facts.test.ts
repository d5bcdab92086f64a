import assert from 'node:assert/strict';
import { test } from 'node:test';
import { factsForHost, plainPath } from '../../src/core/request-facts.ts';
import { flow } from '../policy/facts.ts';

test('a path has one spelling', () => {
  for (const [target, path] of [
    ['/a/b?c=/d', '/a/b'],
    ['/%61dmin', '/admin'],
    ['/a%2fb', '/a%2Fb'],
    ['/a/./b/../c', '/a/c'],
    ['/../../x', '/x'],
    ['//a///b', '/a/b'],
    ['/a/', '/a/'],
    ['/a/..', '/'],
    ['/', '/'],
    ['*', '*'],
    ['/%zz%4', '/%zz%4'],
  ] as const)
    assert.equal(plainPath(target), path, target);
});

test('a request that names another host is judged as if the flow had been opened for it', () => {
  const facts = flow('www.test');
  assert.deepEqual(factsForHost(facts, 'www.test', 7), { ...facts, now: 7 });
  const other = factsForHost(facts, 'cdn.test', 7);
  assert.deepEqual(
    [other.host, other.hostKind, other.hello?.sni, other.now],
    ['cdn.test', 'name', 'cdn.test', 7],
  );
  assert.equal(factsForHost({ ...facts, hello: null }, 'cdn.test', 7).hello, null);
});
