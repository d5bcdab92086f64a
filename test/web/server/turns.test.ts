/** Nobody can have more than so many searches under way; who leaves makes room. */
import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import { describe, it } from 'node:test';
import type { Response } from 'express';
import { ApiFailure } from '../../../web/server/answer.ts';
import { Turns } from '../../../web/server/turns.ts';

const browser = (): Response & { leave(): void } => {
  const res = Object.assign(new EventEmitter(), { destroyed: false, leave: () => res.emit('close') });
  return res as unknown as Response & { leave(): void };
};

/** Work that ends when it is told to. */
function job() {
  let resolve: (value: string) => void = () => undefined;
  const promise = new Promise<string>(done => (resolve = done));
  const seen: AbortSignal[] = [];
  return {
    done: (value: string) => resolve(value),
    seen,
    work: (signal: AbortSignal) => {
      seen.push(signal);
      return promise;
    },
  };
}

describe('turns', () => {
  it('let so many work, so many wait and refuse the next, for each person', async () => {
    const turns = new Turns({ atOnce: 2, waiting: 1 });
    const jobs = [job(), job(), job()];
    const runs = jobs.map(j => turns.run('alice', browser(), j.work));
    await assert.rejects(
      turns.run('alice', browser(), job().work),
      (e: unknown) => e instanceof ApiFailure && e.code === 'too-many',
    );
    assert.equal(await turns.run('bob', browser(), async () => 'at once'), 'at once');
    assert.deepEqual(
      jobs.map(j => j.seen.length),
      [1, 1, 0],
    );
    jobs[0]?.done('first');
    assert.equal(await runs[0], 'first');
    await new Promise(setImmediate);
    assert.equal(jobs[2]?.seen.length, 1, 'the one that waited has its turn');
    jobs[1]?.done('second');
    jobs[2]?.done('third');
    assert.deepEqual(await Promise.all(runs), ['first', 'second', 'third']);
    assert.equal(turns.people, 0);
  });

  it('are given up with the browser, whether they wait or work', async () => {
    const turns = new Turns({ atOnce: 1, waiting: 2 });
    const [first, second, third] = [job(), job(), job()];
    const [one, two, three] = [browser(), browser(), browser()];
    const working = turns.run('alice', one, first.work);
    const waiting = turns.run('alice', two, second.work);
    const last = turns.run('alice', three, third.work);
    two.leave();
    await assert.rejects(waiting, /Nobody waits/);
    one.leave();
    assert.equal(first.seen[0]?.aborted, true);
    first.done('too late');
    await working;
    third.done('third');
    assert.equal(await last, 'third');
    assert.deepEqual([second.seen.length, turns.people], [0, 0]);
  });

  it('pass errors on and are free again', async () => {
    const turns = new Turns({ atOnce: 1, waiting: 0 });
    await assert.rejects(
      turns.run('alice', browser(), () => Promise.reject(new Error('broken'))),
      /broken/,
    );
    assert.equal(await turns.run('alice', browser(), async () => 'fine'), 'fine');
  });
});
