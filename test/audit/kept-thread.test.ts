/** The pauses between deaths and starts, on a clock of the test; a real thread that dies is in recorder.test.ts. */
import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import { describe, it } from 'node:test';
import { FIRST_PAUSE_MS, KeptThread, LAST_PAUSE_MS, STEADY_MS } from '../../src/audit/kept-thread.ts';

class Actor extends EventEmitter {
  readonly heard: string[] = [];
  terminated = 0;
  postMessage(message: string): void {
    this.heard.push(message);
  }
  terminate(): Promise<number> {
    this.terminated++;
    this.emit('exit', 1);
    return Promise.resolve(1);
  }
  die(message: string): void {
    this.emit('error', new Error(message));
    this.emit('exit', 1);
  }
}

/** A thread on a stage: `wait` lets time pass, `actors` are all that were started. */
function stage() {
  const actors: Actor[] = [];
  const deaths: string[] = [];
  const said: string[] = [];
  let now = 0;
  let due: { at: number; call: () => void } | null = null;
  const thread = new KeptThread<string, string>({
    start: () => {
      const actor = new Actor();
      actors.push(actor);
      return actor;
    },
    onMessage: message => said.push(message),
    onDied: error => deaths.push(error.message),
    now: () => now,
    later: (call, ms) => {
      const mine = { at: now + ms, call };
      due = mine;
      return () => {
        if (due === mine) due = null;
      };
    },
  });
  const wait = (ms: number): void => {
    now += ms;
    if (due === null || due.at > now) return;
    const { call } = due;
    due = null;
    call();
  };
  const last = (): Actor => actors.at(-1) ?? assert.fail('nobody was started');
  return { thread, actors, deaths, said, wait, last, due: () => due };
}

describe('a kept thread', () => {
  it('comes back after pauses that double up to a bound, and its deaths are told once', () => {
    const { thread, actors, deaths, wait, last } = stage();
    const pauses: number[] = [];
    for (let i = 0; i < 9; i++) {
      assert.equal(thread.running, true);
      last().die(`death ${i}`);
      assert.equal(thread.running, false);
      const before = actors.length;
      let paused = 0;
      for (; actors.length === before; paused += 500) wait(500);
      pauses.push(paused);
    }
    assert.deepEqual(
      pauses,
      [1, 2, 4, 8, 16, 32, 60, 60, 60].map(s => s * 1000),
    );
    assert.equal(pauses[0], FIRST_PAUSE_MS);
    assert.equal(pauses.at(-1), LAST_PAUSE_MS);
    assert.deepEqual(deaths, ['death 0']);
  });

  it('that lived long enough begins a new series when it dies', () => {
    const { actors, deaths, wait, last } = stage();
    last().die('young');
    wait(FIRST_PAUSE_MS);
    wait(STEADY_MS - 1);
    last().die('still young');
    wait(FIRST_PAUSE_MS);
    assert.equal(actors.length, 2, 'the pause had grown');
    wait(FIRST_PAUSE_MS);
    assert.equal(actors.length, 3);
    wait(STEADY_MS);
    last().die('old');
    wait(FIRST_PAUSE_MS);
    assert.equal(actors.length, 4, 'the pause is short again');
    assert.deepEqual(deaths, ['young', 'old']);
  });

  it('that ends unasked and without an error has died too', () => {
    const { deaths, last } = stage();
    last().emit('exit', 7);
    assert.deepEqual(deaths, ['the thread ended with exit code 7']);
  });

  it('hears what is posted and is heard; while it is dead nothing is kept for it', () => {
    const { thread, said, wait, last } = stage();
    thread.post('a');
    last().emit('message', 'b');
    assert.deepEqual([last().heard, said], [['a'], ['b']]);
    last().die('now');
    thread.post('lost');
    wait(FIRST_PAUSE_MS);
    assert.deepEqual(last().heard, []);
  });

  it('is asked to stop, not started again, and ended by force only when it takes too long', async () => {
    const polite = stage();
    const leaving = polite.thread.stop('stop', 3000);
    assert.deepEqual(polite.last().heard, ['stop']);
    polite.last().emit('exit', 0);
    await leaving;
    polite.wait(10_000);
    assert.deepEqual([polite.actors.length, polite.last().terminated, polite.deaths], [1, 0, []]);

    const deaf = stage();
    const forced = deaf.thread.stop('stop', 3000);
    deaf.wait(2999);
    assert.equal(deaf.last().terminated, 0);
    deaf.wait(1);
    await forced;
    assert.equal(deaf.last().terminated, 1);

    const dead = stage();
    dead.last().die('before');
    await dead.thread.stop('stop');
    assert.equal(dead.due(), null, 'the start that was to come is called off');
  });
});
