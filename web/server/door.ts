/**
 * The way in and out of the console, the same for every kind of log-in: a new session each time, and an end to the one the
 * browser came with (no fixation). A session that ends takes its live streams with it.
 */
import type { Request, Response } from 'express';
import type { Me } from '../contract.ts';
import { addressOf, meOf, sessionTokens, setSessionCookie } from './auth.ts';
import type { ConsoleDeps, ConsoleUser } from './deps.ts';
import type { LiveHub } from './live.ts';

export interface Door {
  /** Starts a session; the cookie is on the answer. `secure` as of `setSessionCookie`. */
  enter(req: Request, res: Response, user: ConsoleUser, secure?: boolean): Me;
  /** Ends every session whose cookie the request carries. */
  leave(req: Request): void;
}

export function doorOf({ sessions }: Pick<ConsoleDeps, 'sessions'>, live: Pick<LiveHub, 'endSession'>): Door {
  function leave(req: Request): void {
    for (const token of sessionTokens(req)) {
      const session = sessions.get(token, false);
      if (session !== null) live.endSession(session.id);
      sessions.end(token);
    }
  }
  return {
    enter(req, res, user, secure) {
      leave(req);
      const { token, session } = sessions.create(user, addressOf(req));
      setSessionCookie(req, res, token, secure);
      return meOf(token, session);
    },
    leave,
  };
}
