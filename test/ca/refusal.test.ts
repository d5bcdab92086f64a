import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AuthorityRefusal } from '../../ca/refusal.ts';

test('a refusal carries its code, its sentence and its hint apart', () => {
  const refusal = new AuthorityRefusal('corrupt', 'the file is damaged', 'Restore it.');
  assert.ok(refusal instanceof Error);
  assert.deepEqual(
    [refusal.name, refusal.code, refusal.message, refusal.hint],
    ['AuthorityRefusal', 'corrupt', 'the file is damaged', 'Restore it.'],
  );
  assert.equal(refusal.cause, undefined, 'no library error travels along');
});
