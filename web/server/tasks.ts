/**
 * Work that takes longer than a request: started by one person, asked after by the same, kept ten minutes after its end.
 * Bounds: `MAX_TASKS` remembered, one running for each person; a new one ends the one before.
 */
import { randomBytes } from 'node:crypto';
import type { ReplayView, TaskView } from '../contract.ts';
import { ApiFailure } from './answer.ts';
import type { DeskProgress } from './desk.ts';

interface Task {
  owner: string;
  view: TaskView;
  ended: number | null;
  abort: AbortController;
}

const MAX_TASKS = 50;
const KEPT_MS = 600_000;

export class Tasks {
  readonly #tasks = new Map<string, Task>();
  readonly #now: () => number;

  constructor(now: () => number) {
    this.#now = now;
  }

  /** Begin; returns the id to ask by. Throws `too-many`. */
  start(
    owner: string,
    run: (signal: AbortSignal, onProgress: (progress: DeskProgress) => void) => Promise<ReplayView>,
  ): string {
    this.#forget();
    for (const task of this.#tasks.values())
      if (task.owner === owner && task.ended === null) task.abort.abort();
    if (this.#tasks.size >= MAX_TASKS)
      throw new ApiFailure('too-many', 'Too many replays are kept.', 'Try again in a few minutes.');
    const id = randomBytes(12).toString('hex');
    const task: Task = {
      owner,
      view: { state: 'running', done: 0, at: null, replay: null, error: null },
      ended: null,
      abort: new AbortController(),
    };
    this.#tasks.set(id, task);
    run(task.abort.signal, ({ done, at }) => {
      task.view = { ...task.view, done, at: at === null ? null : new Date(at).toISOString() };
    }).then(
      replay => this.#end(task, { state: 'done', replay, done: replay.flows }),
      (error: unknown) => this.#end(task, { state: 'failed', error: errorOf(error) }),
    );
    return id;
  }

  /** How far it is. Throws `not-found`, also for somebody else's. */
  view(id: string, owner: string): TaskView {
    return this.#find(id, owner).view;
  }

  stop(id: string, owner: string): void {
    this.#find(id, owner).abort.abort();
  }

  #find(id: string, owner: string): Task {
    this.#forget();
    const task = this.#tasks.get(id);
    if (task?.owner === owner) return task;
    throw new ApiFailure('not-found', 'There is no such task any more.', 'Start it again.');
  }

  #end(task: Task, view: Partial<TaskView>): void {
    task.ended = this.#now();
    task.view = { ...task.view, ...view };
  }

  #forget(): void {
    for (const [id, { ended }] of this.#tasks)
      if (ended !== null && this.#now() - ended > KEPT_MS) this.#tasks.delete(id);
  }
}

function errorOf(error: unknown): NonNullable<TaskView['error']> {
  if (error instanceof ApiFailure) return { code: error.code, message: error.message, hint: error.hint };
  return { code: 'internal', message: 'The replay failed.', hint: 'The log of the service has the details.' };
}
