/**
 * Whether the server answers, as one small store for the whole page. Every request reports here; the banner and the
 * hooks listen. While the link is lost it is probed with a growing pause (1 s to 15 s); when it is back, `epoch` grows
 * and everything that had failed asks again.
 */

export interface LinkState {
  lost: boolean;
  /** When the next probe starts, ms since epoch; null while one runs or none is needed. */
  nextProbe: number | null;
  /** Grows each time the link came back, or a new session began under a page that was open. */
  epoch: number;
}

const FIRST_PAUSE = 1000;
const LONGEST_PAUSE = 15_000;

let state: LinkState = { lost: false, nextProbe: null, epoch: 0 };
let pause = FIRST_PAUSE;
let timer: ReturnType<typeof setTimeout> | undefined;
let probe: () => Promise<unknown> = () => Promise.resolve();
const listeners = new Set<() => void>();

function set(next: Partial<LinkState>): void {
  state = { ...state, ...next };
  for (const tell of listeners) tell();
}

export const link = {
  get: (): LinkState => state,
  subscribe: (tell: () => void): (() => void) => {
    listeners.add(tell);
    return () => listeners.delete(tell);
  },
  /** How to find out whether the server is back; set once by the API client. */
  probeWith(ask: () => Promise<unknown>): void {
    probe = ask;
  },
  /** A request got an answer, whatever it said. */
  answered(): void {
    clearTimeout(timer);
    pause = FIRST_PAUSE;
    if (state.lost) set({ lost: false, nextProbe: null, epoch: state.epoch + 1 });
  },
  /** A request got none. */
  failed(): void {
    clearTimeout(timer);
    timer = setTimeout(() => link.tryNow(), pause);
    set({ lost: true, nextProbe: Date.now() + pause });
    pause = Math.min(pause * 2, LONGEST_PAUSE);
  },
  /** Another session began on this page: what it shows is asked for again. */
  renewed(): void {
    set({ epoch: state.epoch + 1 });
  },
  /** Probe at once; the outcome comes back through `answered` or `failed`. */
  tryNow(): void {
    clearTimeout(timer);
    set({ nextProbe: null });
    probe().catch(() => undefined);
  },
};
