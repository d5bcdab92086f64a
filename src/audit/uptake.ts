/**
 * Trust uptake: which clients have accepted our certificates, under which root, and which have refused, from what was recorded.
 *
 * A flow tells the serial of the leaf that its client was shown; the event `ca.leaf` of that serial tells the root. A client
 * **accepted** when it sent a request under the leaf: a completed handshake alone proves little, TLS 1.3 clients refuse
 * after our side has finished. It **refused** when the flow ended as `client-rejected-leaf`. What did neither (an idle
 * preconnection) counts as neither. Leaves of the authority that nobody trusts are left out: refusing them is right.
 *
 * A leaf of which no event is kept (retention, or a version that did not name the root) stands under no root: it counts as
 * a client seen, never as one that accepts. Clients are addresses: many behind one NAT are one, and under pseudonyms
 * a client counts again in the next period. Software is told by its JA4.
 *
 * Pure: a driver of AuditHistory puts in what its rows say. Bounds: `MAX_LEAVES` leaves (the rest stands under no root) and
 * `MAX_ROWS` rows; further clients are counted as `left`.
 */
import type { AuditHistory, Uptake, UptakeRange, UptakeRow } from './store/history.ts';

const DAY = 86_400_000;
/** The longest life of a leaf: one that a flow was shown was made at most so long before. */
const LEAF_DAYS = 45;
const MAX_LEAVES = 2_000_000;
const MAX_ROWS = 200_000;

/** From when on leaves may have been made that flows since `since` were shown, ms. */
export const leavesSince = (since: number): number => since - LEAF_DAYS * DAY;

/** What an event `ca.leaf` says. */
export interface MadeLeaf {
  serial: string;
  root: string | null;
  trust: string;
}

/** A flow that was shown a leaf, and says something about it. */
export interface ShownLeaf {
  serial: string;
  client: string;
  user: string | null;
  ja4: string | null;
  time: number;
  exchanges: number;
  fault: string | null;
}

/** Adds leaves and flows up: all leaves first. */
export class UptakeTally {
  private readonly range: UptakeRange;
  /** Root by serial; undefined for leaves that nobody trusts. */
  private readonly leaves = new Map<string, string | null | undefined>();
  private readonly rows = new Map<string, UptakeRow>();
  private left = 0;

  constructor(range: UptakeRange) {
    this.range = range;
  }

  leaf({ serial, root, trust }: MadeLeaf): void {
    if (this.leaves.size < MAX_LEAVES) this.leaves.set(serial, trust === 'untrusted' ? undefined : root);
  }

  flow({ serial, client, user, ja4, time, exchanges, fault }: ShownLeaf): void {
    const root = this.leaves.has(serial) ? this.leaves.get(serial) : null;
    if (root === undefined) return;
    const key = JSON.stringify([client, user, ja4, root]);
    let row = this.rows.get(key);
    if (row === undefined) {
      if (this.rows.size >= (this.range.maxRows ?? MAX_ROWS)) {
        this.left++;
        return;
      }
      row = { client, user, ja4, root, accepted: 0, refused: 0, last: time };
      this.rows.set(key, row);
    }
    // Without a verdict, a leaf and no fault: a request at the check host, which records no exchange.
    if (exchanges > 0 || fault === null) row.accepted++;
    else row.refused++;
    row.last = Math.max(row.last, time);
  }

  /** `unread`: days that could not be read. */
  result(unread: Iterable<string>): Uptake {
    const { since, until } = this.range;
    return {
      since,
      until,
      rows: [...this.rows.values()].sort((a, b) => b.last - a.last || (a.client < b.client ? -1 : 1)),
      left: this.left,
      unread: [...unread].sort(),
    };
  }
}

/** How one root is doing: clients that accepted it at least once, and those that did nothing but refuse. */
export interface RootUptake {
  /** Null: leaves of which nobody knows the root any more. */
  root: string | null;
  accepting: number;
  refusing: number;
}

export interface UptakeShares {
  /** Clients that were shown any leaf of ours and answered. */
  clients: number;
  roots: RootUptake[];
}

/** The rows by root, most accepting clients first. */
export function sharesOf(uptake: Pick<Uptake, 'rows'>): UptakeShares {
  const clients = new Set<string>();
  const roots = new Map<string | null, { accepting: Set<string>; refusing: Set<string> }>();
  for (const { client, root, accepted, refused } of uptake.rows) {
    clients.add(client);
    const sets = roots.get(root) ?? { accepting: new Set<string>(), refusing: new Set<string>() };
    roots.set(root, sets);
    if (accepted > 0) sets.accepting.add(client);
    if (refused > 0) sets.refusing.add(client);
  }
  return {
    clients: clients.size,
    roots: [...roots]
      .map(([root, { accepting, refusing }]) => ({
        root,
        accepting: accepting.size,
        refusing: [...refusing].filter(client => !accepting.has(client)).length,
      }))
      .sort((a, b) => b.accepting - a.accepting),
  };
}

/**
 * Of all clients seen in the window (ms) up to `now`, how many accept the root (SHA-256, hex). Null when nothing is recorded
 * at all, or some of it cannot be read: nobody can tell then.
 */
export async function share(
  history: AuditHistory,
  root: string,
  window: number,
  now: number,
): Promise<{ clients: number; accepting: number } | null> {
  if (await history.isEmpty()) return null;
  const uptake = await history.uptake({ since: now - window, until: now + DAY });
  if (uptake.left > 0 || uptake.unread.length > 0) return null;
  const { clients, roots } = sharesOf(uptake);
  return { clients, accepting: roots.find(r => r.root === root)?.accepting ?? 0 };
}
