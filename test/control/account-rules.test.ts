import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AccountError, checkedUser } from '../../src/control/account-rules.ts';
import type { NewUser } from '../../src/control/account-rules.ts';

const GOOD = 'correct horse battery';

test('names are folded, doubles removed, order kept', () => {
  assert.deepEqual(
    checkedUser({
      name: ' A.Smith@Corp-1 ',
      roles: ['viewer', 'proxy', 'viewer'],
      groups: ['B', 'a', 'B'],
      password: GOOD,
    }),
    { name: 'a.smith@corp-1', roles: ['viewer', 'proxy'], groups: ['B', 'a'] },
  );
});

test('refused, each with its code, a sentence and a hint', () => {
  const user = (more: Partial<NewUser>): NewUser => ({
    name: 'bob',
    roles: ['viewer'],
    password: GOOD,
    ...more,
  });
  const table: [string, NewUser][] = [
    ...['', '<script>', 'a b', '-a', '.a', 'a\nb', 'ä', 'a'.repeat(65)].map((name): [string, NewUser] => [
      'bad-name',
      user({ name }),
    ]),
    ['bad-name', user({ groups: ['a\nb'] })],
    ['bad-role', user({ roles: ['root'] })],
    ['bad-role', user({ roles: ['toString'] })],
    ['bad-role', user({ roles: [] })],
    ['bad-password', user({ password: 'short' })],
    ['bad-password', user({ password: '😀'.repeat(6) })],
    ['bad-password', user({ password: 'aaaaaaaaaaaaaaaa' })],
    ['bad-password', user({ password: 'abcd'.repeat(80) })],
    ['bad-password', user({ name: 'bobbobbobbob1', password: 'BobBobBobBob1' })],
  ];
  for (const [code, wanted] of table)
    assert.throws(
      () => checkedUser(wanted),
      (error: unknown) => error instanceof AccountError && error.code === code && error.hint !== '',
      JSON.stringify(wanted),
    );
});
