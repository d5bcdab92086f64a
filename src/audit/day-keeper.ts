/**
 * Holds the day file that is being written: takes the recorder's lock, opens the newest file, goes on to the next one when the
 * UTC day changes. Days never go back: when the clock does, rows go on into the newest file.
 *
 * The lock is a transaction on a file of its own, which the system drops with the process; so a second recorder on the same
 * folder waits. A new file is made in one transaction together with what it takes over: open flows, bodies that wait
 * for their exchange, cursors of the segments that exist. A file whose making was cut short counts as not there.
 */
import fs from 'node:fs';
import path from 'node:path';
import Database from 'better-sqlite3';
import { carryBodies } from './store/body-shelf.ts';
import { sealOf } from './seal.ts';
import { chainStart, ChainWriter, putChainStart } from './store/chain-writer.ts';
import { DayWriter } from './store/day-writer.ts';
import { newFlow } from './store/open-flows.ts';
import {
  isDamage,
  setAside,
  dayOf,
  dayPath,
  listDays,
  openDayForReading,
  openDayForWriting,
} from './store/schema.ts';
import type { Cursor } from './cursors.ts';
import type { Flows } from './store/open-flows.ts';
import type { Notary } from './notary.ts';
import type { FlowOpenRecord } from '../core/records.ts';

export class DayKeeper {
  private readonly dir: string;
  private lock: Database.Database | null = null;
  /** Another process had the lock when it was last asked for. */
  busy = false;
  /** The file being written; null before `open`. */
  writer: DayWriter | null = null;
  day = '';
  flows: Flows = new Map();

  private readonly notary: Notary | null;

  /** `notary`: signs for the end of a day. */
  constructor(dir: string, notary: Notary | null = null) {
    this.dir = dir;
    this.notary = notary;
  }

  get locked(): boolean {
    return this.lock !== null;
  }

  /** Take the lock; throws while another process holds it. */
  acquire(): void {
    if (this.lock !== null) return;
    this.busy = false;
    fs.mkdirSync(this.dir, { recursive: true, mode: 0o700 });
    const lock = new Database(path.join(this.dir, 'recorder.lock'), { timeout: 0 });
    try {
      lock.exec('BEGIN EXCLUSIVE');
    } catch (error) {
      lock.close();
      this.busy = error instanceof Database.SqliteError && error.code.startsWith('SQLITE_BUSY');
      throw error;
    }
    this.lock = lock;
  }

  /** Open the newest file there is, if any. A sealed one is never written again: then a new file begins. */
  open(): void {
    const newest = listDays(this.dir).findLast(day => this.isMade(day));
    if (newest !== undefined && sealOf(this.dir, newest) === null) this.enter(newest, null, new Map());
  }

  /**
   * Put the damaged file that is being written aside, so that the next batch begins a new one. What the spool still holds is
   * stored again there. Returns day and name; null when there is nothing to put aside.
   */
  setAside(now: number): { day: string; file: string } | null {
    const day = this.writer === null ? listDays(this.dir).at(-1) : this.day;
    this.drop();
    if (day === undefined || sealOf(this.dir, day) !== null) return null;
    const file = setAside(this.dir, day, now);
    return file === null ? null : { day, file };
  }

  /** The writer of the day of `now`; a new day's file takes over from the one before. `cursors`: of existing segments. */
  current(now: number, cursors: ReadonlyMap<string, Cursor>): DayWriter {
    const today = dayOf(now);
    const { writer } = this;
    if (writer !== null && today <= this.day) return writer;
    if (writer !== null) this.endChain(writer, now);
    return this.enter(today, writer, cursors);
  }

  /** Sign what the file's chain holds beyond its last checkpoint. */
  endChain(writer: DayWriter, now: number): void {
    if (this.notary === null || writer.chain.unsigned === 0) return;
    writer.begin();
    const signed = writer.commit(this.notary.signer, now);
    if (signed !== null) this.notary.signed(signed);
  }

  /** Make what was committed durable against power loss: SQLite itself does so only at checkpoints. */
  sync(): void {
    syncLog(dayPath(this.dir, this.day));
  }

  /** Close the file, keep the lock. What was not committed is gone. */
  drop(): void {
    try {
      this.writer?.rollback();
    } catch {
      // A database that cannot even roll back is opened anew by the next batch, which says why it cannot.
    }
    this.writer?.db.close();
    this.writer = null;
  }

  release(): void {
    this.lock?.close();
    this.lock = null;
  }

  private isMade(day: string): boolean {
    try {
      const db = openDayForReading(this.dir, day);
      db?.close();
      return db !== null;
    } catch (error) {
      // The newest one is for the caller to judge; a damaged older one is not written any more.
      if (!isDamage(error) || listDays(this.dir).at(-1) === day) throw error;
      return false;
    }
  }

  private enter(day: string, previous: DayWriter | null, cursors: ReadonlyMap<string, Cursor>): DayWriter {
    const db = openDayForWriting(this.dir, day, made => {
      if (previous !== null) this.carry(previous, made, cursors);
      else this.continueChain(made, day);
    });
    this.flows = new Map();
    for (const row of db.prepare('SELECT flow, start FROM open_flow').all() as {
      flow: number;
      start: string;
    }[])
      this.flows.set(row.flow, newFlow(row.flow, JSON.parse(row.start) as FlowOpenRecord, true));
    if (previous !== null) {
      // The old day is complete: nothing of it stays in its log.
      previous.db.pragma('wal_checkpoint(TRUNCATE)');
      this.sync();
      previous.db.close();
    }
    this.day = day;
    this.writer = new DayWriter(db, day, this.flows);
    return this.writer;
  }

  /** A new file without the writer of the day before: its chain goes on where the newest file before it ends. */
  private continueChain(made: Database.Database, day: string): void {
    const before = listDays(this.dir).findLast(d => d < day && this.isMade(d));
    const db = before === undefined ? null : openDayForReading(this.dir, before);
    if (before === undefined || db === null) return;
    try {
      if (chainStart(db) !== null) putChainStart(made, new ChainWriter(db, before).end());
    } finally {
      db.close();
    }
  }

  private carry(from: DayWriter, to: Database.Database, cursors: ReadonlyMap<string, Cursor>): void {
    const open = to.prepare('INSERT INTO open_flow VALUES (?, ?, ?)');
    for (const [id, flow] of this.flows)
      if (flow.start !== null) open.run(id, JSON.stringify(flow.start), from.exchangesOf(id));
    const cursor = to.prepare('INSERT INTO cursor VALUES (?, ?, ?, ?)');
    for (const [name, c] of cursors) cursor.run(name, c.offset, c.done ? 1 : 0, c.bad ? 1 : 0);
    carryBodies(from.db, to);
    putChainStart(to, from.chain.end());
  }
}

/** Put the write-ahead log of a file on the disk. It carries none of SQLite's file locks, so closing it here drops none. */
function syncLog(file: string): void {
  try {
    const fd = fs.openSync(`${file}-wal`, 'r+');
    try {
      fs.fdatasyncSync(fd);
    } finally {
      fs.closeSync(fd);
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
}
