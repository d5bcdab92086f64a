/**
 * The service's own log: one line of JSON an event on standard error, for journald and friends. It never carries
 * captured bytes, keys or credentials; what happens to flows is in the audit store, not here.
 */
export const LEVELS = ['error', 'warn', 'info', 'debug'] as const;
export type Level = (typeof LEVELS)[number];

export interface Log {
  (level: Level, event: string, detail?: Record<string, unknown>): void;
}

/** A log that writes lines at or above `level` through `write`. */
export function createLog(level: Level, write: (line: string) => void, now: () => number = Date.now): Log {
  const most = LEVELS.indexOf(level);
  return (at, event, detail = {}) => {
    if (LEVELS.indexOf(at) > most) return;
    const own = { time: new Date(now()).toISOString(), level: at, event };
    // Named again last: a detail of the same name (events carry their time as a number) must not replace ours.
    write(`${JSON.stringify({ ...own, ...detail, ...own })}\n`);
  };
}
