/**
 * Who is signed in. `SessionGate` asks once at the start and shows set-up, log-in or the console. When a session ends
 * in the middle, log-in comes as a layer over the still mounted console: the address, the scroll positions and
 * everything typed are there again afterwards. Another person logging in gets a fresh console instead.
 */
import { createContext, useContext } from 'react';
import type { Me, Permission } from '../../contract.ts';

export interface Session {
  me: Me;
  version: string;
  can: (permission: Permission) => boolean;
  /** The session was exchanged for another one of the same person. */
  renew: (me: Me) => void;
  signOut: () => void;
}

export const SessionContext = createContext<Session | null>(null);

/** The session of the signed-in person. Only for components below the gate. */
export function useSession(): Session {
  const session = useContext(SessionContext);
  if (session === null) throw new Error('useSession outside SessionGate');
  return session;
}
