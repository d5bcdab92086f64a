/**
 * The trail's hash chain: the same links and checkpoints as the records have (audit/chain.ts), so that a changed, missing or forged
 * line shows as well. A line's canonical form is `trail <time> <user> <address> <action> <detail>` and its number in the
 * chain its id. Lines from before the chain stay outside.
 *
 * Several processes append (the service, the command line), so the last link is read in the transaction that writes the
 * next. Only the service holds the key: it signs what came in, every minute.
 */
import { canonical, digestOf, GENESIS, nextLink } from '../audit/chain.ts';
import { checkpointDigest, readCheckpoint, signCheckpoint } from '../audit/checkpoint.ts';
import { merkleRoot } from '../audit/merkle.ts';
import { isSignedBy } from '../audit/statement.ts';
import { Findings } from '../audit/verify/finding.ts';
import type { KeyObject } from 'node:crypto';
import type { Signer } from '../audit/statement.ts';
import type { Finding } from '../audit/verify/finding.ts';
import type { ControlDb } from './control-db.ts';

/** A line of the trail as it is stored. */
export interface TrailLine {
  id: number;
  /** ms since epoch. */
  time: number;
  user: string | null;
  address: string;
  action: string;
  detail: string;
}

export const LINE = 'SELECT id, time, user, address, action, detail FROM trail';

export const lineDigest = (line: Omit<TrailLine, 'id'>): string =>
  digestOf(canonical('trail', [line.time, line.user, line.address, line.action, line.detail]));

/** Chain a line that was just written, as it is read back; in its transaction. */
export function chainLine(db: ControlDb, id: number): void {
  const last = db.prepare('SELECT link FROM trail_link ORDER BY id DESC LIMIT 1').pluck().get();
  const line = db.prepare(`${LINE} WHERE id = ?`).get(id) as TrailLine;
  db.prepare('INSERT INTO trail_link (id, link) VALUES (?, ?)').run(
    id,
    nextLink((last as string | undefined) ?? GENESIS, lineDigest(line)),
  );
}

/** Sign the lines since the last checkpoint, when there are any. True when it signed. */
export function signTrail(db: ControlDb, signer: Signer, now: number): boolean {
  return db
    .transaction(() => {
      const last = db.prepare('SELECT n, statement FROM trail_checkpoint ORDER BY n DESC LIMIT 1').get() as
        { n: number; statement: string } | undefined;
      const covered = last === undefined ? null : readCheckpoint(last.statement);
      const lines = db
        .prepare(`${LINE} JOIN trail_link USING (id) WHERE id > ? ORDER BY id LIMIT ?`)
        .all(covered?.last ?? 0, MAX_LINES) as TrailLine[];
      const [first, newest] = [lines.at(0), lines.at(-1)];
      if (first === undefined || newest === undefined) return false;
      const n = (last?.n ?? 0) + 1;
      const signed = signCheckpoint(signer, {
        day: 'trail',
        number: n,
        previous: checkpointDigest(last?.statement ?? null),
        first: first.id,
        last: newest.id,
        before: covered?.link ?? GENESIS,
        link: db.prepare('SELECT link FROM trail_link WHERE id = ?').pluck().get(newest.id) as string,
        root: merkleRoot(lines.map(lineDigest)),
        time: now,
      });
      db.prepare('INSERT INTO trail_checkpoint (n, statement, signature) VALUES (?, ?, ?)').run(
        n,
        signed.statement,
        signed.signature,
      );
      return true;
    })
    .immediate();
}
/** Lines of one checkpoint; what is beyond waits for the next. */
const MAX_LINES = 10_000;

export interface TrailReport {
  lines: number;
  unchained: number;
  checkpoints: number;
  unsigned: number;
  findings: Finding[];
}

/** Whether this `control.db` has a chained trail: older ones get it when the service opens them. */
export const isTrailChained = (db: ControlDb): boolean =>
  db.prepare(`SELECT 1 FROM sqlite_schema WHERE name = 'trail_link'`).get() !== undefined;

/** Verify the trail of an open `control.db` with the public key. */
export function verifyTrail(db: ControlDb, key: KeyObject): TrailReport {
  const findings = new Findings('trail');
  const links = new Map(
    (db.prepare('SELECT id, link FROM trail_link').all() as { id: number; link: string }[]).map(r => [
      r.id,
      r.link,
    ]),
  );
  const firstChained = Math.min(...links.keys());
  const report: TrailReport = {
    lines: 0,
    unchained: 0,
    checkpoints: 0,
    unsigned: 0,
    findings: findings.list,
  };
  let link = GENESIS;
  const digests = new Map<number, string>();
  const actual = new Map<number, string>();
  for (const line of db.prepare(`${LINE} ORDER BY id`).iterate() as Iterable<TrailLine>) {
    if (line.id < firstChained) {
      report.unchained++;
      continue;
    }
    report.lines++;
    const name = { kind: 'trail', id: String(line.id), time: line.time, seq: line.id } as const;
    const stored = links.get(line.id);
    links.delete(line.id);
    if (stored === undefined) {
      findings.add('inserted', `trail line ${line.id} was never chained`, name);
      continue;
    }
    const digest = lineDigest(line);
    if (nextLink(link, digest) !== stored)
      findings.add('changed', `trail line ${line.id} is not what it was, or the one before it is gone`, name);
    digests.set(line.id, digest);
    actual.set(line.id, stored);
    link = stored;
  }
  for (const id of links.keys())
    findings.add('missing', `trail line ${id} is gone`, { kind: 'trail', id: String(id), seq: id });
  checkCheckpoints(db, key, digests, actual, findings, report);
  return report;
}

function checkCheckpoints(
  db: ControlDb,
  key: KeyObject,
  digests: ReadonlyMap<number, string>,
  links: ReadonlyMap<number, string>,
  findings: Findings,
  report: TrailReport,
): void {
  let previous: string | null = null;
  let number = 0;
  let covered = 0;
  for (const row of db.prepare('SELECT n, statement, signature FROM trail_checkpoint ORDER BY n').all() as {
    n: number;
    statement: string;
    signature: Buffer;
  }[]) {
    report.checkpoints++;
    const c = readCheckpoint(row.statement);
    if (c?.day !== 'trail' || !isSignedBy(row, key))
      findings.add('signature', `trail checkpoint ${row.n} is not signed by this key`);
    else {
      if (c.number !== number + 1 || c.previous !== checkpointDigest(previous))
        findings.add('missing', `trail checkpoint ${c.number} does not follow the one before it`, {
          seq: c.first,
        });
      const leaves = [...digests].filter(([id]) => id >= c.first && id <= c.last).map(([, digest]) => digest);
      if (links.get(c.last) === undefined)
        findings.add('truncated', `trail checkpoint ${c.number} signed lines up to ${c.last}`, {
          seq: c.last,
        });
      else if (links.get(c.last) !== c.link || merkleRoot(leaves) !== c.root)
        findings.add(
          'chain',
          `trail lines ${c.first} to ${c.last} are not those that checkpoint ${c.number} signed`,
          {
            seq: c.first,
          },
        );
      covered = c.last;
      number = c.number;
    }
    previous = row.statement;
  }
  report.unsigned = [...digests.keys()].filter(id => id > covered).length;
}
