/**
 * The worker's side of what only the control process can do: minting leaves and checking credentials. Questions go out
 * with a number and are answered by it.
 *
 * Bound: `limits.mint-queue` questions may wait; the next one is refused with `mint-busy`. A question that is not
 * answered in time, and every question once the control process is gone, is refused with `control-gone`.
 */
import { Fault } from '../core/faults.ts';
import type { CredentialCheck, IssuedLeaf, LeafAsk, LeafIssuer } from '../core/ports.ts';
import type { FromWorker, ToWorker } from './messages.ts';

export type Send = (message: FromWorker) => boolean;

interface Waiting {
  settle: (answer: ToWorker) => void;
  refuse: (fault: Fault) => void;
  deadline: number;
}

const ANSWER_MS = 15_000;

export class ControlLink {
  readonly #send: Send;
  readonly #bound: number;
  readonly #waiting = new Map<number, Waiting>();
  #next = 1;
  #gone = false;

  constructor(send: Send, bound: number) {
    this.#send = send;
    this.#bound = bound;
  }

  /** Feed every message of the control process; true when it was an answer. */
  answer(message: ToWorker): boolean {
    if (message.kind !== 'leaf' && message.kind !== 'credentials' && message.kind !== 'refused') return false;
    const waiting = this.#waiting.get(message.id);
    this.#waiting.delete(message.id);
    if (message.kind === 'refused') waiting?.refuse(new Fault(message.code, message.detail));
    else waiting?.settle(message);
    return true;
  }

  /** The control process is gone: nobody will answer any more. */
  disconnect(): void {
    this.#gone = true;
    for (const w of this.#waiting.values()) w.refuse(new Fault('control-gone'));
    this.#waiting.clear();
  }

  /** Call now and then: refuses what waited too long. */
  expire(now: number): void {
    for (const [id, w] of this.#waiting) {
      if (w.deadline > now) break;
      this.#waiting.delete(id);
      w.refuse(new Fault('control-gone', 'no answer in time'));
    }
  }

  ask(question: (id: number) => FromWorker): Promise<ToWorker> {
    if (this.#gone) return Promise.reject(new Fault('control-gone'));
    if (this.#waiting.size >= this.#bound) return Promise.reject(new Fault('mint-busy'));
    const id = this.#next++;
    return new Promise((settle, refuse) => {
      this.#waiting.set(id, { settle, refuse, deadline: Date.now() + ANSWER_MS });
      this.#send(question(id));
    });
  }
}

export function remoteIssuer(link: ControlLink): LeafIssuer {
  return {
    async issue(ask: LeafAsk): Promise<IssuedLeaf> {
      const answer = await link.ask(id => ({ kind: 'leaf', id, ask }));
      if (answer.kind !== 'leaf') throw new Fault('internal', 'unexpected answer to a leaf ask');
      return answer.leaf;
    },
  };
}

export function remoteCredentials(link: ControlLink, required: boolean): CredentialCheck {
  return {
    required,
    async verify(user, password, client) {
      try {
        const answer = await link.ask(id => ({ kind: 'credentials', id, user, password, client }));
        if (answer.kind !== 'credentials') return { outcome: 'unavailable' };
        return answer.outcome === 'ok'
          ? { outcome: 'ok', groups: answer.groups }
          : { outcome: answer.outcome };
      } catch {
        // Full queue, no control process: nobody can tell now.
        return { outcome: 'unavailable' };
      }
    },
  };
}
