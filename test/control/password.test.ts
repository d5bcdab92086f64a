import assert from 'node:assert/strict';
import { scryptSync } from 'node:crypto';
import { test } from 'node:test';
import { checkPassword, DEFAULT_COST, HashBusyError, hashPassword } from '../../src/control/password.ts';

const cheap = { logN: 4, r: 8, p: 1 };

test('the default cost is N = 2^15 or more and node:crypto agrees with the encoding', async () => {
  assert.ok(DEFAULT_COST.logN >= 15);
  const encoded = await hashPassword('correct horse battery');
  const [scheme, logN, r, p, salt, hash] = encoded.split('$');
  assert.deepEqual([scheme, logN, r, p], ['scrypt', '15', '8', '3']);
  const again = scryptSync('correct horse battery', Buffer.from(salt ?? '', 'base64url'), 32, {
    N: 2 ** 15,
    r: 8,
    p: 3,
    maxmem: 2 ** 27,
  });
  assert.equal(hash, again.toString('base64url'));
  assert.equal(await checkPassword('correct horse battery', encoded), true);
});

test('no two hashes of a password are alike, both prove it, neither proves another', async () => {
  const [a, b] = await Promise.all([hashPassword('secret', cheap), hashPassword('secret', cheap)]);
  assert.notEqual(a, b);
  assert.equal(await checkPassword('secret', a), true);
  assert.equal(await checkPassword('secret', b), true);
  assert.equal(await checkPassword('Secret', a), false);
  assert.equal(await checkPassword('', a), false);
});

test('a damaged encoding is an error, never a match', async () => {
  for (const broken of ['', 'plain', 'bcrypt$1$2$3$4$5', 'scrypt$4$8$1'])
    await assert.rejects(checkPassword('secret', broken), /unknown password encoding/);
  assert.equal(await checkPassword('secret', 'scrypt$4$8$1$AAAA$'), false);
});

test('beyond the bound checks are refused as busy, and the queue empties', async () => {
  const all = await Promise.allSettled(Array.from({ length: 100 }, () => hashPassword('secret', cheap)));
  const busy = all.filter(r => r.status === 'rejected');
  assert.equal(busy.length, 100 - 66);
  assert.ok(busy.every(r => r.reason instanceof HashBusyError));
  assert.match(await hashPassword('secret', cheap), /^scrypt/);
});
