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
 * Synchronous, a sweep over the days asked for; who must not be held up runs it in a thread. Bounds: `MAX_LEAVES` leaves
 * (the rest stands under no root) and `MAX_ROWS` rows; further clients are counted as `left`. Days that cannot be read are named.
 */
import { dayOf, listDays, openDayForReading } from './store/schema.ts';

export interface UptakeRow {
  client: string;
  user: string | null;
  /** Fingerprint of the software, or null. */
  ja4: string | null;
  /** SHA-256 of the root, hex; null when nobody knows any more. */
  root: string | null;
  /** Flows in which the client sent requests under the leaf, and in which it refused it. */
  accepted: number;
  refused: number;
  /** Accept time of the last of them, ms. */
  last: number;
}

export interface Uptake {
  since: number;
  until: number;
  /** Latest first. */
  rows: UptakeRow[];
  /** Flows of clients beyond the bound. */
  left: number;
  /** Days that could not be read. */
  unread: string[];
}

export interface UptakeOptions {
  /** Folder of the day files. */
  dir: string;
  /** Accept time, inclusive and exclusive, ms. */
  since: number;
  until: number;
  /** Default 200,000. */
  maxRows?: number;
}

const DAY = 86_400_000;
/** The longest life of a leaf: one that a flow was shown was made at most so long before. */
const LEAF_DAYS = 45;
const MAX_LEAVES = 2_000_000;
const MAX_ROWS = 200_000;

const LEAVES = `SELECT json_extract(detail, '$.serial') AS serial, json_extract(detail, '$.root') AS root,
  json_extract(detail, '$.trust') AS trust FROM event WHERE name = 'ca.leaf'`;
const FLOWS = `SELECT o.client, o.user, l.ja4, x.time, x.exchanges, l.fault,
  json_extract(x.detail, '$.leafSerial') AS serial
  FROM flow x JOIN who o ON o.id = x.who JOIN lane l ON l.id = x.lane
  WHERE x.time >= ? AND x.time < ? AND (x.exchanges > 0 OR l.fault = 'client-rejected-leaf' OR (l.action IS NULL AND l.fault IS NULL))
  AND json_extract(x.detail, '$.leafSerial') IS NOT NULL`;

interface FlowColumns {
  client: string;
  user: string | null;
  ja4: string | null;
  time: number;
  exchanges: number;
  fault: string | null;
  serial: string;
}

/** Read the uptake of a time range. A missing folder gives an empty one. */
export function readUptake(options: UptakeOptions): Uptake {
  const { dir, since, until, maxRows = MAX_ROWS } = options;
  const unread = new Set<string>();
  const leaves = new Map<string, string | null | undefined>();
  // Rows are stored under the day of ingestion, which is that of the record or later.
  sweep(dir, since - LEAF_DAYS * DAY, unread, db => {
    const all = db.prepare<[], { serial: string; root: string | null; trust: string }>(LEAVES).iterate();
    for (const { serial, root, trust } of all)
      if (leaves.size < MAX_LEAVES) leaves.set(serial, trust === 'untrusted' ? undefined : root);
  });
  const rows = new Map<string, UptakeRow>();
  let left = 0;
  sweep(dir, since, unread, db => {
    for (const flow of db.prepare<[number, number], FlowColumns>(FLOWS).iterate(since, until)) {
      const { client, user, ja4, time } = flow;
      const root = leaves.has(flow.serial) ? leaves.get(flow.serial) : null;
      if (root === undefined) continue;
      const key = JSON.stringify([client, user, ja4, root]);
      let row = rows.get(key);
      if (row === undefined) {
        if (rows.size >= maxRows) {
          left++;
          continue;
        }
        row = { client, user, ja4, root, accepted: 0, refused: 0, last: time };
        rows.set(key, row);
      }
      // Without a verdict, a leaf and no fault: a request at the check host, which records no exchange.
      if (flow.exchanges > 0 || flow.fault === null) row.accepted++;
      else row.refused++;
      row.last = Math.max(row.last, time);
    }
  });
  return {
    since,
    until,
    rows: [...rows.values()].sort((a, b) => b.last - a.last || (a.client < b.client ? -1 : 1)),
    left,
    unread: [...unread].sort(),
  };
}

function sweep(
  dir: string,
  since: number,
  unread: Set<string>,
  read: (db: NonNullable<ReturnType<typeof openDayForReading>>) => void,
): void {
  const first = dayOf(since);
  for (const day of listDays(dir)) {
    if (day < first) continue;
    try {
      const db = openDayForReading(dir, day);
      if (db === null) continue;
      try {
        read(db);
      } finally {
        db.close();
      }
    } catch {
      unread.add(day);
    }
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
export function share(
  dir: string,
  root: string,
  window: number,
  now: number,
): { clients: number; accepting: number } | null {
  if (listDays(dir).length === 0) return null;
  const uptake = readUptake({ dir, since: now - window, until: now + DAY });
  if (uptake.left > 0 || uptake.unread.length > 0) return null;
  const { clients, roots } = sharesOf(uptake);
  return { clients, accepting: roots.find(r => r.root === root)?.accepting ?? 0 };
}
