import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ApiFailure } from '../../../web/server/answer.ts';
import { Tasks } from '../../../web/server/tasks.ts';

test('a task is its owner’s, tells how far it is, gives way to the next and is forgotten', async () => {
  let now = 0;
  const tasks = new Tasks(() => now);
  const signals: AbortSignal[] = [];
  const never = (signal: AbortSignal, onProgress: (p: { done: number; at: number | null }) => void) => {
    signals.push(signal);
    onProgress({ done: 7, at: 0 });
    return new Promise<never>((_, reject) =>
      signal.addEventListener('abort', () => reject(new ApiFailure('unavailable', 'It was stopped.', ''))),
    );
  };
  const first = tasks.start('ann', never);
  assert.deepEqual(
    [tasks.view(first, 'ann').state, tasks.view(first, 'ann').done, tasks.view(first, 'ann').at],
    ['running', 7, '1970-01-01T00:00:00.000Z'],
  );
  assert.throws(() => tasks.view(first, 'bob'), ApiFailure);
  assert.throws(() => tasks.stop(first, 'bob'), ApiFailure);
  const second = tasks.start('ann', never);
  assert.equal(signals[0]?.aborted, true);
  tasks.stop(second, 'ann');
  await new Promise(resolve => setImmediate(resolve));
  assert.equal(tasks.view(second, 'ann').error?.message, 'It was stopped.');
  now = 600_001;
  assert.throws(() => tasks.view(second, 'ann'), ApiFailure);
});
