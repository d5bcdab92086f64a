/**
 * The drivers of AuditStore behind one face for the contract suite: records go into a spool, as a worker leaves them, and are
 * carried into the store by what carries them in the product.
 */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { Ingest } from '../../../src/audit/ingest.ts';
import { directRoad, Pump } from '../../../src/audit/fleet/pump.ts';
import { Intake } from '../../../src/audit/fleet/intake.ts';
import { spoolIdentity } from '../../../src/audit/fleet/identity.ts';
import { SpoolSource } from '../../../src/audit/fleet/spool-source.ts';
import { openSpool } from '../../../src/audit/spool.ts';
import { retain } from '../../../src/audit/retention.ts';
import { openStore } from '../../../src/audit/store/sqlite.ts';
import { PostgresStore } from '../../../src/audit/store/postgres/postgres.ts';
import { PostgresWriter } from '../../../src/audit/store/postgres/writer.ts';
import type { StoreSettings } from '../../../src/control/fleet.ts';
import { recordsIn } from '../../helpers/records-in.ts';
import { NOON } from '../sample.ts';
import type { PostgresTarget } from '../../../src/audit/store/postgres/connect.ts';
import type { SpoolWriter } from '../../../src/audit/spool.ts';
import type { AuditStore } from '../../../src/audit/store/store.ts';

/** Name in the fleet under which every driver keeps its records. */
const MACHINE = 'edge-1';

export interface Driver {
  readonly store: AuditStore;
  /** The clock of ingestion, ms. */
  now: number;
  /** Whether producers count as living. */
  alive: boolean;
  spool(producer: number): SpoolWriter;
  /** Carry over all that is in the spool. */
  drain(): Promise<void>;
  /** Forget everything in memory, as after a kill. */
  restart(): Promise<void>;
  /** Segments that are still there. */
  segments(): string[];
  spoolDir: string;
  /** Delete days of records older than this many days. */
  retain(days: number): Promise<void>;
  /** Settings of a machine whose records these are. */
  readonly settings: StoreSettings;
  /** Text ids as this driver gives them, of ids as records give them. */
  id(own: string): string;
  close(): Promise<void>;
}

abstract class Base {
  readonly dir = fs.mkdtempSync(path.join(os.tmpdir(), 'sightglass-contract-'));
  readonly spoolDir = path.join(this.dir, 'spool');
  now = NOON;
  alive = true;
  private readonly spools: SpoolWriter[] = [];

  spool(producer: number): SpoolWriter {
    const spool = openSpool({ dir: this.spoolDir, producer, maxSegment: 256 * 1024 });
    this.spools.push(spool);
    return spool;
  }

  segments(): string[] {
    return fs.existsSync(this.spoolDir) ? fs.readdirSync(this.spoolDir).filter(n => n.endsWith('.seg')) : [];
  }

  protected settingsOf(flags: Record<string, string>): StoreSettings {
    return recordsIn(this.dir, { 'fleet.name': MACHINE, ...flags });
  }

  protected cleanUp(): void {
    for (const spool of this.spools) spool.close();
    fs.rmSync(this.dir, { recursive: true, force: true });
  }
}

class SqliteDriver extends Base implements Driver {
  private readonly auditDir = path.join(this.dir, 'audit');
  private ingest = this.open();
  store = openStore({ dir: this.auditDir, proxy: MACHINE });
  readonly settings = this.settingsOf({});

  private open(): Ingest {
    const { spoolDir, auditDir } = this;
    return new Ingest({ spoolDir, auditDir, now: () => this.now, isAlive: () => this.alive });
  }

  async drain(): Promise<void> {
    for (;;) {
      const step = this.ingest.step();
      if (step.rows === 0 && !step.more) break;
    }
  }

  async restart(): Promise<void> {
    this.ingest.close();
    this.ingest = this.open();
  }

  async retain(days: number): Promise<void> {
    retain({ dir: this.auditDir, days, now: this.now });
  }

  id(own: string): string {
    return own;
  }

  async close(): Promise<void> {
    this.ingest.close();
    await this.store.close();
    this.cleanUp();
  }
}

class PostgresDriver extends Base implements Driver {
  private readonly target: PostgresTarget;
  private writer: PostgresWriter;
  private pump: Pump;
  readonly store: PostgresStore;
  readonly settings: StoreSettings;

  constructor(target: PostgresTarget) {
    super();
    this.target = target;
    const { user, host, port, database } = target.address;
    this.settings = this.settingsOf({
      'audit.store': `postgres://${user}@${host}:${port}/${database}`,
      'audit.store-password-file': target.passwordFile ?? '',
    });
    this.store = new PostgresStore(target);
    [this.writer, this.pump] = this.open();
  }

  private open(): [PostgresWriter, Pump] {
    const writer = new PostgresWriter({ target: this.target, now: () => this.now });
    const source = new SpoolSource({
      spoolDir: this.spoolDir,
      shared: false,
      now: () => this.now,
      isAlive: () => this.alive,
    });
    const road = directRoad(new Intake(writer), { name: MACHINE, spool: spoolIdentity(this.spoolDir) });
    return [writer, new Pump(source, road, this.spoolDir)];
  }

  async drain(): Promise<void> {
    while ((await this.pump.step()).more);
    // Once more for producers that were seen dead by the last look.
    while ((await this.pump.step()).more);
  }

  async restart(): Promise<void> {
    await this.writer.close();
    [this.writer, this.pump] = this.open();
  }

  async retain(days: number): Promise<void> {
    await this.writer.retain({ days }, () => undefined);
  }

  /** The first proxy of an empty database has the number 1. */
  id(own: string): string {
    return `1-${own}`;
  }

  async close(): Promise<void> {
    await this.writer.close();
    await this.store.close();
    this.cleanUp();
  }
}

export const sqliteDriver = async (): Promise<Driver> => new SqliteDriver();
export const postgresDriver = async (target: PostgresTarget): Promise<Driver> => new PostgresDriver(target);
