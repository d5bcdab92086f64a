import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DeskError } from '../../../web/server/desk.ts';

test('a refusal of the desk says its sentence and keeps code and hint', () => {
  const error = new DeskError({ code: 'too-many', message: 'Other work is running.', hint: 'Wait.' });
  assert.ok(error instanceof Error);
  assert.deepEqual(
    [error.name, error.message, error.refusal.code],
    ['DeskError', 'Other work is running.', 'too-many'],
  );
});
